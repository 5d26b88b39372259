"""What a document may say beyond the plain things, and what each of it becomes: called, not looked at."""

import copy
import importlib
import importlib.util
import itertools
import json
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

import codegen
from rendering import files, swagger
from rendering.grammar import Refused

pytestmark = pytest.mark.no_cover

COUNTER = itertools.count()
PACKAGE = Path("generated/webpubsub_rest")
TEXT = {"type": "string"}
VERSION = {"name": "api-version", "in": "query", "required": True, "schema": TEXT}


def json_of(schema: object) -> dict[str, Any]:
    """Content of one shape."""
    return {"content": {"application/json": {"schema": schema}}}


def ref(name: str) -> dict[str, str]:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def answer(schema: object) -> dict[str, Any]:
    """A response with JSON."""
    return {"description": "", **json_of(schema)}


def document(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """A document with one operation."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Things", "version": "2030-01-01"},
        "paths": {
            "/things": {"post": {"operationId": "call", "tags": ["things"], "parameters": [VERSION], **operation}}
        },
        "components": {"schemas": schemas},
    }


def rendered(root: Path, content: dict[str, Any], name: str = "2030-01-01") -> ModuleType:
    """Render a document and import the package of its version, under a name of its own."""
    (root / "spec").mkdir()
    (root / "spec" / f"{name}.yaml").write_text(files.dump_yaml(copy.deepcopy(content)), "utf-8")
    assert codegen.main([], root) == 0
    package, init = f"kinds_{next(COUNTER)}", root / PACKAGE / "__init__.py"
    spec = importlib.util.spec_from_file_location(package, init, submodule_search_locations=[str(init.parent)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[package] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return importlib.import_module(f"{package}.v2030_01_01")


def parsed(rest: ModuleType, value: object, status: int = 200) -> Any:
    """Read a response of the one operation."""
    return rest.call.parse(httpx.Response(status, content=json.dumps(value)))


THING = {
    "type": "object",
    "required": ["id", "name", "note"],
    "properties": {
        "id": {"type": "string", "readOnly": True},
        "name": TEXT,
        "note": {"type": "string", "nullable": True},
        "state": {"type": "string", "x-ms-mutability": ["read", "update"]},
        "secret": {"type": "string", "writeOnly": True},
        "size": {"type": "integer", "nullable": True},
    },
}


def test_fields_of_one_direction_are_in_its_class_only(tmp_path: Path) -> None:
    """What the service sets is no argument, what it never tells is no attribute, and null is not left out."""
    rest = rendered(
        tmp_path,
        document(
            {"requestBody": {"required": True, **json_of(ref("Thing"))}, "responses": {"200": answer(ref("Thing"))}},
            {"Thing": THING},
        ),
    )

    sent = rest.ThingInput("n", None, secret="s", size=None)
    assert json.loads(rest.call.build(body=sent)["content"]) == {"name": "n", "note": None, "secret": "s", "size": None}
    assert json.loads(rest.call.build(body=rest.ThingInput("n", "x"))["content"]) == {"name": "n", "note": "x"}
    assert repr(parsed(rest, {"id": "i", "name": "n", "note": None})) == (
        "Thing(id='i', name='n', note=None, state=None, size=None)"
    )
    with pytest.raises(TypeError, match="body must be ThingInput, not dict; ThingInput"):
        rest.call.build(body={"name": "n"})


def test_a_merge_patch_tells_null_from_left_out(tmp_path: Path) -> None:
    """`UNSET` says nothing, `None` says null; both come back from JSON."""
    patch = {"required": True, "content": {"application/merge-patch+json": {"schema": ref("Thing")}}}
    rest = rendered(
        tmp_path, document({"requestBody": patch, "responses": {"200": answer(ref("Thing"))}}, {"Thing": THING})
    )
    change = rest.ThingPatch("n", None, state=None)

    request = rest.call.build(body=change)
    assert request["headers"]["Content-Type"] == "application/merge-patch+json"
    assert json.loads(request["content"]) == {"name": "n", "note": None, "state": None}
    assert rest.ThingPatch.from_dict(json.loads(request["content"])) == change
    assert repr(change.size) == "UNSET"


def test_inherited_fields_are_fields(tmp_path: Path) -> None:
    """`allOf` of two bases, one of which has one itself, is one class."""
    schemas = {
        "Root": {"type": "object", "required": ["id"], "properties": {"id": TEXT}},
        "Base": {"allOf": [ref("Root")], "properties": {"name": TEXT}, "type": "object"},
        "Mixin": {"type": "object", "properties": {"size": {"type": "integer"}}},
        "Thing": {"allOf": [ref("Base"), ref("Mixin")], "required": ["name"]},
    }
    rest = rendered(tmp_path, document({"responses": {"200": answer(ref("Thing"))}}, schemas))

    assert repr(parsed(rest, {"id": "i", "name": "n", "size": 1})) == "Thing(id='i', name='n', size=1)"


def test_maps_free_objects_and_objects_without_a_name(tmp_path: Path) -> None:
    """A map has values of one type, a free object any, and an object without a name gets one made of its place."""
    thing = {
        "type": "object",
        "properties": {
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
            "extra": {"type": "object"},
            "owner": {"type": "object", "required": ["name"], "properties": {"name": TEXT}},
            "parts": {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "string"}}}},
        },
    }
    rest = rendered(tmp_path, document({"responses": {"200": answer(ref("Thing"))}}, {"Thing": thing}))
    value = {"counts": {"a": 1}, "extra": {"b": [None]}, "owner": {"name": "ann"}, "parts": [{"at": "x"}]}

    found = parsed(rest, value)
    assert repr(found) == (
        "Thing(counts={'a': 1}, extra={'b': [None]}, owner=ThingOwner(name='ann'), parts=[ThingPartsItem(at='x')])"
    )
    assert found.to_dict() == value
    with pytest.raises(Exception, match="body that is not the documented JSON"):
        parsed(rest, {"counts": {"a": "1"}})


def test_names_that_are_made_up_are_told() -> None:
    """Whoever imports a document can choose better ones."""
    thing = {"type": "object", "properties": {"owner": {"type": "object", "properties": {"name": TEXT}}}}
    color = {"name": "color", "in": "query", "schema": {"type": "string", "enum": ["red"]}}
    content = document({"parameters": [VERSION, color], "responses": {"200": answer(ref("Thing"))}}, {"Thing": thing})

    result, notes = swagger.imported(content)

    assert sorted(notes) == [
        "#/components/schemas/Thing/properties/owner: called ThingOwner",
        "#/paths/~1things/post/parameters/1/schema: called Color",
    ]
    assert sorted(result["components"]["schemas"]) == ["Color", "Thing", "ThingOwner"]


SHAPE = {
    "Shape": {
        "oneOf": [ref("Circle"), ref("Square")],
        "discriminator": {
            "propertyName": "kind",
            "mapping": {"circle": "#/components/schemas/Circle", "square": "#/components/schemas/Square"},
        },
    },
    "Circle": {"type": "object", "required": ["kind", "r"], "properties": {"kind": TEXT, "r": {"type": "number"}}},
    "Square": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": TEXT, "inner": ref("Shape")},
    },
}


def test_alternatives_are_a_union_that_may_hold_itself(tmp_path: Path) -> None:
    """Each is read as what it is, at any depth; a kind that is new comes as a mapping; another shape is an error."""
    rest = rendered(
        tmp_path,
        document(
            {"requestBody": {"required": True, **json_of(ref("Shape"))}, "responses": {"200": answer(ref("Shape"))}},
            SHAPE,
        ),
    )
    value = {"kind": "square", "inner": {"kind": "circle", "r": 1.5}}

    assert repr(parsed(rest, value)) == "Square(kind='square', inner=Circle(r=1.5, kind='circle'))"
    assert parsed(rest, {"kind": "star", "points": 5}) == {"kind": "star", "points": 5}
    sent = rest.SquareInput(rest.Circle(1.5))
    assert json.loads(rest.call.build(body=sent)["content"]) == value
    with pytest.raises(TypeError, match="body must be Circle or SquareInput"):
        rest.call.build(body=value)
    several: list[object] = [{"r": 1}, {"kind": 1}, {"kind": "circle"}, []]
    for wrong in several:
        with pytest.raises(Exception, match="not the documented JSON"):
            parsed(rest, wrong)


def test_successes_that_differ_are_told_apart_by_status(tmp_path: Path) -> None:
    """200 has content, 202 another, 204 none; what another status would hold is unknown."""
    schemas = {"Job": {"type": "object", "properties": {"id": TEXT}}}
    responses = {"200": answer({"type": "array", "items": TEXT}), "202": answer(ref("Job")), "204": {"description": ""}}
    rest = rendered(tmp_path, document({"responses": responses}, schemas))

    assert parsed(rest, ["a"]) == ["a"]
    assert repr(parsed(rest, {"id": "j"}, 202)) == "Job(id='j')"
    assert rest.call.parse(httpx.Response(204)) is None
    for status in (201, 404):
        with pytest.raises(Exception, match=f"responded with status {status}"):
            parsed(rest, [], status)


def test_header_parameters_are_headers(tmp_path: Path) -> None:
    """Required or not, texts or numbers; a value that would be two headers is refused, and some are not ours to set."""
    given = [("If-Match", TEXT, True), ("x-ms-count", {"type": "integer"}, False), ("Accept", TEXT, True)]
    parameters = [{"name": name, "in": "header", "schema": schema, "required": must} for name, schema, must in given]
    rest = rendered(tmp_path, document({"parameters": parameters, "responses": {"204": {"description": ""}}}, {}))

    assert rest.call.build(if_match='"1"')["headers"] == {"If-Match": '"1"'}
    assert rest.call.build(if_match="*", x_ms_count=3)["headers"] == {"If-Match": "*", "x-ms-count": "3"}
    for value in ("a\r\nX: y", "é", " a"):
        with pytest.raises(ValueError, match="if_match must be printable ASCII"):
            rest.call.build(if_match=value)
    with pytest.raises(TypeError, match=r"call\(\) missing 1 required keyword-only argument: 'if_match'"):
        rest.call.build()


@pytest.mark.parametrize(
    ("schema", "value", "says"),
    [
        ({"type": "boolean"}, "false", "x must be True or False, not 'false'"),
        ({"type": "integer"}, True, "x must be an int, not bool"),
        ({"type": "number"}, float("nan"), "x must be finite"),
        ({"type": "number"}, float("inf"), "x must be finite"),
        (TEXT, 1, "x must be a str, not int"),
        ({"type": "string", "enum": ["red"]}, "blue", "x: one of 'red' was expected, not 'blue'"),
        ({"type": "integer", "enum": [1]}, True, "x: one of 1 was expected, not True"),
        ({"type": "string", "format": "date-time"}, "2030-01-01", "x: a datetime was expected, not str"),
        ({"type": "array", "items": TEXT}, "ab", "x must be a list of strings, not one string"),
        ({"type": "array", "items": {"type": "integer"}}, ["1"], "x must be an int, not str"),
    ],
)
def test_an_argument_of_another_type_is_refused(tmp_path: Path, schema: object, value: object, says: str) -> None:
    """Nothing is turned into a text that the service would read as something else."""
    parameter = {"name": "x", "in": "query", "schema": schema}
    rest = rendered(tmp_path, document({"parameters": [parameter], "responses": {"204": {"description": ""}}}, {}))

    with pytest.raises((TypeError, ValueError), match=says):
        rest.call.build(x=value)


def test_a_list_is_not_joined_by_what_its_values_hold(tmp_path: Path) -> None:
    """The service could not take it apart again."""
    parameter = {"name": "x", "in": "query", "explode": False, "schema": {"type": "array", "items": TEXT}}
    rest = rendered(tmp_path, document({"parameters": [parameter], "responses": {"204": {"description": ""}}}, {}))

    with pytest.raises(ValueError, match="x holds 'a,b', but ',' separates the values"):
        rest.call.build(x=["a,b"])


def test_times_have_a_zone_and_bytes_are_bytes(tmp_path: Path) -> None:
    """Times without a zone and texts that are no base64 are refused on their way in, and the first also out."""
    from datetime import datetime

    thing = {
        "type": "object",
        "properties": {"at": {"type": "string", "format": "date-time"}, "raw": {"type": "string", "format": "byte"}},
    }
    rest = rendered(tmp_path, document({"responses": {"200": answer(ref("Thing"))}}, {"Thing": thing}))
    value = {"at": "2030-01-02T03:04:05+02:00", "raw": "AAE="}

    assert parsed(rest, value).to_dict() == value
    assert parsed(rest, value).raw == b"\0\1"
    for wrong in ({"at": "2030-01-02T03:04:05"}, {"at": "now"}, {"raw": "A"}, {"raw": "é"}):
        with pytest.raises(Exception, match="not the documented JSON"):
            parsed(rest, wrong)
    with pytest.raises(ValueError, match="at: a datetime with a zone was expected"):
        rest.Thing(datetime(2030, 1, 2)).to_dict()


def test_a_deprecated_operation_warns(tmp_path: Path) -> None:
    """At run time, too; the type checker is asked together with all others, in `test_codegen.py`."""
    rest = rendered(tmp_path, document({"deprecated": True, "responses": {"204": {"description": ""}}}, {}))
    respond = httpx.MockTransport(lambda _: httpx.Response(204))

    client = httpx.Client(transport=respond, base_url="http://x")
    with client as http, pytest.warns(DeprecationWarning, match="deprecated") as caught:
        rest.call.sync(http)

    assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]
    assert "Deprecated by the service." in rest.call.__doc__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rest.call.build()


@pytest.mark.parametrize(
    "name", ["lazy_names", "literal", "I", "l", "print", "build", "operation", "datetime", "attrs"]
)
def test_any_name_may_be_that_of_an_operation_a_schema_and_a_field(tmp_path: Path, name: str) -> None:
    """What rendered modules use themselves is out of reach of the names in documents."""
    schema = name.capitalize() if name.islower() else name
    thing = {"type": "object", "required": [name], "properties": {name: {"type": "string", "enum": ["a"]}}}
    content = document(
        {
            "x-name": name.lower(),
            "parameters": [{"name": name, "in": "query", "schema": TEXT}],
            "responses": {"200": answer(ref(schema))},
        },
        {schema: thing},
    )
    rest = rendered(tmp_path, content)

    operation = getattr(rest, name.lower())
    (argument,) = {"lazy_names", "literal", "i", "l", "print_", "build", "operation", "datetime_", "attrs"} & {
        name.lower(),
        f"{name}_",
    }
    assert operation.build(**{argument: "v"})["url"] == f"/things?{name}=v"
    assert operation.parse(httpx.Response(200, json={name: "a"})).to_dict() == {name: "a"}


def test_lists_in_descriptions_stay_lists(tmp_path: Path) -> None:
    """Paragraphs are filled, items keep their lines."""
    words = "First line\ngoes on.\n\n- one\n- two, which is\n  longer\n\n1. first\n2. second"
    rest = rendered(tmp_path, document({"description": words, "responses": {"204": {"description": ""}}}, {}))

    assert (
        "First line goes on.\n\n    - one\n    - two, which is longer\n\n    1. first\n    2. second"
        in rest.call.__doc__
    )


def test_limits_and_defaults_are_told_from_the_facts(tmp_path: Path) -> None:
    """No words of the document are needed for that."""
    schemas = [
        ("a", {"type": "integer", "minimum": 1, "maximum": 9}, "From 1 to 9."),
        ("b", {"type": "string", "maxLength": 1}, "At most 1 character."),
        ("c", {"type": "number", "minimum": 0, "exclusiveMinimum": True}, "At least 0. Not 0 itself."),
        ("d", {"type": "integer", "default": 60}, "The service takes 60 if it is left out."),
        ("e", {"type": "array", "items": TEXT, "minItems": 2}, "At least 2 items."),
        ("f", {"type": "string", "pattern": "^x$", "format": "uuid"}, "Matches `^x$`. Format: uuid."),
    ]
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema, _ in schemas]
    rest = rendered(tmp_path, document({"parameters": parameters, "responses": {"204": {"description": ""}}}, {}))

    for name, _, said in schemas:
        assert f"\n        {name}: {said}\n" in rest.call.__doc__


def test_a_renamed_operation_keeps_its_name_by_decision(tmp_path: Path) -> None:
    """`x-name` is the name in Python, whatever the id has become."""
    operation = {"operationId": "Things_NewName", "x-name": "call", "responses": {"204": {"description": ""}}}
    rest = rendered(tmp_path, document(operation, {}))

    assert rest.call.name == "call"
    assert not hasattr(rest, "new_name")


def test_all_refusals_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Grouped by what to do, each with its place, for all documents; nothing is written."""
    (tmp_path / "spec").mkdir()
    for version in ("2030-01-01", "2030-01-02"):
        content = document(
            {"callbacks": {}, "responses": {"204": {"description": "", "links": {}}}}, {"A": {"not": {}}}
        )
        content["info"]["version"] = version
        (tmp_path / "spec" / f"{version}.yaml").write_text(files.dump_yaml(content))

    assert codegen.main([], tmp_path) == 2
    block = """2030-01-0{}.yaml: 3 things stand in the way:
  teach rendering/grammar/form.py what it means, or list it under IGNORED there with the reason:
    #/paths/~1things/post/responses/204: unknown key 'links'
    #/paths/~1things/post: unknown key 'callbacks'
    #/components/schemas/A: unknown key 'not'
"""
    assert capsys.readouterr().err == "codegen.py: " + block.format(1) + block.format(2)
    assert not (tmp_path / "generated").exists()


CIRCLE = {"type": "array", "items": ref("Loop")}
TWO = {"oneOf": [ref("Circle")], "discriminator": {"propertyName": "kind", "mapping": {"round": ref("Circle")["$ref"]}}}
HEIRS = {
    "Base": {"type": "object", "discriminator": {"propertyName": "kind"}, "properties": {"kind": TEXT}},
    **{name: {"allOf": [ref("Base")], "x-ms-discriminator-value": "same"} for name in ("One", "Other")},
}


@pytest.mark.parametrize(
    ("schemas", "says"),
    [
        ({"Loop": CIRCLE}, "the schema leads in circles, with no object on the way"),
        ({"Loop": {"type": "object", "additionalProperties": CIRCLE}}, "the schema leads in circles, with no object"),
        ({**SHAPE, "Two": TWO}, "Circle is told from others in another way elsewhere"),
        (HEIRS, "two of its alternatives have the value 'same'"),
        ({"A": {"type": "object", "properties": {"to_dict": TEXT}}}, "a field cannot be called to_dict"),
        ({"A": {"type": "object", "properties": {"userId": TEXT, "user_id": TEXT}}}, "two fields are called user_id"),
        ({"A-b": {}, "a_B": {}}, "its class would be called like that of A-b"),
        ({"A": {"oneOf": [TEXT]}}, "alternatives (oneOf) need a discriminator"),
        ({"A": {"anyOf": [TEXT]}}, "anyOf is supported for open enumerations only"),
        ({"A": {"enum": [True]}}, "must be texts or whole numbers"),
        ({"A": {"enum": ["a", "a"]}}, "must be different"),
    ],
)
def test_what_has_no_form_in_python_is_refused(schemas: dict[str, Any], says: str) -> None:
    """A sentence says why, before anything is rendered."""
    with pytest.raises(Refused) as raised:
        swagger.renderable(document({"responses": {"204": {"description": ""}}}, schemas))

    assert says in str(raised.value)


def test_a_preview_of_another_api_has_a_place_of_its_own(tmp_path: Path) -> None:
    """Its name is in front of the version in the name of the file; it is marked as a preview at every operation."""
    (tmp_path / "spec").mkdir()
    content = document({"responses": {"204": {"description": ""}}}, {})
    content["info"]["version"] = "2030-01-01-preview"
    (tmp_path / "spec" / "other-2030-01-01-preview.yaml").write_text(files.dump_yaml(content))

    assert codegen.main([], tmp_path) == 0
    folder = tmp_path / PACKAGE / "other" / "v2030_01_01_preview"
    assert "Preview: it may change or go without notice." in (folder / "api" / "things" / "call.py").read_text()
    assert "a preview: it may change" in " ".join((folder / "__init__.py").read_text().split())
    assert '"2030-01-01-preview": "v2030_01_01_preview"' in (tmp_path / PACKAGE / "other" / "__init__.py").read_text()


@pytest.mark.parametrize("name", ["2030-01-02", "evil", "2030-01-01x"])
def test_nothing_but_the_name_of_the_file_says_where_code_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A document cannot have anything written outside of the place of its version."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / f"{name}.yaml").write_text(
        files.dump_yaml(document({"responses": {"204": {"description": ""}}}, {}))
    )

    assert codegen.main([], tmp_path) == 2
    assert "name of" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["spec"]


def test_a_disk_that_is_full_half_way_is_repaired_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit code 2; afterwards the same command completes what is missing."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "2030-01-01.yaml").write_text(
        files.dump_yaml(document({"responses": {"204": {"description": ""}}}, {}))
    )
    write, written = Path.write_bytes, itertools.count()

    def full(path: Path, content: bytes) -> int:
        if path.is_relative_to(tmp_path) and next(written) >= 3:
            write(path, content[:10])
            raise OSError(28, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert codegen.main([], tmp_path) == 2
    assert capsys.readouterr().err.endswith(": No space left on device\n")
    monkeypatch.undo()

    assert codegen.main(["--check"], tmp_path) == 1
    assert codegen.main([], tmp_path) == 0
    assert codegen.main(["--check"], tmp_path) == 0
