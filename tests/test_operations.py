"""The raw operations of every API version: what each sends, what it makes of the answers, what it refuses to send."""

import inspect
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from enum import Enum, StrEnum
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub_rest import (
    BinaryBody,
    JsonBody,
    JSONValue,
    Operation,
    Request,
    TextBody,
    UnexpectedContent,
    UnexpectedResponse,
    UnexpectedStatus,
    v2021_10_01,
    v2024_12_01,
)
from webpubsub_rest.v2024_12_01.models import (
    AddToGroupsRequest,
    ClientTokenResponse,
    GroupMember,
    GroupMemberPagedValues,
    RemoveFromGroupsRequest,
)

from .support.tables import every_row

pytestmark = pytest.mark.no_cover

OLD, NEW = v2021_10_01, v2024_12_01
BOTH = (OLD, NEW)
RELEASE = {OLD: "2021-10-01", NEW: "2024-12-01"}
TOKEN: JSONValue = {"token": "a.b.c"}
PAGE: JSONValue = {"value": [{"connectionId": "c1", "userId": "u1"}, {"connectionId": "c2"}], "nextLink": "http://x/2"}


class Row(NamedTuple):
    """One call: the request it has to become, and what it returns for an answer of success (`gives` for `answer`)."""

    versions: tuple[ModuleType, ...]
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012
    content: bytes | None = None
    answer: JSONValue = None
    gives: object = None


JSON, TEXT, BYTES = (
    {"Content-Type": content_type} for content_type in ("application/json", "text/plain", "application/octet-stream")
)
ACCEPT = {"Accept": "application/json"}
SEND: dict[str, Any] = {"body": TextBody("hé")}
MANY: dict[str, Any] = {"excluded": ["a", "b c"], "reason": "so&so"}
TTL: dict[str, Any] = {"body": BinaryBody(b"\0\xff"), "message_ttl_seconds": 0}
FILTER: dict[str, Any] = {"body": JsonBody({"a": [1, None]}), "filter_": "userId eq 'x'", "message_ttl_seconds": 60}
FILTERED = "&filter=userId%20eq%20%27x%27&messageTtlSeconds=60"
EXCLUDED = "&excluded=a&excluded=b%20c"
CLOSED = f"{EXCLUDED}&reason=so%26so"
MEMBERS = {"groups": ["a", "b"], "filter": "f"}
MEMBERS_JSON = b'{"groups":["a","b"],"filter":"f"}'

# fmt: off
ROWS = [
    Row(BOTH, "get_service_status", (), {}, "HEAD", "/api/health"),
    Row((NEW,), "add_connections_to_groups", ("h",), {"body": AddToGroupsRequest(["a", "b"], "f")},
        "POST", "/api/hubs/h/:addToGroups", "", JSON, MEMBERS_JSON),
    Row((NEW,), "remove_connections_from_groups", ("h",), {"body": RemoveFromGroupsRequest(["a"])},
        "POST", "/api/hubs/h/:removeFromGroups", "", JSON, b'{"groups":["a"]}'),
    Row(BOTH, "close_all_connections", ("h",), {}, "POST", "/api/hubs/h/:closeConnections"),
    Row(BOTH, "close_all_connections", ("h",), MANY, "POST", "/api/hubs/h/:closeConnections", CLOSED),
    Row(BOTH, "generate_client_token", ("h",), {}, "POST", "/api/hubs/h/:generateToken", "", ACCEPT,
        answer=TOKEN, gives="a.b.c"),
    Row(BOTH, "generate_client_token", ("h",), {"user_id": "ü", "role": ["r1", "r2"], "minutes_to_expire": 5},
        "POST", "/api/hubs/h/:generateToken", "&userId=%C3%BC&role=r1&role=r2&minutesToExpire=5", ACCEPT,
        answer=TOKEN, gives="a.b.c"),
    Row((NEW,), "generate_client_token", ("h",), {"group": ["g1", "g2"], "client_type": "MQTT"},
        "POST", "/api/hubs/h/:generateToken", "&group=g1&group=g2&clientType=MQTT", ACCEPT,
        answer=TOKEN, gives="a.b.c"),
    Row(BOTH, "send_to_all", ("h",), SEND, "POST", "/api/hubs/h/:send", "", TEXT, b"h\xc3\xa9"),
    Row(BOTH, "send_to_all", ("h",), {"body": JsonBody(None), "excluded": ["a", "b c"]},
        "POST", "/api/hubs/h/:send", EXCLUDED, JSON, b"null"),
    Row((NEW,), "send_to_all", ("h",), FILTER, "POST", "/api/hubs/h/:send", FILTERED, JSON, b'{"a":[1,null]}'),
    Row(BOTH, "close_connection", ("h", "c"), {"reason": "so&so"},
        "DELETE", "/api/hubs/h/connections/c", "&reason=so%26so"),
    Row(BOTH, "connection_exists", ("h", "c"), {}, "HEAD", "/api/hubs/h/connections/c", gives=True),
    Row(BOTH, "send_to_connection", ("h", "c"), SEND, "POST", "/api/hubs/h/connections/c/:send", "", TEXT,
        b"h\xc3\xa9"),
    Row((NEW,), "send_to_connection", ("h", "c"), TTL, "POST", "/api/hubs/h/connections/c/:send",
        "&messageTtlSeconds=0", BYTES, b"\0\xff"),
    Row((NEW,), "remove_connection_from_all_groups", ("h", "c"), {}, "DELETE", "/api/hubs/h/connections/c/groups"),
    Row(BOTH, "group_exists", ("h", "g"), {}, "HEAD", "/api/hubs/h/groups/g", gives=True),
    Row(BOTH, "close_group_connections", ("h", "g"), MANY, "POST", "/api/hubs/h/groups/g/:closeConnections", CLOSED),
    Row(BOTH, "send_to_group", ("h", "a/b"), {"body": BinaryBody(b""), "excluded": ("a", "b c")},
        "POST", "/api/hubs/h/groups/a%2Fb/:send", EXCLUDED, BYTES, b""),
    Row((NEW,), "send_to_group", ("h", "g"), FILTER, "POST", "/api/hubs/h/groups/g/:send", FILTERED, JSON,
        b'{"a":[1,null]}'),
    Row((NEW,), "list_connections_in_group", ("h", "g"), {"maxpagesize": 2, "top": 3, "continuation_token": "t+/="},
        "GET", "/api/hubs/h/groups/g/connections", "&maxpagesize=2&top=3&continuationToken=t%2B%2F%3D", ACCEPT,
        answer=PAGE, gives=GroupMemberPagedValues([GroupMember("c1", "u1"), GroupMember("c2")], "http://x/2")),
    Row(BOTH, "add_connection_to_group", ("h", "g", "c"), {}, "PUT", "/api/hubs/h/groups/g/connections/c"),
    Row(BOTH, "remove_connection_from_group", ("h", "g", "c"), {}, "DELETE", "/api/hubs/h/groups/g/connections/c"),
    Row(BOTH, "grant_permission", ("h", "sendToGroup", "c"), {"target_name": "g"},
        "PUT", "/api/hubs/h/permissions/sendToGroup/connections/c", "&targetName=g"),
    Row(BOTH, "revoke_permission", ("h", "joinLeaveGroup", "c"), {"target_name": "g"},
        "DELETE", "/api/hubs/h/permissions/joinLeaveGroup/connections/c", "&targetName=g"),
    Row(BOTH, "check_permission", ("h", "sendToGroup", "c"), {"target_name": "g"},
        "HEAD", "/api/hubs/h/permissions/sendToGroup/connections/c", "&targetName=g", gives=True),
    Row(BOTH, "user_exists", ("h", "u"), {}, "HEAD", "/api/hubs/h/users/u", gives=True),
    Row(BOTH, "close_user_connections", ("h", "u"), MANY, "POST", "/api/hubs/h/users/u/:closeConnections", CLOSED),
    Row(BOTH, "send_to_user", ("h", "u"), SEND, "POST", "/api/hubs/h/users/u/:send", "", TEXT, b"h\xc3\xa9"),
    Row((NEW,), "send_to_user", ("h", "u"), FILTER, "POST", "/api/hubs/h/users/u/:send", FILTERED, JSON,
        b'{"a":[1,null]}'),
    Row(BOTH, "add_user_to_group", ("h", "u", "g"), {}, "PUT", "/api/hubs/h/users/u/groups/g"),
    Row(BOTH, "remove_user_from_group", ("h", "u", "g"), {}, "DELETE", "/api/hubs/h/users/u/groups/g"),
    Row(BOTH, "remove_user_from_all_groups", ("h", "u"), {}, "DELETE", "/api/hubs/h/users/u/groups"),
]
# fmt: on
CALLS = [pytest.param(row, version, id=f"{row.name}-{RELEASE[version]}") for row in ROWS for version in row.versions]
OPERATIONS: dict[str, Operation[..., object]] = {
    f"{row.name}-{RELEASE[version]}": getattr(version, row.name) for row in ROWS for version in row.versions
}
PATHS = {
    key: [
        each.name
        for each in inspect.signature(operation.build).parameters.values()
        if each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    for key, operation in OPERATIONS.items()
}
POSITIONS = [
    pytest.param(operation, PATHS[key], position, id=f"{key}-{PATHS[key][position]}")
    for key, operation in OPERATIONS.items()
    for position in range(len(PATHS[key]))
]
PROBES = {"connection_exists", "group_exists", "user_exists", "check_permission"}


def requested(row: Row, version: ModuleType) -> Request:
    """What a row says about the request."""
    url = f"{row.path}?api-version={RELEASE[version]}{row.query}"
    request: Request = {"method": row.method, "url": url, "headers": row.headers}
    return request if row.content is None else {**request, "content": row.content}


def answering(response: httpx.Response, seen: list[httpx.Request] | None = None) -> httpx.MockTransport:
    """A service that gives one answer to everything and keeps the requests."""

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(response.status_code, headers=response.headers, content=response.content)

    return httpx.MockTransport(answer)


def comparable(result: object) -> object:
    """A result as the rows have it: tokens are models of their version."""
    return getattr(result, "token", result)


@pytest.mark.parametrize("version", BOTH)
def test_every_operation_of_a_version_has_a_row(version: ModuleType) -> None:
    """The table is complete, and knows no operation that a version lacks."""
    exported = {name for name in dir(version) if isinstance(getattr(version, name), Operation)}

    assert exported == {row.name for row in ROWS if version in row.versions}
    assert len(exported) == {OLD: 21, NEW: 25}[version]


@every_row(("row", "version"), CALLS)
def test_a_call_becomes_exactly_this_request(row: Row, version: ModuleType) -> None:
    """Method, encoded URL, headers and content are those of the document, and nothing else is there."""
    operation = getattr(version, row.name)

    assert operation.build(*row.args, **row.kwargs) == requested(row, version)
    assert operation.name == row.name


@every_row(("row", "version"), CALLS)
@every_row("status", [200, 201, 202, 204, 299])
def test_any_success_is_accepted(row: Row, version: ModuleType, status: int) -> None:
    """Whichever 2xx the service picks, the result is the same."""
    answer = httpx.Response(status, content=b"" if row.answer is None else json.dumps(row.answer))

    assert comparable(getattr(version, row.name).parse(answer)) == row.gives


@every_row("operation", OPERATIONS.values(), ids=OPERATIONS)
@every_row("status", [199, 301, 400, 401, 403, 404, 409, 413, 429, 499, 500, 503, 599])
def test_any_other_status_is_unexpected(operation: Operation[..., object], status: int) -> None:
    """Failures keep status, body and headers and are never parsed; only probes take 404 for an answer."""
    answer = httpx.Response(status, headers={"Retry-After": "7"}, content=b"<html>")

    if status == 404 and operation.name in PROBES:
        assert operation.parse(answer) is False
    else:
        with pytest.raises(UnexpectedStatus) as caught:
            operation.parse(answer)
        assert (caught.value.status_code, caught.value.content) == (status, b"<html>")
        assert caught.value.headers["retry-after"] == "7"


@every_row(("row", "version"), CALLS)
async def test_both_colours_send_what_was_built(row: Row, version: ModuleType) -> None:
    """All four ways of calling send the built request to the service and return the parsed answer."""
    operation = getattr(version, row.name)
    seen: list[httpx.Request] = []
    answer = httpx.Response(200, headers={"x-here": "1"}, content=b"" if row.answer is None else json.dumps(row.answer))
    with httpx.Client(transport=answering(answer, seen), base_url="http://service") as http:
        results = [operation.sync(http, *row.args, **row.kwargs)]
        detailed = [operation.sync_detailed(http, *row.args, **row.kwargs)]
    async with httpx.AsyncClient(transport=answering(answer, seen), base_url="http://service") as http:
        results.append(await operation.asyncio(http, *row.args, **row.kwargs))
        detailed.append(await operation.asyncio_detailed(http, *row.args, **row.kwargs))

    wanted = requested(row, version)
    assert [comparable(result) for result in (*results, *(each.parsed for each in detailed))] == [row.gives] * 4
    assert [(each.status_code, each.headers["x-here"], each.content) for each in detailed] == [
        (200, "1", answer.content)
    ] * 2
    assert [(each.method, each.url.raw_path.decode(), each.content) for each in seen] == [
        (wanted["method"], wanted["url"], wanted.get("content", b""))
    ] * 4
    assert all(each.headers[name] == value for each in seen for name, value in wanted["headers"].items())


@every_row(("operation", "names", "position"), POSITIONS)
@every_row("segment", ["", ".", ".."])
def test_segments_that_would_be_folded_are_refused(
    operation: Operation[..., object], names: list[str], position: int, segment: str
) -> None:
    """No argument can turn a call about one group or user into one about the hub; the message names the argument."""
    args = ["sendToGroup"] * len(names)
    args[position] = segment
    body = {"body": TextBody("x")} if "body" in inspect.signature(operation.build).parameters else {}

    with pytest.raises(ValueError, match=f"^{names[position]} must not be empty"):
        operation.build(*args, **body)


@given(
    group=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda group: group not in (".", "..")),
    reason=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_text_stays_one_segment_and_one_value(group: str, reason: str) -> None:
    """What the service gets, decoded, is what was given, whatever characters it holds."""
    seen: list[httpx.Request] = []
    with httpx.Client(transport=answering(httpx.Response(204), seen), base_url="http://service") as http:
        NEW.close_group_connections.sync(http, "chat", group, reason=reason)

    path, _, query = seen[0].url.raw_path.decode("ascii").partition("?")
    assert path.split("/")[:5] == ["", "api", "hubs", "chat", "groups"]
    assert [unquote(segment) for segment in path.split("/")[5:]] == [group, ":closeConnections"]
    assert [unquote(part) for part in query.split("&")] == ["api-version=2024-12-01", f"reason={reason}"]


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("excluded", partial(NEW.send_to_all.build, body=TextBody("x"))),
        ("excluded", OLD.close_all_connections.build),
        ("role", NEW.generate_client_token.build),
        ("group", NEW.generate_client_token.build),
    ],
)
def test_one_string_is_no_list(name: str, build: Callable[..., Request]) -> None:
    """A string given for a list would be taken apart into its characters, so it is refused."""
    with pytest.raises(TypeError, match=f"{name} must be a list of strings"):
        build("h", **{name: "abc"})


@pytest.mark.parametrize("excluded", [[], (), set[str](), None])
def test_empty_lists_and_none_leave_the_query_alone(excluded: Any) -> None:
    """Nothing to say means that nothing is said."""
    request = NEW.send_to_all.build("h", body=TextBody("x"), excluded=excluded, filter_=None, message_ttl_seconds=None)

    assert request["url"] == "/api/hubs/h/:send?api-version=2024-12-01"


def test_numbers_cannot_smuggle_in_a_query() -> None:
    """A string in place of a number is refused instead of being written into the URL."""
    with pytest.raises(TypeError, match="message_ttl_seconds must be an int, not str"):
        NEW.send_to_all.build("h", body=TextBody("x"), message_ttl_seconds="1&filter=x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kind", [StrEnum("Kind", {"SEND": "sendToGroup"}), Enum("Kind", {"SEND": "sendToGroup"}, type=str)]
)
def test_members_of_string_enumerations_are_their_value(kind: Any) -> None:
    """An enumeration of the caller's own is as good as the string, although its members may be shown otherwise."""
    request = NEW.check_permission.build("h", kind.SEND, "c", target_name=kind.SEND)

    assert request["url"] == (
        "/api/hubs/h/permissions/sendToGroup/connections/c?api-version=2024-12-01&targetName=sendToGroup"
    )


def test_another_api_version_can_be_asked_for() -> None:
    """Old operations can try a newer version of the service."""
    request = OLD.user_exists.build("h", "u", api_version="2026-01-01&x")

    assert request["url"] == "/api/hubs/h/users/u?api-version=2026-01-01%26x"


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [
        (JsonBody({"a": "é", "b": [1, 2.5, True, None]}), "application/json", '{"a":"é","b":[1,2.5,true,null]}'),
        (JsonBody("text"), "application/json", '"text"'),
        (JsonBody(()), "application/json", "[]"),
        (JsonBody.encoded(b'{ "a":1 }'), "application/json", '{ "a":1 }'),
        (TextBody("é"), "text/plain", "é"),
        (BinaryBody(b"raw"), "application/octet-stream", "raw"),
    ],
)
def test_bodies_know_their_bytes_and_type(
    body: JsonBody | TextBody | BinaryBody, content_type: str, content: str
) -> None:
    """JSON is compact UTF-8, text is UTF-8, bytes are bytes, and asking twice gives the same."""
    assert (body.content_type, body.content(), body.content()) == (content_type, content.encode(), content.encode())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")], "\ud800"])
def test_values_outside_of_json_are_refused(value: JSONValue) -> None:
    """What no JSON parser would take is not sent."""
    with pytest.raises(ValueError):
        NEW.send_to_all.build("h", body=JsonBody(value))


@pytest.mark.parametrize(("body", "value"), [(TextBody, b"x"), (BinaryBody, "x"), (BinaryBody, 3), (TextBody, None)])
def test_text_and_bytes_are_not_mixed_up(body: Any, value: object) -> None:
    """A body of the wrong kind is refused where it is made."""
    with pytest.raises(TypeError):
        body(value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "Expecting value"),
        (b"<html>", "Expecting value"),
        (b"\xff\xfe\xfd", "decode"),
        (b"[" * 100_000, "recursion"),
        (b"[]", "an object was expected, not list"),
        (b"{}", "value is missing"),
        (b'{"value": null}', "value: an array was expected, not NoneType"),
        (b'{"value": [{"userId": "u"}]}', "value: connectionId is missing"),
        (b'{"value": [{"connectionId": 1}]}', "value: connectionId: a string was expected, not int"),
        (b'{"value": [], "nextLink": 1}', "nextLink: a string was expected, not int"),
    ],
)
def test_an_answer_of_another_shape_is_unexpected_content(content: bytes, says: str) -> None:
    """A success with a broken body is one typed error that keeps the body and names the field."""
    with pytest.raises(UnexpectedContent) as caught:
        NEW.list_connections_in_group.parse(httpx.Response(200, content=content))

    assert (caught.value.status_code, caught.value.content) == (200, content)
    assert says in str(caught.value.__cause__)


def test_answers_of_a_newer_service_are_read() -> None:
    """Unknown keys are ignored, and null stands for an absent optional field."""
    page: JSONValue = {"value": [{"connectionId": "c", "userId": None, "new": 1}], "nextLink": None, "new": {}}

    parsed = NEW.list_connections_in_group.parse(httpx.Response(200, json=page))

    assert parsed == GroupMemberPagedValues([GroupMember("c", None)], None)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (AddToGroupsRequest(["a"]), {"groups": ["a"]}),
        (RemoveFromGroupsRequest(["a"], filter_="f"), {"groups": ["a"], "filter": "f"}),
        (ClientTokenResponse("t"), {"token": "t"}),
        (GroupMember("c", "u"), {"connectionId": "c", "userId": "u"}),
        (GroupMemberPagedValues([GroupMember("c")], "n"), {"value": [{"connectionId": "c"}], "nextLink": "n"}),
    ],
)
def test_models_come_back_from_json_as_they_went(model: Any, fields: dict[str, JSONValue]) -> None:
    """`to_dict` has the keys of the service without those that are None, and `from_dict` reads them back."""
    assert model.to_dict() == fields
    assert type(model).from_dict(fields) == model


@pytest.mark.parametrize("kind", [UnexpectedStatus, UnexpectedContent])
def test_errors_travel_and_keep_bodies_to_themselves(kind: type[UnexpectedResponse]) -> None:
    """Errors survive pickling; neither their text nor their repr shows body or headers."""
    error = kind(418, b"secret body", httpx.Headers({"authorization": "secret"}))

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), copy.status_code, copy.content, copy.headers) == (kind, 418, error.content, error.headers)
    assert "418" in str(error)
    assert "secret" not in str(error) + repr(error)


NOWHERE = httpx.MockTransport(lambda request: pytest.fail(f"{request.url} was sent"))
NO_CLIENTS: list[tuple[str, object, str]] = [
    ("sync", "chat", "takes a client of httpx first, such as service.http, not str"),
    ("sync_detailed", None, "takes a client of httpx first, such as service.http, not NoneType"),
    ("pages", object(), "takes a client of httpx first, such as service.http, not object"),
    (
        "sync",
        httpx.AsyncClient(transport=NOWHERE),
        "takes an httpx.Client first; with an httpx.AsyncClient use asyncio",
    ),
    (
        "sync_detailed",
        httpx.AsyncClient(transport=NOWHERE),
        "takes an httpx.Client first; with an httpx.AsyncClient use asyncio",
    ),
    ("asyncio", "chat", "takes a client of httpx first, such as service.http, not str"),
    ("asyncio", httpx.Client(transport=NOWHERE), "takes an httpx.AsyncClient first; with an httpx.Client use sync"),
    (
        "asyncio_detailed",
        httpx.Client(transport=NOWHERE),
        "takes an httpx.AsyncClient first; with an httpx.Client use sync",
    ),
]


@pytest.mark.parametrize(("way", "http", "reason"), NO_CLIENTS)
async def test_what_is_no_client_of_this_colour_sends_nothing(way: str, http: Any, reason: str) -> None:
    """The client of `webpubsub` itself, a forgotten argument and the other colour are told apart."""
    with pytest.raises(TypeError, match=re.escape(f"list_connections_in_group.{way} {reason}")):
        await getattr(NEW.list_connections_in_group, way)(http, "chat", "room")


def test_an_operation_describes_itself() -> None:
    """The text of the document is there for `help`, the name for logs."""
    assert NEW.send_to_group.__doc__ is not None
    assert NEW.send_to_group.__doc__.startswith("Send a message to every connection in a group.")
    assert repr(NEW.send_to_group) == "<Operation send_to_group>"


@pytest.mark.parametrize("name", ["send_to_everybody", "Model", "_hidden"])
def test_a_version_has_nothing_else(name: str) -> None:
    """A misspelt name is an AttributeError, lazy or not."""
    with pytest.raises(AttributeError, match=name):
        getattr(NEW, name)


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        ("from webpubsub_rest import v2024_12_01", ""),
        ("from webpubsub_rest import v2024_12_01 as rest; rest.send_to_all", "api api.hub api.hub.send_to_all"),
        (
            "from webpubsub_rest.v2024_12_01.api.groups.list_connections_in_group import list_connections_in_group",
            "api api.groups api.groups.list_connections_in_group "
            "models models.group_member models.group_member_paged_values",
        ),
    ],
)
def test_importing_one_operation_loads_only_what_it_uses(statement: str, loaded: str) -> None:
    """Neither other operations nor foreign models are imported on the way."""
    code = f"import sys; {statement}; print(*sorted(m for m in sys.modules if m.startswith('webpubsub_rest.v2')))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    package = "webpubsub_rest.v2024_12_01"
    assert run.stdout.split() == [package, *(f"{package}.{module}" for module in loaded.split())]
