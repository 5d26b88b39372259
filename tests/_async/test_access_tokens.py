"""Client access tokens: signed here with a key, asked from the service with a token credential, good for a client."""

import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from webpubsub import ClientAccessToken, ClientProtocol, ConfigurationError
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.emulator import Emulator

from ..support.by_hand import claims_of, decoded, signed
from ..support.wire import ENDPOINT, KEY, Wire

NOW = 1_700_000_000
LATER = 2**33
JSON = Subprotocol("json.webpubsub.azure.v1")
HOST = ENDPOINT.removeprefix("https://")


class Identity:
    """A token credential that the local service takes for one of Microsoft Entra ID."""

    def __init__(self, key: str = KEY) -> None:
        self.token = signed({"aud": "https://webpubsub.azure.com", "exp": LATER}, key)
        self.expires_on = LATER

    async def get_token(self, *scopes: str) -> "Identity":
        """Issue always the same token."""
        return self


SIGNED: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "nothing asked": (ENDPOINT, {}, "/client/hubs/Chat", {}),
    "a user": (ENDPOINT, {"user_id": "Zoë O'Neil"}, "/client/hubs/Chat", {"sub": "Zoë O'Neil"}),
    "roles and groups": (
        ENDPOINT,
        {"roles": ["webpubsub.sendToGroup.a", "webpubsub.joinLeaveGroup"], "groups": ["a", "b"]},
        "/client/hubs/Chat",
        {"role": ["webpubsub.sendToGroup.a", "webpubsub.joinLeaveGroup"], "webpubsub.group": ["a", "b"]},
    ),
    "empty lists": (ENDPOINT, {"roles": [], "groups": []}, "/client/hubs/Chat", {}),
    "any iterable": (
        ENDPOINT,
        {"roles": ("r",), "groups": {"g"}},
        "/client/hubs/Chat",
        {"role": ["r"], "webpubsub.group": ["g"]},
    ),
    "a lifetime": (ENDPOINT, {"minutes_to_expire": 1}, "/client/hubs/Chat", {"exp": NOW + 60}),
    "MQTT": (ENDPOINT, {"client_protocol": "MQTT"}, "/clients/mqtt/hubs/Chat", {}),
    "mqtt": (ENDPOINT, {"client_protocol": "mqtt"}, "/clients/mqtt/hubs/Chat", {}),
    "Socket.IO": (ENDPOINT, {"client_protocol": ClientProtocol.SOCKET_IO}, "/clients/socketio/hubs/Chat", {}),
    "default": (ENDPOINT, {"client_protocol": "Default"}, "/client/hubs/Chat", {}),
    "capitals in a path": (f"{ENDPOINT}/Own/", {}, "/own/client/hubs/Chat", {}),
    "capitals in the host": ("https://EXAMPLE.webpubsub.Azure.com/", {}, "/client/hubs/Chat", {}),
}


@pytest.mark.parametrize(("endpoint", "arguments", "path", "claims"), SIGNED.values(), ids=SIGNED)
async def test_with_a_key_the_token_is_signed_here(
    endpoint: str,
    arguments: dict[str, Any],
    path: str,
    claims: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    unreachable: httpx.MockTransport,
) -> None:
    """To the letter as made by hand: audience in lower case but for the hub, issue time, expiry, a random name."""
    monkeypatch.setattr("time.time", lambda: NOW)

    async with WebPubSubServiceClient(endpoint, "Chat", KEY, transport=unreachable) as service:
        token = await service.get_client_access_token(**arguments)

    jti = claims_of(token.token, KEY)["jti"]
    expected = {"aud": ENDPOINT + path, "iat": NOW, "exp": NOW + 3600, "jti": jti} | claims
    assert token.token == signed(expected, KEY)
    assert token.base_url.lower() == f"wss://{HOST}{path}".lower()
    assert token == {
        "baseUrl": token.base_url,
        "token": token.token,
        "url": f"{token.base_url}?access_token={token.token}",
    }


async def test_headers_are_added_to_the_token(unreachable: httpx.MockTransport) -> None:
    """A `kid` for example; the algorithm cannot be changed."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", KEY, transport=unreachable) as service:
        token = await service.get_client_access_token(jwt_headers={"kid": "k1"})
        with pytest.raises(ConfigurationError, match="must not set any of alg"):
            await service.get_client_access_token(jwt_headers={"alg": "none"})

    assert json.loads(decoded(token.token.partition(".")[0])) == {"alg": "HS256", "typ": "JWT", "kid": "k1"}


@pytest.mark.parametrize(
    ("endpoint", "base_url"),
    [
        ("https://example.com", "wss://example.com/client/hubs/chat"),
        ("http://localhost:8080/", "ws://localhost:8080/client/hubs/chat"),
        ("https://example.com/http/", "wss://example.com/http/client/hubs/chat"),
        ("http://[::1]:8080", "ws://[::1]:8080/client/hubs/chat"),
    ],
)
async def test_the_client_url_has_the_scheme_of_websockets(endpoint: str, base_url: str) -> None:
    """Http becomes ws, https becomes wss, and the rest stays."""
    async with WebPubSubServiceClient(endpoint, "chat", KEY) as service:
        assert (await service.get_client_access_token()).base_url == base_url


ASKED: dict[str, tuple[dict[str, Any], str, str]] = {
    "nothing asked": ({}, "minutesToExpire=60&clientType=Default", "/client/hubs/chat"),
    "all of it": (
        {"user_id": "Zoë", "roles": ["r.1", "r 2"], "groups": ["a", "b"], "minutes_to_expire": 5},
        "userId=Zo%C3%AB&role=r.1&role=r%202&minutesToExpire=5&group=a&group=b&clientType=Default",
        "/client/hubs/chat",
    ),
    "MQTT": ({"client_protocol": "mqtt"}, "minutesToExpire=60&clientType=MQTT", "/clients/mqtt/hubs/chat"),
    "Socket.IO has no type of its own": (
        {"client_protocol": "SocketIO"},
        "minutesToExpire=60&clientType=Default",
        "/clients/socketio/hubs/chat",
    ),
}


@pytest.mark.parametrize(("arguments", "query", "path"), ASKED.values(), ids=ASKED)
async def test_with_a_token_credential_the_service_makes_the_token(
    arguments: dict[str, Any], query: str, path: str
) -> None:
    """A key of ours is not needed; the answer has the same form."""
    wire = Wire(httpx.Response(200, json={"token": "made.by.service"}))

    async with WebPubSubServiceClient(ENDPOINT, "chat", Identity(), transport=wire.transport) as service:
        token = await service.get_client_access_token(**arguments)

    assert wire.request.method == "POST"
    assert wire.target == f"/api/hubs/chat/:generateToken?api-version=2024-12-01&{query}"
    assert token == ClientAccessToken(f"wss://{HOST}{path}", "made.by.service")


async def test_headers_of_a_token_need_a_key(unreachable: httpx.MockTransport) -> None:
    """The official SDK ignores them silently when the service makes the token."""
    async with WebPubSubServiceClient(ENDPOINT, "chat", Identity(), transport=unreachable) as service:
        with pytest.raises(ConfigurationError, match="jwt_headers needs an access key"):
            await service.get_client_access_token(jwt_headers={"kid": "k1"})


async def test_a_client_connects_with_the_token(emulator: Emulator, hub: str) -> None:
    """Signed here or made by the service: the connection has the user and the groups that the token names."""
    async with (
        WebPubSubServiceClient(emulator.endpoint, hub, emulator.access_key) as by_key,
        WebPubSubServiceClient(emulator.endpoint, hub, Identity(emulator.access_key)) as by_identity,
    ):
        signed_here = await by_key.get_client_access_token(user_id="ann", groups=["room"])
        made_there = await by_identity.get_client_access_token(user_id="bob", groups=["room"])
        async with (
            connect(signed_here.url, subprotocols=[JSON]) as ann,
            connect(made_there["url"], subprotocols=[JSON]) as bob,
        ):
            connected = [json.loads(await client.recv()) for client in (ann, bob)]
            listed = [member.user_id async for member in by_identity.list_connections("room")]

    assert [frame["userId"] for frame in connected] == ["ann", "bob"]
    assert sorted(filter(None, listed)) == ["ann", "bob"]


async def test_a_token_is_good_for_its_hub_only(emulator: Emulator, hub: str) -> None:
    """The audience names the hub, and the local service checks it."""
    async with WebPubSubServiceClient(emulator.endpoint, hub, emulator.access_key) as service:
        token = await service.get_client_access_token()

    with pytest.raises(InvalidStatus, match="401"):
        async with connect(token.url.replace(hub, "another")):
            pass
    assert claims_of(token.token, emulator.access_key)["aud"] == f"{emulator.endpoint}/client/hubs/{hub}"
