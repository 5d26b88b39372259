"""Names: those that documents decide, those that are made of them for Python, and which can be none or clash."""

from __future__ import annotations

import keyword
import re

from rendering.grammar.refusals import RENAME, Refusals
from rendering.pointers import Document, at, operations, pascal, snake


def check_class_names(document: Document, schemas: list[tuple[str, Document]], refusals: Refusals) -> None:
    """Check that named schemas and named enumerations can have classes and modules of their own."""
    taken: dict[str, str] = {}
    for name in document.get("components", {}).get("schemas", {}):
        where = at("#/components/schemas", name)
        if not re.search(r"[A-Za-z]", name):
            refusals.add(where, f"{name!r} gives no name of a class")
        other = taken.setdefault(re.sub(r"\W|_", "", name).lower(), name)
        if other != name:
            refusals.add(where, f"its class would be called like that of {other}", RENAME)
    values: dict[str, object] = {}
    named = document.get("components", {}).get("schemas", {})
    for where, schema in schemas:
        name = schema.get("x-ms-enum", {}).get("name") if "enum" in schema else None
        if name is not None and not pascal(name).isidentifier():
            refusals.add(where, f"{name!r} gives no name of a class")
        elif name is not None and re.fullmatch(r"#/components/schemas/[^/]+", where) is None:
            same = {key: value for key, value in schema.items() if key not in ("description", "default", "readOnly")}
            first = {
                key: value for key, value in named.get(name, same).items() if key not in ("description", "default")
            }
            if values.setdefault(name, first) != same:
                refusals.add(where, f"another schema is called {name}, but differs", RENAME)


def twice(names: list[str]) -> set[str]:
    """Find the names that are not the only ones of their kind in Python, whatever the way of writing them."""
    plain = [re.sub(r"\W|_", "", name).lower() for name in names]
    return {name for name, each in zip(names, plain, strict=True) if plain.count(each) > 1}


def check_names(document: Document, refusals: Refusals) -> None:
    """Check that every operation has a name and a tag, and that no name is taken twice.

    Args:
        document: The document, in the form in which `spec/` has it.
        refusals: Takes what stands in the way.
    """
    taken: dict[str, str] = {}
    for _, _, operation, _, where in operations(document):
        name = name_of(operation)
        if not _is_name(name):
            refusals.add(where, f"{operation['operationId']!r} gives no name", "give it another name")
        elif name in taken:
            refusals.add(where, f"the name {name} is taken by {taken[name]}", RENAME)
        elif name in ("api", "models"):
            refusals.add(where, f"the name {name} is taken by a folder", "give it another name")
        taken.setdefault(name, where)
        tags = operation.get("tags", [])
        if len(tags) != 1:
            refusals.add(where, "an operation needs exactly one tag", "give it one: it is the folder of its module")
        elif not _is_name(tags[0]):
            refusals.add(where, f"the tag {tags[0]!r} gives no name of a folder", "give it another name")


def _is_name(name: str) -> bool:
    return name.isascii() and name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)


def name_of(operation: Document) -> str:
    """Return the Python name of an operation: the one that was decided, or else made of its id."""
    return str(operation["x-name"]) if "x-name" in operation else published_name_of(operation)


def published_name_of(operation: Document) -> str:
    """Return what is made of the id of an operation, whatever was decided."""
    name = operation["operationId"]
    return name if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) else snake(name.rpartition("_")[2])
