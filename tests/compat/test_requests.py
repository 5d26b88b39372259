"""`send_request`: requests of azure-core in, responses of azure-core out."""

import io
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core import exceptions as core
from azure.core.credentials import AzureKeyCredential
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse

import webpubsub
from tests.support.compat_doors import ALL, DOORS, OURS, PAIRS, Door, driven, opened
from tests.support.server import ACCEPTED, Server, answering
from webpubsub.emulator import Emulator


def check(hub: str) -> HttpRequest:
    """A request that the service takes from anybody with a key."""
    return HttpRequest("HEAD", f"/api/hubs/{hub}/users/ann", params={"api-version": "2024-12-01"})


@pytest.mark.parametrize("door", ALL)
def test_a_relative_request_gets_a_response_of_azure_core(door: Door, emulator: Emulator, hub: str) -> None:
    """Signed, and returned whatever its status."""
    with opened(door, emulator, hub) as service:
        response = service.send_request(check(hub))
        with pytest.raises(core.HttpResponseError) as caught:
            response.raise_for_status()

    assert isinstance(response, AsyncHttpResponse if door.asynchronous else HttpResponse)
    assert response.status_code == 404
    assert response.reason == "Not Found"
    assert response.request.url.endswith("users/ann?api-version=2024-12-01")
    assert caught.value.status_code == 404
    assert repr(response).startswith("<AsyncHttpResponse: 404 " if door.asynchronous else "<HttpResponse: 404 ")


URLS = ["/api/hubs/{hub}/groups/room/connections", "api/hubs/{hub}/groups/room/connections"]
URLS += ["{{endpoint}}/api/hubs/{hub}/groups/room/connections", "{at}/api/hubs/{hub}/groups/room/connections"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("door", ALL)
def test_a_url_may_be_relative_or_whole(door: Door, url: str, emulator: Emulator, hub: str) -> None:
    """As `format_url` of azure-core has it."""
    request = HttpRequest("GET", url.format(hub=hub, at=emulator.endpoint), params={"api-version": "2024-12-01"})

    with opened(door, emulator, hub) as service:
        response = service.send_request(request)
        response.raise_for_status()

    assert response.json()["value"] == []
    assert response.text() == response.content.decode()
    assert response.headers["Content-Type"] == response.content_type
    assert response.url.startswith(f"{emulator.endpoint}/api/hubs/{hub}/groups/room/connections")


@pytest.mark.parametrize("url", ["https://elsewhere.example.com/api", "http://127.0.0.1:1/"])
@pytest.mark.parametrize("door", OURS)
def test_a_request_for_another_address_is_refused(door: Door, url: str, emulator: Emulator, hub: str) -> None:
    """It would carry the credential there."""
    with opened(door, emulator, hub) as service, pytest.raises(webpubsub.ConfigurationError, match="another address"):
        service.send_request(HttpRequest("GET", url))


@pytest.mark.parametrize("door", ALL)
def test_a_response_can_be_streamed(door: Door, emulator: Emulator, hub: str) -> None:
    """`stream=True`; the body comes in pieces and is there afterwards."""
    request = HttpRequest("GET", f"/api/hubs/{hub}/groups/room/connections?api-version=2024-12-01")

    with opened(door, emulator, hub) as service:
        response = service.send_request(request, stream=True)
        pieces = service.listed(response.iter_bytes())
        service.settled(response.close)()

    assert json.loads(b"".join(pieces))["value"] == []
    assert response.is_closed


@pytest.mark.parametrize("door", OURS)
def test_a_response_that_is_here_answers_like_one_that_is_streamed(door: Door, emulator: Emulator, hub: str) -> None:
    """Reading, raw iterating, encoding, and a copy of it all."""
    request = HttpRequest("GET", f"/api/hubs/{hub}/groups/room/connections?api-version=2024-12-01")

    with opened(door, emulator, hub) as service:
        response = service.send_request(request)
        read = service.settled(response.read)()
        raw = service.listed(response.iter_raw())
    response.encoding = "utf-16"

    assert read == response.content == b"".join(raw)
    assert response.is_stream_consumed
    assert json.loads(response.text("utf-8"))["value"] == []
    assert response.text() != response.text("utf-8")
    assert pickle.loads(pickle.dumps(response)).content == read


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A service that accepts everything and remembers it."""
    with Server(answering(ACCEPTED)) as server:
        yield server


BODIES: dict[str, dict[str, Any]] = {
    "JSON": {"json": {"a": [1, "ä"]}},
    "text": {"content": "Hello"},
    "bytes": {"content": b"\x00\xff", "headers": {"Content-Type": "application/octet-stream"}},
    "a form": {"data": {"a": "b c", "d": "e"}},
    "nothing": {},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(("official", "compat"), PAIRS)
def test_a_body_is_sent_as_there(official: Door, compat: Door, body: dict[str, Any], server: Server) -> None:
    """Content and content type."""
    sent = []
    for door in (official, compat):
        with driven(door.client(server.endpoint, "chat", AzureKeyCredential("k" * 40))) as service:
            service.send_request(HttpRequest("POST", "/api/anything", **body))
        sent.append(server.requests[-1])
    theirs, ours = sent

    assert (ours.method, ours.target) == (theirs.method, theirs.target)
    assert ours.body == theirs.body
    assert ours.headers.get("content-type") == theirs.headers.get("content-type")


STREAMED: dict[str, Any] = {
    "a stream": lambda: io.BytesIO(b"Hello"),
    "an iterator": lambda: iter([b"Hel", b"lo"]),
}


@pytest.mark.parametrize("make", STREAMED.values(), ids=STREAMED)
@pytest.mark.parametrize("door", OURS)
def test_a_stream_is_read_whole(door: Door, make: Any, server: Server) -> None:
    """So that a repetition sends it again."""
    with driven(door.client(server.endpoint, "chat", "key")) as service:
        service.send_request(HttpRequest("POST", "/api/anything", content=make()))

    assert server.requests[-1].body == b"Hello"


@pytest.mark.parametrize("door", OURS)
def test_a_file_is_sent_in_a_form(door: Door, server: Server) -> None:
    """`files=`, as multipart."""
    with driven(door.client(server.endpoint, "chat", "key")) as service:
        service.send_request(HttpRequest("POST", "/api/anything", files={"f": ("a.txt", b"Hello", "text/plain")}))

    request = server.requests[-1]
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="f"; filename="a.txt"' in request.body


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    ("/api", {}, "request must be an azure.core.rest.HttpRequest, not str"),
    (HttpRequest("GET", "/api"), {"stream": "yes"}, "stream must be a bool, not str"),
    (HttpRequest("GET", "/api"), {"error_map": {}}, r"call raise_for_status\(\)"),
    (HttpRequest("GET", "/api"), {"nonsense": 1}, "has no argument 'nonsense'"),
]


@pytest.mark.parametrize(("request_", "options", "message"), REFUSED)
@pytest.mark.parametrize("door", OURS)
def test_what_cannot_be_sent_is_refused(door: Door, request_: Any, options: dict[str, Any], message: str) -> None:
    """Before anything is."""
    client = door.client("https://example.com", "chat", "key")
    with driven(client) as service, pytest.raises(TypeError, match=message):
        service.send_request(request_, **options)


@pytest.mark.parametrize("door", ALL)
def test_keywords_work_here_too(door: Door, emulator: Emulator, hub: str) -> None:
    """Retrying, timeouts and hooks."""
    seen: list[int] = []
    options = {"retry_total": 0, "read_timeout": 5, "headers": {"x-note": "1"}}

    with opened(door, emulator, hub) as service:
        service.send_request(
            check(hub), **options, raw_response_hook=lambda response: seen.append(response.http_response.status_code)
        )

    assert seen == [404]


async def test_a_response_is_a_context(emulator: Emulator, hub: str) -> None:
    """`async with` and `with`, for responses and for clients."""
    aio, sync = DOORS["compat aio"].client, DOORS["compat"].client
    async with (
        aio.from_connection_string(emulator.connection_string, hub) as service,
        await service.send_request(check(hub)) as response,
    ):
        assert response.status_code == 404
    with (
        sync.from_connection_string(emulator.connection_string, hub) as service,
        service.send_request(check(hub)) as response,
    ):
        assert response.status_code == 404
