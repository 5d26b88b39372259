"""API documents as plain dictionaries: reading, writing, converting, comparing.

The service publishes Swagger 2.0, `spec/` holds OpenAPI 3.0.3. `to_openapi3` turns the one into the other, `facts` says
what either of them promises, and `diff` puts the difference of two into words. What a document may say at all is
in grammar.py, rendering code is codegen.py's business.
"""

from __future__ import annotations

import copy
import json
import re
import textwrap
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import FoldedScalarString

from rendering.grammar import (
    METHODS,
    OPENAPI,
    SWAGGER,
    Document,
    DocumentError,
    at,
    check_parameters,
    conform,
    fail,
    follow,
    operations,
    snake,
)

__all__ = ["Document", "DocumentError", "Facts", "diff", "dump_yaml", "facts", "load", "renderable", "to_openapi3"]

Facts = dict[str, dict[str, dict[str, Any]]]

MESSAGE_TYPES = ("application/json", "application/octet-stream", "text/plain")
ANSWER_TYPES = ("application/json", "text/json", "text/plain")
EXAMPLE_HOST = "https://my-service.webpubsub.azure.com"

KEY_ORDER = (
    "openapi info servers title version url operationId tags paths components summary name in description type format "
    "required x-published-as-optional x-ms-pageable parameters requestBodies requestBody responses schemas headers "
    "content style explode schema properties additionalProperties items "
    "minimum maximum minLength maxLength pattern enum x-ms-enum default"
)
MAPS_OF_NAMES = ("paths", "properties", "parameters", "requestBodies", "responses", "schemas", "headers", "content")


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


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"duplicate key {twice[0]!r}")
    return dict(pairs)


def dump_yaml(document: Document) -> str:
    """Write a document as YAML: keys in a fixed order, long text folded, a blank line before every path."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda *_: True
    out = StringIO()
    yaml.dump(_arranged(document), out)
    return re.sub(r"\n(?=(?:paths|components):|  /)", "\n\n", out.getvalue()).replace("paths:\n\n", "paths:\n")


def _arranged(node: Any, *, names: bool = False, depth: int = 0) -> Any:
    """Order the keys of every object, except where keys are names, and fold long text."""
    if isinstance(node, str):
        return _folded(node, 118 - 2 * depth)
    if isinstance(node, list):
        items = CommentedSeq(_arranged(item, depth=depth + 2) for item in node)
        if all(isinstance(item, str) for item in node):
            items.fa.set_flow_style()
        return items
    if not isinstance(node, dict):
        return node
    keys = list(node) if names else sorted(node, key=lambda key: [*KEY_ORDER.split(), key].index(key))
    return {key: _arranged(node[key], names=not names and key in MAPS_OF_NAMES, depth=depth + 1) for key in keys}


def _folded(text: str, width: int) -> Any:
    if len(text) <= width - 12 or "\n" in text:
        return text
    folded = FoldedScalarString(text)
    folded.fold_pos = []
    end = -1
    for line in textwrap.wrap(text, width)[:-1]:
        end += len(line) + 1
        folded.fold_pos.append(end)
    return folded


# From Swagger 2.0 to OpenAPI 3.0.3


def to_openapi3(document: Document) -> Document:
    """Turn an official document into one that codegen.py can render.

    Beyond the change of format, operations get the names and tags of this library, `api-version` gets its default,
    enumerations a name of their own, messages one schema per media type, and what is repeated moves to `components`.
    No fact is lost: `diff` of the document and the result is empty. The prose of Swagger documents is left out.
    An OpenAPI 3 document takes the same way.

    Raises:
        DocumentError: The document says something that is not known here, contradicts itself or cannot be rendered.
    """
    result = renderable(document)
    _name_operations(result)
    _default_api_version(result)
    _hoist_enums(result)
    _split_messages(result)
    _share_repeated(result)
    return result


def renderable(document: Document) -> Document:
    """Copy a document as OpenAPI 3, or stop at the first thing in it that rendering would not do justice.

    Raises:
        DocumentError: The document says something that is not known here, contradicts itself or cannot be rendered.
    """
    result = _understood(document)
    _refuse_unrenderable(result)
    return result


def _understood(document: Document) -> Document:
    """Copy a document as OpenAPI 3, or stop at the first thing in it that is not known here."""
    if "swagger" in document:
        if document["swagger"] != "2.0":
            fail("#/swagger", f"version {document['swagger']} is not 2.0")
        conform(document, document, "document", SWAGGER, "#")
        document = _upgraded(document)
    elif not str(document.get("openapi", "")).startswith("3.0."):
        fail("#", "neither Swagger 2.0 nor OpenAPI 3.0")
    document = {"servers": [], "components": {}, **copy.deepcopy(document)}
    conform(document, document, "document", OPENAPI, "#")
    if not isinstance(document["info"]["version"], str):
        fail("#/info/version", "a version in quotes is expected here")
    for path, _, operation, parameters, where in operations(document):
        check_parameters(path, parameters, where)
        for status in operation["responses"]:
            if not isinstance(status, str) or not re.fullmatch(r"[1-5]\d\d|default", status):
                fail(at(where, "responses", status), "a status in quotes or 'default' is expected here")
    return document


def _upgraded(document: Document) -> Document:
    """Convert a Swagger 2.0 document, without its prose, which is not ours."""
    return {
        "openapi": "3.0.3",
        "info": {key: document["info"][key] for key in ("title", "version")},
        "servers": _upgraded_host(document),
        "paths": {
            path: _upgraded_path(document, item, at("#/paths", path)) for path, item in document["paths"].items()
        },
        "components": {
            "schemas": {name: _upgraded_schema(schema) for name, schema in document.get("definitions", {}).items()}
        },
    }


def _upgraded_host(document: Document) -> list[Document]:
    if "x-ms-parameterized-host" not in document:
        return []
    host = document["x-ms-parameterized-host"]
    name = re.fullmatch(r"{(\w+)}", host["hostTemplate"])
    if not name or host["useSchemePrefix"] is not False:
        fail("#/x-ms-parameterized-host", "only a host that is one parameter, scheme included, is supported")
    return [{"url": host["hostTemplate"], "variables": {name[1]: {"default": EXAMPLE_HOST}}}]


def _upgraded_path(document: Document, item: Document, where: str) -> Document:
    result: Document = {}
    for key, value in item.items():
        if key == "parameters":
            resolved = [follow(document, each, where) for each in value]
            result[key] = [_upgraded_parameter(each, where) for each in resolved]
        else:
            result[key] = _upgraded_operation(document, value, key, at(where, key))
    return result


def _upgraded_operation(document: Document, operation: Document, method: str, where: str) -> Document:
    result: Document = {key: operation[key] for key in ("operationId", "x-ms-pageable") if key in operation}
    media_types: Document = {"consumes": [], "produces": [], **document, **operation}
    for parameter in (follow(document, each, where) for each in operation.get("parameters", [])):
        if parameter["in"] != "body":
            result.setdefault("parameters", []).append(_upgraded_parameter(parameter, where))
        elif "requestBody" in result or "schema" not in parameter or not media_types["consumes"]:
            fail(where, "there must be one body, with a schema and a media type")
        else:
            content = _upgraded_content(parameter["schema"], media_types["consumes"])
            result["requestBody"] = {"required": parameter.get("required", False), "content": content}
    produces = [] if method == "head" else media_types["produces"]
    result["responses"] = {
        status: _upgraded_response(response, produces, at(where, "responses", status))
        for status, response in operation["responses"].items()
    }
    return result


def _upgraded_parameter(parameter: Document, where: str) -> Document:
    result: Document = {key: parameter[key] for key in ("name", "in", "required") if key in parameter}
    if parameter.get("type") == "array":
        style = {"multi": "form", "csv": "form", "ssv": "spaceDelimited", "pipes": "pipeDelimited"}
        separated = parameter.get("collectionFormat", "csv")
        if separated not in style:
            fail(where, f"lists in the format {separated!r} are not supported")
        result |= {"style": style[separated], "explode": separated == "multi"}
    schema = {key: value for key, value in parameter.items() if key not in (*result, "collectionFormat")}
    return result | {"schema": _upgraded_schema(schema)}


def _upgraded_response(response: Document, produces: list[str], where: str) -> Document:
    if response.get("x-ms-error-response") and where[-3:-2] in "123":
        fail(where, "an answer of success cannot be an error")
    result: Document = {"description": ""}
    if "headers" in response:
        result["headers"] = {
            name: {"schema": {key: header[key] for key in ("type", "format") if key in header}}
            for name, header in response["headers"].items()
        }
    if "schema" in response and produces:
        result["content"] = _upgraded_content(response["schema"], produces)
    return result


def _upgraded_content(schema: Document, media_types: list[str]) -> Document:
    return {each: {"schema": _upgraded_schema(schema)} for each in sorted(media_types)}


def _upgraded_schema(schema: Document) -> Document:
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace("#/definitions/", "#/components/schemas/", 1)}
    result = {key: value for key, value in schema.items() if key not in ("description", "example")}
    if "items" in schema:
        result["items"] = _upgraded_schema(schema["items"])
    if "properties" in schema:
        result["properties"] = {name: _upgraded_schema(each) for name, each in schema["properties"].items()}
    return result


# Corrections


def _refuse_unrenderable(document: Document) -> None:
    """Refuse what a document may say but the generated code could not do."""
    for _, _, operation, parameters, where in operations(document):
        for parameter in parameters:
            is_list = follow(document, parameter["schema"], where).get("type") == "array"
            if is_list and _collection_format(parameter) != "multi":
                fail(where, f"the list {parameter['name']} must repeat its name ({_collection_format(parameter)})")
        body = follow(document, operation.get("requestBody", {}), where)
        unknown = sorted({*body.get("content", {})} - {*MESSAGE_TYPES})
        for response in operation["responses"].values():
            content = follow(document, response, where).get("content", {})
            unknown += sorted({*content} - {*ANSWER_TYPES})
            if content and "application/json" not in content:
                fail(where, "an answer with content must have a JSON form")
        if unknown:
            fail(where, f"the media type {unknown[0]} is not supported")


def _name_operations(document: Document) -> None:
    places: dict[str, str] = {}
    for path, _, operation, _, where in operations(document):
        name = str(operation.get("operationId", ""))
        if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name):
            name = snake(name.rpartition("_")[2])
        if not name.isidentifier():
            fail(where, f"{operation.get('operationId')!r} gives no name")
        if name in places:
            fail(where, f"the name {name} is taken by {places[name]}")
        places[name] = where
        operation["operationId"] = name
        operation["tags"] = [_tag(path, where)]
    used = dict.fromkeys(operation["tags"][0] for _, _, operation, _, _ in operations(document))
    document.setdefault("tags", [{"name": tag} for tag in used])


def _tag(path: str, where: str) -> str:
    if path == "/api/health":
        return "health"
    first, _, rest = path.removeprefix("/api/hubs/{hub}/").partition("/")
    if first.startswith(":") and not rest:
        return "hub"
    if first not in ("connections", "groups", "permissions", "users"):
        fail(where, "the path belongs to no tag known here")
    return first


def _default_api_version(document: Document) -> None:
    version = document["info"]["version"]
    for _, _, _, parameters, where in operations(document):
        for parameter in parameters:
            if parameter["name"] == "api-version" and parameter["schema"].setdefault("default", version) != version:
                fail(where, "the default of api-version is not the version of the document")


def _hoist_enums(document: Document) -> None:
    schemas = document["components"].setdefault("schemas", {})

    def walk(node: Any, where: str) -> None:
        for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
            place = at(where, key)
            if isinstance(child, dict) and isinstance(child.get("enum"), list) and where != "#/components/schemas":
                node[key] = {"$ref": hoisted(child, place)}
            elif isinstance(child, dict | list):
                walk(child, place)

    def hoisted(enum: Document, where: str) -> str:
        name = enum.get("x-ms-enum", {}).get("name")
        if not name:
            fail(where, "an enumeration needs a name (x-ms-enum)")
        if _without_prose(schemas.setdefault(name, enum)) != _without_prose(enum):
            fail(where, f"another schema is called {name}, but differs")
        return f"#/components/schemas/{name}"

    walk(document, "#")


def _split_messages(document: Document) -> None:
    for _, _, operation, _, where in operations(document):
        body = follow(document, operation.get("requestBody", {}), where)
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
    sharing = [item[method] for method in METHODS if method in item]
    for parameters in (each.get("parameters", []) for each in (item, *sharing)):
        for index, parameter in enumerate(parameters):
            name = re.sub(r"\W+(\w)", lambda match: match[1].upper(), parameter.get("name", ""))
            yield "parameters", name, parameters, index
    for operation in sharing:
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
    document = _understood(document)
    result: Facts = {"service": {}}
    for server in document["servers"]:
        result["service"]["host " + re.sub(r"{\w+}", "{}", server["url"])] = {}
    for path, method, operation, parameters, where in operations(document):
        result[f"{method.upper()} {path}"] = {
            **_parameter_facts(document, parameters, where),
            **_body_facts(document, operation, where),
            **_answer_facts(document, operation, method, where),
        }
    for name, schema in document["components"].get("schemas", {}).items():
        if schema.get("type") == "object":
            result[f"schema {name}"] = _object_facts(document, schema, at("#/components/schemas", name))
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
    if style == "form" and parameter.get("explode", True):
        return "multi"
    return {"form": "csv", "spaceDelimited": "ssv", "pipeDelimited": "pipes"}.get(style, style)


def _body_facts(document: Document, operation: Document, where: str) -> dict[str, dict[str, Any]]:
    if "requestBody" not in operation:
        return {}
    body = follow(document, operation["requestBody"], where)
    result: dict[str, dict[str, Any]] = {"body": {"required": body.get("required", False)}}
    for media_type, each in body["content"].items():
        result[f"body {media_type}"] = _schema_facts(document, _message_schema(media_type, each["schema"]), where)
    return result


def _answer_facts(document: Document, operation: Document, method: str, where: str) -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = {}
    for status, entry in operation["responses"].items():
        response = follow(document, entry, where)
        answer = "any other status" if status == "default" else f"status {status}"
        result[answer] = {}
        for name, header in response.get("headers", {}).items():
            result[f"{answer} header {name.lower()}"] = _schema_facts(document, header["schema"], where)
        for media_type, each in response.get("content", {}).items() if method != "head" else ():
            result[f"{answer} as {media_type}"] = _schema_facts(document, each["schema"], where)
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
    schema = follow(document, schema, where)
    if name and schema.get("type") == "object":
        return {"type": name}
    said = {key: value for key, value in schema.items() if key not in ("description", "items", "enum", "x-ms-enum")}
    result = {"type": "any", **said}
    if "items" in schema:
        item = _schema_facts(document, schema["items"], where)
        result["type"] = f"list of {item.pop('type')}"
        result |= {f"item {key}": value for key, value in item.items()}
    if "enum" in schema:
        result["enum"] = sorted(schema["enum"])
        result["open"] = schema.get("x-ms-enum", {}).get("modelAsString", False)
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
