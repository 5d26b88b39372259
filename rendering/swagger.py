"""From the Swagger 2.0 that the service publishes to the OpenAPI 3.0.3 that `spec/` holds."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from rendering.grammar import (
    METHODS,
    OPENAPI,
    SWAGGER,
    Document,
    at,
    check_parameters,
    conform,
    fail,
    follow,
    operations,
    snake,
)

MESSAGE_TYPES = ("application/json", "application/octet-stream", "text/plain")
ANSWER_TYPES = ("application/json", "text/json", "text/plain")
EXAMPLE_HOST = "https://my-service.webpubsub.azure.com"


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
    result = understood(document)
    _refuse_unrenderable(result)
    return result


def understood(document: Document) -> Document:
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
            if is_list and collection_format(parameter) != "multi":
                fail(where, f"the list {parameter['name']} must repeat its name ({collection_format(parameter)})")
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
            each["schema"] = message_schema(media_type, each["schema"])


def collection_format(parameter: Document) -> str:
    """Name the way in which a list is written, as Swagger does."""
    style = str(parameter.get("style", "form"))
    if style == "form" and parameter.get("explode", True):
        return "multi"
    return {"form": "csv", "spaceDelimited": "ssv", "pipeDelimited": "pipes"}.get(style, style)


def message_schema(media_type: str, schema: Document) -> Document:
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
