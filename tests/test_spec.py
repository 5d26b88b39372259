"""The documents in spec/: what they promise, and that they are well written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from rendering.comparing import Level, differences
from rendering.facts import facts
from rendering.files import dump_yaml, load
from rendering.pointers import Document
from rendering.swagger import to_openapi3

from .support.tables import every_row

pytestmark = pytest.mark.no_cover

SPEC = Path(__file__).parent.parent / "spec"
DOCUMENTS = {path.stem: load(path) for path in sorted(SPEC.glob("*.yaml"))}
METHODS = ("delete", "get", "head", "patch", "post", "put")

HUB = "/api/hubs/{hub}"
CONNECTION = f"{HUB}/connections/{{connectionId}}"
GROUP = f"{HUB}/groups/{{group}}"
USER = f"{HUB}/users/{{userId}}"
PERMISSION = f"{HUB}/permissions/{{permission}}/connections/{{connectionId}}"

# name, tag, method and path, optional query parameters, success and other documented statuses
OPERATIONS = [
    ("get_service_status", "health", "HEAD /api/health", "", "200"),
    ("add_connections_to_groups", "hub", f"POST {HUB}/:addToGroups", "", "200"),
    ("close_all_connections", "hub", f"POST {HUB}/:closeConnections", "excluded reason", "204"),
    (
        "generate_client_token",
        "hub",
        f"POST {HUB}/:generateToken",
        "userId role minutesToExpire group clientType",
        "200",
    ),
    ("remove_connections_from_groups", "hub", f"POST {HUB}/:removeFromGroups", "", "200"),
    ("send_to_all", "hub", f"POST {HUB}/:send", "excluded filter messageTtlSeconds", "202"),
    ("close_connection", "connections", f"DELETE {CONNECTION}", "reason", "204"),
    ("connection_exists", "connections", f"HEAD {CONNECTION}", "", "200 404"),
    ("send_to_connection", "connections", f"POST {CONNECTION}/:send", "messageTtlSeconds", "202"),
    ("remove_connection_from_all_groups", "connections", f"DELETE {CONNECTION}/groups", "", "204"),
    ("group_exists", "groups", f"HEAD {GROUP}", "", "200 404"),
    ("close_group_connections", "groups", f"POST {GROUP}/:closeConnections", "excluded reason", "204"),
    ("send_to_group", "groups", f"POST {GROUP}/:send", "excluded filter messageTtlSeconds", "202"),
    ("list_connections_in_group", "groups", f"GET {GROUP}/connections", "maxpagesize top continuationToken", "200"),
    ("remove_connection_from_group", "groups", f"DELETE {GROUP}/connections/{{connectionId}}", "", "204"),
    ("add_connection_to_group", "groups", f"PUT {GROUP}/connections/{{connectionId}}", "", "200"),
    ("revoke_permission", "permissions", f"DELETE {PERMISSION}", "targetName", "204"),
    ("check_permission", "permissions", f"HEAD {PERMISSION}", "targetName", "200 404"),
    ("grant_permission", "permissions", f"PUT {PERMISSION}", "targetName", "200"),
    ("user_exists", "users", f"HEAD {USER}", "", "200 404"),
    ("close_user_connections", "users", f"POST {USER}/:closeConnections", "excluded reason", "204"),
    ("send_to_user", "users", f"POST {USER}/:send", "filter messageTtlSeconds", "202"),
    ("remove_user_from_all_groups", "users", f"DELETE {USER}/groups", "", "204"),
    ("remove_user_from_group", "users", f"DELETE {USER}/groups/{{group}}", "", "204"),
    ("add_user_to_group", "users", f"PUT {USER}/groups/{{group}}", "", "200"),
]
SINCE_2021 = {
    "add_connections_to_groups",
    "remove_connections_from_groups",
    "remove_connection_from_all_groups",
    "list_connections_in_group",
    "filter",
    "messageTtlSeconds",
    "group",
    "clientType",
}


def written(document: Document) -> Iterator[tuple[str, str, str, Document]]:
    """Yield name, tag, method and path, and the operation itself."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                yield operation["operationId"], " ".join(operation["tags"]), f"{method.upper()} {path}", operation


def described(node: Any, where: str = "#") -> Iterator[tuple[str, str | None]]:
    """Yield place and description of everything that a reader may want to have explained."""
    explained = ("parameters", "responses", "headers", "properties", "schemas", "requestBodies", "tags")
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(child, dict | list):
            is_explained = key == "requestBody" or where.rpartition("/")[2] in explained
            if is_explained and isinstance(child, dict) and "$ref" not in child:
                yield f"{where}/{key}", child.get("description")
            yield from described(child, f"{where}/{key}")


@pytest.fixture(params=sorted(DOCUMENTS))
def document(request: pytest.FixtureRequest) -> Document:
    """Each of the documents in turn."""
    return DOCUMENTS[request.param]


def test_each_version_has_a_file_of_its_name() -> None:
    """A document is found by its version, after the name of its API if it is not the one that everybody means."""
    assert {name: document["info"]["version"] for name, document in DOCUMENTS.items()} == {
        name: re.sub("^[a-z]+-", "", name) for name in DOCUMENTS
    }
    stable = {"2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"}
    assert stable | {"chat-2026-08-01-preview"} <= set(DOCUMENTS)


def test_documents_are_valid_openapi(document: Document) -> None:
    """Other tools can read them."""
    text = json.dumps(document)  # the validator reads patterns as Python does, which has no classes of Unicode
    validate(json.loads(text.replace(r"\\p{Cc}", r"\\x00-\\x1f")))
    assert document["openapi"] == "3.0.3"


def test_documents_pass_the_checks_of_an_import_unchanged(document: Document) -> None:
    """What we wrote by hand is in the form that an import produces."""
    assert to_openapi3(document) == document


def test_documents_are_laid_out_as_an_import_lays_them_out(document: Document) -> None:
    """Editing by hand and importing do not fight over the layout."""
    (name,) = (name for name, each in DOCUMENTS.items() if each is document)
    assert (SPEC / f"{name}.yaml").read_text("utf-8") == dump_yaml(document)


def test_every_operation_has_a_summary_that_fits_a_docstring(document: Document) -> None:
    """One sentence of at most 72 characters."""
    summaries = {name: operation["summary"] for name, _, _, operation in written(document)}
    assert {name: text for name, text in summaries.items() if len(text) > 72 or not text.endswith(".")} == {}
    assert len(set(summaries.values())) == len(summaries)


def test_everything_a_reader_meets_is_described(document: Document) -> None:
    """Parameters, bodies, answers, headers, schemas and fields say what they are, in whole sentences."""
    places = dict(described(document))
    assert [where for where, text in places.items() if not text or not text.endswith(".")] == []
    assert len(places) > 40


def test_nothing_shared_is_unused(document: Document) -> None:
    """A component that nobody refers to is a leftover."""
    text = json.dumps(document)
    components = [
        f"#/components/{kind}/{name}" for kind, all_of_it in document["components"].items() for name in all_of_it
    ]
    assert [each for each in components if f'"$ref": "{each}"' not in text] == []


@pytest.mark.parametrize(
    ("version", "rows"),
    [("2024-12-01", OPERATIONS), ("2021-10-01", [row for row in OPERATIONS if row[0] not in SINCE_2021])],
)
def test_the_operations_that_the_clients_call_are_there(version: str, rows: list[tuple[str, ...]]) -> None:
    """Names, tags, paths, query parameters and statuses, one row for each of the 25, or of the 21 before.

    The service may promise more, and correct what it promises, without an edit here.
    """
    promised = facts(DOCUMENTS[version]).sections
    found = {(name, tag, place) for name, tag, place, _ in written(DOCUMENTS[version])}
    since = SINCE_2021 if version == "2021-10-01" else set()
    assert found >= {row[:3] for row in rows}
    for _, _, place, queries, statuses in rows:
        assert {*_queries(promised[place])} >= {*queries.split()} - since
        assert {*_statuses(promised[place])} >= {*statuses.split(), "default"}


@pytest.mark.parametrize("path", sorted((SPEC / "published").glob("*.txt")), ids=lambda path: path.stem)
def test_everything_that_was_published_with_words_is_in_our_document(path: Path) -> None:
    """The record of published words names operations, parameters, statuses, schemas and fields."""
    sections = facts(DOCUMENTS[path.stem]).sections
    places = {f"{section}, {entry}" for section, entries in sections.items() for entry in entries}
    published = [line.split("  ", 1)[1].removesuffix(" summary") for line in path.read_text("utf-8").splitlines()]
    assert [place for place in published if place not in places] == []
    assert len(published) > 100


def _queries(entries: dict[str, Any]) -> list[str]:
    return sorted(
        entry.removeprefix("query ") for entry in entries if entry.startswith("query ") and "api-" not in entry
    )


def _statuses(entries: dict[str, Any]) -> list[str]:
    found = (re.match(r"status (\d+)|any other (status)", entry) for entry in entries)
    return sorted({"default" if match[2] else match[1] for match in found if match})


@pytest.mark.parametrize(
    ("section", "entry", "promised"),
    [
        ("POST " + HUB + "/:send", "path hub", "pattern ^[A-Za-z][A-Za-z0-9_`,.[\\]]{0,127}$"),
        ("HEAD " + GROUP, "path group", "minLength 1, maxLength 1024, pattern ^(?!\\s+$).+$"),
        ("HEAD " + CONNECTION, "path connectionId", "minLength 1"),
        ("HEAD " + USER, "path userId", "minLength 1"),
    ],
)
def test_limits_of_names_are_the_published_ones(section: str, entry: str, promised: str) -> None:
    """Names in paths are required strings with exactly these limits."""
    said = facts(DOCUMENTS["2024-12-01"]).sections[section][entry]
    assert ", ".join(f"{key} {value}" for key, value in said.items() if key not in ("type", "required")) == promised
    assert (said["type"], said["required"]) == ("string", True)


@every_row(
    ("section", "entry", "promised"),
    [
        (
            f"POST {HUB}/:send",
            "query messageTtlSeconds",
            {"type": "integer", "format": "int32", "required": False},
        ),
        (
            f"POST {HUB}/:send",
            "query excluded",
            {"type": "list of string", "collectionFormat": "multi", "required": False},
        ),
        (f"POST {HUB}/:send", "query api-version", {"type": "string", "required": True}),
        (f"POST {HUB}/:send", "body", {"required": True}),
        (f"POST {HUB}/:send", "body application/json", {"type": "any"}),
        (f"POST {HUB}/:send", "body application/octet-stream", {"type": "string", "format": "binary"}),
        (f"POST {HUB}/:send", "body text/plain", {"type": "string"}),
        (f"POST {HUB}/:send", "any other status header x-ms-error-code", {"type": "string"}),
        (f"POST {HUB}/:send", "any other status as application/json", {"type": "ErrorDetail"}),
        (
            f"POST {HUB}/:generateToken",
            "query minutesToExpire",
            {"type": "integer", "format": "int32", "default": 60, "required": False},
        ),
        (
            f"POST {HUB}/:generateToken",
            "query clientType",
            {"type": "WebPubSubClientType", "default": "Default", "required": False},
        ),
        (f"POST {HUB}/:generateToken", "status 200 as application/json", {"type": "ClientTokenResponse"}),
        (f"PUT {PERMISSION}", "path permission", {"type": "WebPubSubPermission", "required": True}),
        ("enum WebPubSubPermission", "values", {"type": "string", "open": True}),
        ("enum WebPubSubPermission", "value sendToGroup", {}),
        (
            f"GET {GROUP}/connections",
            "query maxpagesize",
            {"type": "integer", "format": "int32", "required": False},
        ),
        (
            f"GET {GROUP}/connections",
            "query top",
            {"type": "integer", "format": "int32", "required": False},
        ),
        (f"GET {GROUP}/connections", "paging", {"itemName": "value", "nextLinkName": "nextLink"}),
        (f"POST {HUB}/:addToGroups", "body application/json", {"type": "AddToGroupsRequest"}),
        ("schema AddToGroupsRequest", "property groups", {"type": "list of string", "required": False}),
        ("schema ClientTokenResponse", "property token", {"type": "string", "required": False}),
        ("schema ErrorDetail", "property details", {"type": "list of ErrorDetail", "required": False}),
        ("schema ErrorDetail", "property inner", {"type": "InnerError", "required": False}),
        ("schema GroupMember", "property connectionId", {"type": "string", "required": True}),
        ("schema GroupMember", "property userId", {"type": "string", "required": False}),
        ("schema GroupMemberPagedValues", "property value", {"type": "list of GroupMember", "required": True}),
        ("service", "host {}", {}),
    ],
)
def test_parameters_bodies_and_models_are_the_published_ones(
    section: str, entry: str, promised: dict[str, Any]
) -> None:
    """One row for each kind of fact that callers depend on. Limits may be corrected without an edit here."""
    assert _without_limits(facts(DOCUMENTS["2024-12-01"]).sections[section][entry]) == promised


def _without_limits(said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key not in ("minimum", "maximum")}


def test_fields_that_cannot_be_missing_are_required_by_us() -> None:
    """Published as optional; an answer without a token, or a request without groups, would be of no use."""
    schemas = DOCUMENTS["2024-12-01"]["components"]["schemas"]
    assert {name: schema["required"] for name, schema in schemas.items() if "x-published-as-optional" in schema} == {
        "AddToGroupsRequest": ["groups"],
        "ClientTokenResponse": ["token"],
        "RemoveFromGroupsRequest": ["groups"],
    }


def test_the_change_list_from_2021_10_01_to_2024_12_01_names_what_is_new() -> None:
    """Nothing was taken away, four operations came."""
    found = differences(DOCUMENTS["2021-10-01"], DOCUMENTS["2024-12-01"])
    assert [each.what for each in found if each.kind in ("added", "removed") and not each.places] == [
        f"new: POST {HUB}/:addToGroups (add_connections_to_groups)",
        f"new: POST {HUB}/:removeFromGroups (remove_connections_from_groups)",
        f"new: DELETE {CONNECTION}/groups (remove_connection_from_all_groups)",
        f"new: GET {GROUP}/connections (list_connections_in_group)",
        "new: schema AddToGroupsRequest",
        "new: schema GroupMember",
        "new: schema GroupMemberPagedValues",
        "new: schema RemoveFromGroupsRequest",
        "new: enum WebPubSubClientType",
    ]
    assert Level.BREAKING not in {each.level for each in found}
