"""What documents may not say: the list in `spec/README.md` is what the grammar refuses, no more and no less."""

import ast
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from rendering import swagger
from rendering.grammar import Refused
from tests.test_rendered_kinds import SHAPE, TEXT, VERSION, answer, document, ref

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parents[1]
SWAGGER = json.loads((ROOT / "tests" / "fixtures" / "swagger-2.0.json").read_text("utf-8"))
SUCCESS = {"204": {"description": ""}}
OBJECT = {"type": "object", "properties": {"a": TEXT}}
KIND = {"type": "object", "discriminator": {"propertyName": "kind"}, "properties": {"kind": TEXT}}


def taking(**parameter: object) -> dict[str, Any]:
    """A document whose operation takes one more parameter."""
    return document({"parameters": [VERSION, {"name": "x", "in": "query", **parameter}], "responses": SUCCESS}, {})


def sending(*media_types: str) -> dict[str, Any]:
    """A document whose operation takes content of these types."""
    content = {each: {"schema": OBJECT} for each in media_types}
    return document({"requestBody": {"content": content}, "responses": SUCCESS}, {})


def responding(responses: dict[str, Any], **more: object) -> dict[str, Any]:
    """A document whose operation has these responses."""
    return document({"responses": responses, **more}, {})


def having(**schemas: Any) -> dict[str, Any]:
    """A document with these schemas."""
    return document({"responses": SUCCESS}, schemas)


def published(**keys: object) -> dict[str, Any]:
    """The Swagger document with some of its keys replaced."""
    return {**copy.deepcopy(SWAGGER), **keys}


STRINGS = {"type": "array", "items": TEXT}
PAGE = {"type": "object", "properties": {"value": STRINGS, "nextLink": TEXT}}
REFUSED: dict[str, list[tuple[dict[str, Any], str]]] = {
    "OpenAPI 3.1": [({**having(), "openapi": "3.1.0"}, "OpenAPI 3.1 is not read here")],
    "Swagger 1.x": [(published(swagger="1.2"), "version 1.2 is not 2.0")],
    "references to other files": [
        (responding({"200": answer({"$ref": "other.json#/A"})}), "is not a plain reference to a schema")
    ],
    "a key that nobody has decided about": [
        ({**having(), "webhooks": {}}, "unknown key 'webhooks'"),
        (having(A={"properties": {"b": {**ref("A"), "new": 1}}}), "unknown key 'new' beside a reference"),
    ],
    "a host that is not one parameter": [
        (published(**{"x-ms-parameterized-host": {"hostTemplate": "https://{a}"}}), "a host that is one parameter"),
    ],
    "parameters in cookies": [(taking(**{"in": "cookie"}, schema=TEXT), "cookie parameters are not supported")],
    "parameters in forms": [(taking(**{"in": "formData"}, schema=TEXT), "formData parameters are not supported")],
    "lists in paths and headers": [
        (taking(**{"in": "header"}, schema=STRINGS), "the list x can only be part of a query"),
        (taking(**{"in": "path", "required": True}, schema=STRINGS), "the list x can only be part of a query"),
    ],
    "lists in other styles (`deepObject`, tabs)": [
        (taking(schema=STRINGS, style="deepObject"), "written in a way that is not supported (deepObject)"),
        (taking(schema=STRINGS, style="tabDelimited"), "written in a way that is not supported (tabDelimited)"),
    ],
    "objects in a URL": [(taking(schema=OBJECT), "x cannot be part of a query")],
    "parameters that are not encoded (`x-ms-skip-url-encoding`)": [
        (taking(schema=TEXT, **{"x-ms-skip-url-encoding": True}), "unknown key 'x-ms-skip-url-encoding'")
    ],
    "content other than JSON, a merge patch, text and bytes": [
        (sending(each), f"content of the media type {each} is not supported")
        for each in ("application/xml", "multipart/form-data", "application/x-www-form-urlencoded")
    ],
    "a merge patch beside another type": [
        (sending("application/merge-patch+json", "text/plain"), "a merge patch cannot share an operation")
    ],
    "responses of other types than JSON and text": [
        (
            responding({"200": {"description": "", "content": {"application/xml": {"schema": TEXT}}}}),
            "responses of the media type application/xml are not supported",
        )
    ],
    "responses without a JSON form": [
        (
            responding({"200": {"description": "", "content": {"text/plain": {"schema": TEXT}}}}),
            "a response with content must have a JSON form",
        )
    ],
    "more than four kinds of success": [
        (
            responding({f"20{n}": answer({"type": "string", "maxLength": n}) for n in range(5)}),
            "more than four kinds of responses of success",
        )
    ],
    "no success": [(responding({"default": {"description": ""}}), "no response of success is documented")],
    "statuses by class (`2XX`)": [(responding({"2XX": {"description": ""}}), "a status like '200', or 'default'")],
    "pages of more than one kind": [
        (
            responding({"200": answer(PAGE), "202": answer(OBJECT)}, **{"x-ms-pageable": {"nextLinkName": "nextLink"}}),
            "pages need exactly one response of success, with JSON",
        )
    ],
    "`anyOf`, but for open enumerations": [
        (having(A={"anyOf": [TEXT, OBJECT]}), "anyOf is supported for open enumerations only")
    ],
    "`oneOf` without a discriminator": [
        (having(A={"oneOf": [ref("B")]}, B=OBJECT), "alternatives (oneOf) need a discriminator")
    ],
    "alternatives that are no objects with fields": [
        (having(A={"oneOf": [TEXT], "discriminator": {"propertyName": "a"}}), "must be a reference to an object")
    ],
    "alternatives beside fields": [
        (
            having(A={"oneOf": [ref("B")], "discriminator": {"propertyName": "a"}, **OBJECT}, B=OBJECT),
            "an object cannot have alternatives and fields of its own",
        )
    ],
    "an alternative told in two ways": [
        (
            having(
                **SHAPE,
                Two={
                    "oneOf": [ref("Circle")],
                    "discriminator": {"propertyName": "kind", "mapping": {"round": "Circle"}},
                },
            ),
            "Circle is told from others in another way elsewhere",
        )
    ],
    "a base that is an alternative itself": [
        (
            having(A={**KIND, "x-ms-discriminator-value": "a"}, B={"allOf": [ref("A")]}),
            "the schema that alternatives have in common cannot be one of them",
        )
    ],
    "`allOf` of what is no object": [
        (having(A={"allOf": [TEXT, ref("B")]}, B=OBJECT), "only objects can be put together by allOf")
    ],
    "`not`": [(having(A={"not": {}}), "unknown key 'not'")],
    "types that JSON does not have": [(having(A={"type": "file"}), "the type 'file' is not supported")],
    "objects with fields of their own and a schema for all others": [
        (having(A={**OBJECT, "additionalProperties": TEXT}), "a schema for all others is not supported")
    ],
    "raw bytes (`binary`) inside of JSON": [
        (having(A={"type": "string", "format": "binary"}), "raw bytes can only be a whole content")
    ],
    "enumerations of anything but texts or whole numbers": [
        (having(A={"enum": values}), "must be texts or whole numbers, and not both") for values in ([1.5], ["a", 1])
    ],
    "`null` among the values": [(having(A={"enum": ["a", None]}), "null cannot be one of the values")],
    "two names that would be one in Python": [
        (having(A={"properties": {"userId": TEXT, "user_id": TEXT}}), "two fields are called user_id"),
        (having(**{"A-b": OBJECT, "a_B": OBJECT}), "its class would be called like that of A-b"),
        (taking(name="apiVersion", schema=TEXT), "two parameters are called api_version"),
    ],
    "names that are none there": [
        (having(A={"properties": {"$": TEXT}}), "the field '$' gives no name in Python"),
        (having(**{"1": OBJECT}), "'1' gives no name of a class"),
        (responding(SUCCESS, operationId="class"), "'class' gives no name in Python"),
    ],
}


@pytest.mark.parametrize(
    ("content", "says"),
    [pytest.param(*each, id=f"{item} {number}") for item in REFUSED for number, each in enumerate(REFUSED[item])],
)
def test_what_stays_refused_is_refused(content: dict[str, Any], says: str) -> None:
    """Whatever the list says, in one sentence with its place."""
    with pytest.raises(Refused) as raised:
        swagger.imported(content)

    assert says in str(raised.value)


def test_the_list_of_what_stays_refused_is_this_table() -> None:
    """Who reads `spec/README.md` knows what `rendering/` cannot do."""
    text = (ROOT / "spec" / "README.md").read_text("utf-8")
    section = text.partition("## What stays refused")[2].partition("\n## ")[0]
    bullets = re.findall(r"^\* (.*?)\.\n(?=\*|\n|\Z)", section, re.MULTILINE | re.DOTALL)
    items = [item for bullet in bullets for item in " ".join(bullet.split()).split("; ")]

    assert [item if item in REFUSED else item[:1].lower() + item[1:] for item in items] == [*REFUSED]


def test_everything_that_nobody_has_decided_about_is_in_the_list() -> None:
    """Each refusal that asks for a decision, and is no mistake of the document, has a row."""
    told = []
    for row in (each for rows in REFUSED.values() for each in rows):
        with pytest.raises(Refused) as raised:
            swagger.imported(row[0])
        told += [refusal.problem for refusal in raised.value.refusals]
    undecided = []
    for path in sorted((ROOT / "rendering" / "grammar").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="add"), args=[_, said, ast.Name(id="DECIDE")]):
                    parts = [said] if isinstance(said, ast.Constant) else getattr(said, "values", [])
                    texts = (re.escape(str(each.value)) for each in parts if isinstance(each, ast.Constant))
                    undecided.append(".*".join(texts))

    assert len(undecided) > 20
    assert [written for written in undecided if not any(re.search(written, problem) for problem in told)] == []
