"""A small document, changes to it, and the package that is rendered from it."""

import copy
import importlib.util
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import codegen
from rendering import files

ROOT = Path(codegen.__file__).parent
FIXTURE = ROOT / "tests" / "fixtures" / "swagger-2.0.json"
COUNTER = itertools.count()
RELEASE = "2030-01-01"
PACKAGE = Path("generated/webpubsub_rest")

STRINGS = {"type": "array", "items": {"type": "string"}}
COLOR = {"type": "string", "enum": ["red", "blue"]}
OPEN_COLOR = {**COLOR, "x-ms-enum": {"name": "OpenColor", "modelAsString": True}}
NAMED = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
API_VERSION = {"name": "api-version", "in": "query", "required": True, "schema": {"type": "string"}}
ROOM = {"name": "room", "in": "path", "required": True, "schema": {"type": "string"}}
GREET: dict[str, Any] = {
    "operationId": "greet",
    "tags": ["rooms"],
    "parameters": [ROOM, API_VERSION],
    "responses": {"204": {"description": "Done."}, "default": {"description": "Not done."}},
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Rooms", "version": RELEASE},
    "paths": {"/rooms/{room}": {"put": GREET}},
    "components": {"schemas": {}},
}

Change = Callable[[dict[str, Any]], object]


def operation(document: dict[str, Any]) -> dict[str, Any]:
    """The one operation of the small document."""
    found: dict[str, Any] = document["paths"]["/rooms/{room}"]["put"]
    return found


def write_document(root: Path, *changes: Change, version: str = RELEASE) -> None:
    """Put the small document, changed, into the spec folder."""
    document = copy.deepcopy(DOCUMENT)
    document["info"]["version"] = version
    for change in changes:
        change(document)
    (root / "spec").mkdir(exist_ok=True)
    (root / "spec" / f"{version}.yaml").write_text(files.dump_yaml(document))


def add_query(**parameter: object) -> Change:
    """A change: one more query parameter."""
    return lambda document: operation(document)["parameters"].append({"name": "x", "in": "query", **parameter})


def add_answer(schema: object) -> Change:
    """A change: the operation answers with JSON."""
    content = {"application/json": {"schema": schema}}
    return lambda document: operation(document)["responses"].update({"200": {"description": "", "content": content}})


def only_answer(schema: object) -> Change:
    """A change: the operation answers with JSON and nothing else."""

    def change(document: dict[str, Any]) -> None:
        del operation(document)["responses"]["204"]
        add_answer(schema)(document)

    return change


def add_schema(name: str, schema: object) -> Change:
    """A change: one more named schema."""
    return lambda document: document["components"]["schemas"].update({name: schema})


def add_body(content_type: str, schema: object, *, required: bool = True) -> Change:
    """A change: the operation takes content."""
    body = {"required": required, "content": {content_type: {"schema": schema}}}
    return lambda document: operation(document).update({"requestBody": body})


def ref(name: str) -> dict[str, str]:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def tree(root: Path) -> dict[str, bytes]:
    """Everything below a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def rendered(root: Path) -> tuple[ModuleType, ModuleType]:
    """Render a root and import the package from there, under a name of its own; also its version 2030-01-01."""
    assert codegen.main([], root) == 0
    name, init = f"rendered_{next(COUNTER)}", root / PACKAGE / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(init.parent)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    return package, importlib.import_module(f"{name}.v2030_01_01")
