"""Rendering: what a document becomes, what stops it, and how drift from the documents is found."""

import copy
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

import codegen
from rendering import files, swagger

pytestmark = pytest.mark.no_cover

ROOT = Path(codegen.__file__).parent
FIXTURE = ROOT / "tests" / "fixtures" / "swagger-2.0.json"
COUNTER = itertools.count()
RELEASE = "2030-01-01"
PACKAGE = Path("generated/webpubsub_rest")

STRINGS = {"type": "array", "items": {"type": "string"}}
COLOR = {"type": "string", "enum": ["red", "blue"]}
OPEN_COLOR = {**COLOR, "x-ms-enum": {"name": "OpenColor", "modelAsString": True}}
LIST_OF_COLORS = {"type": "array", "items": {"$ref": "#/components/schemas/Color"}}
NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
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

NESTED: dict[str, Any] = {"type": "string"}
for _ in range(200):
    NESTED = {"type": "array", "items": NESTED}

Change = Callable[[dict[str, Any]], object]
Rendered = tuple[Path, ModuleType, ModuleType]


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


# The repository


def test_what_is_rendered_is_what_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody edited a rendered file, and nobody forgot to render."""
    assert codegen.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_rendering_depends_on_neither_hash_seed_nor_folder_nor_the_client(tmp_path: Path) -> None:
    """Another interpreter, started elsewhere, in which `webpubsub` cannot be imported, renders what is on disk.

    The test before compares with the seed of this one. A broken client cannot stand in the way of rendering it anew.
    """
    code = "import sys; sys.modules['webpubsub'] = None; import codegen; print(codegen.main(['--check']))"
    environment = {**os.environ, "PYTHONHASHSEED": "42", "PYTHONPATH": str(ROOT)}

    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    assert run.stdout == "0\n"


def test_pins_agree_with_the_project() -> None:
    """codegen.py insists on the versions that pyproject.toml installs."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"].values()
    pins = [requirement for group in groups for requirement in group]

    assert [name for name, pinned in codegen.PINNED.items() if f"{name}=={pinned}" not in pins] == []


@pytest.mark.parametrize("distribution", codegen.PINNED)
def test_another_version_of_a_pinned_tool_is_refused(
    distribution: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tool that renders other lines stops before rendering any."""
    monkeypatch.setitem(codegen.PINNED, distribution, "0.0.1")

    assert codegen.main(["--check"]) == 2
    assert f"{distribution} " in capsys.readouterr().err


def test_another_version_of_the_generator_is_refused_before_it_is_imported() -> None:
    """What cannot be imported any more cannot hide the message that says why."""
    code = "import sys; sys.modules['openapi_python_client'] = None; import codegen; "
    code += "codegen.PINNED['openapi-python-client'] = '0.0.1'; print(codegen.main(['--check']))"

    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert run.stdout == "2\n"
    assert run.stderr == "codegen.py: openapi-python-client 0.29.1 is installed, but only 0.0.1 renders the same code\n"


def test_a_tool_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a sentence, not a traceback."""
    monkeypatch.setitem(codegen.PINNED, "no-such-tool", "1.0")

    assert codegen.main(["--check"]) == 2
    assert "no-such-tool is not installed, but only 1.0 renders" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["2030-01-01.yml", "2030-01-01.json"])
def test_a_document_that_would_be_overlooked_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Whoever adds a document under another ending learns that it is not read."""
    write_document(tmp_path)
    (tmp_path / "spec" / name).write_text("{}")

    assert codegen.main([], tmp_path) == 2
    assert f"spec/{name}: documents are YAML and their names end with .yaml" in capsys.readouterr().err


def test_an_empty_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rendering nothing would delete everything."""
    assert codegen.main([], tmp_path) == 2
    assert "spec/ holds no document" in capsys.readouterr().err


# From a document to code


def test_a_new_operation_in_a_real_document_can_be_called(tmp_path: Path) -> None:
    """One entry in the document and one run of codegen.py are all it takes, for operations and parameters alike."""
    document = files.load(ROOT / "spec" / "2024-12-01.yaml")
    document["info"]["version"] = RELEASE
    document["components"]["parameters"]["apiVersion"]["schema"] = {"type": "string", "default": RELEASE}
    document["paths"]["/api/hubs/{hub}/rooms/{room}"] = {
        "get": {
            **GREET,
            "operationId": "get_room",
            "parameters": [{"$ref": "#/components/parameters/hub"}, *GREET["parameters"]],
        }
    }
    document["paths"]["/api/hubs/{hub}/:send"]["post"]["parameters"].append(
        {"name": "isUrgent", "in": "query", "schema": {"type": "boolean"}}
    )
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / f"{RELEASE}.yaml").write_text(files.dump_yaml(document))

    package, rest = rendered(tmp_path)

    room = rest.get_room.build("h", "a b")
    message = rest.send_to_all.build("h", body=package.TextBody(""), is_urgent=True)
    assert room["url"] == f"/api/hubs/h/rooms/a%20b?api-version={RELEASE}"
    assert message["url"] == f"/api/hubs/h/:send?api-version={RELEASE}&isUrgent=true"


NAMED = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
PAINT = {**NAMED, "properties": {"name": ref("OpenColor")}}
TREE = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": ref("Tree")},
        "leaf": ref("Leaf"),
    },
}
LEAF = {"type": "object", "properties": {"tree": ref("Tree"), "size": {"type": "integer", "nullable": True}}}

# What an operation may be told, and how it comes out in the query.
PARAMETERS: list[tuple[list[Change], dict[str, object], str]] = [
    ([add_query(name="isOpen", schema={"type": "boolean"})], {"is_open": False}, "&isOpen=false"),
    ([add_query(name="maxSize", schema={"type": "integer"})], {"max_size": 3}, "&maxSize=3"),
    ([add_query(schema={"type": "number"})], {"x": 0.5}, "&x=0.5"),
    ([add_query(schema={"type": "string", "format": "date-time"})], {"x": NOON}, "&x=2030-01-02T12%3A00%3A00Z"),
    ([add_query(schema={"type": "string", "format": "date"})], {"x": NOON.date()}, "&x=2030-01-02"),
    ([add_query(schema={"type": "string", "format": "byte"})], {"x": b"\xff\xfe"}, "&x=%2F%2F4%3D"),
    ([add_query(schema={"type": "number"})], {"x": 1e22}, "&x=1e%2B22"),
    ([add_query(schema={"type": "integer", "enum": [1, 2]})], {"x": 2}, "&x=2"),
    ([add_query(schema={"type": "array", "items": {"type": "integer"}})], {"x": [1, 2]}, "&x=1&x=2"),
    (
        [add_query(schema={"type": "array", "items": ref("Color")}), add_schema("Color", COLOR)],
        {"x": ["red"]},
        "&x=red",
    ),
    ([add_query(schema=STRINGS, explode=False)], {"x": ["a b", "c"]}, "&x=a%20b,c"),
    ([add_query(schema=STRINGS, style="spaceDelimited")], {"x": ["a", "b"]}, "&x=a%20b"),
    ([add_query(schema=STRINGS, style="pipeDelimited")], {"x": ["a", "b"]}, "&x=a%7Cb"),
    ([add_query(schema=STRINGS, style="pipeDelimited")], {"x": []}, ""),
    ([add_query(name="$filter", schema={"type": "string"})], {"filter_": "a"}, "&%24filter=a"),
    ([add_query(name="url", schema={"type": "string"})], {"url_query": "a"}, "&url=a"),
    ([add_query(name="headers", schema={"type": "string"})], {"headers": "a"}, "&headers=a"),
    ([add_query(schema={"type": "string"}, required=True)], {"x": "a"}, "&x=a"),
    ([add_query(schema={"type": "boolean"}, required=True)], {"x": True}, "&x=true"),
    ([add_query(schema=STRINGS, required=True)], {"x": ["a", "b"]}, "&x=a&x=b"),
    ([add_query(schema={"type": "string", "nullable": True})], {"x": "a"}, "&x=a"),
    ([add_query(schema=ref("Color")), add_schema("Color", COLOR)], {"x": "red"}, "&x=red"),
    ([add_query(schema=STRINGS)], {"x": ["a", "b"]}, "&x=a&x=b"),
]

# What the service answers, and what it is in Python.
ANSWERS: list[tuple[list[Change], str, str]] = [
    ([only_answer(ref("Named")), add_schema("Named", NAMED)], '{"name": "n"}', "Named(name='n')"),
    (
        [only_answer({"type": "array", "items": ref("Named")}), add_schema("Named", NAMED)],
        '[{"name": "n"}]',
        "[Named(name='n')]",
    ),
    ([only_answer({"type": "array", "items": {"type": "number"}})], "[1, 2.5]", "[1, 2.5]"),
    ([only_answer({"type": "boolean"})], "true", "True"),
    ([only_answer({})], '{"a": null}', "{'a': None}"),
    ([only_answer(ref("Free")), add_schema("Free", {"type": "object"})], '{"a": 1}', "{'a': 1}"),
    (
        [only_answer(ref("Paint")), add_schema("Paint", PAINT), add_schema("OpenColor", OPEN_COLOR)],
        '{"name": "a new color"}',
        "Paint(name='a new color')",
    ),
    (
        [only_answer(ref("Tree")), add_schema("Tree", TREE), add_schema("Leaf", LEAF)],
        '{"name": "a", "children": [{"name": "b"}], "leaf": {"tree": {"name": "c"}, "size": null}}',
        "Tree(name='a', children=[Tree(name='b', children=None, leaf=None)], "
        "leaf=Leaf(tree=Tree(name='c', children=None, leaf=None), size=None))",
    ),
]

# What an operation is given as its content, and what it sends.
BODIES: list[tuple[list[Change], str, tuple[str | None, bytes | None]]] = [
    ([add_body("text/plain", {"type": "string"})], "TextBody('a')", ("text/plain", b"a")),
    ([add_body("application/json", {})], "JsonBody([1])", ("application/json", b"[1]")),
    (
        [add_body("application/json", ref("Tree")), add_schema("Tree", TREE), add_schema("Leaf", LEAF)],
        "TreeInput('a', [TreeInput('b')], LeafInput(TreeInput('c'), 0))",
        (
            "application/json",
            b'{"name":"a","children":[{"name":"b"}],"leaf":{"tree":{"name":"c"},"size":0}}',
        ),
    ),
    ([add_body("application/json", {}, required=False)], "JsonBody(None)", ("application/json", b"null")),
    ([add_body("application/json", {}, required=False)], "None", (None, None)),
]


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """One document with an operation for each row of the tables, rendered."""
    root = tmp_path_factory.mktemp("all_kinds")
    everything = copy.deepcopy(DOCUMENT)
    tables: dict[str, list[list[Change]]] = {
        "parameters": [row[0] for row in PARAMETERS],
        "answers": [row[0] for row in ANSWERS],
        "bodies": [row[0] for row in BODIES],
    }
    for table, rows in tables.items():
        for number, changes in enumerate(rows):
            document = copy.deepcopy(DOCUMENT)
            for change in changes:
                change(document)
            name = f"{table}_{number}"
            everything["paths"][f"/{name}/{{room}}"] = {"put": {**operation(document), "operationId": name}}
            everything["components"]["schemas"] |= document["components"]["schemas"]
    write_document(root, lambda document: document.update(everything))
    return root, *rendered(root)


@pytest.mark.parametrize("number", range(len(PARAMETERS)))
def test_parameters_are_written_as_their_type_wants(all_kinds: Rendered, number: int) -> None:
    """Every kind of query parameter that documents may have comes out as the service reads it."""
    _, arguments, query = PARAMETERS[number]
    _, _, rest = all_kinds

    url = getattr(rest, f"parameters_{number}").build("r", **arguments)["url"]

    assert url == f"/parameters_{number}/r?api-version={RELEASE}{query}"


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_answers_are_read_as_their_schema_wants(all_kinds: Rendered, number: int) -> None:
    """Models, lists, plain values, open enumerations and schemas that lead to one another in circles are all read."""
    _, content, result = ANSWERS[number]
    _, _, rest = all_kinds
    answers = getattr(rest, f"answers_{number}")

    assert repr(answers.parse(httpx.Response(201, content=content))) == result
    assert answers.build("r")["headers"] == {"Accept": "application/json"}


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_content_is_sent_as_the_document_wants(all_kinds: Rendered, number: int) -> None:
    """JSON of one shape is a model, everything else is wrapped, and content that may be left out may be left out."""
    _, body, sent = BODIES[number]
    _, package, rest = all_kinds
    names = {name: getattr(module, name) for module in (package, rest) for name in dir(module)}

    request = getattr(rest, f"bodies_{number}").build("r", body=eval(body, names))

    assert (request["headers"].get("Content-Type"), request.get("content")) == sent


@pytest.fixture(scope="module")
def type_errors(all_kinds: Rendered) -> list[str]:
    """What mypy --strict says of that document, of one from Swagger 2.0, and of calls of a deprecated operation.

    It starts once for all of them, since most of its time goes to what they import.
    """
    root, _, _ = all_kinds
    (root / "spec" / "2020-02-02.yaml").write_text(files.dump_yaml(swagger.to_openapi3(files.load(FIXTURE))), "utf-8")
    write_document(
        root,
        lambda document: operation(document).update(deprecated=True),
        add_query(name="color", schema=OPEN_COLOR),
        add_query(name="size", schema={"type": "string", "enum": ["s", "m"]}),
        version="2020-03-03",
    )
    assert codegen.main([], root) == 0
    (root / "generated" / "use.py").write_text(CALLS)
    call = [sys.executable, "-m", "mypy", "--strict", "--enable-error-code=deprecated", "--no-incremental"]
    run = subprocess.run(
        [*call, "--config-file", os.devnull, "."], cwd=root / "generated", capture_output=True, text=True, check=False
    )
    assert "checked" in run.stdout, run.stdout + run.stderr
    return run.stdout.splitlines()[:-1]


CALLS = """import httpx
from webpubsub_rest import v2020_03_03 as rest

def call(http: httpx.Client) -> None:
    rest.greet.sync(http, "r")
    rest.greet.build("r", color="new", size="m")
    rest.greet.build("r", size="xl")
"""


def test_all_that_can_be_rendered_passes_the_type_checker(type_errors: list[str]) -> None:
    """One document with everything, and one imported from Swagger 2.0, have no finding of mypy --strict."""
    assert [line for line in type_errors if not line.startswith("use.py:")] == []


def test_checkers_tell_of_deprecated_operations_and_of_wrong_arguments(type_errors: list[str]) -> None:
    """Mypy sees the mark of PEP 702 on the call, and completes what an open enumeration knows without insisting."""
    told = [line for line in type_errors if line.startswith("use.py:")]
    assert [line.split(":")[1] for line in told] == ["5", "7"], told
    assert "deprecated" in told[0]


def test_operations_without_api_version_begin_their_query_themselves(tmp_path: Path) -> None:
    """The first parameter that is there follows the question mark."""
    write_document(
        tmp_path,
        lambda document: operation(document)["parameters"].pop(),
        add_query(schema={"type": "string"}),
        add_query(name="y", schema={"type": "integer"}),
    )

    _, rest = rendered(tmp_path)

    assert rest.greet.build("r")["url"] == "/rooms/r"
    assert rest.greet.build("r", x="a", y=1)["url"] == "/rooms/r?x=a&y=1"
    assert rest.greet.build("r", y=1)["url"] == "/rooms/r?y=1"


@pytest.mark.parametrize(("schema", "value", "segment"), [({"type": "integer"}, 7, "7"), (COLOR, "red", "red")])
def test_numbers_and_enumerations_may_be_part_of_a_path(
    tmp_path: Path, schema: dict[str, object], value: object, segment: str
) -> None:
    """Path parameters need not be plain strings."""
    write_document(
        tmp_path,
        add_schema("Segment", schema),
        lambda document: operation(document)["parameters"][0].update(schema=ref("Segment")),
    )

    _, rest = rendered(tmp_path)

    assert rest.greet.build(value)["url"] == f"/rooms/{segment}?api-version={RELEASE}"


@pytest.mark.parametrize("said", ['ends with "', '"""', "a \\ b \\N{x}", "{braces}", "é ' '''", "x" * 200, "a\n\nb"])
def test_text_of_the_document_is_only_ever_text(tmp_path: Path, said: str) -> None:
    """Whatever a description holds, it arrives in the docstring and nowhere else."""
    write_document(
        tmp_path,
        lambda document: operation(document).update(summary="Greet.", description=said),
        lambda document: operation(document)["parameters"][0].update(description=said),
    )

    _, rest = rendered(tmp_path)

    assert " ".join(rest.greet.__doc__.split()).count(" ".join(said.split())) == 2


def test_schemas_that_no_operation_uses_are_left_out(tmp_path: Path) -> None:
    """Errors are described in the document but never parsed, so they are no models."""
    write_document(tmp_path, add_schema("Named", NAMED), add_schema("Tree", TREE), add_schema("Leaf", LEAF))

    assert codegen.main([], tmp_path) == 0
    assert [path for path in tree(tmp_path) if "/models/" in path] == [f"{PACKAGE}/v2030_01_01/models/__init__.py"]


# What stops a document


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: document.update(webhooks={}), "unknown key 'webhooks'"),
        (lambda document: operation(document).update(callbacks={}), "unknown key 'callbacks'"),
        (lambda document: operation(document).pop("operationId"), "operationId"),
        (lambda document: operation(document).pop("tags"), "exactly one tag"),
        (lambda document: operation(document).update(tags=["a", "b"]), "exactly one tag"),
        (lambda document: operation(document).update(operationId="models"), "models is taken"),
        (lambda document: document["paths"].update({"/others/{room}": {"put": GREET}}), "greet is taken"),
        (
            lambda document: document["paths"].update({"/o/{room}": {"put": {**GREET, "operationId": "Greet"}}}),
            "greet is taken",
        ),
        (lambda document: operation(document)["responses"].pop("204"), "no response of success"),
        (lambda document: document["paths"].update({"/a&b/{room}": document["paths"].pop("/rooms/{room}")}), "escaped"),
        (lambda document: document["paths"].update({"/rooms": document["paths"].pop("/rooms/{room}")}), "match"),
        (lambda document: document["info"].update(version="2030-01-02"), "name of the file"),
        (
            lambda document: document.update(openapi=3.0),
            "3.0 is a number here",
        ),
        (lambda document: document.update(openapi="3.2.0"), "OpenAPI 3.2 is not read here"),
        (lambda document: operation(document).update({"x-name": "class"}), "x-name 'class' gives no name in Python"),
        (lambda document: operation(document).update({"x-name": ""}), "x-name '' gives no name in Python"),
        (lambda document: operation(document).update(operationId="a" * 300), "of 300 characters, gives no name"),
        (
            lambda document: document["paths"].update(
                {"/b/{room}": {"put": {**GREET, "operationId": "other", "tags": ["Rooms"]}}}
            ),
            "the tag Rooms gives the same folder as rooms",
        ),
        (
            lambda document: document["paths"].update({"/b/{room}": {"put": {**GREET, "x-name": "Greet"}}}),
            "the name Greet is taken by",
        ),
        (
            lambda document: document["paths"].update({"b/{room}": document["paths"].pop("/rooms/{room}")}),
            "does not begin with /",
        ),
        (
            lambda document: document["paths"].update({"/a/../{room}": document["paths"].pop("/rooms/{room}")}),
            "has a part that clients leave out",
        ),
        (
            lambda document: document["paths"].update({"//host/{room}": document["paths"].pop("/rooms/{room}")}),
            "has a part that clients leave out",
        ),
        (
            lambda document: (
                document["paths"].update({"/{room:x}": document["paths"].pop("/rooms/{room}")}),
                document["paths"]["/{room:x}"]["put"].update(parameters=[{**ROOM, "name": "room:x"}]),
            ),
            "'room:x' cannot be the name of a parameter in a path",
        ),
        (add_schema("A", {"type": "object", "properties": {"$": {}}}), "the field '$' gives no name in Python"),
        (add_schema("A", {"type": "object", "properties": {"": {}}}), "the field '' gives no name in Python"),
        (add_schema("a/b", NAMED), "'a/b' gives no name of a class"),
        (add_schema("A", {"type": "string", "enum": ["a", None]}), "null cannot be one of the values"),
        (add_query(schema={"type": "integer", "default": "x"}), "the default 'x' is not of the type integer"),
        (add_query(schema=NESTED), "the schema is nested too deeply"),
        (add_query(schema={"type": "string"}, **{"in": "cookie"}), "cookie parameters are not supported"),
        (add_query(schema={"type": "string"}, content={}), "unknown key 'content'"),
        (add_query(schema=STRINGS, style="deepObject"), "written in a way that is not supported (deepObject)"),
        (add_query(schema={"type": "array", "items": STRINGS}), "cannot be part of a query"),
        (add_query(schema=STRINGS, **{"in": "header"}), "the list x can only be part of a query"),
        (add_query(schema=ref("Nothing")), "leads nowhere"),
        (add_schema("Loop", ref("Loop")), "Loop leads in circles"),
        (add_query(name="body", schema={"type": "string"}), "cannot be called body"),
        (add_query(name="apiVersion", schema={"type": "string"}), "two parameters are called api_version"),
        (add_query(name="Room", schema={"type": "string"}), "two parameters are called room"),
        (add_body("application/xml", {"type": "string"}), "application/xml is not supported"),
        (
            lambda document: operation(document)["responses"].update(
                {"200": {"description": "", "content": {"text/plain": {"schema": {"type": "string"}}}}}
            ),
            "must have a JSON form",
        ),
        (
            lambda document: (
                only_answer(ref("Named"))(document),
                add_schema("Named", {"type": "object", "properties": {"to_dict": {"type": "string"}}})(document),
            ),
            "to_dict: this name is taken",
        ),
    ],
)
def test_what_cannot_be_rendered_stops_codegen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, says: str
) -> None:
    """One line says what is wrong in which file, the exit code is 2, and nothing on disk has changed."""
    write_document(tmp_path, change)
    rendered_before = tmp_path / PACKAGE / "v2029_01_01" / "__init__.py"
    rendered_before.parent.mkdir(parents=True)
    rendered_before.write_text("before")

    assert codegen.main([], tmp_path) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"codegen.py: {RELEASE}.yaml: .*{re.escape(says)}.*\n", said)
    assert tree(tmp_path / "generated") == {"webpubsub_rest/v2029_01_01/__init__.py": b"before"}


def test_names_that_python_takes_for_one_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Python reads a ligature as the letters that it stands for."""
    write_document(tmp_path, add_schema("A", {"type": "object", "properties": {"\ufb01": {}, "fi": {}}}))

    assert codegen.main([], tmp_path) == 2
    assert capsys.readouterr().err.count("two fields are called") == 2


def test_a_file_that_is_no_document_stops_codegen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Broken YAML is a message, not a traceback."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / f"{RELEASE}.yaml").write_text("a: [")

    assert codegen.main([], tmp_path) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


# Drift


def test_every_kind_of_drift_is_found_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed, a missing and a superfluous file are each named; a run of codegen.py mends all of them."""
    write_document(tmp_path)
    assert codegen.main([], tmp_path) == 0
    wanted = tree(tmp_path)
    changed = tmp_path / PACKAGE / "_core" / "urls.py"
    changed.write_text(changed.read_text().replace("safe=", "unsafe=", 1))
    (tmp_path / PACKAGE / "py.typed").unlink()
    (tmp_path / PACKAGE / "v2029_01_01").mkdir()
    (tmp_path / PACKAGE / "v2029_01_01" / "old.py").write_text("")
    (tmp_path / PACKAGE / "__pycache__").mkdir()
    (tmp_path / PACKAGE / "__pycache__" / "x.pyc").write_bytes(b"")

    assert codegen.main(["--check"], tmp_path) == 1
    said = capsys.readouterr().out
    assert f"{PACKAGE}/py.typed: missing\n" in said
    assert f"{PACKAGE}/v2029_01_01/old.py: nothing renders this file\n" in said
    assert re.search(r"^-.*unsafe=.*\n\+.*safe=", said, re.MULTILINE)
    assert "__pycache__" not in said

    assert codegen.main([], tmp_path) == 0
    assert codegen.main(["--check"], tmp_path) == 0
    shutil.rmtree(tmp_path / PACKAGE / "__pycache__")
    assert tree(tmp_path) == wanted
    assert not (tmp_path / PACKAGE / "v2029_01_01").exists()


def test_a_difference_in_line_endings_is_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files are compared byte for byte."""
    write_document(tmp_path)
    assert codegen.main([], tmp_path) == 0
    changed = tmp_path / PACKAGE / "__init__.py"
    changed.write_bytes(changed.read_bytes().replace(b"\n", b"\r\n"))

    assert codegen.main(["--check"], tmp_path) == 1
    assert "line endings" in capsys.readouterr().out


def test_files_that_are_right_are_not_touched(tmp_path: Path) -> None:
    """Rendering again changes no file, so nothing that watches them starts."""
    write_document(tmp_path)
    assert codegen.main([], tmp_path) == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "generated").rglob("*")}

    assert codegen.main([], tmp_path) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "generated").rglob("*")} == before


def test_long_reports_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A report fits on a screen and says how much it leaves out."""
    assert codegen.report([str(number) for number in range(codegen.SHOWN_LINES + 5)]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == [str(codegen.SHOWN_LINES - 1), "... and 5 lines more"]


# Import and diff


def test_an_imported_document_renders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Swagger 2.0 document becomes a file in spec/ that renders as it is and says the same as its source."""
    assert codegen.main(["import", str(FIXTURE)], tmp_path) == 0
    imported = next((tmp_path / "spec").glob("*.yaml"))
    assert imported.stem == files.load(FIXTURE)["info"]["version"]
    assert codegen.main([], tmp_path) == 0
    assert codegen.main(["diff", str(FIXTURE), str(imported)]) == 0
    assert "left to write" in capsys.readouterr().out


def test_an_import_replaces_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document that somebody put into words is kept unless `--force` says otherwise."""
    assert codegen.main(["import", str(FIXTURE)], tmp_path) == 0
    imported = next((tmp_path / "spec").glob("*.yaml"))
    imported.write_text("precious")

    assert codegen.main(["import", str(FIXTURE)], tmp_path) == 2
    assert "--force replaces it; these words would be lost:\n  precious\n" in capsys.readouterr().err
    assert imported.read_text() == "precious"
    assert codegen.main(["import", str(FIXTURE), "--force"], tmp_path) == 0
    assert imported.read_text() != "precious"


def test_diff_lists_changes_and_says_so_in_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Two versions differ, a version does not differ from itself, and a file that is not there is an error."""
    old, new = str(ROOT / "spec" / "2021-10-01.yaml"), str(ROOT / "spec" / "2024-12-01.yaml")

    assert codegen.main(["diff", old, new]) == 1
    assert "messageTtlSeconds" in capsys.readouterr().out
    assert codegen.main(["diff", new, new]) == 0
    assert capsys.readouterr().out == ""
    assert codegen.main(["diff", new, "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err
