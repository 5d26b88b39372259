"""Finding one's way in a document: pointers, references, operations, and schemas made of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

METHODS = ("delete", "get", "head", "patch", "post", "put")
SCHEMAS = "#/components/schemas/"
BESIDE_A_REFERENCE = ("description", "readOnly", "nullable", "deprecated", "default", "x-ms-mutability")


def at(where: str, *keys: object) -> str:
    """Extend a JSON pointer."""
    return "/".join([where, *(str(key).replace("~", "~0").replace("/", "~1") for key in keys)])


def target(document: Document, reference: object) -> Document | None:
    """Find what a reference leads to."""
    node: Any = document
    for key in str(reference).removeprefix("#/").split("/"):
        node = node.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def follow(document: Document, node: Document) -> Document:
    """Return what a `$ref` stands for, or the node itself when it is none; it must lead somewhere."""
    while "$ref" in node:
        found = target(document, node["$ref"])
        assert found is not None
        node = found
    return node


def operations(document: Document) -> Iterator[tuple[str, str, Document, list[Document], str]]:
    """Yield path, method, operation, all its parameters (resolved), and its place, of an OpenAPI 3 document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                own = [follow(document, each) for each in item[method].get("parameters", [])]
                shared = [follow(document, each) for each in item.get("parameters", [])]
                overridden = {(each["name"], each["in"]) for each in own}
                kept = [each for each in shared if (each["name"], each["in"]) not in overridden]
                yield path, method, item[method], [*kept, *own], at("#/paths", path, method)


def resolved(document: Document, schema: Document) -> tuple[Document, str | None]:
    """Follow a schema to where it is written.

    What stands beside a reference (`allOf` with nothing but one) counts for this use of the schema.

    Returns:
        The schema, and the name under which it is found, if it has one.
    """
    name: str | None = None
    beside: Document = {}
    while "$ref" in schema or is_reference(schema):
        beside = {key: schema[key] for key in BESIDE_A_REFERENCE if key in schema} | beside
        reference = schema.get("$ref") or schema["allOf"][0]["$ref"]
        name = name_in(str(reference))
        found = target(document, reference)
        assert found is not None
        schema = found
    return {**schema, **beside}, name


def is_reference(schema: Document) -> bool:
    """Tell whether a schema is one reference with words or settings of its own beside it."""
    parts = schema.get("allOf", [])
    return len(parts) == 1 and "$ref" in parts[0] and not {"properties", "type", "x-ms-discriminator-value"} & {*schema}


def told_apart(schema: Document) -> dict[str, str]:
    """List by which value of its discriminator each alternative is told: value to reference.

    A mapping may name schemas or refer to them. What is not in it is told by the name of its schema.
    """
    said = {
        value: to if "/" in to else f"{SCHEMAS}{to}" for value, to in schema["discriminator"].get("mapping", {}).items()
    }
    listed = [option["$ref"] for option in schema.get("oneOf", []) if "$ref" in option]
    return {name_in(each): each for each in listed if each not in said.values()} | said


def name_in(reference: str) -> str:
    """Return the name at the end of a reference."""
    return reference.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


def parts(document: Document, schema: Document) -> list[Document]:
    """List the object schemas that an object schema consists of, its bases first and itself last."""
    found = []
    for part in schema.get("allOf", []):
        found += parts(document, resolved(document, part)[0])
    return [*found, schema]


def properties(document: Document, schema: Document) -> Document:
    """Collect the properties of an object schema and of all that it consists of."""
    return {name: each for part in parts(document, schema) for name, each in part.get("properties", {}).items()}


def required(document: Document, schema: Document) -> list[str]:
    """List the required properties of an object schema and of all that it consists of."""
    return list(dict.fromkeys(name for part in parts(document, schema) for name in part.get("required", [])))


def is_object(document: Document, schema: Document) -> bool:
    """Tell whether a schema describes objects with fields of their own names."""
    return any("properties" in part for part in parts(document, schema)) or "allOf" in schema


def snake(name: str) -> str:
    """Turn the service's way of writing names into Python's: `userId` and `api-version` to `user_id`, `api_version`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\W+", "_", name).lower().strip("_")


def pascal(name: str) -> str:
    """Turn any way of writing names into that of classes: `userId` to `UserId`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+|_", name))
