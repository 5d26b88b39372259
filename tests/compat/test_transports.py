"""Transports of azure-core under the drop-in client: sessions of one's own, and fakes in tests."""

import asyncio
from typing import Any

import aiohttp
import pytest
import requests
from azure.core import exceptions as core
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport, HttpTransport, RequestsTransport

import webpubsub
from tests.support.compat_doors import ALL, DOORS, OURS, Door, driven, opened
from webpubsub.emulator import Emulator


def built_in(door: Door) -> Any:
    """Make azure-core's own transport for a door."""
    return AioHttpTransport() if door.asynchronous else RequestsTransport()


@pytest.mark.parametrize("door", ALL)
def test_the_transports_of_azure_core_carry_every_kind_of_call(door: Door, emulator: Emulator, hub: str) -> None:
    """Over requests and aiohttp; the client closes them."""
    with opened(door, emulator, hub, transport=built_in(door)) as service:
        service.send_to_all("Hello", content_type="text/plain", filter="userId ne 'ä'")
        assert service.user_exists("ann") is False
        assert service.listed(service.list_connections(group="room")) == []
        with pytest.raises(core.ResourceNotFoundError) as caught:
            service.add_user_to_group("room", "ann")

    assert caught.value.error is not None


@pytest.mark.parametrize("door", ALL)
def test_nobody_listening_is_a_service_request_error(door: Door, hub: str) -> None:
    """Failures keep their meaning on the way through."""
    from azure.core.credentials import AzureKeyCredential

    client = door.client(
        "http://127.0.0.1:1", hub, AzureKeyCredential("k" * 40), transport=built_in(door), retry_total=0
    )
    with driven(client) as service, pytest.raises(core.ServiceRequestError) as caught:
        service.send_to_all("Hello")

    assert not isinstance(caught.value, core.HttpResponseError)
    if door.ours:
        assert isinstance(caught.value, webpubsub.TransportError)
        assert caught.value.maybe_sent is False


def test_a_session_of_ones_own_is_used_and_left_open(emulator: Emulator, hub: str) -> None:
    """`RequestsTransport(session=..., session_owner=False)`."""
    with requests.Session() as session:
        session.headers["x-mine"] = "yes"
        seen: list[str] = []
        session.hooks["response"].append(lambda response, **_: seen.append(response.request.headers["x-mine"]))
        transport = RequestsTransport(session=session, session_owner=False)
        with opened(DOORS["compat"], emulator, hub, transport=transport) as service:
            service.send_to_all("Hello")
        assert session.head(f"{emulator.endpoint}/api/health").status_code == 200

    assert seen == ["yes", "yes"]


async def test_an_asynchronous_session_of_ones_own_is_used_and_left_open(emulator: Emulator, hub: str) -> None:
    """`AioHttpTransport(session=..., session_owner=False)`."""
    client = DOORS["compat aio"].client
    async with aiohttp.ClientSession(headers={"x-mine": "yes"}, auto_decompress=False) as session:
        transport = AioHttpTransport(session=session, session_owner=False)
        async with client.from_connection_string(emulator.connection_string, hub, transport=transport) as service:
            assert await service.user_exists("ann") is False
        assert not session.closed


FAILURES: list[tuple[core.AzureError, type[Exception], bool]] = [
    (core.ServiceRequestError("x"), core.ServiceRequestError, False),
    (core.ServiceRequestTimeoutError("x"), core.ServiceRequestTimeoutError, False),
    (core.ServiceResponseError("x"), core.ServiceResponseError, True),
    (core.ServiceResponseTimeoutError("x"), core.ServiceResponseTimeoutError, True),
    (core.IncompleteReadError("x"), core.ServiceResponseError, True),
]


class Failing(HttpTransport[Any, Any]):
    """Raises what it is told."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure
        self.timeouts: list[tuple[float, float]] = []

    def send(self, request: Any, **options: Any) -> Any:
        self.timeouts.append((options["connection_timeout"], options["read_timeout"]))
        raise self._failure

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(("failure", "expected", "maybe_sent"), FAILURES)
def test_a_failure_of_the_transport_keeps_its_meaning(
    failure: core.AzureError, expected: type[Exception], maybe_sent: bool
) -> None:
    """Not sent, maybe sent, too late; the timeouts of the call reach the transport."""
    transport = Failing(failure)
    client = DOORS["compat"].client("https://example.com", "chat", "key", transport=transport, retry_total=0)

    with client as service, pytest.raises(webpubsub.TransportError) as caught:
        service.send_to_all("Hello", connection_timeout=2, read_timeout=3)

    assert expected in type(caught.value).__mro__
    assert caught.value.maybe_sent is maybe_sent
    assert transport.timeouts == [(2, 3)]


@pytest.mark.parametrize("door", OURS)
def test_a_transport_of_the_other_colour_is_refused(door: Door) -> None:
    """Before anything is sent, with the kinds that fit."""
    wrong = RequestsTransport() if door.asynchronous else Awaitable()
    kind = "AsyncHttpTransport" if door.asynchronous else "HttpTransport"

    with pytest.raises(TypeError, match=f"transport must be a {kind} of azure-core or a httpx."):
        door.client("https://example.com", "chat", "key", transport=wrong)


class Awaitable(AsyncHttpTransport[Any, Any]):
    """A transport for the asynchronous client."""

    async def send(self, request: Any, **options: Any) -> Any:
        await asyncio.sleep(0)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...
