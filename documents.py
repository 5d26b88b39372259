"""API documents as plain dictionaries: reading, writing, converting, comparing.

The service publishes Swagger 2.0, `spec/` holds OpenAPI 3.0.3. `to_openapi3` turns the one into the other, `facts` says
what either of them promises, and `diff` puts the difference of two into words. Every key must be known: a document
that says something new is refused with the place, never read over. Rendering code is codegen.py's business, not ours.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError

Document = dict[str, Any]
Facts = dict[str, dict[str, dict[str, Any]]]

METHODS = ("delete", "get", "head", "patch", "post", "put")
TYPES = ("array", "boolean", "integer", "number", "object", "string")
MESSAGE_TYPES = ("application/json", "application/octet-stream", "text/plain")
ANSWER_TYPES = ("application/json", "text/json", "text/plain")
EXAMPLE_HOST = "https://my-service.webpubsub.azure.com"

SCHEMA_KEYS = (
    "type format description items properties required additionalProperties default enum x-ms-enum "
    "minimum maximum minLength maxLength pattern"
)
MAPS_OF_NAMES = "paths properties parameters requestBodies responses schemas headers content variables"
KEY_ORDER = (
    "openapi info servers tags paths components title version url operationId tags summary name in description "
    "x-ms-pageable parameters requestBodies responses schemas requestBody headers content style explode schema type "
    "format required x-published-as-optional properties additionalProperties items "
    "minimum maximum minLength maxLength pattern enum x-ms-enum default"
)


class DocumentError(ValueError):
    """A document that cannot be used; the message is one line and names the place."""


# Reading and writing


def load(path: str | Path) -> Document:
    """Read a JSON or YAML document.

    Raises:
        DocumentError: The file cannot be read or does not hold a mapping.
    """
    try:
        text = Path(path).read_text("utf-8")
        if text.lstrip().startswith("{"):
            document = json.loads(text, object_pairs_hook=_without_duplicates)
        else:
            document = YAML(typ="safe").load(text)
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    except (ValueError, YAMLError) as error:
        raise DocumentError(f"{path}: not a JSON or YAML document: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise DocumentError(f"{path}: not an API document")
    return document


def dump_yaml(document: Document) -> str:
    """Write a document as YAML: keys in a fixed order, one blank line between paths."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda *_: True
    out = StringIO()
    yaml.dump(_arranged(document), out)
    return re.sub(r"\n(?=(?:paths|components):|  /)", "\n\n", out.getvalue()).replace("paths:\n\n", "paths:\n")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"duplicate key {min(twice)!r}")
    return dict(pairs)


def _arranged(node: Any, *, names: bool = False) -> Any:
    """Order the keys of every object; a map whose keys are names stays as it is."""
    if isinstance(node, list):
        items = CommentedSeq(_arranged(item) for item in node)
        if all(isinstance(item, str) for item in node):
            items.fa.set_flow_style()
        return items
    if not isinstance(node, dict):
        return node
    known = [] if names else KEY_ORDER.split()
    keys = sorted(node, key=lambda key: known.index(key) if key in known else len(known))
    return {key: _arranged(node[key], names=not names and key in MAPS_OF_NAMES.split()) for key in keys}


# Places in a document


def _at(where: str, *keys: str | int) -> str:
    return "/".join([where, *(str(key).replace("~", "~0").replace("/", "~1") for key in keys)])


def _fail(where: str, problem: str) -> NoReturn:
    raise DocumentError(f"{where}: {problem}")


def _only(node: Any, allowed: str, where: str) -> None:
    """Refuse anything but an object whose keys are all known."""
    if not isinstance(node, dict):
        _fail(where, "an object is expected here")
    for key in node:
        if key not in allowed.split():
            _fail(where, f"unknown key {key!r}")


def _follow(document: Document, node: Document, where: str) -> Document:
    """Return what a `$ref` stands for, or the node itself when it is none."""
    seen = []
    while "$ref" in node:
        reference = node["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#/") or reference in seen:
            _fail(where, f"{reference!r} is not a reference within the document")
        seen.append(reference)
        target: Any = document
        for key in reference[2:].split("/"):
            target = target.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            _fail(where, f"{reference} leads nowhere")
        node = target
    return node


def _operations(document: Document) -> Iterator[tuple[str, str, Document, list[Document]]]:
    """Yield path, method, operation and all parameters, resolved, of an OpenAPI 3 document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                where = _at("#/paths", path, method)
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                yield path, method, item[method], [_follow(document, each, where) for each in parameters]


# From Swagger 2.0 to OpenAPI 3.0.3


def to_openapi3(document: Document) -> Document:
    """Turn an official document into one that codegen.py can render.

    Beyond the change of format, operations get the names and tags of this library, `api-version` gets its default,
    enumerations a name of their own, messages one schema per media type, and what is repeated moves to `components`.
    No fact is lost: `diff` of the document and the result is empty. An OpenAPI 3 document goes the same way.

    Raises:
        DocumentError: The document says something that is not known here, contradicts itself or cannot be rendered.
    """
    result = _checked(document)
    _refuse_unrenderable(result)
    _name_operations(result)
    _default_api_version(result)
    _hoist_enums(result)
    _split_messages(result)
    _share_repeated(result)
    return result


def _upgraded(document: Document) -> Document:
    if "swagger" not in document:
        if not str(document.get("openapi", "")).startswith("3.0."):
            _fail("#", "neither Swagger 2.0 nor OpenAPI 3.0")
        return copy.deepcopy(document)
    if document["swagger"] != "2.0":
        _fail("#/swagger", f"version {document['swagger']} is not 2.0")
    _only(document, "swagger info tags consumes produces paths parameters definitions x-ms-parameterized-host", "#")
    schemas = {
        name: _upgraded_schema(schema, _at("#/definitions", name))
        for name, schema in document.get("definitions", {}).items()
    }
    return {
        "openapi": "3.0.3",
        "info": dict(document.get("info", {})),
        "servers": _upgraded_host(document.get("x-ms-parameterized-host")),
        "paths": {
            path: _upgraded_path_item(document, item, _at("#/paths", path))
            for path, item in document.get("paths", {}).items()
        },
        "components": {"schemas": schemas},
    }


def _upgraded_host(host: Document | None) -> list[Document]:
    if host is None:
        return []
    where = "#/x-ms-parameterized-host"
    _only(host, "hostTemplate useSchemePrefix parameters", where)
    name = str(host.get("hostTemplate", "")).strip("{}")
    if host.get("useSchemePrefix") is not False or host.get("hostTemplate") != f"{{{name}}}":
        _fail(where, "only a host that is one parameter, scheme included, is supported")
    return [{"url": host["hostTemplate"], "variables": {name: {"default": EXAMPLE_HOST}}}]


def _upgraded_path_item(document: Document, item: Document, where: str) -> Document:
    _only(item, " ".join(("parameters", *METHODS)), where)
    result: Document = {}
    for key, value in item.items():
        if key == "parameters":
            result[key] = [
                _upgraded_parameter(_follow(document, each, where), _at(where, key, index))
                for index, each in enumerate(value)
            ]
        else:
            result[key] = _upgraded_operation(document, value, key, _at(where, key))
    return result


def _upgraded_operation(document: Document, operation: Document, method: str, where: str) -> Document:
    _only(
        operation,
        "operationId tags summary description consumes produces parameters responses x-ms-pageable x-ms-examples",
        where,
    )
    result: Document = {
        key: operation[key]
        for key in ("operationId", "tags", "summary", "description", "x-ms-pageable")
        if key in operation
    }
    media_types: Document = {"consumes": [], "produces": [], **document, **operation}
    for index, entry in enumerate(operation.get("parameters", [])):
        place = _at(where, "parameters", index)
        parameter = _follow(document, entry, place)
        if parameter.get("in") != "body":
            result.setdefault("parameters", []).append(_upgraded_parameter(parameter, place))
        elif "requestBody" in result:
            _fail(place, "a second body")
        else:
            result["requestBody"] = _upgraded_body(parameter, media_types["consumes"], place)
    produces = [] if method == "head" else media_types["produces"]
    result["responses"] = {
        status: _upgraded_response(response, produces, _at(where, "responses", status))
        for status, response in operation.get("responses", {}).items()
    }
    return result


def _upgraded_parameter(parameter: Document, where: str) -> Document:
    _only(parameter, f"name in description required collectionFormat {SCHEMA_KEYS} example", where)
    result: Document = {key: parameter[key] for key in ("name", "in", "description", "required") if key in parameter}
    if parameter.get("in") not in ("path", "query"):
        _fail(where, f"{parameter.get('in')} parameters are not supported")
    if parameter.get("type") == "array":
        style = {"multi": "form", "csv": "form", "ssv": "spaceDelimited", "pipes": "pipeDelimited"}
        separated = parameter.get("collectionFormat", "csv")
        if separated not in style:
            _fail(where, f"lists in the format {separated!r} are not supported")
        result |= {"style": style[separated], "explode": separated == "multi"}
    elif "collectionFormat" in parameter:
        _fail(where, "collectionFormat on something that is not a list")
    schema = {key: value for key, value in parameter.items() if key not in (*result, "collectionFormat")}
    return result | {"schema": _upgraded_schema(schema, where)}


def _upgraded_body(parameter: Document, consumes: list[str], where: str) -> Document:
    _only(parameter, "name in description required schema", where)
    if not consumes or "schema" not in parameter:
        _fail(where, "a body needs a schema and a media type")
    result = {key: parameter[key] for key in ("description", "required") if key in parameter}
    schema = _upgraded_schema(parameter["schema"], _at(where, "schema"))
    return result | {"content": {each: {"schema": copy.deepcopy(schema)} for each in sorted(consumes)}}


def _upgraded_response(response: Document, produces: list[str], where: str) -> Document:
    """Convert one answer. To HEAD nothing is ever produced, whatever schema the document may mention."""
    _only(response, "description schema headers x-ms-error-response", where)
    result: Document = {"description": response.get("description", "")}
    if response.get("x-ms-error-response") and where.rpartition("/")[2].startswith("2"):
        _fail(where, "an answer of success that is an error")
    for name, header in response.get("headers", {}).items():
        place = _at(where, "headers", name)
        _only(header, "description type format x-ms-client-name", place)
        schema = {key: header[key] for key in ("type", "format") if key in header}
        described = {key: header[key] for key in ("description",) if key in header}
        result.setdefault("headers", {})[name] = described | {"schema": schema}
    if "schema" in response and produces:
        schema = _upgraded_schema(response["schema"], _at(where, "schema"))
        result["content"] = {each: {"schema": copy.deepcopy(schema)} for each in sorted(produces)}
    return result


def _upgraded_schema(schema: Document, where: str) -> Document:
    if "$ref" in schema:
        _only(schema, "$ref description", where)
        return {"$ref": str(schema["$ref"]).replace("#/definitions/", "#/components/schemas/", 1)}
    _only(schema, f"{SCHEMA_KEYS} example", where)
    result = {key: copy.deepcopy(value) for key, value in schema.items() if key != "example"}
    if "items" in schema:
        result["items"] = _upgraded_schema(schema["items"], _at(where, "items"))
    if "properties" in schema:
        result["properties"] = {
            name: _upgraded_schema(each, _at(where, "properties", name)) for name, each in schema["properties"].items()
        }
    return result


# What an OpenAPI 3 document may say


def _checked(document: Document) -> Document:
    """Convert a document if need be and refuse every key that is not known."""
    document = _upgraded(document)
    _only(document, "openapi info servers tags paths components", "#")
    _only(document.get("info"), "title version description", "#/info")
    if not isinstance(document["info"].get("version"), str):
        _fail("#/info/version", "a version in quotes is expected here")
    for index, server in enumerate(document.setdefault("servers", [])):
        _only(server, "url description variables", f"#/servers/{index}")
    components = document.setdefault("components", {})
    _only(components, "parameters requestBodies responses schemas", "#/components")
    checks = (
        ("parameters", _check_parameter),
        ("requestBodies", _check_body),
        ("responses", _check_response),
        ("schemas", _check_schema),
    )
    for kind, check in checks:
        for name, component in components.get(kind, {}).items():
            check(document, component, _at("#/components", kind, name))
    for path, item in document.get("paths", {}).items():
        where = _at("#/paths", path)
        _only(item, " ".join(("parameters", *METHODS)), where)
        for index, parameter in enumerate(item.get("parameters", [])):
            _check_parameter(document, parameter, _at(where, "parameters", index))
        for method in METHODS:
            if method in item:
                _check_operation(document, item[method], _at(where, method))
    for path, method, _, parameters in _operations(document):
        _check_parameter_names(path, parameters, _at("#/paths", path, method))
    return document


def _is_reference(document: Document, node: Any, kind: str, where: str) -> bool:
    if not isinstance(node, dict) or "$ref" not in node:
        return False
    _only(node, "$ref", where)
    if not str(node["$ref"]).startswith(f"#/components/{kind}/"):
        _fail(where, f"{node['$ref']} is not one of components/{kind}")
    _follow(document, node, where)
    return True


def _check_operation(document: Document, operation: Document, where: str) -> None:
    _only(operation, "operationId tags summary description parameters requestBody responses x-ms-pageable", where)
    _only(operation.get("x-ms-pageable", {}), "nextLinkName itemName", _at(where, "x-ms-pageable"))
    for index, parameter in enumerate(operation.get("parameters", [])):
        _check_parameter(document, parameter, _at(where, "parameters", index))
    if "requestBody" in operation:
        _check_body(document, operation["requestBody"], _at(where, "requestBody"))
    if not operation.get("responses"):
        _fail(where, "an operation needs answers")
    for status, response in operation["responses"].items():
        place = _at(where, "responses", status)
        if not re.fullmatch(r"[1-5]\d\d|default", str(status)) or not isinstance(status, str):
            _fail(place, "a status in quotes or 'default' is expected here")
        _check_response(document, response, place)


def _check_parameter_names(path: str, parameters: list[Document], where: str) -> None:
    in_path = {each["name"] for each in parameters if each["in"] == "path"}
    if in_path != set(re.findall(r"{(\w+)}", path)):
        _fail(where, "the path and its parameters do not match")
    names = [_snake(each["name"]) for each in parameters]
    for name in names:
        if names.count(name) > 1:
            _fail(where, f"two parameters are called {name}")


def _check_parameter(document: Document, parameter: Document, where: str) -> None:
    if _is_reference(document, parameter, "parameters", where):
        return
    _only(parameter, "name in required description style explode schema", where)
    if parameter.get("in") not in ("path", "query") or not isinstance(parameter.get("name"), str):
        _fail(where, "a path or query parameter is expected here")
    if parameter["in"] == "path" and parameter.get("required") is not True:
        _fail(where, "a path parameter must be required")
    if "schema" not in parameter:
        _fail(where, "a parameter needs a schema")
    _check_schema(document, parameter["schema"], _at(where, "schema"))


def _check_body(document: Document, body: Document, where: str) -> None:
    if _is_reference(document, body, "requestBodies", where):
        return
    _only(body, "description required content", where)
    _check_content(document, body.get("content"), _at(where, "content"))


def _check_response(document: Document, response: Document, where: str) -> None:
    if _is_reference(document, response, "responses", where):
        return
    _only(response, "description headers content", where)
    for name, header in response.get("headers", {}).items():
        place = _at(where, "headers", name)
        _only(header, "description schema", place)
        _check_schema(document, header.get("schema"), _at(place, "schema"))
    if "content" in response:
        _check_content(document, response["content"], _at(where, "content"))


def _check_content(document: Document, content: Any, where: str) -> None:
    if not content or not isinstance(content, dict):
        _fail(where, "media types are expected here")
    for media_type, each in content.items():
        place = _at(where, media_type)
        _only(each, "schema", place)
        _check_schema(document, each.get("schema"), _at(place, "schema"))


def _check_schema(document: Document, schema: Any, where: str) -> None:
    if _is_reference(document, schema, "schemas", where):
        return
    _only(schema, f"{SCHEMA_KEYS} nullable x-published-as-optional", where)
    if "type" in schema and schema["type"] not in TYPES:
        _fail(where, f"the type {schema['type']!r} is not supported")
    if not isinstance(schema.get("additionalProperties", True), bool):
        _fail(where, "additionalProperties with a schema are not supported")
    _only(schema.get("x-ms-enum", {}), "name modelAsString", _at(where, "x-ms-enum"))
    if schema.get("type") == "array":
        _check_schema(document, schema.get("items"), _at(where, "items"))
    for name, each in schema.get("properties", {}).items():
        _check_schema(document, each, _at(where, "properties", name))


def _refuse_unrenderable(document: Document) -> None:
    """Refuse what a document may say but the generated code could not do."""
    for path, method, operation, parameters in _operations(document):
        where = _at("#/paths", path, method)
        for parameter in parameters:
            is_list = _follow(document, parameter["schema"], where).get("type") == "array"
            if is_list and _collection_format(parameter) != "multi":
                _fail(where, f"the list {parameter['name']} must repeat its name ({_collection_format(parameter)})")
        body = _follow(document, operation.get("requestBody", {}), where)
        unknown = sorted({*body.get("content", {})} - {*MESSAGE_TYPES})
        for response in operation["responses"].values():
            content = _follow(document, response, where).get("content", {})
            unknown += sorted({*content} - {*ANSWER_TYPES})
            if content and "application/json" not in content:
                _fail(where, "an answer with content must have a JSON form")
        if unknown:
            _fail(where, f"the media type {unknown[0]} is not supported")


# Corrections


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\W+", "_", name).lower()


def _name_operations(document: Document) -> None:
    places: dict[str, str] = {}
    for path, method, operation, _ in _operations(document):
        where = _at("#/paths", path, method)
        name = str(operation.get("operationId", ""))
        if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name):
            name = _snake(name.rpartition("_")[2])
        if not name.isidentifier():
            _fail(where, f"{operation.get('operationId')!r} gives no name")
        if name in places:
            _fail(where, f"the name {name} is taken by {places[name]}")
        places[name] = where
        operation["operationId"] = name
        operation["tags"] = [_tag(path, where)]
    used = dict.fromkeys(operation["tags"][0] for _, _, operation, _ in _operations(document))
    document.setdefault("tags", [{"name": tag} for tag in used])


def _tag(path: str, where: str) -> str:
    if path == "/api/health":
        return "health"
    parts = path.removeprefix("/api/hubs/{hub}/").split("/")
    if parts[0] in ("connections", "groups", "permissions", "users"):
        return parts[0]
    if len(parts) == 1 and parts[0].startswith(":"):
        return "hub"
    _fail(where, "the path belongs to no tag known here")


def _default_api_version(document: Document) -> None:
    version = document["info"]["version"]
    for path, method, _, parameters in _operations(document):
        for parameter in parameters:
            if parameter["name"] == "api-version" and parameter["schema"].setdefault("default", version) != version:
                _fail(_at("#/paths", path, method), "the default of api-version is not the version of the document")


def _hoist_enums(document: Document) -> None:
    schemas = document["components"].setdefault("schemas", {})

    def walk(node: Any, where: str) -> None:
        for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
            place = _at(where, key)
            if isinstance(child, dict) and isinstance(child.get("enum"), list) and where != "#/components/schemas":
                node[key] = {"$ref": hoisted(child, place)}
            elif isinstance(child, dict | list):
                walk(child, place)

    def hoisted(enum: Document, where: str) -> str:
        name = enum.get("x-ms-enum", {}).get("name")
        if not name:
            _fail(where, "an enumeration needs a name (x-ms-enum)")
        if _without_prose(schemas.setdefault(name, enum)) != _without_prose(enum):
            _fail(where, f"another schema is called {name}, but differs")
        return f"#/components/schemas/{name}"

    walk(document, "#")


def _split_messages(document: Document) -> None:
    for path, method, operation, _ in _operations(document):
        body = _follow(document, operation.get("requestBody", {}), _at("#/paths", path, method))
        for media_type, each in body.get("content", {}).items():
            each["schema"] = _message_schema(media_type, each["schema"])


def _message_schema(media_type: str, schema: Document) -> Document:
    """Say what `binary` means: any JSON value, any text, or any bytes."""
    if schema != {"type": "string", "format": "binary"}:
        return schema
    return {"application/json": {}, "text/plain": {"type": "string"}}.get(media_type, schema)


def _share_repeated(document: Document) -> None:
    """Move parameters, messages and errors that occur more than once to `components`."""
    groups: dict[tuple[str, str, str], list[tuple[Any, Any]]] = {}
    for item in document["paths"].values():
        for kind, name, holder, key in _shareable(item):
            if "$ref" not in holder[key]:
                same = json.dumps(_without_prose(holder[key]), sort_keys=True)
                groups.setdefault((kind, name, same), []).append((holder, key))
    for (kind, name, _), places in groups.items():
        if len(places) > 1 and name not in document["components"].get(kind, {}):
            holder, key = places[0]
            document["components"].setdefault(kind, {})[name] = holder[key]
            for holder, key in places:
                holder[key] = {"$ref": f"#/components/{kind}/{name}"}


def _shareable(item: Document) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield what may be shared: kind and name of the component, and where it stands now."""
    operations = [item[method] for method in METHODS if method in item]
    for parameters in (each.get("parameters", []) for each in (item, *operations)):
        for index, parameter in enumerate(parameters):
            name = re.sub(r"\W+(\w)", lambda match: match[1].upper(), parameter.get("name", ""))
            yield "parameters", name, parameters, index
    for operation in operations:
        if len(operation.get("requestBody", {}).get("content", {})) > 1:
            yield "requestBodies", "Message", operation, "requestBody"
        if "default" in operation["responses"]:
            name = "Error" if "content" in operation["responses"]["default"] else "ErrorWithoutBody"
            yield "responses", name, operation["responses"], "default"


def _without_prose(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key != "description" or not isinstance(value, str)}
    return {key: _without_prose(value) for key, value in kept.items()}


# Comparing


def facts(document: Document) -> Facts:
    """List what a document promises, in a form that compares equal however it is written.

    The result maps a section ("POST /api/hubs/{hub}/:send", "schema GroupMember") to its entries ("query filter",
    "status 204") to their facts. Not facts: prose, examples, names of operations, tags, parameters that are bodies and
    the host variable, the order of anything, an `api-version` default that repeats the version of the document, what
    a HEAD answer would contain. `spec/README.md` lists the encodings that count as the same.
    """
    document = _checked(document)
    result: Facts = {"service": {}}
    for server in document["servers"]:
        result["service"]["host " + re.sub(r"{\w+}", "{}", server["url"])] = {}
    for path, method, operation, parameters in _operations(document):
        where = _at("#/paths", path, method)
        result[f"{method.upper()} {path}"] = {
            **_parameter_facts(document, parameters, where),
            **_body_facts(document, operation, where),
            **_answer_facts(document, operation, method, where),
        }
    for name, schema in document["components"].get("schemas", {}).items():
        if schema.get("type") == "object":
            result[f"schema {name}"] = _object_facts(document, schema, _at("#/components/schemas", name))
    return result


def _parameter_facts(document: Document, parameters: list[Document], where: str) -> dict[str, dict[str, Any]]:
    result = {}
    for parameter in parameters:
        said = _schema_facts(document, parameter["schema"], where)
        if parameter["name"] == "api-version" and said.get("default") == document["info"]["version"]:
            del said["default"]
        if said["type"].startswith("list of"):
            said["collectionFormat"] = _collection_format(parameter)
        said["required"] = parameter.get("required", False)
        result[f"{parameter['in']} {parameter['name']}"] = said
    return result


def _collection_format(parameter: Document) -> str:
    style = str(parameter.get("style", "form"))
    if parameter.get("explode", style == "form"):
        return "multi"
    return {"form": "csv", "spaceDelimited": "ssv", "pipeDelimited": "pipes"}.get(style, style)


def _body_facts(document: Document, operation: Document, where: str) -> dict[str, dict[str, Any]]:
    if "requestBody" not in operation:
        return {}
    body = _follow(document, operation["requestBody"], where)
    result: dict[str, dict[str, Any]] = {"body": {"required": body.get("required", False)}}
    for media_type, each in body["content"].items():
        result[f"body {media_type}"] = _schema_facts(document, _message_schema(media_type, each["schema"]), where)
    return result


def _answer_facts(document: Document, operation: Document, method: str, where: str) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    for status, entry in operation["responses"].items():
        response = _follow(document, entry, where)
        result[f"status {status}"] = {}
        for name, header in response.get("headers", {}).items():
            result[f"status {status} header {name.lower()}"] = _schema_facts(document, header["schema"], where)
        for media_type, each in response.get("content", {}).items() if method != "head" else ():
            result[f"status {status} {media_type}"] = _schema_facts(document, each["schema"], where)
    if "x-ms-pageable" in operation:
        result["paging"] = {"itemName": "value", **operation["x-ms-pageable"]}
    return result


def _object_facts(document: Document, schema: Document, where: str) -> dict[str, dict[str, Any]]:
    required = {*schema.get("required", [])} - {*schema.get("x-published-as-optional", [])}
    result = {"object": {"additionalProperties": schema.get("additionalProperties", True)}}
    for name, each in schema.get("properties", {}).items():
        result[f"property {name}"] = {**_schema_facts(document, each, where), "required": name in required}
    return result


def _schema_facts(document: Document, schema: Document, where: str) -> dict[str, Any]:
    """Describe a schema. Objects are told by name and compared once; any other reference is followed."""
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = _follow(document, schema, where)
    if name and schema.get("type") == "object":
        return {"type": name}
    not_facts = ("description", "type", "items", "enum", "x-ms-enum", "properties")
    result = {"type": "any", **{key: value for key, value in schema.items() if key == "type" or key not in not_facts}}
    if "items" in schema:
        item = _schema_facts(document, schema["items"], where)
        result["type"] = f"list of {item.pop('type')}"
        result |= {f"item {key}": value for key, value in item.items()}
    if "enum" in schema:
        result["enum"] = sorted(schema["enum"])
        result["open"] = schema.get("x-ms-enum", {}).get("modelAsString", False)
    if "properties" in schema:
        result["properties"] = _object_facts(document, schema, where)
    return result


def diff(a: Document, b: Document) -> list[str]:
    """Say what has to change in `a` to promise what `b` does, line by line; no lines if nothing has to."""
    before, after = facts(a), facts(b)
    lines = []
    for section in sorted({*before, *after}, key=_reading_order):
        if section not in before:
            lines.append(f"added   {section}")
        elif section not in after:
            lines.append(f"removed {section}")
        elif before[section] != after[section]:
            lines.append(f"changed {section}")
            lines += _entry_lines(before[section], after[section])
    return lines


def _reading_order(section: str) -> tuple[bool, str, str]:
    method, _, rest = section.partition(" ")
    return method == "schema", rest, method


def _entry_lines(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> Iterator[str]:
    for entry in dict.fromkeys((*before, *after)):
        old, new = before.get(entry), after.get(entry)
        if new is None:
            yield f"  - {entry}"
        elif old is None:
            yield f"  + {entry}" + (f": {_in_words(new)}" if new else "")
        elif old != new:
            keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
            yield f"  ~ {entry}: " + ", ".join(f"{key} {_text(old.get(key))} -> {_text(new.get(key))}" for key in keys)


def _in_words(said: dict[str, Any]) -> str:
    """Write the facts of one entry, for example "integer int32, minimum 0, optional"."""
    first = " ".join(str(said[key]) for key in ("type", "format") if key in said)
    limits = [f"{key} {_text(value)}" for key, value in said.items() if key not in ("type", "format", "required")]
    last = {True: ["required"], False: ["optional"]}.get(said.get("required", ""), [])
    return ", ".join(part for part in (first, *limits, *last) if part)


def _text(value: object) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)
