"""Comparing documents: every difference told once, with how much it matters, whatever the documents are like."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import codegen
from rendering.comparing import Difference, Level, as_changelog, as_markdown, as_text, compare, differences, summary
from rendering.facts import facts
from rendering.files import copied, load
from rendering.pointers import Document
from rendering.swagger import to_openapi3

from .support.tables import every_row

pytestmark = pytest.mark.no_cover

ROOT = Path(codegen.__file__).parent
FIXTURE = ROOT / "tests" / "fixtures" / "swagger-2.0.json"
SWAGGER = load(FIXTURE)
CHAT = load(ROOT / "tests" / "fixtures" / "typespec.json")

HEALTH = ("paths", "/api/health", "head")
TOKEN = ("paths", "/api/hubs/{hub}/:generateToken", "post")
SEND = ("paths", "/api/hubs/{hub}/:send", "post")
GROUP = ("paths", "/api/hubs/{hub}/groups/{group}/:send", "post")
LIST = ("paths", "/api/hubs/{hub}/groups/{group}/connections", "get")
CHECK = ("paths", "/api/hubs/{hub}/permissions/{permission}/connections/{connectionId}", "head")
TTL, HUB, KIND = (*SEND, "parameters", 2), (*SEND, "parameters", 0), (*TOKEN, "parameters", 3)
IN_SEND, IN_TOKEN = "POST /api/hubs/{hub}/:send, ", "POST /api/hubs/{hub}/:generateToken, "
IN_LIST = "GET /api/hubs/{hub}/groups/{group}/connections, "
IN_CHECK = "HEAD /api/hubs/{hub}/permissions/{permission}/connections/{connectionId}, "
GONE = object()


def edited(document: Document, *path: Any, to: object) -> Document:
    """Copy a document with one value replaced, added or, for GONE, taken out."""
    result = copied(document)
    *way, last = path
    node: Any = result
    for key in way:
        node = node[key]
    if to is GONE:
        del node[last]
    else:
        node[last] = to
    return result


def told(before: Document, after: Document) -> list[str]:
    """What is told, without the columns."""
    return [" ".join(line.split()) for line in as_text(differences(before, after))]


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a document."""
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(child, (*path, key))


# What is told, and how much it matters


@every_row(
    ("path", "value", "lines"),
    [
        ((*TTL, "maximum"), 600, [f"fine {IN_SEND}query ttl: maximum 300 -> 600"]),
        ((*TTL, "maximum"), 100, [f"breaking {IN_SEND}query ttl: maximum 300 -> 100"]),
        ((*TTL, "minimum"), 1, [f"breaking {IN_SEND}query ttl: minimum 0 -> 1"]),
        ((*TTL, "minimum"), GONE, [f"fine {IN_SEND}query ttl: minimum 0 -> none"]),
        ((*TTL, "multipleOf"), 5, [f"check {IN_SEND}query ttl: multipleOf none -> 5"]),
        ((*TTL, "format"), "int64", [f"check {IN_SEND}query ttl: format int32 -> int64"]),
        ((*TTL, "type"), "number", [f"fine {IN_SEND}query ttl: type integer -> number"]),
        ((*TTL, "type"), "string", [f"breaking {IN_SEND}query ttl: type integer -> string"]),
        ((*TTL, "required"), True, [f"breaking {IN_SEND}query ttl: became required"]),
        ((*TTL, "default"), 0, [f"check {IN_SEND}query ttl: default none -> 0"]),
        ((*TTL, "deprecated"), True, [f"fine {IN_SEND}query ttl: became deprecated"]),
        ((*TTL, "x-new"), [1], [f"check {IN_SEND}query ttl: not understood: x-new none -> [1]"]),
        (TTL, {"$ref": "a.json#/b"}, [
            f"check {IN_SEND}query ttl: removed",
            f"check {IN_SEND}parameter {{\"$ref\": \"a.json#/b\"}}: new, not understood: $ref a.json#/b",
        ]),
        (TTL, GONE, [f"check {IN_SEND}query ttl: removed"]),
        ((*TTL, "name"), "maxAge", [
            f"check {IN_SEND}query ttl: removed",
            f"fine {IN_SEND}query maxAge: new, integer int32, minimum 0, maximum 300, optional",
        ]),
        ((*TTL, "in"), "header", [
            f"check {IN_SEND}query ttl: removed",
            f"fine {IN_SEND}header ttl: new, integer int32, minimum 0, maximum 300, optional",
        ]),
        ((*HUB, "pattern"), "^x$", [f"check {IN_SEND}path hub: pattern ^[a-z]+$ -> ^x$"]),
        ((*HUB, "maxLength"), 128, [f"check {IN_SEND}path hub: maxLength none -> 128"]),
        ((*SEND, "parameters", 1, "required"), False, [f"fine {IN_SEND}body: became optional"]),
        ((*SEND, "parameters", 1, "schema", "format"), "byte", [
            f"breaking {IN_SEND}body application/octet-stream: format binary -> byte",
            f"breaking {IN_SEND}body text/plain: format none -> byte",
            f"breaking {IN_SEND}body application/json: type any -> string",
            f"breaking {IN_SEND}body application/json: format none -> byte",
        ]),
        ((*SEND, "consumes", 1), GONE, [f"breaking {IN_SEND}body text/plain: removed"]),
        ((*SEND, "consumes", 1), "text/xml", [
            f"breaking {IN_SEND}body text/plain: removed",
            f"fine {IN_SEND}body text/xml: new, string binary",
        ]),
        ((*SEND, "responses", "202"), GONE, [f"breaking {IN_SEND}status 202: removed"]),
        ((*SEND, "responses", "204"), {"description": ""}, [f"fine {IN_SEND}status 204: new"]),
        ((*SEND, "responses", "429"), {"description": ""}, [f"fine {IN_SEND}status 429: new"]),
        ((*SEND, "responses", "202", "schema"), {"$ref": "#/definitions/Token"}, [
            f"check {IN_SEND}status 202 as application/json: new, Token",
        ]),
        ((*SEND, "responses", "202", "headers"), {"Retry-After": {"type": "integer"}}, [
            f"fine {IN_SEND}status 202 header retry-after: new, integer",
        ]),
        ((*SEND, "deprecated"), True, [f"fine {IN_SEND}operation: became deprecated"]),
        ((*SEND, "x-ms-new"), True, [f"check {IN_SEND}operation: not understood: x-ms-new none -> true"]),
        ((*TOKEN, "produces", 0), GONE, [
            f"fine {IN_TOKEN}status 200 as text/plain: removed",
            f"fine {IN_TOKEN}any other status as text/plain: removed",
        ]),
        ((*TOKEN, "produces", 1), GONE, [
            f"breaking {IN_TOKEN}status 200 as application/json: removed",
            f"fine {IN_TOKEN}any other status as application/json: removed",
        ]),
        ((*TOKEN, "responses", "default", "headers"), GONE, [
            f"fine {IN_TOKEN}any other status header x-ms-error-code: removed",
        ]),
        ((*TOKEN, "parameters", 1, "collectionFormat"), "csv", [
            f"breaking {IN_TOKEN}query role: collectionFormat multi -> csv",
        ]),
        ((*TOKEN, "parameters", 1, "items", "type"), "integer", [
            f"breaking {IN_TOKEN}query role: type list of string -> list of integer",
        ]),
        ((*TOKEN, "parameters", 1, "items", "minLength"), 1, [f"check {IN_TOKEN}query role: item minLength none -> 1"]),
        ((*KIND, "default"), "MQTT", [f"breaking {IN_TOKEN}query kind: default Plain -> MQTT"]),
        ((*KIND, "enum"), ["Plain", "MQTT", "New"], ["fine enum Kind, value New: new"]),
        ((*KIND, "enum"), ["Plain"], ["breaking enum Kind, value MQTT: removed"]),
        ((*KIND, "x-ms-enum", "modelAsString"), False, ["check enum Kind, values: became closed"]),
        ((*LIST, "x-ms-pageable"), GONE, [f"breaking {IN_LIST}paging: removed"]),
        ((*LIST, "x-ms-pageable", "nextLinkName"), "next", [
            f"breaking {IN_LIST}paging: nextLinkName nextLink -> next",
        ]),
        ((*CHECK, "responses", "404"), GONE, [f"breaking {IN_CHECK}status 404: removed"]),
        (("definitions", "Member", "required"), GONE, [
            "breaking schema Member, property connectionId: became optional",
        ]),
        (("definitions", "Member", "required"), ["connectionId", "userId"], [
            "fine schema Member, property userId: became required",
        ]),
        (("definitions", "Member", "properties", "since"), {"type": "string", "format": "date-time"}, [
            "fine schema Member, property since: new, string date-time, optional",
        ]),
        (("definitions", "Member", "properties", "userId"), GONE, ["check schema Member, property userId: removed"]),
        (("definitions", "Member", "properties", "userId", "x-nullable"), True, [
            "breaking schema Member, property userId: became nullable",
        ]),
        (("definitions", "Page", "properties", "nextLink", "format"), GONE, [
            "check schema Page, property nextLink: format uri -> none",
        ]),
        (("definitions", "Token", "additionalProperties"), GONE, [
            "fine schema Token, object: additionalProperties false -> true",
        ]),
        (("definitions", "Problem", "properties", "code", "type"), "integer", [
            "check schema Problem, property code: type string -> integer",
        ]),
        (("definitions", "Extra"), {"type": "object", "properties": {"a": {}}}, []),
        (("paths", "/api/health"), GONE, ["breaking removed: HEAD /api/health (get_service_status)"]),
        (("x-ms-parameterized-host",), GONE, ["breaking service, host {}: removed"]),
        (("webhooks",), {"a": 1}, ["check service, document: new, not understood: webhooks {\"a\": 1}"]),
    ],
)  # fmt: skip
def test_every_change_of_a_fact_is_told_with_its_level(path: tuple[Any, ...], value: object, lines: list[str]) -> None:
    """One changed fact gives its own lines and no others."""
    assert told(SWAGGER, edited(SWAGGER, *path, to=value)) == lines


def test_a_value_that_a_closed_enumeration_gets_is_to_be_checked_where_it_is_answered() -> None:
    """Senders are free not to use it; readers may meet it."""
    closed = {"type": "string", "enum": ["a"], "x-ms-enum": {"name": "State", "modelAsString": False}}
    before = edited(SWAGGER, "definitions", "Member", "properties", "state", to=closed)
    after = edited(before, "definitions", "Member", "properties", "state", "enum", to=["a", "b"])
    assert told(before, after) == ["check enum State, value b: new"]


def test_a_new_operation_is_shown_with_its_contents_and_so_is_what_only_it_uses() -> None:
    """Nobody has to open the document to see what came."""
    without = edited(SWAGGER, *LIST[:2], to=GONE)
    assert told(without, SWAGGER) == [
        "fine new: GET /api/hubs/{hub}/groups/{group}/connections (list_connections_in_group)",
        "paging: itemName value, nextLinkName nextLink",
        "path hub: string, pattern ^[a-z]+$, required",
        "path group: string, minLength 1, maxLength 9, required",
        "query api-version: string, required",
        "status 200",
        "status 200 as application/json: Page",
        "fine new: schema Member",
        "object: additionalProperties true",
        "property connectionId: string, required",
        "property userId: string, optional",
        "fine new: schema Page",
        "object: additionalProperties true",
        "property value: list of Member, optional",
        "property nextLink: string uri, optional",
    ]


def test_what_differs_alike_in_several_places_is_told_once() -> None:
    """The places are listed below."""
    after = edited(SWAGGER, *HUB, "pattern", to="^x$")
    after = edited(after, *GROUP, "parameters", 0, "pattern", to="^x$")
    assert told(SWAGGER, after) == [
        "check path hub: pattern ^[a-z]+$ -> ^x$",
        "in POST /api/hubs/{hub}/:send",
        "in POST /api/hubs/{hub}/groups/{group}/:send",
    ]


def test_what_matters_most_comes_first() -> None:
    """A reader who stops early has read the worst."""
    after = edited(edited(SWAGGER, *TTL, "maximum", to=600), "paths", "/api/health", to=GONE)
    after = edited(after, *HUB, "pattern", to="^x$")
    assert [each.level for each in differences(SWAGGER, after)] == [Level.BREAKING, Level.CHECK, Level.FINE]
    assert summary(differences(SWAGGER, after)) == "1 breaking, 1 check, 1 fine"


# Renames


def test_a_renamed_operation_is_told_as_renamed() -> None:
    """Its Python name would change, in silence."""
    assert told(SWAGGER, edited(SWAGGER, *SEND, "operationId", to="Service_Broadcast")) == [
        f"check {IN_SEND}renamed: operation send_to_all -> broadcast"
    ]


def test_a_renamed_operation_that_keeps_its_python_name_is_fine() -> None:
    """`x-name` is the decision to keep it, and no fact of its own."""
    published = edited(SWAGGER, *SEND, "operationId", to="Service_Broadcast")
    ours = edited(to_openapi3(published), *SEND, "x-name", to="send_to_all")
    assert told(SWAGGER, ours) == [
        f"fine {IN_SEND}renamed: operation send_to_all -> broadcast; stays send_to_all in Python"
    ]
    assert told(ours, published) == []


def test_a_renamed_path_parameter_is_told_once_and_compared_all_the_same() -> None:
    """The URL stays what it was; what else changed about the parameter is still seen."""
    after = json.loads(json.dumps(SWAGGER).replace("{group}", "{room}").replace('"group"', '"room"'))
    after["paths"]["/api/hubs/{hub}/groups/{room}/:send"]["post"]["parameters"][1]["maxLength"] = 8
    assert told(SWAGGER, after) == [
        "breaking POST /api/hubs/{hub}/groups/{room}/:send, path room: maxLength 9 -> 8",
        "check renamed: path group -> room",
        "in POST /api/hubs/{hub}/groups/{room}/:send",
        "in GET /api/hubs/{hub}/groups/{room}/connections",
    ]


def test_renamed_schemas_and_enumerations_are_told_as_renamed_down_to_the_last() -> None:
    """Found by where they are used, also when what uses them has another name too."""
    after = json.dumps(SWAGGER).replace("/Page", "/MemberList").replace('"Page"', '"MemberList"')
    after = after.replace('/Member"', '/Person"').replace('"Member":', '"Person":').replace('"Kind"', '"Sort"')
    assert sorted(told(SWAGGER, json.loads(after))) == [
        "check renamed: enum Kind -> Sort",
        "check renamed: schema Member -> Person",
        "check renamed: schema Page -> MemberList",
    ]


# What is no difference


@every_row(
    ("path", "value"),
    [
        (("info", "title"), "Another title"),
        ((*SEND, "summary"), "Other words"),
        ((*SEND, "tags"), ["other"]),
        ((*SEND, "parameters", 0, "description"), "Other words"),
        ((*SEND, "parameters", 1, "name"), "payload"),
        ((*SEND, "parameters"), SWAGGER["paths"]["/api/hubs/{hub}/:send"]["post"]["parameters"][::-1]),
        ((*SEND, "consumes"), ["application/json", "application/octet-stream", "text/plain"]),
        ((*SEND, "parameters", 3, "default"), "2020-02-02"),
        ((*KIND, "enum"), ["MQTT", "Plain"]),
        ((*TOKEN, "responses", "default", "x-ms-error-response"), GONE),
        ((*CHECK, "produces"), ["application/json"]),
        ((*CHECK, "responses", "default", "schema"), {"$ref": "#/definitions/Problem"}),
        (("definitions", "Token", "properties", "token", "example"), "abc"),
        (("definitions", "Token", "properties", "token", "readOnly"), False),
        (("definitions", "Token", "properties", "token"), {"allOf": [{"type": "string"}]}),
        (("definitions", "Extra"), {"type": "object", "properties": {"a": {"type": "string"}}}),
        (("x-ms-parameterized-host", "hostTemplate"), "{endpoint}"),
        (("securityDefinitions",), {"OAuth": {"type": "oauth2"}}),
        (("security",), [{"OAuth": []}]),
        (("schemes",), ["https"]),
    ],
)
def test_what_is_only_written_differently_is_no_difference(path: tuple[Any, ...], value: object) -> None:
    """Prose, order, spellings of one and the same fact and what nobody uses do not count."""
    assert told(SWAGGER, edited(SWAGGER, *path, to=value)) == []


@pytest.mark.parametrize(("key", "value"), [("info", [1]), ("openapi", "3.1.0"), ("swagger", "1.2")])
def test_a_document_of_another_kind_is_not_the_same(key: str, value: object) -> None:
    """What cannot be read as anything known is listed, so that nobody takes two documents for equal."""
    (found,) = differences({"openapi": "3.0.3", "paths": {}}, {"openapi": "3.0.3", "paths": {}, key: value})
    assert found.level is Level.CHECK
    assert f"not understood: {key}" in found.what


def test_access_rules_are_compared_when_both_documents_have_some() -> None:
    """Ours have none, since signing is written by hand; two official documents may differ in them."""
    before = edited(SWAGGER, "security", to=[{"OAuth": ["read"]}])
    after = edited(SWAGGER, "security", to=[{"OAuth": ["all"]}])
    assert told(before, after) == ['check service, security: requires [{"OAuth": ["read"]}] -> [{"OAuth": ["all"]}]']


def test_a_field_may_be_required_by_us_and_optional_where_published() -> None:
    """The extension says that being required is our addition; without it the field differs."""
    stricter = edited(to_openapi3(SWAGGER), "components", "schemas", "Token", "required", to=["token"])
    marked = edited(stricter, "components", "schemas", "Token", "x-published-as-optional", to=["token"])
    assert told(SWAGGER, stricter) == ["fine schema Token, property token: became required"]
    assert told(SWAGGER, marked) == []


def test_converting_changes_no_fact() -> None:
    """Swagger and what becomes of it in spec/ promise the same."""
    assert told(SWAGGER, to_openapi3(SWAGGER)) == []


# What other generators write


def test_objects_are_read_with_all_that_they_consist_of() -> None:
    """`allOf`, discriminators, inline objects, maps and plain references with something beside them."""
    sections = facts(CHAT).sections
    assert sections["schema Pet"] == {
        "object": {"chosen by": "kind"},
        "variant Cat": {"type": "Cat"},
        "variant big-dog": {"type": "Dog"},
    }
    assert sections["schema Dog"] == {
        "object": {"additionalProperties": True},
        "property kind": {"type": "PetKind", "required": True},
        "property name": {"type": "string", "readOnly": True, "required": True},
        "property barks": {"type": "boolean", "required": False},
        "property home": {"type": "Dog.home", "nullable": True, "required": False},
        "property tags": {"type": "map of string", "required": False, "item maxLength": 9},
        "property anything": {"type": "object", "required": False},
    }
    assert sections["schema Dog.home"]["property street"] == {"type": "string", "required": True}
    assert sections["enum PetKind"] == {
        "values": {"type": "string", "open": True},
        "value cat": {},
        "value dog": {},
    }
    assert "schema Unused" not in sections


def test_operations_are_read_with_headers_and_patches() -> None:
    """Shared parameters, header parameters in any case of letters, media types of the whole document."""
    section = facts(CHAT).sections["PATCH /pets/{name}"]
    assert section["header if-match"] == {"type": "string", "required": False}
    assert section["body application/merge-patch+json"] == {"type": "PetUpdate"}
    assert section["status 200 as application/json"] == {"type": "Pet"}
    assert section["query api-version"] == {"type": "string", "minLength": 1, "required": True}


def test_the_same_facts_in_openapi_are_the_same() -> None:
    """A union by `oneOf` and a mapping, an object with a name where the other has none."""
    found = load(ROOT / "tests" / "fixtures" / "typespec-openapi.yaml")
    assert told(CHAT, found) == []
    assert told(found, CHAT) == []


def test_words_are_found_by_place() -> None:
    """Summaries and descriptions, also those of values, each under the name of what it is about."""
    words = facts(CHAT).words
    assert words["PATCH /pets/{name}, operation summary"] == "Change a pet."
    assert words["PATCH /pets/{name}, header if-match"] == "Tag that must be the current one."
    assert words["enum PetKind, value cat"] == "It meows."
    assert words["schema Dog, property name"] == "What it listens to."


# Documents of any shape


@pytest.mark.parametrize("original", [SWAGGER, CHAT, to_openapi3(SWAGGER)], ids=["swagger", "typespec", "openapi"])
def test_no_document_is_refused_whatever_stands_in_it(original: Document) -> None:
    """Any value may be replaced by any other: there are facts, and they compare equal to themselves only."""
    chance = random.Random(7)
    ways = list(places(original))
    junk: list[object] = [None, 0, "x", [], {}, [{}], {"a": 1}, {"$ref": "#/nowhere"}, {"$ref": 5}, True]
    before = facts(original)
    for _ in range(200):
        mutant = edited(original, *chance.choice(ways), to=chance.choice(junk))
        after = facts(mutant)
        assert compare(facts(mutant), after) == []
        compare(before, after)
        compare(after, before)


def test_no_key_can_go_unnoticed() -> None:
    """Taking out any key is a difference, but for prose and what says the same without it."""
    unnoticed = set()
    before = facts(SWAGGER)
    for path in places(SWAGGER):
        examples = {"x-ms-examples", "x-ms-parameterized-host"} & {*path[:-1]}
        if not examples and not compare(before, facts(edited(SWAGGER, *path, to=GONE))):
            unnoticed.add(next(key for key in reversed(path) if isinstance(key, str)))
    assert unnoticed == {
        "description",
        "example",
        "info",
        "name",  # of a body
        "produces",  # of an operation whose responses are empty
        "summary",
        "tags",
        "title",
        "type",  # of what has properties
        "version",
        "x-ms-client-name",
        "x-ms-error-response",
        "x-ms-examples",
    }


@pytest.mark.parametrize(
    "circle",
    [
        {"type": "array", "items": {"$ref": "#/definitions/Circle"}},
        {"$ref": "#/definitions/Circle"},
        {"allOf": [{"$ref": "#/definitions/Circle"}]},
        {"oneOf": [{"$ref": "#/definitions/Circle"}]},
        {"type": "object", "additionalProperties": {"$ref": "#/definitions/Circle"}},
        {"type": "object", "properties": {"in": {"$ref": "#/definitions/Circle"}}},
    ],
)
def test_schemas_may_lead_in_circles(circle: Document) -> None:
    """An endless description would be no description."""
    document = edited(SWAGGER, "definitions", "Circle", to=circle)
    document = edited(document, "definitions", "Token", "properties", "token", to={"$ref": "#/definitions/Circle"})
    assert told(document, document) == []
    assert "schema Token, property token: " in "\n".join(told(SWAGGER, document))


# The command


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run `codegen.py diff`: exit code, output, errors."""
    code = codegen.main(["diff", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The fixture with one thing that breaks callers and one that does not."""
    changed = edited(edited(SWAGGER, *TTL, "maximum", to=600), "paths", "/api/health", to=GONE)
    changed["info"]["version"] = "2021-02-02"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(changed))
    return path


def test_equal_documents_give_no_output_and_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts can rely on either."""
    assert run(capsys, FIXTURE, FIXTURE) == (0, "", "")


def test_differences_are_printed_whole_and_give_exit_code_1(capsys: pytest.CaptureFixture[str], other: Path) -> None:
    """Each with its level, and how many there are of each level."""
    code, out, _ = run(capsys, FIXTURE, other)
    assert code == 1
    assert out.splitlines() == [
        "breaking  removed: HEAD /api/health (get_service_status)",
        "fine      POST /api/hubs/{hub}/:send, query ttl: maximum 300 -> 600",
        "1 breaking, 1 fine",
    ]


def test_nothing_is_cut(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A hundred new operations are a hundred new operations."""
    paths = {f"/p{number}": {"get": {"responses": {"204": {"description": ""}}}} for number in range(100)}
    many, none = tmp_path / "many.json", tmp_path / "none.json"
    for path, those in ((many, paths), (none, {})):
        path.write_text(json.dumps({"openapi": "3.0.3", "info": {"version": "1"}, "paths": those}))
    assert run(capsys, none, many)[1].count("fine ") == 100


@pytest.mark.parametrize(("level", "code"), [("breaking", 0), ("check", 0), ("fine", 1)])
def test_the_exit_code_may_depend_on_the_level(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, level: str, code: int
) -> None:
    """What is below the level is told, but does not fail a build."""
    (tmp_path / "b.json").write_text(json.dumps(edited(SWAGGER, *TTL, "maximum", to=600)))
    found, out, _ = run(capsys, FIXTURE, tmp_path / "b.json", "--fail-on", level)
    assert found == code
    assert "maximum 300 -> 600" in out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        ("folder", "Is a directory"),
        ("[]", "not an API document"),
        ('{"name": "something else"}', "not an API document"),
        ("{", "not a JSON or YAML document: "),
        ("a: [", "not a JSON or YAML document: "),
        ("[" * 800, "nested too deeply"),
        ("a: " + "[\n" * 60_000, "nested too deeply"),
        ("- " * 50_000, "nested too deeply"),
        ('{"swagger": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_gives_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None, message: str
) -> None:
    """No traceback, and the file is named."""
    path = tmp_path / "document.json"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    code, out, err = run(capsys, FIXTURE, path)
    assert (code, out) == (2, "")
    assert err.startswith(f"codegen.py: {path}: {message}")
    assert err.count("\n") == 1


def test_whoever_reads_may_stop_reading() -> None:
    """`diff ... | head` ends in silence."""
    documents = [str(FIXTURE), str(ROOT / "tests" / "fixtures" / "typespec.json")]
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(ROOT / "codegen.py"), "diff", *documents]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_markdown_is_for_an_issue(capsys: pytest.CaptureFixture[str], other: Path) -> None:
    """A list for each level; what the document says cannot become markup."""
    code, out, _ = run(capsys, FIXTURE, other, "--markdown")
    assert code == 1
    assert out.splitlines() == [
        "## `swagger-2.0.json` to `other.json`: 1 breaking, 1 fine",
        "",
        "### Breaking",
        "",
        "* `removed: HEAD /api/health (get_service_status)`",
        "",
        "### Fine",
        "",
        "* `POST /api/hubs/{hub}/:send`: `query ttl: maximum 300 -> 600`",
    ]
    assert as_markdown([Difference(Level.FINE, "a `b`", ("c", "d"), ("e",))], "x", "y")[4:] == [
        "* `` a `b` ``",
        "  * `e`",
        "  * in `c`",
        "  * in `d`",
    ]


def test_the_changelog_gets_one_entry(capsys: pytest.CaptureFixture[str], other: Path) -> None:
    """Names as callers know them; what breaks them stands out."""
    assert run(capsys, FIXTURE, other, "--changelog")[1].splitlines() == [
        "* API version 2021-02-02: gone: `get_service_status`; "
        "query ttl: maximum 300 -> 600 (`POST /api/hubs/{hub}/:send`)."
    ]
    assert as_changelog([Difference(Level.BREAKING, "a: became required", ("b", "c"))], "1") == [
        "* API version 1: **a: became required (`b` and `c`)**."
    ]
    assert as_changelog([], "1") == ["* API version 1: no change of fact."]
