"""What the operations of a document become: arguments, content and results, as code and for type checkers."""

import copy
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import httpx
import pytest

import codegen
from rendering import files, swagger

from .support.rooms import (
    COLOR,
    DOCUMENT,
    FIXTURE,
    GREET,
    NAMED,
    OPEN_COLOR,
    PACKAGE,
    RELEASE,
    ROOT,
    STRINGS,
    Change,
    add_body,
    add_query,
    add_schema,
    only_answer,
    operation,
    ref,
    rendered,
    tree,
    write_document,
)

pytestmark = pytest.mark.no_cover

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
LIST_OF_COLORS = {"type": "array", "items": {"$ref": "#/components/schemas/Color"}}
Rendered = tuple[Path, ModuleType, ModuleType]


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
