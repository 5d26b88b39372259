"""Names: those that documents decide, those that are made of them for Python, and which can be none or clash."""

from __future__ import annotations

import keyword
import re
import unicodedata

from rendering.grammar.refusals import RENAME, RENAME_IT, Refusals
from rendering.pointers import Document, at, operations, pascal, snake

LONGEST = 100  # of a name that becomes that of a file


def check_class_names(document: Document, schemas: list[tuple[str, Document]], refusals: Refusals) -> None:
    """Check that named schemas and named enumerations can have classes and modules of their own."""
    taken: dict[str, str] = {}
    for name in document.get("components", {}).get("schemas", {}):
        where = at("#/components/schemas", name)
        if not re.search(r"[A-Za-z]", name) or re.search(r"[/~]", name) or len(name) > LONGEST:
            refusals.add(where, f"{_shown(name)} gives no name of a class", RENAME_IT)
        other = taken.setdefault(re.sub(r"\W|_", "", name).lower(), name)
        if other != name:
            refusals.add(where, f"its class would be called like that of {other}", RENAME)
    values: dict[str, object] = {}
    named = document.get("components", {}).get("schemas", {})
    for where, schema in schemas:
        name = schema.get("x-ms-enum", {}).get("name") if "enum" in schema else None
        if name is not None and (not pascal(name).isidentifier() or re.search(r"[/~]", name) or len(name) > LONGEST):
            refusals.add(where, f"{_shown(name)} gives no name of a class", RENAME_IT)
        elif name is not None and re.fullmatch(r"#/components/schemas/[^/]+", where) is None:
            same = {key: value for key, value in schema.items() if key not in ("description", "default", "readOnly")}
            first = {
                key: value for key, value in named.get(name, same).items() if key not in ("description", "default")
            }
            if values.setdefault(name, first) != same:
                refusals.add(where, f"another schema is called {name}, but differs", RENAME)


def twice(names: list[str]) -> set[str]:
    """Find the names that are not the only ones of their kind in Python, whatever the way of writing them."""
    plain = [re.sub(r"\W|_", "", unicodedata.normalize("NFKC", name)).lower() for name in names]
    plain = [each if each[:1].isalpha() else f"field{each}" for each in plain]
    return {name for name, each in zip(names, plain, strict=True) if plain.count(each) > 1}


def check_names(document: Document, refusals: Refusals) -> None:
    """Check that every operation has a name and a tag, and that no name is taken twice.

    Args:
        document: The document, in the form in which `spec/` has it.
        refusals: Takes what stands in the way.
    """
    taken: dict[str, str] = {}
    folders: dict[str, str] = {}
    for _, _, operation, _, where in operations(document):
        name = name_of(operation)
        first = taken.setdefault(name.lower(), where)
        if not _is_name(name):
            said = "x-name" if "x-name" in operation else "operationId"
            refusals.add(where, f"{said} {_shown(operation[said])} gives no name in Python", RENAME_IT)
        elif first != where:
            refusals.add(where, f"the name {name} is taken by {first}", RENAME)
        elif name in ("api", "models"):
            refusals.add(where, f"the name {name} is taken by a folder", RENAME_IT)
        tags = operation.get("tags", [])
        if len(tags) != 1:
            refusals.add(where, "an operation needs exactly one tag", "give it one: it is the folder of its module")
        elif not _is_name(tags[0]):
            refusals.add(where, f"the tag {_shown(tags[0])} gives no name of a folder", RENAME_IT)
        elif folders.setdefault(tags[0].lower(), tags[0]) != tags[0]:
            refusals.add(where, f"the tag {tags[0]} gives the same folder as {folders[tags[0].lower()]}", RENAME)


def _is_name(name: str) -> bool:
    """Tell whether something can be called that in Python, in modules and folders of any operating system."""
    return (
        name.isascii()
        and name.isidentifier()
        and not name.startswith("_")
        and not keyword.iskeyword(name)
        and len(name) <= LONGEST
    )


def _shown(name: str) -> str:
    return repr(name) if len(name) <= LONGEST else f"{name[:LONGEST]!r}..., of {len(name)} characters,"


def name_of(operation: Document) -> str:
    """Return the Python name of an operation: the one that was decided, or else made of its id."""
    return str(operation["x-name"]) if "x-name" in operation else published_name_of(operation)


def published_name_of(operation: Document) -> str:
    """Return what is made of the id of an operation, whatever was decided."""
    name = operation["operationId"]
    return name if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) else snake(name.rpartition("_")[2])
