"""Facts put into our documents in place: everything else stays as it is."""

from __future__ import annotations

import copy
import difflib
import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rendering.comparing import differences
from rendering.files import copied, dump_edited, dump_yaml, load, load_for_editing, parsed
from rendering.pointers import Document
from rendering.swagger import to_openapi3
from rendering.updating import bare, update, without_words

from .support.published import as_published, shortened

pytestmark = pytest.mark.no_cover

SPEC = Path(__file__).parent.parent / "spec"
HUB = "/api/hubs/{hub}"
SEND, GROUP, CONNECTION = f"{HUB}/:send", f"{HUB}/groups/{{group}}", f"{HUB}/connections/{{connectionId}}"
OURS = shortened(
    load(SPEC / "2024-12-01.yaml"),
    {
        "/api/health",
        f"{HUB}/:closeConnections",
        f"{HUB}/:generateToken",
        SEND,
        CONNECTION,
        GROUP,
        f"{GROUP}/:send",
        f"{GROUP}/connections",
    },
)
TEXT = dump_yaml(OURS)
PUBLISHED = as_published(OURS)

Change = Callable[[Document], object]


def operation(document: Document, path: str, method: str = "post") -> Any:
    """An operation of a document."""
    return document["paths"][path][method]


def parameter(document: Document, path: str, name: str, method: str = "post") -> Any:
    """A parameter of an operation of a published document."""
    return next(each for each in operation(document, path, method)["parameters"] if each["name"] == name)


def published(*changes: Change) -> Document:
    """The published document, changed."""
    document = copied(PUBLISHED)
    for change in changes:
        change(document)
    return document


@cache
def tree_of(text: str) -> Document:
    """A document as it is read for editing. Reading takes longer than copying."""
    return load_for_editing(text)


def edited(document: Document, text: str = TEXT) -> Document:
    """Our document, as it is held for editing, after an update."""
    tree = copy.deepcopy(tree_of(text))
    update(tree, without_words(to_openapi3(document)))
    return tree


def updated(document: Document, text: str = TEXT) -> str:
    """Our document, as text, after an update."""
    return dump_edited(edited(document, text))


def changed_lines(after: str, before: str = TEXT) -> list[str]:
    """The lines that are gone and those that are new."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line[0] + " " + line[1:].strip() for line in list(lines)[2:] if not line.startswith("@@")]


def of_all(name: str, change: Change) -> Change:
    """A change: all parameters of a name."""

    def everywhere(document: Document) -> None:
        for item in document["paths"].values():
            for each in item.values():
                for candidate in each["parameters"]:
                    if candidate["name"] == name:
                        change(candidate)

    return everywhere


def renamed(old: str, new: str) -> Change:
    """A change: a name, wherever it stands."""

    def change(document: Document) -> None:
        text = json.dumps(document).replace(old, new)
        document.clear()
        document.update(json.loads(text))

    return change


@pytest.mark.parametrize("path", sorted(SPEC.glob("*-12-01.yaml")), ids=lambda path: path.stem)
def test_a_document_that_is_up_to_date_stays_byte_by_byte(path: Path) -> None:
    """Reading, looking and writing changes nothing."""
    text = path.read_text("utf-8")
    assert updated(as_published(load(path)), text) == text


def test_where_parameters_are_written_is_layout() -> None:
    """Those of the chat API stand with each operation, those of the others with the path."""
    text = (SPEC / "chat-2026-08-01-preview.yaml").read_text("utf-8")
    assert "\n    parameters:\n" not in text
    assert updated(parsed(text, "ours"), text) == text


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (
            of_all("messageTtlSeconds", lambda each: each.update(maximum=600)),
            ["- maximum: 300", "+ maximum: 600"],
        ),
        (
            of_all("messageTtlSeconds", lambda each: each.pop("maximum")),
            ["- maximum: 300"],
        ),
        (
            of_all("messageTtlSeconds", lambda each: each.update(default=0)),
            ["+ default: 0"],
        ),
        (
            of_all("reason", lambda each: each.update(required=True)),
            ["+ required: true"],
        ),
        (
            of_all("reason", lambda each: each.update(maxLength=9)),
            ["+ maxLength: 9"],
        ),
        (
            lambda document: document["definitions"]["GroupMember"]["properties"].pop("userId"),
            [
                "- userId:",
                "- description: The user behind the connection. Missing if the connection is anonymous.",
                "- type: string",
            ],
        ),
        (
            lambda document: document["definitions"]["GroupMember"].update(required=["connectionId", "userId"]),
            ["- required: [connectionId]", "+ required: [connectionId, userId]"],
        ),
        (
            lambda document: document["definitions"]["GroupMember"].pop("required"),
            ["- required: [connectionId]"],
        ),
        (
            lambda document: document["definitions"]["ClientTokenResponse"].update(required=["token"]),
            ["- x-published-as-optional: [token]"],
        ),
        (
            lambda document: operation(document, SEND)["responses"].pop("default"),
            ["- default:", "- $ref: '#/components/responses/Error'"],
        ),
        (
            lambda document: operation(document, GROUP, "head")["responses"].update({"410": {"description": "Gone."}}),
            ["+ '410':", "+ description: ''"],
        ),
        (
            lambda document: operation(document, SEND).update(operationId="Service_Broadcast"),
            ["- operationId: send_to_all", "+ operationId: broadcast", "+ x-name: send_to_all"],
        ),
        (
            lambda each: operation(each, f"{GROUP}/connections", "get").pop("x-ms-pageable"),
            ["- x-ms-pageable:", "- nextLinkName: nextLink"],
        ),
        (
            lambda document: document["paths"].pop("/api/health"),
            [
                "- - name: health",
                "- description: The state of the service.",
                "- /api/health:",
                "- parameters:",
                "- - $ref: '#/components/parameters/apiVersion'",
                "- head:",
                "- operationId: get_service_status",
                "- tags: [health]",
                "- summary: Probe whether the service is up.",
                "- description: Any other response than 200 means that the service is not ready to take requests.",
                "- responses:",
                "- '200':",
                "- description: The service takes requests.",
                "- default:",
                "- $ref: '#/components/responses/Unhealthy'",
                "-",
                "- Unhealthy:",
                "- description: The service does not take requests now.",
            ],
        ),
        (
            renamed("GroupMemberPagedValues", "MemberPage"),
            [
                "- $ref: '#/components/schemas/GroupMemberPagedValues'",
                "+ $ref: '#/components/schemas/MemberPage'",
                "- GroupMemberPagedValues:",
                "+ MemberPage:",
            ],
        ),
        (
            of_all("clientType", lambda each: each.update(enum=["Default", "MQTT", "SocketIO"])),
            ["- enum: [Default, MQTT]", "+ enum: [Default, MQTT, SocketIO]"],
        ),
    ],
)  # fmt: skip
def test_a_fact_that_changed_is_changed_where_it_stands(change: Change, lines: list[str]) -> None:
    """Nothing else moves: neither order, nor words, nor decisions."""
    wanted = published(change)
    after = edited(wanted)
    assert differences(copied(after), wanted) == []
    found = [line.rstrip() for line in changed_lines(dump_edited(after))]
    assert sorted(found) == sorted(lines)


def test_what_only_some_users_of_a_shared_part_want_becomes_theirs() -> None:
    """The other ones keep sharing; the words are copied along."""
    document = published(lambda each: parameter(each, SEND, "messageTtlSeconds").update(maximum=60))
    after = copied(edited(document))
    shared = after["components"]["parameters"]["messageTtlSeconds"]
    assert shared == OURS["components"]["parameters"]["messageTtlSeconds"]
    assert operation(after, SEND)["parameters"][-1] == shared | {"schema": shared["schema"] | {"maximum": 60}}
    assert operation(after, f"{GROUP}/:send")["parameters"][-1] == {"$ref": "#/components/parameters/messageTtlSeconds"}
    assert differences(after, document) == []


def test_a_parameter_of_the_path_that_changes_in_one_operation_only_goes_down_to_the_operations() -> None:
    """An operation has either the parameter of its path or its own."""
    document = published(lambda each: parameter(each, GROUP, "group", "head").update(maxLength=9))
    document = copied(document)
    parameter(document, CONNECTION, "connectionId", "delete").update(maxLength=7)
    after = copied(edited(document))
    assert differences(after, document) == []
    assert after["paths"][CONNECTION]["parameters"] == [
        {"$ref": "#/components/parameters/hub"},
        {"$ref": "#/components/parameters/apiVersion"},
    ]
    assert after["paths"][CONNECTION]["head"]["parameters"] == [{"$ref": "#/components/parameters/connectionId"}]


def test_a_new_operation_uses_what_is_shared_already() -> None:
    """Parameters, messages, errors and responses that say the same are referred to, and repeated nowhere."""

    def add(document: Document) -> None:
        new = copied(operation(document, SEND))
        new["operationId"] = "Service_SendToNobody"
        new["parameters"].append({"name": "why", "in": "query", "type": "string"})
        document["paths"][f"{HUB}/:sendToNobody"] = {"post": new}

    after = copied(edited(published(add)))
    assert after["paths"][f"{HUB}/:sendToNobody"] == {
        "parameters": [{"$ref": "#/components/parameters/hub"}, {"$ref": "#/components/parameters/apiVersion"}],
        "post": {
            "operationId": "send_to_nobody",
            "tags": ["published"],
            "parameters": [
                {"$ref": "#/components/parameters/excluded"},
                {"$ref": "#/components/parameters/filter"},
                {"$ref": "#/components/parameters/messageTtlSeconds"},
                {"name": "why", "in": "query", "schema": {"type": "string"}},
            ],
            "requestBody": {"$ref": "#/components/requestBodies/Message"},
            "responses": {
                "202": {"$ref": "#/components/responses/Accepted"},
                "default": {"$ref": "#/components/responses/Error"},
            },
        },
    }


def test_a_new_operation_stands_where_it_was_published() -> None:
    """Readers of both documents find it in the same place."""

    def add(document: Document) -> None:
        new = copied(operation(document, f"{HUB}/:closeConnections")) | {"operationId": "Service_New"}
        paths = dict(document["paths"])
        document["paths"].clear()
        for path, item in paths.items():
            document["paths"][path] = item
            if path == SEND:
                document["paths"][f"{HUB}/:new"] = {"post": new}

    paths = list(copied(edited(published(add)))["paths"])
    assert paths[paths.index(SEND) + 1] == f"{HUB}/:new"


def test_a_renamed_parameter_of_a_path_is_renamed_in_place() -> None:
    """It is known by where it stands in the path, so that its words stay."""
    after = updated(
        published(renamed("{connectionId}", "{connection}"), renamed('"name": "connectionId"', '"name": "connection"'))
    )
    assert "Id of the connection, given by the service when the client connected." in after
    assert "{connectionId}" not in after
    assert changed_lines(after) == [
        "- /api/hubs/{hub}/connections/{connectionId}:",
        "+ /api/hubs/{hub}/connections/{connection}:",
        "- name: connectionId",
        "+ name: connection",
    ]


def test_a_parameter_that_several_operations_get_is_written_once() -> None:
    """A hundred copies would be a hundred things to describe."""
    document = published(of_all("reason", lambda each: each), lambda each: _add_everywhere(each))
    after = copied(edited(document))
    assert differences(after, document) == []
    assert after["components"]["parameters"]["trace"] == {"name": "trace", "in": "query", "schema": {"type": "string"}}
    assert operation(after, SEND)["parameters"][-1] == {"$ref": "#/components/parameters/trace"}


def _add_everywhere(document: Document) -> None:
    for item in document["paths"].values():
        for each in item.values():
            each["parameters"].append({"name": "trace", "in": "query", "type": "string"})


def test_comments_stay() -> None:
    """Above a path, beside a value, inside of a schema."""
    text = TEXT.replace("  /api/hubs/{hub}/:send:\n", "  # Broadcasts.\n  /api/hubs/{hub}/:send:\n")
    text = text.replace("maximum: 300\n", "maximum: 300  # five minutes\n")
    text = text.replace("        token:\n", "        # The JWT.\n        token:\n")
    text = "# Ours.\n" + text
    after = updated(published(of_all("messageTtlSeconds", lambda each: each.update(maximum=600))), text)
    assert changed_lines(after, text) == ["- maximum: 300  # five minutes", "+ maximum: 600  # five minutes"]


@pytest.mark.parametrize("seed", range(8))
def test_any_change_can_be_taken_over(seed: int) -> None:
    """Several structural changes at once: afterwards nothing differs, and the layout is that of an import."""
    chance = random.Random(seed)
    document = published()
    for _ in range(chance.randint(1, 6)):
        _mutate(document, chance)
    after = updated(document)
    result = parsed(after, "ours")
    assert differences(result, document) == []
    assert to_openapi3(result) == result
    assert dump_yaml(result) == after
    assert updated(document, after) == after


def _mutate(document: Document, chance: random.Random) -> None:
    """Change something about a published document that it might say as well."""
    path = chance.choice([path for path, item in document["paths"].items() if item])
    method = chance.choice(list(document["paths"][path]))
    here = operation(document, path, method)
    schemas = [each for each in document["definitions"].values() if each.get("properties")]
    fields = [each for schema in schemas for each in schema["properties"].values() if each.get("type") == "string"]
    queries = [each for each in here["parameters"] if each["in"] == "query" and each["name"] != "api-version"]
    match chance.randrange(11):
        case 0:
            del document["paths"][path][method]
            if not document["paths"][path]:
                del document["paths"][path]
        case 1:
            name = chance.choice(["trace", "filter", "reason", "depth"])
            if name not in [each["name"] for each in here["parameters"]]:
                here["parameters"].append(
                    {"name": name, "in": "query", "type": "string", "maxLength": chance.randint(1, 3)}
                )
        case 2:
            for each in queries[:1]:
                here["parameters"].remove(each)
        case 3:
            for each in queries[-1:]:
                each["required"] = not each.get("required", False)
        case 4:
            chance.choice(fields)["maxLength"] = chance.randint(1, 99)
        case 5:
            chance.choice(schemas)["properties"][f"new{chance.randint(1, 9)}"] = {"type": "integer"}
        case 6:
            schema = chance.choice(schemas)
            schema["required"] = [chance.choice(list(schema["properties"]))]
        case 7:
            here["responses"]["409"] = {"description": "Conflict."}
        case 8:
            for each in here["parameters"]:
                if each["name"] == "hub":
                    each["maxLength"] = chance.randint(100, 103)
        case 9:
            chance.choice(schemas)["additionalProperties"] = chance.choice([True, False])
        case 10:
            here["operationId"] = f"Service_Renamed{chance.randint(1, 999)}"


def test_equal_facts_are_bare_of_words_and_order() -> None:
    """What counts when two parts of documents are compared."""
    ours = {
        "description": "Words.",
        "required": ["b", "a"],
        "x-published-as-optional": ["b"],
        "properties": {"description": {"description": "A field of that name.", "type": "string"}},
        "additionalProperties": True,
    }
    assert bare(ours) == {"required": ["a"], "properties": {"description": {"type": "string"}}}
