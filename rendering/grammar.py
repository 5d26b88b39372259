"""What API documents may say, as a grammar for Swagger 2.0 and one for OpenAPI 3.0.

The grammars hold what the documents of this service use and nothing else, so that a document which says something
new is refused with the place instead of being half understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

Document = dict[str, Any]

METHODS = ("delete", "get", "head", "patch", "post", "put")
TYPES = ("array", "boolean", "integer", "number", "object", "string")

# All keys that an object may have. `!` marks a key that it must have, `:kind` what kind of object stands there,
# `:[kind]` a list of them, `:{kind}` a map of them by name.
_OPERATIONS = " ".join(f"{method}:operation" for method in METHODS)
_LIMITS = "minimum maximum minLength maxLength pattern enum x-ms-enum:enumeration default"
SWAGGER = {
    "document": "swagger! info!:info tags consumes produces paths!:{path} parameters:{parameter} "
    "definitions:{schema} x-ms-parameterized-host:host",
    "info": "title! version! description",
    "host": "hostTemplate! useSchemePrefix! parameters!",
    "path": f"parameters:[parameter] {_OPERATIONS}",
    "operation": "operationId! tags summary description consumes produces parameters:[parameter] "
    "responses!:{response} x-ms-pageable:paging x-ms-examples",
    "paging": "nextLinkName! itemName",
    "parameter": "name! in! description required schema:schema collectionFormat type format items:schema "
    f"{_LIMITS} example",
    "response": "description! schema:schema headers:{header} x-ms-error-response",
    "header": "description type! format x-ms-client-name",
    "schema": "description type format required properties:{schema} additionalProperties items:schema "
    f"{_LIMITS} example",
    "enumeration": "name! modelAsString",
}
OPENAPI = {
    "document": "openapi! info!:info servers:[server] tags:[tag] paths!:{path} components:components",
    "info": "title! version! description",
    "server": "url! description variables",
    "tag": "name! description",
    "components": "parameters:{parameter} requestBodies:{body} responses:{response} schemas:{schema}",
    "path": f"parameters:[parameter] {_OPERATIONS}",
    "operation": "operationId! tags summary description parameters:[parameter] requestBody:body "
    "responses!:{response} x-ms-pageable:paging",
    "paging": "nextLinkName! itemName",
    "parameter": "name! in! description required style explode schema!:schema",
    "body": "description required content!:{media}",
    "response": "description! headers:{header} content:{media}",
    "header": "description schema!:schema",
    "media": "schema!:schema",
    "schema": "description type format nullable required x-published-as-optional properties:{schema} "
    f"additionalProperties items:schema {_LIMITS}",
    "enumeration": "name! modelAsString",
}
HOMES = {
    "parameter": ("#/parameters/", "#/components/parameters/"),
    "body": ("#/components/requestBodies/",),
    "response": ("#/components/responses/",),
    "schema": ("#/definitions/", "#/components/schemas/"),
}


class DocumentError(ValueError):
    """A document that cannot be used; the message is one line and names the place."""


def at(where: str, *keys: object) -> str:
    """Extend a JSON pointer."""
    return "/".join([where, *(str(key).replace("~", "~0").replace("/", "~1") for key in keys)])


def fail(where: str, problem: str) -> NoReturn:
    """Refuse the document because of what stands at a JSON pointer."""
    raise DocumentError(f"{where}: {problem}")


def follow(document: Document, node: Document, where: str) -> Document:
    """Return what a `$ref` stands for, or the node itself when it is none."""
    seen: list[object] = []
    while "$ref" in node:
        reference = node["$ref"]
        if reference in seen:
            fail(where, f"{reference} leads in circles")
        seen.append(reference)
        target: Any = document
        for key in str(reference).removeprefix("#/").split("/"):
            target = target.get(key) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            fail(where, f"{reference} leads nowhere")
        node = target
    return node


def operations(document: Document) -> Iterator[tuple[str, str, Document, list[Document], str]]:
    """Yield path, method, operation, all its parameters (resolved), and its place, of an OpenAPI 3 document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                where = at("#/paths", path, method)
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                yield path, method, item[method], [follow(document, each, where) for each in parameters], where


def conform(document: Document, node: Any, kind: str, grammar: dict[str, str], where: str) -> None:
    """Refuse a key that the grammar does not have, a missing one, and a reference to something else."""
    if not isinstance(node, dict):
        fail(where, "an object is expected here")
    if "$ref" in node and kind in HOMES:
        if not str(node["$ref"]).startswith(HOMES[kind]) or node.keys() - {"$ref", "description"}:
            fail(where, f"{node['$ref']} is not a plain reference to a {kind}")
        follow(document, node, where)
        return
    shapes = dict(entry.partition(":")[::2] for entry in grammar[kind].split())
    for key in (key.rstrip("!") for key in shapes if key.endswith("!")):
        if key not in node:
            fail(where, f"the key {key!r} is missing")
    for key, value in node.items():
        shape = shapes.get(key, shapes.get(f"{key}!"))
        if shape is None:
            fail(where, f"unknown key {key!r}")
        for place, child in _children(value, shape, at(where, key)):
            conform(document, child, shape.strip("[]{}"), grammar, place)
    if kind == "schema":
        _check_schema(node, where)


def _children(value: Any, shape: str, where: str) -> Iterator[tuple[str, Any]]:
    if shape.startswith("["):
        if not isinstance(value, list):
            fail(where, "a list is expected here")
        yield from ((at(where, index), each) for index, each in enumerate(value))
    elif shape.startswith("{"):
        if not isinstance(value, dict):
            fail(where, "a map is expected here")
        yield from ((at(where, key), each) for key, each in value.items())
    elif shape:
        yield where, value


def _check_schema(schema: Document, where: str) -> None:
    if "type" in schema and schema["type"] not in TYPES:
        fail(where, f"the type {schema['type']!r} is not supported")
    if (schema.get("type") == "array") != ("items" in schema):
        fail(where, "a list needs items, and nothing else has any")
    if not isinstance(schema.get("additionalProperties", True), bool):
        fail(where, "additionalProperties with a schema are not supported")
    if schema.get("type") == "object" and not re.fullmatch(r"#/(components/schemas|definitions)/[^/]+", where):
        fail(where, "an object needs a name of its own among the schemas")
    if ("properties" in schema and schema.get("type") != "object") or not (
        {*schema.get("x-published-as-optional", [])} <= {*schema.get("required", [])} <= {*schema.get("properties", {})}
    ):
        fail(where, "type, properties and required do not match")


def check_parameters(path: str, parameters: list[Document], where: str) -> None:
    """Refuse parameters of an operation that contradict its path or one another."""
    for parameter in parameters:
        if parameter["in"] not in ("path", "query"):
            fail(where, f"{parameter['in']} parameters are not supported")
        if parameter["in"] == "path" and parameter.get("required") is not True:
            fail(where, f"the path parameter {parameter['name']} must be required")
    names = [snake(each["name"]) for each in parameters]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        fail(where, f"two parameters are called {twice[0]}")
    if {each["name"] for each in parameters if each["in"] == "path"} != set(re.findall(r"{(\w+)}", path)):
        fail(where, "the path and its parameters do not match")


def snake(name: str) -> str:
    """Turn the service's way of writing names into Python's: `userId` and `api-version` to `user_id`, `api_version`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\W+", "_", name).lower()
