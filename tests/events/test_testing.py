"""The client for unit tests: everything that the service sends, without a server, with typed replies."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.event_requests import KEY
from webpubsub.errors import ConfigurationError
from webpubsub.events import (
    AcceptReply,
    BearerToken,
    ClientCertificate,
    ConnectEvent,
    EventHandler,
    EventTestClient,
    MqttConnect,
    RejectReply,
    UserEvent,
    accept,
    reject,
    reply,
)


def make(**options: Any) -> EventHandler:
    """Make a handler."""
    return EventHandler(**({"hub": "chat", "access_keys": [KEY]} | options))


async def test_the_test_client_sends_what_the_service_sends() -> None:
    """Every event, with typed replies."""
    handler, seen = make(), []

    @handler.on_connect
    def connect(event: ConnectEvent) -> AcceptReply | RejectReply:
        if event.user_id is None:
            return reject(401, "who?")
        return accept(user_id=event.query["name"][0], groups=["a"], roles=[], subprotocol="s", state={"n": 1})

    @handler.on_event("count")
    def count(event: UserEvent[int]) -> object:
        state = event.state_as(dict) or {"n": 0}
        return reply(
            state["n"] + event.data, metadata={"by": event.metadata["by"]}, state={"n": state["n"] + event.data}
        )

    handler.on_message(lambda event: f"{event.data} {event.user_id} {event.subprotocol}")
    handler.on_connected(lambda event: seen.append((event.event_name, event.user_id, event.id)))
    handler.on_disconnected(lambda event: seen.append((event.event_name, event.reason, event.id)))
    handler.on_joined(lambda event: seen.append((event.event_name, event.group, event.id)))
    handler.on_left(lambda event: seen.append((event.event_name, event.group, event.id)))
    client = handler.test_client()

    accepted = await client.connect(user_id="Zoë", query={"name": ["Zo"]})
    assert accepted == accept(user_id="Zo", groups=["a"], roles=[], subprotocol="s", state={"n": 1})
    assert await client.connect(connection_id="other", query={"name": "x"}) == reject(401, "who?")
    await client.connected(user_id="Zoë")
    assert seen == [("connected", "Zoë", "1")]
    for total in (3, 5):
        answer = await client.event("count", 2, metadata={"by": "me"})
        assert not isinstance(answer, RejectReply)
        assert (answer.data, dict(answer.metadata)) == (total, {"by": "me"})
    answer = await client.message("hi", user_id="Zoë", subprotocol="custom")
    assert not isinstance(answer, RejectReply)
    assert answer.data == "hi Zoë custom"
    assert await client.event("nothing") == reject(404, "no function handles the event 'nothing'")
    await client.joined("g")
    await client.left("g")
    await client.disconnected("bye")
    assert seen[1:] == [("joined", "g", "6"), ("left", "g", "7"), ("disconnected", "bye", "8")]
    assert await client.preflight("example.webpubsub.azure.com")
    assert not await client.preflight("evil.example.com")
    await handler.aclose()


async def test_an_mqtt_client_is_played_too() -> None:
    """With packet, certificate, code and user properties."""
    handler, seen = make(), []

    @handler.on_connect
    def connect(event: ConnectEvent) -> AcceptReply | RejectReply:
        seen.append(event)
        if event.mqtt is None or event.mqtt.password != b"good":
            return reject(401, "bad password", mqtt_code=134, user_properties=[("a", "1"), ("a", "2")])
        return accept(user_properties={"b": "2"})

    handler.on_event("order")(lambda event: reply("ok", user_properties=dict(event.user_properties)))
    client = handler.test_client()
    packet = MqttConnect(
        protocol_version=5, clean_start=True, username="ann", password=b"good", user_properties=(("c", "3"),)
    )
    certificate = ClientCertificate(thumbprint="ab", content="PEM")

    accepted = await client.connect(
        mqtt=packet,
        client_certificates=[certificate],
        claims={"sub": ["ann"]},
        headers={"A": ["b"]},
        subprotocols=["mqtt"],
    )
    assert accepted == accept(user_properties={"b": "2"})
    (event,) = seen
    assert (event.mqtt, event.client_certificates) == (packet, (certificate,))
    assert (event.claims, event.headers, event.subprotocols) == ({"sub": ("ann",)}, {"A": ("b",)}, ("mqtt",))
    assert await client.connect(mqtt=MqttConnect(protocol_version=5)) == reject(
        401, "bad password", mqtt_code=134, user_properties=[("a", "1"), ("a", "2")]
    )
    answer = await client.event("order", b"x", user_properties=(("d", "4"),), subprotocol="mqtt")
    assert answer == reply("ok", user_properties={"d": "4"})
    await handler.aclose()


@pytest.mark.parametrize(
    "send",
    [
        lambda client: client.connect(),
        lambda client: client.message("hi"),
        lambda client: client.connected(),
        lambda client: client.joined("g"),
    ],
)
async def test_what_a_function_raises_is_raised_in_the_test(send: Callable[[EventTestClient], Any]) -> None:
    """With its own traceback, from the background, too; the next event is not disturbed."""
    handler = make()

    def fail(event: object) -> None:
        raise LookupError("database")

    for register in (handler.on_connect, handler.on_message, handler.on_connected, handler.on_joined):
        register(fail)
    client = handler.test_client()

    for _ in range(2):
        with pytest.raises(LookupError, match="database"):
            await send(client)
    await client.disconnected()
    await handler.aclose()


async def test_the_hub_is_needed_where_there_are_several() -> None:
    """With one, it is that one."""
    handler = make(hub=["chat", "news"])
    handler.include(make(hub="other", access_keys=["another key"]))
    client = handler.test_client()

    with pytest.raises(ConfigurationError, match="hub must be one of chat, news, other"):
        await client.message("hi")
    assert await client.message("hi", hub="other") == reject(404, "no function handles the event 'message'")
    await handler.aclose()


async def test_a_bearer_token_is_sent_where_one_is_checked() -> None:
    """What it is worth, the decoder says."""
    claims = {"aud": "api://chat", "azp": "app-1"}
    bearer = BearerToken(decode={"good": claims}.__getitem__, audience="api://chat", application_ids="app-1")
    handler = make(access_keys=[], bearer=bearer)

    assert await handler.test_client(bearer_token="good").connect() == accept()
    assert await handler.test_client(bearer_token="bad").connect() == reject(401, "the bearer token is not valid")
    assert await handler.test_client().connect() == reject(401, "the request has no bearer token")
    await handler.aclose()


async def test_a_connection_must_have_an_id() -> None:
    """As at the service."""
    with pytest.raises(ConfigurationError, match="connection_id must not be empty"):
        await make().test_client().message("hi", connection_id="")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda client: client.joined(5), "group must be a str, not int"),
        (lambda client: client.left(None), "group must be a str, not NoneType"),
        (lambda client: client.disconnected(reason=5), "reason must be a str, not int"),
        (lambda client: client.event(5), "name must be a str, not int"),
        (lambda client: client.message("Hello", user_id=5), "user_id must be a str, not int"),
        (lambda client: client.message("Hello", subprotocol=5), "subprotocol must be a str, not int"),
        (lambda client: client.connect(query="key=42"), "query must be a mapping of names to lists of str, not str"),
        (lambda client: client.connect(claims=5), "claims must be a mapping of names to lists of str, not int"),
        (lambda client: client.connect(headers=[]), "headers must be a mapping of names to lists of str, not list"),
        (lambda client: client.connect(subprotocols="mqtt"), "subprotocols must be a list of strings"),
        (lambda client: client.connect(subprotocols=[5]), r"subprotocols\[0\] must be a str, not int"),
    ],
)
async def test_what_no_service_could_send_is_refused(call: Callable[[Any], Any], sentence: str) -> None:
    """An event that the handler could not read would be refused in the log only, and the test would pass."""
    with pytest.raises(TypeError, match=sentence):
        await call(make().test_client())
