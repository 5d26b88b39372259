"""The methods of the client: what each sends and returns, and what is refused before anything is sent."""

import copy
import inspect
import pickle
from collections.abc import Callable
from io import StringIO
from typing import Any
from urllib.parse import unquote

import azure.core.credentials
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webpubsub import (
    AzureKeyCredential,
    BadRequestError,
    ConfigurationError,
    KeyCredential,
    NotFoundError,
    PermissionDeniedError,
    RetryPolicy,
    ServiceError,
    ServiceUnavailableError,
)
from webpubsub.aio import AsyncItemPaged, WebPubSubServiceClient
from webpubsub_rest import Operation
from webpubsub_rest import v2024_12_01 as rest

from ..support.by_hand import claims_of
from ..support.calls import CALLS, HUB, REFUSED, Call, Refused
from ..support.tables import every_row
from ..support.wire import ENDPOINT, KEY, Wire, audience

ONCE = RetryPolicy.none()


class Identity:
    """A token credential."""

    async def get_token(self, *scopes: str) -> "Token":
        """Issue always the same token."""
        return Token()


class Token:
    """A token that never ends."""

    token = "header.claims.signature"
    expires_on = 2**40


async def outcome(service: WebPubSubServiceClient, method: str, *args: Any, **kwargs: Any) -> object:
    """Call a method; of a list, take all items."""
    result = getattr(service, method)(*args, **kwargs)
    return [item async for item in result] if isinstance(result, AsyncItemPaged) else await result


@every_row("call", CALLS, ids=[f"{call.method} {call.target}" for call in CALLS])
async def test_a_call_becomes_this_request(call: Call) -> None:
    """Method, path, query, content type and body, byte for byte."""
    wire = Wire()

    async with WebPubSubServiceClient(ENDPOINT, HUB, Identity(), transport=wire.transport) as service:
        await outcome(service, call.method, *call.args, **call.kwargs)

    assert (wire.request.method, wire.target) == (call.verb, call.url)
    assert (wire.request.headers.get("content-type"), wire.request.content) == (call.content_type, call.content)
    assert wire.request.url.copy_with(raw_path=b"/") == httpx.URL(ENDPOINT).copy_with(raw_path=b"/")


WITHOUT_A_ROW = {"call", "close", "for_hub", "with_options"}


def test_every_operation_of_the_service_and_every_method_of_the_client_is_in_the_table() -> None:
    """25 operations; a new one has to be given a row."""
    operations = {name for name in dir(rest) if isinstance(getattr(rest, name), Operation)}
    methods = {name for name, _ in inspect.getmembers(WebPubSubServiceClient, inspect.isfunction) if name[0] != "_"}

    assert {call.operation for call in CALLS} == operations
    assert len(operations) == 25
    assert {call.method for call in CALLS} == methods - WITHOUT_A_ROW
    assert {row.method for row in REFUSED} == methods - WITHOUT_A_ROW - {"get_service_status"}


@every_row("row", REFUSED, ids=[f"{row.method} {row.args} {row.kwargs}"[:80] for row in REFUSED])
async def test_a_wrong_argument_is_refused_before_anything_is_sent(
    row: Refused, unreachable: httpx.MockTransport
) -> None:
    """The error names the argument; the transport fails the test when it is used."""
    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=unreachable) as service:
        with pytest.raises(row.error, match=row.reason):
            await outcome(service, row.method, *row.args, **row.kwargs)


ANSWERS: list[tuple[str, tuple[object, ...], int, object]] = [
    ("send_to_all", ("hi",), 202, None),
    ("send_to_all", ("hi",), 200, None),
    ("send_to_group", ("g", "hi"), 202, None),
    ("send_to_user", ("ann", "hi"), 202, None),
    ("send_to_connection", ("c1", "hi"), 202, None),
    ("close_all_connections", (), 204, None),
    ("close_connection", ("c1",), 204, None),
    ("close_connection", ("c1",), 200, None),
    ("connection_exists", ("c1",), 200, True),
    ("connection_exists", ("c1",), 404, False),
    ("group_exists", ("g",), 200, True),
    ("group_exists", ("g",), 404, False),
    ("user_exists", ("ann",), 200, True),
    ("user_exists", ("ann",), 404, False),
    ("has_permission", ("sendToGroup", "c1"), 200, True),
    ("has_permission", ("sendToGroup", "c1"), 404, False),
    ("add_connection_to_group", ("g", "c1"), 200, None),
    ("remove_connection_from_group", ("g", "c1"), 204, None),
    ("add_connections_to_groups", (["g"],), 200, None),
    ("grant_permission", ("sendToGroup", "c1"), 200, None),
    ("revoke_permission", ("sendToGroup", "c1"), 204, None),
    ("get_service_status", (), 200, True),
    ("get_service_status", (), 500, False),
    ("get_service_status", (), 503, False),
]

FAILURES: list[tuple[str, tuple[object, ...], int, type[ServiceError]]] = [
    ("send_to_all", ("hi",), 400, BadRequestError),
    ("send_to_all", ("hi",), 404, NotFoundError),
    ("send_to_all", ("hi",), 307, ServiceError),
    ("add_connection_to_group", ("g", "c1"), 404, NotFoundError),
    ("add_user_to_group", ("g", "ann"), 404, NotFoundError),
    ("grant_permission", ("sendToGroup", "c1"), 404, NotFoundError),
    ("connection_exists", ("c1",), 403, PermissionDeniedError),
    ("group_exists", ("g",), 500, ServiceUnavailableError),
    ("list_connections", ("g",), 404, NotFoundError),
    ("get_service_status", (), 403, PermissionDeniedError),
]


@every_row(("method", "args", "status", "result"), ANSWERS)
async def test_an_answer_becomes_this_result(method: str, args: tuple[Any, ...], status: int, result: object) -> None:
    """Any 2xx is a success; where a question was asked, 404 is the answer no."""
    wire = Wire(default=lambda: httpx.Response(status))

    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=wire.transport, retry_policy=ONCE) as service:
        assert await outcome(service, method, *args) is result


@pytest.mark.parametrize(("method", "args", "status", "error"), FAILURES)
async def test_any_other_answer_is_raised(
    method: str, args: tuple[Any, ...], status: int, error: type[ServiceError]
) -> None:
    """A missing target is an error where something should have been changed; questions raise all but 404."""
    wire = Wire(default=lambda: httpx.Response(status))

    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=wire.transport, retry_policy=ONCE) as service:
        with pytest.raises(error) as raised:
            await outcome(service, method, *args)

    assert type(raised.value) is error
    assert raised.value.status == status


CREDENTIALS = [KEY, AzureKeyCredential(KEY), azure.core.credentials.AzureKeyCredential(KEY)]


@pytest.mark.parametrize("credential", CREDENTIALS, ids=["str", "ours", "azure-core"])
async def test_a_key_signs_requests_whatever_it_comes_in(credential: KeyCredential) -> None:
    """A str, our AzureKeyCredential and that of azure-core sign alike."""
    wire = Wire()

    async with WebPubSubServiceClient(ENDPOINT, HUB, credential, transport=wire.transport) as service:
        await service.send_to_all("hi")

    assert audience(wire.request) == f"{ENDPOINT}/api/hubs/chat/:send?api-version=2024-12-01"


@pytest.mark.parametrize("kind", [AzureKeyCredential, azure.core.credentials.AzureKeyCredential])
async def test_an_exchanged_key_signs_the_next_request(kind: type[AzureKeyCredential]) -> None:
    """`update` of the credential takes effect at once, for requests and for client access tokens."""
    wire, credential = Wire(), kind("the first key")

    async with WebPubSubServiceClient(ENDPOINT, HUB, credential, transport=wire.transport) as service:
        await service.user_exists("ann")
        old = await service.get_client_access_token()
        credential.update("the second key")
        await service.user_exists("ann")
        new = await service.get_client_access_token()

    assert audience(wire.requests[0], "the first key") == audience(wire.requests[1], "the second key")
    assert claims_of(old.token, "the first key")["aud"] == claims_of(new.token, "the second key")["aud"]


async def test_a_key_that_becomes_empty_is_told_before_anything_is_sent(unreachable: httpx.MockTransport) -> None:
    """A credential of a user's own is not trusted to hold a key."""
    credential = AzureKeyCredential("key")

    async with WebPubSubServiceClient(ENDPOINT, HUB, credential, transport=unreachable) as service:
        credential._key = ""
        with pytest.raises(ConfigurationError, match=r"credential.key is empty"):
            await service.send_to_all("hi")
        with pytest.raises(ConfigurationError, match=r"credential.key is empty"):
            await service.get_client_access_token()


async def test_a_connection_string_makes_the_same_client() -> None:
    """Endpoint, key and port come from the string; options are the same."""
    wire = Wire()
    text = f"Endpoint={ENDPOINT}/;AccessKey={KEY};Port=8443;Version=1.0;"

    async with WebPubSubServiceClient.from_connection_string(text, "Chat", transport=wire.transport) as service:
        await service.send_to_all("hi")

    assert (service.endpoint, service.hub) == (f"{ENDPOINT}:8443", "Chat")
    assert audience(wire.request) == f"{ENDPOINT}:8443/api/hubs/Chat/:send?api-version=2024-12-01"


async def test_a_port_goes_before_that_of_the_endpoint() -> None:
    """As in the official SDK, `port` is an option of the constructor."""
    async with WebPubSubServiceClient("http://localhost:1/", HUB, KEY, port=8080) as service:
        assert service.endpoint == "http://localhost:8080"


WRONG_CONSTRUCTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"hub": ""}, ConfigurationError, "hub must"),
    ({"hub": "1bad/hub?"}, ConfigurationError, "hub must"),
    ({"hub": None}, TypeError, "hub must be a str"),
    ({"endpoint": ""}, ConfigurationError, "endpoint must start with https://"),
    ({"endpoint": "example.com"}, ConfigurationError, "endpoint must start with https://"),
    ({"endpoint": None}, TypeError, "endpoint must be a str"),
    ({"credential": None}, ConfigurationError, "credential is None"),
    ({"credential": ""}, ConfigurationError, "credential is empty"),
    ({"credential": b"key"}, TypeError, "credential must be a str, an object with a `key`"),
    ({"port": 0}, ConfigurationError, "port must be a whole number from 1 to 65535"),
    ({"reverse_proxy_endpoint": "proxy:80"}, ConfigurationError, "reverse_proxy_endpoint must start with"),
    ({"max_connections": 0}, ConfigurationError, "max_connections"),
    ({"transport": object()}, TypeError, "transport must be"),
    ({"retry_total": 3}, TypeError, "no argument 'retry_total': write retry_policy="),
    ({"logging_enabled": True}, TypeError, "did you mean 'logging_enable'?"),
]


@pytest.mark.parametrize(("arguments", "error", "reason"), WRONG_CONSTRUCTIONS)
def test_a_wrong_client_is_not_made(arguments: dict[str, Any], error: type[Exception], reason: str) -> None:
    """A mistake is told where the client is made, not at its first call."""
    with pytest.raises(error) as refused:
        WebPubSubServiceClient(**{"endpoint": ENDPOINT, "hub": HUB, "credential": KEY, **arguments})

    assert reason in str(refused.value)
    assert KEY not in str(refused.value)


async def test_a_client_shows_where_it_goes_and_no_secret() -> None:
    """Its `repr` can be logged, and so can that of everything in it."""
    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY) as service:
        assert repr(service) == f"WebPubSubServiceClient(endpoint={ENDPOINT!r}, hub='chat')"
        assert KEY not in f"{service} {service.http} {service.http!r} {vars(service)} {vars(service.http)}"


async def test_a_closed_client_says_so() -> None:
    """After `close`, or the end of `with`, a call is an error that names the reason; closing again is none."""
    service = WebPubSubServiceClient(ENDPOINT, HUB, KEY)

    async with service as entered:
        assert entered is service
    await service.close()

    with pytest.raises(ConfigurationError, match="The client is closed"):
        await service.send_to_all("hi")


async def test_each_call_takes_its_own_options() -> None:
    """They lie over those of the client, for this call only."""
    wire = Wire()
    own = {"X-Own": "1"}

    async with WebPubSubServiceClient(
        ENDPOINT, HUB, KEY, transport=wire.transport, headers={"X-All": "0"}, read_timeout=9
    ) as service:
        await service.send_to_all(
            "hi", headers=own, request_id="id-1", api_version="2023-07-01", connection_timeout=1, read_timeout=2
        )
        await service.send_to_all("hi")

    first, second = wire.requests
    assert (first.headers["x-all"], first.headers["x-own"]) == ("0", "1")
    assert first.headers["x-ms-client-request-id"] == "id-1"
    assert first.url.query == b"api-version=2023-07-01"
    assert first.extensions["timeout"] == {"connect": 1, "read": 2, "write": 2, "pool": 1}
    assert (second.headers["x-all"], second.headers.get("x-own")) == ("0", None)
    assert second.url.query == b"api-version=2024-12-01"
    assert second.extensions["timeout"] == {"connect": 5, "read": 9, "write": 9, "pool": 5}


async def test_every_call_carries_an_id_of_its_own() -> None:
    """It is the one that errors name."""
    wire = Wire(default=lambda: httpx.Response(403))

    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=wire.transport) as service:
        with pytest.raises(PermissionDeniedError) as first:
            await service.send_to_all("hi")
        with pytest.raises(PermissionDeniedError) as second:
            await service.send_to_all("hi")

    sent = [request.headers["x-ms-client-request-id"] for request in wire.requests]
    assert sent == [first.value.request_id, second.value.request_id]
    assert len(set(sent)) == 2
    assert f"(request {sent[0]})" in str(first.value)


async def test_a_method_finds_its_arguments_where_the_official_sdk_has_them() -> None:
    """Text first, then the rest by name: the calls that people have written."""
    wire = Wire()

    async with WebPubSubServiceClient(endpoint=ENDPOINT, hub=HUB, credential=KEY, transport=wire.transport) as service:
        await service.send_to_all(message={"hello": "world"})
        await service.send_to_all("Hello", content_type="text/plain")
        await service.send_to_all(StringIO("Hello World"), content_type="application/octet-stream")

    assert [(request.headers["content-type"], request.content) for request in wire.requests] == [
        ("application/json", b'{"hello": "world"}'),
        ("text/plain", b"Hello"),
        ("application/octet-stream", b"Hello World"),
    ]


@pytest.mark.parametrize(
    ("method", "target"),
    [("send_to_all", ()), ("send_to_group", ("g",)), ("send_to_user", ("ann",)), ("send_to_connection", ("c1",))],
)
async def test_metadata_travels_beside_the_message(method: str, target: tuple[str, ...]) -> None:
    """As headers, whatever other headers there are."""
    wire = Wire()

    async with WebPubSubServiceClient(
        ENDPOINT, HUB, KEY, transport=wire.transport, headers={"x-client": "1"}
    ) as service:
        await outcome(service, method, *target, "hi", metadata={"Trace": "a b"}, headers={"x-call": "2"})

    names = ("x-webpubsub-metadata-trace", "x-client", "x-call")
    assert [wire.request.headers[name] for name in names] == ["a b", "1", "2"]


async def test_values_of_an_application_are_made_json_by_the_application() -> None:
    """`json_default` of the client is asked for every send."""
    wire = Wire()

    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=wire.transport, json_default=str) as service:
        await service.send_to_all({"n": 1j})
        await service.send_to_user("ann", [1j], read_timeout=5)

    assert [request.content for request in wire.requests] == [b'{"n": "1j"}', b'["1j"]']


async def test_a_key_of_other_bytes_than_utf8_is_told_without_being_shown(unreachable: httpx.MockTransport) -> None:
    """It may have been changed in use; nothing behind the error holds it either."""
    credential = AzureKeyCredential(KEY)

    async with WebPubSubServiceClient(ENDPOINT, HUB, credential, transport=unreachable) as service:
        credential._key = f"{KEY}\udcff"
        for call in (service.get_client_access_token, service.send_to_all):
            with pytest.raises(ConfigurationError, match=r"credential\.key has bytes that are not UTF-8") as refused:
                await call(*(("hi",) if call == service.send_to_all else ()))
            assert refused.value.__context__ is None


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
async def test_a_client_is_not_copied(copied: Callable[[object], object], unreachable: httpx.MockTransport) -> None:
    """It would share a connection with a process that knows nothing of it, and take a credential along."""
    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=unreachable) as service:
        with pytest.raises(TypeError, match="A client cannot be pickled or copied"):
            copied(service)


@given(
    st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1, max_size=60).filter(
        lambda name: not name.isspace() and name not in (".", "..")
    )
)
async def test_any_name_stays_one_segment_of_the_path(name: str) -> None:
    """Whatever characters a group, a user or a connection has, the path leads to exactly it."""
    wire = Wire()

    async with WebPubSubServiceClient(ENDPOINT, HUB, KEY, transport=wire.transport) as service:
        await service.group_exists(name)
        await service.user_exists(name)
        await service.add_connection_to_group(name, name)

    segments = [
        [unquote(part) for part in request.url.raw_path.decode().partition("?")[0].split("/")]
        for request in wire.requests
    ]
    assert segments == [
        ["", "api", "hubs", HUB, "groups", name],
        ["", "api", "hubs", HUB, "users", name],
        ["", "api", "hubs", HUB, "groups", name, "connections", name],
    ]
    assert [audience(request) for request in wire.requests] == [str(request.url) for request in wire.requests]
