"""How alternatives are told apart: by a mapping of names or references, or by the names of their schemas."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from rendering import swagger
from rendering.comparing import differences
from rendering.grammar import Refused
from tests.test_rendered_kinds import SHAPE, TEXT, answer, document, json_of, parsed, ref, rendered

pytestmark = pytest.mark.no_cover

CIRCLE, SQUARE = ref("Circle")["$ref"], ref("Square")["$ref"]
KIND = {"type": "object", "required": ["kind"], "properties": {"kind": TEXT}}
HEIRS: dict[str, Any] = {
    "Shape": {**KIND, "discriminator": {"propertyName": "kind"}},
    "Circle": {"allOf": [ref("Shape")], "properties": {"r": {"type": "number"}}},
    "Square": {"allOf": [ref("Shape")], "properties": {"inner": ref("Shape")}},
}
NO_MAPPING = object()


def with_mapping(schemas: dict[str, Any], mapping: object) -> dict[str, Any]:
    """A document whose operation takes and gives the schema `Shape`, with this mapping."""
    changed = copy.deepcopy(schemas)
    changed["Shape"]["discriminator"].pop("mapping", None)
    if mapping is not NO_MAPPING:
        changed["Shape"]["discriminator"]["mapping"] = mapping
    body = {"required": True, **json_of(ref("Shape"))}
    return document({"requestBody": body, "responses": {"200": answer(ref("Shape"))}}, changed)


@pytest.mark.parametrize("schemas", [SHAPE, HEIRS], ids=["oneOf", "allOf"])
@pytest.mark.parametrize(
    ("mapping", "told_by"),
    [
        (NO_MAPPING, {"Circle": CIRCLE, "Square": SQUARE}),
        ({}, {"Circle": CIRCLE, "Square": SQUARE}),
        ({"round": "Circle", "4": "Square"}, {"round": CIRCLE, "4": SQUARE}),
        ({"round": "Circle"}, {"round": CIRCLE, "Square": SQUARE}),
        ({"round": CIRCLE, "4": "Square"}, {"round": CIRCLE, "4": SQUARE}),
    ],
)
def test_alternatives_without_a_value_are_told_by_their_name(
    schemas: dict[str, Any], mapping: object, told_by: dict[str, str]
) -> None:
    """As OpenAPI has it; the document that is written says it in full, and nothing differs from what was published."""
    published = with_mapping(schemas, mapping)

    written = swagger.to_openapi3(published)

    assert written["components"]["schemas"]["Shape"]["discriminator"]["mapping"] == told_by
    assert differences(written, published) == []
    assert swagger.to_openapi3(written) == written


def test_a_choice_within_a_choice_is_no_alternative_itself() -> None:
    """What extends a schema only to be extended again never comes as such."""
    between = {"allOf": [ref("Shape")], "discriminator": {"propertyName": "kind"}, "properties": {"sides": TEXT}}
    schemas = {**HEIRS, "Polygon": between, "Square": {"allOf": [ref("Polygon")], "properties": {}}}
    published = with_mapping(schemas, NO_MAPPING)

    written = swagger.to_openapi3(published)

    assert written["components"]["schemas"]["Shape"]["discriminator"]["mapping"] == {"Circle": CIRCLE, "Square": SQUARE}
    assert differences(written, published) == []


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"a": "Nothing"}, "#/components/schemas/Nothing is none of the alternatives"),
        ({"a": "./circle.json"}, "./circle.json is none of the alternatives"),
        ({"Circle": "Square"}, "each of the alternatives needs exactly one value in the mapping"),
        ({"a": "Circle", "b": "Circle"}, "each of the alternatives needs exactly one value in the mapping"),
    ],
)
def test_a_mapping_that_leads_astray_is_refused(mapping: object, says: str) -> None:
    """What is not an alternative, and alternatives with several values or none."""
    with pytest.raises(Refused) as raised:
        swagger.to_openapi3(with_mapping(SHAPE, mapping))

    assert says in str(raised.value)


@pytest.mark.parametrize(("schemas", "owner"), [(SHAPE, "Circle"), (HEIRS, "Shape")], ids=["oneOf", "allOf"])
def test_a_name_that_the_field_does_not_allow_is_refused(schemas: dict[str, Any], owner: str) -> None:
    """An alternative that always says `circle` cannot be told by its name `Circle`, unless more values may come."""
    published = with_mapping(schemas, NO_MAPPING)
    kind: dict[str, object] = {**TEXT, "enum": ["circle"]}
    published["components"]["schemas"][owner]["properties"]["kind"] = kind

    with pytest.raises(Refused, match="Circle is told by the value 'Circle', which its field does not allow"):
        swagger.to_openapi3(published)
    kind["x-ms-enum"] = {"name": "Kind", "modelAsString": True}
    swagger.to_openapi3(published)


def test_a_union_without_a_mapping_is_read_back_whole(tmp_path: Path) -> None:
    """At any depth, and sent as it came; one more alternative comes as a mapping."""
    rest = rendered(tmp_path, with_mapping(SHAPE, {"round": "Circle"}))
    value = {"kind": "Square", "inner": {"kind": "Square", "inner": {"kind": "round", "r": 1.5}}}

    assert repr(parsed(rest, value)) == (
        "Square(kind='Square', inner=Square(kind='Square', inner=Circle(r=1.5, kind='round')))"
    )
    assert json.loads(rest.call.build(body=rest.SquareInput(rest.SquareInput(rest.Circle(1.5))))["content"]) == value
    assert parsed(rest, {"kind": "circle", "r": 1}) == {"kind": "circle", "r": 1}
