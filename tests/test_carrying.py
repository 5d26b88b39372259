"""Our words and decisions, carried over to new documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from rendering.carrying import complete, fingerprints, lost, places, rewritten, unwritten
from rendering.facts import facts
from rendering.files import copied, load
from rendering.pointers import Document
from rendering.updating import without_words

from .support.published import as_published

pytestmark = pytest.mark.no_cover

SPEC = Path(__file__).parent.parent / "spec"
OURS = load(SPEC / "2024-12-01.yaml")
HUB = "/api/hubs/{hub}"


def bare_copy(document: Document = OURS) -> Document:
    """One of our documents without a word."""
    copy: Document = without_words(copied(document))
    return copy


def texts(document: Document) -> dict[str, tuple[str | None, str | None]]:
    """Summary and description by place."""
    return {place.name: (place.node.get("summary"), place.node.get("description")) for place in places(document)}


def test_every_word_finds_its_place_again() -> None:
    """Info, tags, operations, parameters, bodies, responses, headers, schemas, fields."""
    document = bare_copy()
    complete(document, [OURS])
    assert texts(document) == texts(OURS)
    assert unwritten(document) == []


def test_what_nobody_wrote_yet_is_marked() -> None:
    """A new operation wants both a summary and a description, everything else a description."""
    document = bare_copy()
    complete(document, [])
    assert {text for both in texts(document).values() for text in both} == {None, "TODO"}
    left = unwritten(document)
    assert f"POST {HUB}/:send: summary" in left
    assert f"POST {HUB}/:send: description" in left
    assert "parameters, query filter: description" in left
    assert "responses Error, header x-ms-error-code: description" in left
    assert "schema GroupMember, property userId: description" in left
    assert len(left) == len(set(left))


def test_a_parameter_is_known_by_its_name_wherever_it_turns_up() -> None:
    """What the same operation says of it comes first, what any other says second."""
    document = bare_copy()
    new = {"name": "filter", "in": "query", "schema": {"type": "string"}}
    document["paths"][f"{HUB}/:closeConnections"]["post"]["parameters"] = [new]
    complete(document, [OURS])
    said = OURS["components"]["parameters"]["filter"]["description"]
    assert document["paths"][f"{HUB}/:closeConnections"]["post"]["parameters"][0]["description"] == said


def test_the_nearest_document_has_the_first_word() -> None:
    """Others are asked for what it does not know."""
    near = copied(OURS)
    near["paths"][f"{HUB}/:send"]["post"]["summary"] = "Tell everybody."
    del near["components"]["schemas"]["GroupMember"]
    document = bare_copy()
    complete(document, [near, OURS])
    assert document["paths"][f"{HUB}/:send"]["post"]["summary"] == "Tell everybody."
    assert document["components"]["schemas"]["GroupMember"]["description"] == "One connection in a group."


def test_words_of_our_own_are_not_replaced() -> None:
    """Completing fills gaps."""
    document = copied(OURS)
    document["paths"][f"{HUB}/:send"]["post"]["summary"] = "Tell everybody."
    before = copied(document)
    complete(document, [OURS])
    assert document == before


def test_todo_is_not_carried_over_as_if_it_were_a_word() -> None:
    """Somebody may have left an import half written."""
    half = copied(OURS)
    half["components"]["schemas"]["GroupMember"]["description"] = "TODO"
    document = bare_copy()
    complete(document, [half, OURS])
    assert document["components"]["schemas"]["GroupMember"]["description"] == "One connection in a group."
    assert unwritten(half) == ["schema GroupMember: description"]


def test_a_new_operation_has_the_tag_and_the_python_name_that_it_has_elsewhere() -> None:
    """Decisions travel with the words."""
    like = copied(OURS)
    operation = like["paths"][f"{HUB}/:send"]["post"]
    operation["operationId"], operation["x-name"] = "broadcast", "send_to_all"
    document = bare_copy()
    document["paths"][f"{HUB}/:send"]["post"] |= {"operationId": "broadcast", "tags": ["published"]}
    complete(document, [like])
    assert document["paths"][f"{HUB}/:send"]["post"]["x-name"] == "send_to_all"
    assert document["paths"][f"{HUB}/:send"]["post"]["tags"] == ["hub"]


def test_an_operation_that_nobody_knows_gets_the_tag_of_its_neighbour() -> None:
    """Published tags are too coarse to be folders; the path tells where an operation belongs."""
    document = copied(OURS)
    for path in (f"{HUB}/:new", f"{HUB}/groups/{{group}}/new", f"{HUB}/users/{{userId}}"):
        document["paths"].setdefault(path, {})["post"] = {
            "operationId": "new",
            "tags": ["published"],
            "responses": {},
        }
    complete(document, [])
    paths = document["paths"]
    assert paths[f"{HUB}/:new"]["post"]["tags"] == ["hub"]
    assert paths[f"{HUB}/groups/{{group}}/new"]["post"]["tags"] == ["groups"]
    assert paths[f"{HUB}/users/{{userId}}"]["post"]["tags"] == ["users"]


def test_a_new_schema_requires_what_we_decided_to_require() -> None:
    """Published as optional, of no use without."""
    document = bare_copy()
    schema = document["components"]["schemas"]["AddToGroupsRequest"]
    del schema["required"], schema["x-published-as-optional"]
    complete(document, [OURS])
    assert schema["required"] == schema["x-published-as-optional"] == ["groups"]


def test_words_that_are_gone_are_listed_with_their_place() -> None:
    """Words that only moved are not gone."""
    document = copied(OURS)
    del document["components"]["schemas"]["GroupMember"]["properties"]["userId"]
    document["components"]["schemas"]["Moved"] = document["components"]["schemas"].pop("InnerError")
    assert lost(OURS, document) == [
        "schema GroupMember, property userId: description: "
        "The user behind the connection. Missing if the connection is anonymous."
    ]


# What is published


def test_published_words_are_remembered_without_their_text() -> None:
    """A short hash by place; spaces and line breaks do not count."""
    document = as_published(OURS)
    before = fingerprints(facts(document))
    assert all(len(each) == 16 for each in before.values())
    assert not [text for text in facts(document).words.values() if text in str(before)]

    document["paths"][f"{HUB}/:send"]["post"]["summary"] += " And more."
    document["paths"]["/api/health"]["head"]["summary"] = "Published:\n get_service_status   /api/health."
    del document["definitions"]["GroupMember"]["description"]
    assert rewritten(before, fingerprints(facts(document))) == [
        f"POST {HUB}/:send, operation summary",
        "schema GroupMember, object (says nothing any more)",
    ]
