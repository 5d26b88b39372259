"""The contenders. Each does a whole job: it encodes, signs, sends, reads the response and refuses a bad one.

Libraries are imported when a contender is made, so that a process holds those of one contender only.
"""

import json
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

from .workload import GROUP, HUB, KEY, MEMBERS_PATH, ROLES, SEND_PATH, USER, USERS_PATH, ContentType, Message

_SERVICE_TOKEN_SECONDS = 300
_CLIENT_TOKEN_SECONDS = 3600
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SyncClient(Protocol):
    def send(self, message: Message, content_type: ContentType) -> object: ...
    def send_to(self, user_id: str, message: Message, content_type: ContentType) -> object: ...
    def members(self) -> int: ...
    def close(self) -> None: ...


class AsyncClient(Protocol):
    async def send(self, message: Message, content_type: ContentType) -> object: ...
    async def close(self) -> None: ...


class TokenClient(Protocol):
    def token(self) -> str: ...
    def close(self) -> None: ...


class Ours:
    def __init__(self, endpoint: str) -> None:
        from webpubsub import WebPubSubServiceClient

        self._service = WebPubSubServiceClient.from_connection_string(_connection_string(endpoint), HUB)
        self.close = self._service.close

    def send(self, message: Message, content_type: ContentType) -> None:
        self._service.send_to_all(cast("Any", message), content_type=content_type)

    def send_to(self, user_id: str, message: Message, content_type: ContentType) -> None:
        self._service.send_to_user(user_id, cast("Any", message), content_type=content_type)

    def members(self) -> int:
        return len(list(self._service.list_connections(GROUP)))

    def token(self) -> str:
        return self._service.get_client_access_token(user_id=USER, roles=ROLES)["url"]


class Peer:
    def __init__(self, endpoint: str) -> None:
        from azure.messaging.webpubsubservice import WebPubSubServiceClient

        self._service = WebPubSubServiceClient.from_connection_string(_connection_string(endpoint), HUB)
        self.close = self._service.close

    def send(self, message: Message, content_type: ContentType) -> None:
        self._service.send_to_all(cast("Any", message), content_type=content_type)

    def send_to(self, user_id: str, message: Message, content_type: ContentType) -> None:
        self._service.send_to_user(user_id, cast("Any", message), content_type=content_type)

    def members(self) -> int:
        return len(list(self._service.list_connections(group=GROUP)))

    def token(self) -> str:
        return cast("str", self._service.get_client_access_token(user_id=USER, roles=ROLES)["url"])


class BareHttpx:
    def __init__(self, endpoint: str) -> None:
        import httpx

        self._endpoint = endpoint
        self._http = httpx.Client()
        self._sign = _signer()
        self.close = self._http.close

    def send(self, message: Message, content_type: ContentType) -> None:
        self._post(self._endpoint + SEND_PATH, message, content_type)

    def send_to(self, user_id: str, message: Message, content_type: ContentType) -> None:
        self._post(self._endpoint + USERS_PATH.format(user_id), message, content_type)

    def _post(self, url: str, message: Message, content_type: ContentType) -> None:
        headers = {"Authorization": self._sign(url), "Content-Type": content_type}
        self._http.post(url, content=content(message), headers=headers).raise_for_status()

    def members(self) -> int:
        found: list[object] = []
        url: str | None = self._endpoint + MEMBERS_PATH
        while url:
            response = self._http.get(url, headers={"Authorization": self._sign(url)})
            page = response.raise_for_status().json()
            found += page["value"]
            url = page.get("nextLink")
        return len(found)


class HttpClient:
    def __init__(self, endpoint: str) -> None:
        from http.client import HTTPConnection, HTTPSConnection

        self._endpoint = endpoint
        scheme, _, address = endpoint.partition("://")
        self._connection = (HTTPSConnection if scheme == "https" else HTTPConnection)(address)
        self._sign = _signer()
        self.close = self._connection.close

    def send(self, message: Message, content_type: ContentType) -> None:
        self._post(SEND_PATH, message, content_type)

    def send_to(self, user_id: str, message: Message, content_type: ContentType) -> None:
        self._post(USERS_PATH.format(user_id), message, content_type)

    def _post(self, target: str, message: Message, content_type: ContentType) -> None:
        headers = {"Authorization": self._sign(self._endpoint + target), "Content-Type": content_type}
        self._exchange("POST", target, content(message), headers)

    def members(self) -> int:
        found: list[object] = []
        url: str | None = self._endpoint + MEMBERS_PATH
        while url:
            target = url.removeprefix(self._endpoint)
            page = json.loads(self._exchange("GET", target, None, {"Authorization": self._sign(url)}))
            found += page["value"]
            url = page.get("nextLink")
        return len(found)

    def _exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        self._connection.request(method, target, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        _check(response.status)
        return content


class BareJwt:
    def __init__(self, endpoint: str) -> None:
        import jwt

        self._audience = f"{endpoint}/client/hubs/{HUB}"
        self._encode = jwt.encode

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "aud": self._audience,
            "iat": now,
            "exp": now + _CLIENT_TOKEN_SECONDS,
            "sub": USER,
            "role": ROLES,
        }
        return f"{self._audience.replace('http', 'ws', 1)}?access_token={self._encode(claims, KEY, 'HS256')}"

    def close(self) -> None:
        """Nothing is open."""


class OursAsync:
    def __init__(self, endpoint: str) -> None:
        from webpubsub.aio import WebPubSubServiceClient

        self._service = WebPubSubServiceClient.from_connection_string(_connection_string(endpoint), HUB)
        self.close = self._service.close

    async def send(self, message: Message, content_type: ContentType) -> None:
        await self._service.send_to_all(cast("Any", message), content_type=content_type)


class PeerAsync:
    def __init__(self, endpoint: str) -> None:
        from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient

        self._service = WebPubSubServiceClient.from_connection_string(_connection_string(endpoint), HUB)
        self.close = self._service.close

    async def send(self, message: Message, content_type: ContentType) -> None:
        await self._service.send_to_all(cast("Any", message), content_type=content_type)


class BareAiohttp:
    def __init__(self, endpoint: str) -> None:
        from aiohttp import ClientSession

        self._url = endpoint + SEND_PATH
        self._session = ClientSession()
        self._sign = _signer()
        self.close = self._session.close

    async def send(self, message: Message, content_type: ContentType) -> None:
        headers = {"Authorization": self._sign(self._url), "Content-Type": content_type}
        async with self._session.post(self._url, data=content(message), headers=headers) as response:
            await response.read()
            _check(response.status)


SYNC_CLIENTS: dict[str, Callable[[str], SyncClient]] = {
    "ours": Ours,
    "peer": Peer,
    "httpx": BareHttpx,
    "http.client": HttpClient,
}
TOKEN_CLIENTS: dict[str, Callable[[str], TokenClient]] = {"ours": Ours, "peer": Peer, "jwt": BareJwt}
ASYNC_CLIENTS: dict[str, Callable[[str], AsyncClient]] = {
    "ours": OursAsync,
    "peer": PeerAsync,
    "aiohttp": BareAiohttp,
}


def content(message: Message) -> bytes:
    """Encode a message as the bare clients send it."""
    if isinstance(message, bytes):
        return message
    return (message if isinstance(message, str) else _encode_json(message)).encode()


def _signer() -> Callable[[str], str]:
    from jwt import encode

    def sign(url: str) -> str:
        return f"Bearer {encode({'aud': url, 'exp': int(time.time()) + _SERVICE_TOKEN_SECONDS}, KEY, 'HS256')}"

    return sign


def _connection_string(endpoint: str) -> str:
    return f"Endpoint={endpoint};AccessKey={KEY};Version=1.0;"


def _check(status: int) -> None:
    if not 200 <= status <= 299:
        raise RuntimeError(f"the service responded with {status}")
