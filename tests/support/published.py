"""Documents as the service would publish them, made of ours: Swagger 2.0, everything in its place, other words."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

from rendering.files import copied
from rendering.pointers import Document

METHODS = ("delete", "get", "head", "patch", "post", "put")


def shortened(document: Document, paths: Container[str]) -> Document:
    """Copy some paths of one of our documents, with what they use: enough to change, and quick."""
    result = copied(document)
    result["paths"] = {path: item for path, item in result["paths"].items() if path in paths}
    tags = {tag for item in result["paths"].values() for each in METHODS if each in item for tag in item[each]["tags"]}
    result["tags"] = [each for each in result["tags"] if each["name"] in tags]
    while unused := _unused(result):
        for kind, name in unused:
            del result["components"][kind][name]
    result["components"] = {kind: parts for kind, parts in result["components"].items() if parts}
    return result


def _unused(document: Document) -> list[tuple[str, str]]:
    text = json.dumps(document)
    parts = [(kind, name) for kind, named in document["components"].items() for name in named]
    return [(kind, name) for kind, name in parts if f'"#/components/{kind}/{name}"' not in text]


def as_published(document: Document) -> Document:
    """Write the facts of one of our documents as the hand-written official ones are written."""
    schemas = document["components"]["schemas"]
    return {
        "swagger": "2.0",
        "info": {"title": "Published title", "version": document["info"]["version"]},
        "x-ms-parameterized-host": {
            "hostTemplate": "{Endpoint}",
            "useSchemePrefix": False,
            "parameters": [{"name": "Endpoint", "in": "path", "type": "string", "required": True}],
        },
        "paths": {
            path: {method: _operation(document, path, item, item[method]) for method in METHODS if method in item}
            for path, item in document["paths"].items()
        },
        "definitions": {name: _schema(schemas, schema) for name, schema in schemas.items() if "enum" not in schema},
    }


def _operation(document: Document, path: str, item: Document, operation: Document) -> Document:
    slots = [*item.get("parameters", []), *operation.get("parameters", [])]
    result: Document = {
        "operationId": "Service_" + "".join(word.capitalize() for word in operation["operationId"].split("_")),
        "tags": ["published"],
        "summary": f"Published: {operation['operationId']} {path}.",
        "parameters": [_parameter(document, _resolved(document, slot)) for slot in slots],
        "responses": {},
    }
    if "requestBody" in operation:
        body = _resolved(document, operation["requestBody"])
        result["consumes"] = list(body["content"])
        schema = {"type": "string", "format": "binary"}
        if list(body["content"]) == ["application/json"]:
            schema = _schema(document["components"]["schemas"], body["content"]["application/json"]["schema"])
        parameter = {"name": "body", "in": "body", "required": body["required"], "schema": schema}
        result["parameters"].append({**parameter, "description": "Published words of a body."})
    for status, slot in operation["responses"].items():
        response = _resolved(document, slot)
        result["responses"][status] = {"description": f"Published words of {status}."}
        if "headers" in response:
            result["responses"][status]["headers"] = {
                name: {"type": header["schema"]["type"]} for name, header in response["headers"].items()
            }
        for media_type, each in response.get("content", {}).items():
            result.setdefault("produces", []).append(media_type)
            result["responses"][status]["schema"] = each["schema"] | {}
    if "produces" in result:
        result["produces"] = sorted({*result["produces"]})
    for key in ("x-ms-pageable", "deprecated"):
        if key in operation:
            result[key] = operation[key]
    text: Document = _definitions(result)
    return text


def _parameter(document: Document, parameter: Document) -> Document:
    schema = _schema(document["components"]["schemas"], parameter["schema"])
    if parameter["name"] == "api-version":
        schema.pop("default", None)
    result = {"name": parameter["name"], "in": parameter["in"], **schema}
    result["description"] = f"Published words of {parameter['name']}."
    if parameter.get("required"):
        result["required"] = True
    if schema.get("type") == "array":
        result["collectionFormat"] = "multi"
    return result


def _schema(schemas: Document, schema: Document) -> Document:
    """Write a schema with its enumerations where they are used, and without what we decided to require."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if "enum" in schemas.get(name, {}):
        return {key: value for key, value in schemas[name].items() if key != "description"}
    result = copied(schema)
    optional = result.pop("x-published-as-optional", [])
    if isinstance(result.get("required"), list):
        result["required"] = [field for field in result["required"] if field not in optional]
        if not result["required"]:
            del result["required"]
    if "description" in result and isinstance(result["description"], str):
        result["description"] = "Published words of a schema."
    for key, value in result.get("properties", {}).items():
        result["properties"][key] = _schema(schemas, value)
        if "$ref" not in value:
            result["properties"][key]["description"] = f"Published words of {key}."
    if "items" in result:
        result["items"] = _schema(schemas, result["items"])
    found: Document = _definitions(result)
    return found


def _definitions(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: value.replace("#/components/schemas/", "#/definitions/") if key == "$ref" else _definitions(value)
            for key, value in node.items()
        }
    return [_definitions(each) for each in node] if isinstance(node, list) else node


def _resolved(document: Document, node: Document) -> Document:
    if "$ref" not in node:
        return node
    kind, name = node["$ref"].split("/")[-2:]
    found: Document = document["components"][kind][name]
    return found
