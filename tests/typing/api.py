"""Never run, only checked: mypy and pyright see every argument and result of the client.

A line with an ignore is a mistake that both have to report; an ignore that suppresses nothing is an error itself.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypedDict, assert_type
from uuid import UUID

import attrs
import azure.core.credentials
import azure.core.credentials_async
import azure.identity
import azure.identity.aio
import httpx
import pydantic

from webpubsub import (
    AzureKeyCredential,
    ClientAccessToken,
    ClientOptions,
    ClientProtocol,
    ConnectionString,
    ContentType,
    GroupMember,
    ItemPaged,
    Message,
    Pages,
    Permission,
    RequestOptions,
    RetryPolicy,
    Role,
    ServiceError,
    ThrottledError,
    TransportError,
    WebPubSubServiceClient,
    aio,
    odata,
)
from webpubsub.errors import from_response
from webpubsub_rest import TextBody, v2021_10_01


class Chat(TypedDict):
    """A message of known shape."""

    text: str


@dataclass
class Order:
    """A dataclass."""

    number: int


@attrs.frozen
class Price:
    """An attrs class."""

    amount: int


class Person(pydantic.BaseModel):
    """A pydantic model."""

    name: str


class Colour(Enum):
    """An enumeration."""

    RED = "red"


def construction(
    entra: azure.identity.DefaultAzureCredential,
    aio_entra: azure.identity.aio.DefaultAzureCredential,
    any_entra: azure.core.credentials.TokenCredential,
    any_aio_entra: azure.core.credentials_async.AsyncTokenCredential,
    transport: httpx.MockTransport,
) -> None:
    """Credentials of every kind, and options by name."""
    WebPubSubServiceClient("https://h", "hub", "key")
    WebPubSubServiceClient("https://h", "hub", AzureKeyCredential("key"), port=8080)
    WebPubSubServiceClient("https://h", "hub", azure.core.credentials.AzureKeyCredential("key"))
    WebPubSubServiceClient("https://h", "hub", entra, credential_scopes="scope/.default")
    WebPubSubServiceClient("https://h", "hub", any_entra, credential_scopes=["scope/.default"])
    WebPubSubServiceClient(endpoint="https://h", hub="hub", credential="key", transport=transport)
    WebPubSubServiceClient.from_connection_string("Endpoint=...", "hub", reverse_proxy_endpoint="https://proxy")
    aio.WebPubSubServiceClient("https://h", "hub", aio_entra)
    aio.WebPubSubServiceClient("https://h", "hub", any_aio_entra)
    aio.WebPubSubServiceClient("https://h", "hub", entra)
    aio.WebPubSubServiceClient("https://h", "hub", "key", transport=transport, retry_policy=RetryPolicy(attempts=2))
    options: ClientOptions = {"api_version": "2024-12-01", "read_timeout": 5, "headers": {"A": "b"}}
    assert_type(WebPubSubServiceClient("https://h", "hub", "key", **options), WebPubSubServiceClient)
    assert_type(ConnectionString.parse("Endpoint=...").endpoint, str)
    assert_type(WebPubSubServiceClient.from_environment("hub", json_default=str), WebPubSubServiceClient)
    assert_type(from_response(httpx.Response(404), "group_exists"), ServiceError)


def wrong_construction(aio_entra: azure.identity.aio.DefaultAzureCredential) -> None:
    """Everything here is refused."""
    WebPubSubServiceClient("https://h", "hub")  # type: ignore[call-arg]
    WebPubSubServiceClient("https://h", "hub", None)  # type: ignore[arg-type]
    WebPubSubServiceClient("https://h", "hub", b"key")  # type: ignore[arg-type]
    WebPubSubServiceClient("https://h", "hub", aio_entra)  # type: ignore[arg-type]
    WebPubSubServiceClient("https://h", "hub", "key", retry_total=3)  # type: ignore[call-arg]
    WebPubSubServiceClient("https://h", "hub", "key", read_timeout="5")  # type: ignore[arg-type]
    RetryPolicy(3)  # type: ignore[call-arg]
    RetryPolicy(attempts="3")  # type: ignore[arg-type]


def messages(service: WebPubSubServiceClient, stream: io.BufferedReader, text: io.TextIOWrapper) -> None:
    """Whatever can be sent."""
    assert_type(service.send_to_all({"a": [1, 2.5, None, True]}), None)
    service.send_to_all([1, "a"])
    service.send_to_all("hi")
    service.send_to_all(7)
    service.send_to_all(None)
    service.send_to_all(b"hi")
    service.send_to_all(bytearray(b"hi"))
    service.send_to_all(memoryview(b"hi"))
    service.send_to_all(io.BytesIO(b"hi"))
    service.send_to_all(io.StringIO("hi"), content_type="application/octet-stream")
    service.send_to_all(stream)
    service.send_to_all(text)
    service.send_to_all({"at": datetime.now(UTC), "id": UUID(int=1), "colour": Colour.RED})
    service.send_to_group("g", "hi", excluded=["a"], filter=odata("userId eq {u}", u="x"), message_ttl_seconds=60)
    service.send_to_group(group="g", message="hi", excluded={"a"}, content_type="text/plain")
    service.send_to_user("u", {"words": ["a", "b"]}, filter=None)
    service.send_to_connection(connection_id="c", message="hi", read_timeout=5, headers={"A": "b"})
    chat: Chat = {"text": "hi"}
    service.send_to_all(chat)
    service.send_to_all([chat])
    strings: dict[str, list[str]] = {}
    service.send_to_all(strings)
    service.send_to_all({"price": Decimal("9.90"), "took": timedelta(seconds=1)})
    service.send_to_all(Decimal("9.90"))
    service.send_to_all(timedelta(seconds=1))
    service.send_to_all(Order(1))
    service.send_to_all(Price(1))
    service.send_to_all(Person(name="Ann"))
    service.send_to_all([Order(1), Price(1), Person(name="Ann")])
    anything: Message = chat
    octets: ContentType = "application/octet-stream"
    service.send_to_all(anything, metadata={"trace": "1"})
    service.send_to_group("g", "hi", excluded=[1, UUID(int=1)], content_type=octets)
    service.send_to_user(7, "hi")
    service.send_to_connection(UUID(int=1), "hi")


def wrong_messages(service: WebPubSubServiceClient, parts: Iterator[bytes]) -> None:
    """Everything here is refused."""
    service.send_to_all()  # type: ignore[call-arg]
    service.send_to_all(object())  # type: ignore[arg-type]
    service.send_to_all({1, 2})  # type: ignore[arg-type]
    service.send_to_all(parts)  # type: ignore[arg-type]
    service.send_to_all("hi", ["c"])  # type: ignore[call-arg]
    service.send_to_all("hi", content_type=1)  # type: ignore[arg-type]
    service.send_to_all("hi", message_ttl_seconds="60")  # type: ignore[arg-type]
    service.send_to_all("hi", ttl=60)  # type: ignore[call-arg]
    service.send_to_all("hi", excluded=[1.5])  # type: ignore[list-item]
    service.send_to_group("g")  # type: ignore[call-arg]
    service.send_to_user("u", "hi", excluded=["c"])  # type: ignore[call-arg]
    service.send_to_connection("c", "hi", filter="x")  # type: ignore[call-arg]
    service.send_to_connection("c", "hi", read_timeout=None)  # type: ignore[arg-type]


def calls(service: WebPubSubServiceClient, options: RequestOptions) -> None:
    """Every other method, with its result."""
    assert_type(service.close_all_connections(excluded=["a"], reason="bye", **options), None)
    assert_type(service.close_group_connections("g", reason="bye"), None)
    assert_type(service.close_user_connections("u", excluded=("a",)), None)
    assert_type(service.close_connection("c", reason="bye"), None)
    assert_type(service.connection_exists("c"), bool)
    assert_type(service.group_exists(group="g"), bool)
    assert_type(service.user_exists(user_id="u"), bool)
    assert_type(service.add_connection_to_group("g", "c"), None)
    assert_type(service.remove_connection_from_group(group="g", connection_id="c"), None)
    assert_type(service.remove_connection_from_all_groups("c"), None)
    assert_type(service.add_user_to_group("g", "u"), None)
    assert_type(service.remove_user_from_group("g", "u"), None)
    assert_type(service.remove_user_from_all_groups("u"), None)
    assert_type(service.add_connections_to_groups(["g"], "userId eq 'u'"), None)
    assert_type(service.remove_connections_from_groups(groups={"g"}, filter="userId eq 'u'"), None)
    assert_type(service.grant_permission("sendToGroup", "c", target_name="g"), None)
    assert_type(service.revoke_permission(Permission.JOIN_LEAVE_GROUP, "c", target_name="g"), None)
    assert_type(service.has_permission(Permission.SEND_TO_GROUP, connection_id="c"), bool)
    assert_type(service.get_service_status(), bool)
    members = service.list_connections("g", top=5, max_page_size=2)
    assert_type(members, ItemPaged[GroupMember])
    assert_type([member.user_id for member in members], list[str | None])
    pages = members.by_page(continuation_token="token")
    assert_type(pages, Pages[GroupMember])
    assert_type(pages.continuation_token, str | None)
    assert_type(next(pages), list[GroupMember])
    token = service.get_client_access_token(
        user_id="u", roles=["r"], groups=["g"], minutes_to_expire=5, client_protocol="MQTT", jwt_headers={"kid": "k"}
    )
    assert_type(token, ClientAccessToken)
    assert_type(token["url"], str)
    assert_type(token.base_url, str)
    service.get_client_access_token(client_protocol=ClientProtocol.SOCKET_IO)
    service.get_client_access_token(user_id=7, roles=[Role.send_to_group("g"), "webpubsub.joinLeaveGroup"])
    assert_type(Role.join_leave_groups("room.*"), Role)
    assert_type(service.http, httpx.Client)
    assert_type(v2021_10_01.send_to_all.sync(service.http, service.hub, body=TextBody("hi")), None)
    with service as entered:
        assert_type(entered, WebPubSubServiceClient)
    assert_type(service.close(), None)


def wrong_calls(service: WebPubSubServiceClient) -> None:
    """Everything here is refused."""
    service.close_connection("c", excluded=["a"])  # type: ignore[call-arg]
    service.connection_exists()  # type: ignore[call-arg]
    service.group_exists(7)  # type: ignore[arg-type]
    service.user_exists(7.5)  # type: ignore[arg-type]
    service.grant_permission("sendToGroups", "c")  # type: ignore[arg-type]
    service.get_client_access_token(client_protocol="WebSocket")  # type: ignore[arg-type]
    service.get_client_access_token(userId="u")  # type: ignore[call-arg]
    service.send_to_all("hi", content_type="text/html")  # type: ignore[arg-type]
    service.send_to_all("hi", metadata={"trace": 1})  # type: ignore[dict-item]
    service.list_connections("g", maxpagesize=2)  # type: ignore[call-arg]
    service.send_to_all("hi", json_default=str)  # type: ignore[call-arg]
    service.add_connection_to_group("g")  # type: ignore[call-arg]
    service.add_connections_to_groups([1])  # type: ignore[list-item]
    service.list_connections()  # type: ignore[call-arg]
    service.list_connections("g", top="5")  # type: ignore[arg-type]
    service.get_client_access_token("u")  # type: ignore[call-arg]
    service.get_client_access_token(minutes_to_expire=1.5)  # type: ignore[arg-type]
    service.get_client_access_token(user="u")  # type: ignore[call-arg]
    service.send_to_everybody("hi")  # type: ignore[attr-defined]
    service.hub = "other"  # type: ignore[misc]
    odata("userId eq {u}", u=1.5)  # type: ignore[arg-type]
    with aio.WebPubSubServiceClient("https://h", "hub", "key"):  # type: ignore[attr-defined]
        pass


async def asynchronous(service: aio.WebPubSubServiceClient) -> None:
    """The other colour has the same results, to be awaited."""
    assert_type(await service.send_to_all("hi"), None)
    assert_type(await service.user_exists("u"), bool)
    assert_type(await service.get_client_access_token(), ClientAccessToken)
    members = service.list_connections("g")
    assert_type(members, aio.AsyncItemPaged[GroupMember])
    assert_type([member.connection_id async for member in members], list[str])
    pages = members.by_page()
    assert_type(pages, aio.AsyncPages[GroupMember])
    assert_type(await anext(pages), list[GroupMember])
    assert_type(service.http, httpx.AsyncClient)
    assert_type(await v2021_10_01.user_exists.asyncio(service.http, service.hub, "u"), bool)
    async with service as entered:
        assert_type(entered, aio.WebPubSubServiceClient)


async def wrong_asynchronous(service: aio.WebPubSubServiceClient) -> None:
    """Everything here is refused."""
    await service.list_connections("g")  # type: ignore[misc]
    await service.send_to_all(object())  # type: ignore[arg-type]
    for _ in service.list_connections("g"):  # type: ignore[attr-defined]
        pass
    with service:  # type: ignore[attr-defined]
        pass


def errors() -> None:
    """What is caught has typed attributes."""
    try:
        pass
    except ThrottledError as error:
        assert_type(error.retry_after, float | None)
    except ServiceError as error:
        assert_type(error.status, int)
        assert_type(error.status_code, int)
        assert_type(error.reason, str)
        assert_type(error.code, str | None)
    except TransportError as error:
        assert_type(error.maybe_sent, bool)
