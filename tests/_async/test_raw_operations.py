"""Raw operations through `service.http`: any API version, with the signing and the settings of the client."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from webpubsub import ConfigurationError, RetryPolicy
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.emulator import Emulator
from webpubsub_rest import BinaryBody, JsonBody, TextBody, UnexpectedStatus, v2021_10_01, v2024_12_01
from webpubsub_rest.v2024_12_01.models import AddToGroupsRequest

from ..support.wire import ENDPOINT, KEY, Wire, audience, page

AT_ONCE = RetryPolicy(attempts=3, base_delay_seconds=0)


async def test_both_versions_send_to_clients(emulator: Emulator, hub: str) -> None:
    """A message of each version and each kind of body arrives, and membership is shared with the typed client."""
    async with WebPubSubServiceClient.from_connection_string(emulator.connection_string, hub) as service:
        token = await service.get_client_access_token(user_id="ann")
        async with connect(token.url) as client:
            await v2024_12_01.add_connections_to_groups.asyncio(
                service.http, service.hub, body=AddToGroupsRequest(["room"])
            )
            await v2021_10_01.send_to_all.asyncio(service.http, service.hub, body=JsonBody({"a": 1}))
            await v2024_12_01.send_to_group.asyncio(service.http, service.hub, "room", body=TextBody("Grüße"))
            await v2021_10_01.send_to_user.asyncio(service.http, service.hub, "ann", body=BinaryBody(b"\x00\xff"))

            assert json.loads(await client.recv()) == {"a": 1}
            assert await client.recv() == "Grüße"
            assert await client.recv() == b"\x00\xff"
            assert await service.group_exists("room")
            assert await v2021_10_01.user_exists.asyncio(service.http, hub, "ann")


async def test_a_raw_request_is_signed_and_carries_the_settings_of_the_client() -> None:
    """Headers, timeouts and the id of the request are those of the typed calls; the version is the operation's."""
    wire = Wire()

    async with WebPubSubServiceClient(
        ENDPOINT, "chat", KEY, transport=wire.transport, headers={"X-All": "0"}, read_timeout=9
    ) as service:
        await v2021_10_01.send_to_all.asyncio(service.http, service.hub, body=TextBody("hi"))
        await service.send_to_all("hi", content_type="text/plain")

    raw, typed = wire.requests
    assert str(raw.url) == f"{ENDPOINT}/api/hubs/chat/:send?api-version=2021-10-01"
    assert audience(raw) == str(raw.url)
    assert {*raw.headers} == {*typed.headers}
    assert raw.headers["x-all"] == "0"
    assert raw.headers["x-ms-client-request-id"]
    assert raw.extensions["timeout"] == typed.extensions["timeout"] == {"connect": 5, "read": 9, "write": 9, "pool": 5}


async def test_what_is_no_operation_is_refused_before_anything_is_sent() -> None:
    """A name or a function of one's own instead of an operation is told in a sentence."""
    wire = Wire()
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        with pytest.raises(TypeError, match="operation must be an operation of webpubsub_rest"):
            await service.call("group_exists", "chat", "room")  # type: ignore[arg-type]

    assert wire.requests == []


async def test_a_raw_request_is_repeated_as_the_policy_says(caplog: pytest.LogCaptureFixture) -> None:
    """Retrying and logging are below `service.http`."""
    caplog.set_level(logging.DEBUG, "azure.webpubsub")
    wire = Wire(httpx.Response(503), httpx.Response(200))

    async with WebPubSubServiceClient(
        ENDPOINT, "chat", KEY, transport=wire.transport, retry_policy=AT_ONCE, logging_enable=True
    ) as service:
        assert await v2024_12_01.user_exists.asyncio(service.http, "chat", "ann")

    assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG", "WARNING", "DEBUG", "DEBUG"]
    assert wire.tokens[0] not in caplog.text


async def test_a_detailed_call_shows_the_whole_answer() -> None:
    """Status, headers and body beside the result."""
    wire = Wire(page(["c1"]))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        answer = await v2024_12_01.list_connections_in_group.asyncio_detailed(service.http, "chat", "g", top=1)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert [member.connection_id for member in answer.parsed.value] == ["c1"]


async def test_errors_of_raw_operations_are_those_of_the_raw_layer() -> None:
    """The answer as it came."""
    wire = Wire(httpx.Response(418, content=b"no"))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        with pytest.raises(UnexpectedStatus) as raised:
            await v2024_12_01.send_to_all.asyncio(service.http, "chat", body=TextBody("hi"))

    assert (raised.value.status_code, raised.value.content) == (418, b"no")


async def test_a_bearer_token_signs_raw_requests_too() -> None:
    """Whatever the credential of the client is."""
    wire = Wire()

    async with WebPubSubServiceClient(ENDPOINT, "chat", Identity(), transport=wire.transport) as service:
        await v2021_10_01.send_to_all.asyncio(service.http, "chat", body=TextBody("hi"))

    assert wire.tokens == ["header.claims.signature"]


class Identity:
    """A token credential whose token never ends."""

    token = "header.claims.signature"
    expires_on = 2**40

    async def get_token(self, *scopes: str) -> "Identity":
        """Issue always the same token."""
        return self


async def test_requests_of_ones_own_are_signed_for_the_service() -> None:
    """What no operation covers: the methods of httpx, with a path or a whole URL, and what httpx adds to it."""
    wire = Wire()

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        await service.http.get("/api/health", params={"api-version": "2024-12-01"})
        await service.http.post(f"{ENDPOINT}/api/hubs/chat/:new", json={"a": 1}, headers={"X-Own": "1"})

    assert [audience(request) for request in wire.requests] == [
        f"{ENDPOINT}/api/health?api-version=2024-12-01",
        f"{ENDPOINT}/api/hubs/chat/:new",
    ]
    assert wire.requests[1].content == b'{"a":1}'
    assert wire.requests[1].headers["x-own"] == "1"


async def test_a_token_of_ones_own_is_left_as_it_is() -> None:
    """Whoever sets the header means it."""
    wire = Wire()

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        await service.http.get("/api/health", params={"a": "b"}, headers={"Authorization": "Bearer of.ones.own"})

    assert wire.tokens == ["of.ones.own"]


async def test_a_streamed_body_is_sent_whole_and_with_its_length() -> None:
    """It is read before the first try, so that a second one has it too; the service wants no chunks."""
    wire = Wire(httpx.Response(503), httpx.Response(202))

    async def parts() -> AsyncIterator[bytes]:
        yield b"one, "
        yield b"two"

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport, retry_policy=AT_ONCE) as service:
        await service.http.post("/api/hubs/chat/:send", content=parts())

    assert [request.content for request in wire.requests] == [b"one, two"] * 2
    assert [request.headers["content-length"] for request in wire.requests] == ["8"] * 2
    assert "transfer-encoding" not in wire.requests[1].headers


@pytest.mark.parametrize("url", ["https://evil.example/", "http://example.webpubsub.azure.com/"])
async def test_no_request_goes_to_another_address(url: str, unreachable: httpx.MockTransport) -> None:
    """The credential of the client is for its service only."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=unreachable) as service:
        with pytest.raises(ConfigurationError, match="another address"):
            await service.http.get(url)
        with pytest.raises(ConfigurationError, match="another address"):
            await service.http.get(url, headers={"Authorization": "Bearer of.ones.own"})


async def test_a_redirect_is_returned_and_not_followed() -> None:
    """A request carries a credential."""
    wire = Wire(httpx.Response(307, headers={"Location": "https://evil.example/"}))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        response = await service.http.get("/api/health", follow_redirects=False)

    assert response.status_code == 307
    assert len(wire.requests) == 1


async def test_what_the_client_of_httpx_does_not_do_is_refused(unreachable: httpx.MockTransport) -> None:
    """Nothing that somebody asks of it is passed over."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=unreachable) as service:
        http = service.http
        refused: list[dict[str, Any]] = [{"auth": ("ann", "password")}, {"follow_redirects": True}]
        for option in refused:
            with pytest.raises(ConfigurationError, match=f"{min(option)}= "):
                await http.get("/api/health", **option)
            with pytest.raises(ConfigurationError, match=f"{min(option)}= "):
                async with http.stream("GET", "/api/health", **option):
                    pass
        with pytest.raises(ConfigurationError, match="auth= "):
            http.auth = ("ann", "password")
        with pytest.raises(ConfigurationError, match="follow_redirects= "):
            http.follow_redirects = True
        with pytest.raises(ConfigurationError, match="make a client for the other endpoint"):
            http.base_url = "https://other.example.com"
        http.follow_redirects, http.base_url = False, httpx.URL(ENDPOINT)
        assert (http.auth, http.follow_redirects, http.base_url) == (None, False, httpx.URL(ENDPOINT))
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY) as service:
        with pytest.raises(ConfigurationError, match="'trace' works only with a transport="):
            await service.http.get("/api/health", extensions={"trace": print})


async def test_what_is_set_on_the_client_of_httpx_holds() -> None:
    """Cookies, times and event hooks do what httpx says; hooks see the calls of every door."""
    seen: list[str] = []
    wire = Wire()

    async def on_request(request: httpx.Request) -> None:
        seen.append(request.method)

    async def on_response(response: httpx.Response) -> None:
        seen.append(str(response.status_code))

    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=wire.transport) as service:
        await service.http.get("/api/health", timeout=None)
        await service.http.send(httpx.Request("GET", f"{ENDPOINT}/api/health"))
        service.http.timeout = httpx.Timeout(7, read=1e10)
        await service.http.get("/api/health")
        service.http.cookies.set("a", "b")
        service.http.event_hooks = {"request": [on_request], "response": [on_response]}
        await service.http.get("/api/health")
        await service.send_to_all("hi")

    endless, default, chosen, *_ = [request.extensions["timeout"] for request in wire.requests]
    assert (endless["connect"], default["connect"]) == (1_000_000, 5)
    assert (chosen["connect"], chosen["read"]) == (7, 1_000_000)
    assert [request.headers.get("cookie") for request in wire.requests] == [None] * 3 + ["a=b", None]
    assert seen == ["GET", "200", "POST", "200"]
