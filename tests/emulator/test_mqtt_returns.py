"""How an MQTT client comes back or leaves: which session it gets, what becomes of its will, what others hear."""

from typing import Any

import pytest
from attrs import evolve

from tests.support.mqtt_in_memory import KEPT, Client, MqttClient, Time, client, published
from tests.support.service_in_memory import Service
from webpubsub.emulator._clients.mqtt_packets import (
    V3,
    V5,
    ConnAck,
    Disconnect,
    PingReq,
    PingResp,
    Properties,
    Publish,
    ReasonCode,
    Will,
)
from webpubsub.emulator._hub.messages import Close
from webpubsub.emulator._hub.upstream import (
    CallUpstream,
    ConnectedEvent,
    DisconnectedEvent,
    MqttDisconnect,
)

WILL = Will("w", b"bye")


@pytest.fixture
def service() -> Service:
    return Service()


# Which session


@pytest.mark.parametrize("version", [V3, V5])
def test_a_client_that_comes_back_goes_on(service: Service, version: int) -> None:
    """Same session, user, groups and roles, whatever its new token says; the application is not told again."""
    options: dict[str, Any] = {
        "version": version,
        "clean_start": False,
        "properties": KEPT if version == V5 else Properties(),
    }
    first = client(service, **options, user_id="Ann")
    first.subscribe("g")
    first.lose()

    again = client(service, **options, time=first.time, user_id="Bob", roles=[])

    assert isinstance(again.connack, ConnAck)
    assert again.connack.session_present
    assert again.session is first.session
    connection = again.session.connection
    assert (connection.user_id, connection.groups) == ("Ann", {"g"})
    assert [type(call.event) for call in again.holder.calls if isinstance(call, CallUpstream)].count(
        ConnectedEvent
    ) == 1


@pytest.mark.parametrize(
    ("version", "kept"),
    [(V3, True), (V3, False), (V5, True), (V5, False)],
)
def test_a_session_ends_30_seconds_after_its_client_has_gone(service: Service, version: int, kept: bool) -> None:
    """Or at once, if the client wanted that; until then, REST finds it."""
    properties = KEPT if version == V5 and kept else Properties()
    ann = client(service, version=version, clean_start=not kept, properties=properties)

    ann.lose()

    assert (service.hub().connection("ann") is not None) == kept
    ann.wait(29.9)
    assert (service.hub().connection("ann") is not None) == kept
    ann.wait(0.2)
    assert service.hub().connection("ann") is None
    reason = "The session has expired." if kept else ""
    assert ann.holder.calls[-1] == CallUpstream(2, DisconnectedEvent(reason, MqttDisconnect(False)))


def test_a_shorter_session_is_as_short_as_asked_for(service: Service) -> None:
    """Version 5.0 says how long."""
    ann = client(service, properties=Properties(session_expiry_interval=5))
    ann.lose()

    ann.wait(4.9)
    assert service.hub().connection("ann") is not None
    ann.wait(0.2)
    assert service.hub().connection("ann") is None


def test_coming_back_stops_the_clock(service: Service) -> None:
    """A session that has its client again does not end because it had been left once."""
    first = client(service, properties=KEPT)
    first.lose()
    first.wait(29)
    again = client(service, properties=KEPT, clean_start=False, time=first.time)

    again.wait(20)

    assert again.closed is None
    assert service.hub().connection("ann") is not None


def test_coming_back_often_leaves_nothing_behind(service: Service) -> None:
    """One alarm is set for a session, however many network connections it has had."""
    ann = client(service, properties=KEPT)
    for _ in range(50):
        ann.lose()
        ann = client(service, properties=KEPT, clean_start=False, time=ann.time)
    ann.wait(200)

    assert len(ann.holder.alarms) <= 2


def test_a_clean_start_begins_anew(service: Service) -> None:
    """The session that waited ends, and the application hears of both."""
    first = client(service, properties=KEPT)
    first.subscribe("g")
    first.lose()

    second = client(service, clean_start=True, time=first.time)

    assert isinstance(second.connack, ConnAck)
    assert not second.connack.session_present
    assert second.session.connection.groups == set()
    assert service.hub().connection("ann") is second.session.connection
    assert isinstance(first.holder.calls[-1], CallUpstream)
    assert isinstance(first.holder.calls[-1].event, DisconnectedEvent)
    assert second.holder.calls == [CallUpstream(1, ConnectedEvent())]


@pytest.mark.parametrize("clean_start", [True, False])
@pytest.mark.parametrize("kept", [True, False])
def test_a_second_client_of_the_same_id_takes_the_place_of_the_first(
    service: Service, clean_start: bool, kept: bool
) -> None:
    """The first one is told that its session was taken over; a session that is not kept is not inherited."""
    first = client(service, properties=KEPT if kept else Properties())
    second = client(service, clean_start=clean_start, properties=KEPT, time=first.time)

    (farewell,) = first.received()
    assert isinstance(farewell, Disconnect)
    assert farewell.code == ReasonCode.SESSION_TAKEN_OVER
    assert first.closed is not None
    assert first.closed.code == 1000
    assert isinstance(second.connack, ConnAck)
    assert second.connack.session_present == (kept and not clean_start)
    assert [connection.connection_id for connection in service.hub().everyone()] == ["ann"]
    assert second.send(PingReq()) == [PingResp()]


def test_a_client_of_another_protocol_keeps_its_id(service: Service) -> None:
    """Nobody takes the connection of a JSON client over."""
    json = service.connect(connection_id="ann")

    refused = client(service, "ann")

    assert isinstance(refused.connack, ConnAck)
    assert refused.connack.code == ReasonCode.CLIENT_IDENTIFIER_NOT_VALID
    assert service.hub().connection("ann") is json.connection


# Wills


def watcher(service: Service, time: Time) -> MqttClient:
    """Connect somebody who waits for the will."""
    watching = client(service, "watcher", time=time)
    watching.subscribe("w", qos=1)
    return watching


@pytest.mark.parametrize("version", [V3, V5])
def test_a_will_is_done_when_a_client_is_lost(service: Service, version: int) -> None:
    """And not when it says goodbye."""
    time = Time()
    watching = watcher(service, time)
    lost = client(service, "lost", version=version, will=Will("w", b"bye", 1), time=time)
    polite = client(service, "polite", version=version, will=WILL, time=time)

    polite.send(Disconnect())
    assert published(watching.received()) == []
    lost.lose()

    assert published(watching.received()) == [("w", b"bye", 1)]


def test_a_will_can_be_asked_for_with_the_goodbye(service: Service) -> None:
    """Version 5.0 has a code for that."""
    time = Time()
    watching = watcher(service, time)
    ann = client(service, will=WILL, time=time)

    ann.send(Disconnect(ReasonCode.DISCONNECT_WITH_WILL))

    assert published(watching.received()) == [("w", b"bye", 0)]


def test_a_delayed_will_waits_for_the_client_to_come_back(service: Service) -> None:
    """It is done when the delay or the session ends, whatever is first; coming back cancels it."""
    time = Time()
    watching = watcher(service, time)
    will = evolve(WILL, properties=Properties(will_delay_interval=10))
    ann = client(service, will=will, properties=KEPT, time=time)
    ann.lose()

    ann.wait(9)
    assert published(watching.received()) == []
    back = client(service, will=will, properties=KEPT, clean_start=False, time=time)
    back.wait(20)
    assert published(watching.received()) == []
    back.lose()
    back.wait(10)
    assert published(watching.received()) == [("w", b"bye", 0)]

    short = client(service, "short", will=will, properties=Properties(session_expiry_interval=3), time=time)
    short.lose()
    short.wait(3)
    assert published(watching.received()) == [("w", b"bye", 0)]


def test_a_will_is_done_when_the_session_is_taken_over(service: Service) -> None:
    """The standard says so, unless it has a delay."""
    time = Time()
    watching = watcher(service, time)
    client(service, will=WILL, properties=KEPT, time=time)

    client(service, properties=KEPT, clean_start=False, time=time)

    assert published(watching.received()) == [("w", b"bye", 0)]


def test_a_will_that_is_not_allowed_any_more_is_not_done(service: Service) -> None:
    """The role counts when it is published."""
    time = Time()
    watching = watcher(service, time)
    ann = client(service, will=WILL, time=time)
    service.call("DELETE", "chat/permissions/sendToGroup/connections/ann?targetName=w&api-version=2024-12-01")

    ann.lose()

    assert published(watching.received()) == []


# Goodbyes


def test_the_application_is_told_how_a_client_left(service: Service) -> None:
    """Who ended it, with which packet, and in which words."""
    goodbye = Disconnect(ReasonCode.ADMINISTRATIVE_ACTION, Properties(reason_string="r", user_properties=(("k", "v"),)))
    ann = client(service)

    ann.send(goodbye)

    told = MqttDisconnect(True, ReasonCode.ADMINISTRATIVE_ACTION, (("k", "v"),))
    assert ann.holder.calls[-1] == CallUpstream(2, DisconnectedEvent("r", told))
    assert ann.closed == Close(1000)
    assert ann.send(PingReq()) == []


def test_a_goodbye_can_change_how_long_the_session_is_kept(service: Service) -> None:
    """Shorter, longer, but not from nothing."""
    ann = client(service, properties=KEPT)
    ann.send(Disconnect(properties=Properties(session_expiry_interval=0)))
    assert service.hub().connection("ann") is None

    bob = client(service, "bob", properties=Properties(session_expiry_interval=1))
    bob.send(Disconnect(properties=Properties(session_expiry_interval=300)))
    bob.wait(29)
    assert service.hub().connection("bob") is not None
    bob.wait(2)
    assert service.hub().connection("bob") is None

    eve = client(service, "eve")
    (farewell,) = eve.send(Disconnect(properties=Properties(session_expiry_interval=20)))
    assert isinstance(farewell, Disconnect)
    assert farewell.code == ReasonCode.PROTOCOL_ERROR


def test_closing_through_rest_says_why(service: Service) -> None:
    """A client of 5.0 gets a DISCONNECT; the session ends, and waiting for it is no use."""
    ann = client(service, properties=KEPT)
    old = client(service, "old", version=V3, clean_start=False)

    service.call("POST", "chat/:closeConnections?reason=maintenance&api-version=2024-12-01")

    (farewell,) = ann.received()
    assert isinstance(farewell, Disconnect)
    assert farewell.code == ReasonCode.ADMINISTRATIVE_ACTION
    assert farewell.properties.reason_string == "Application server closed the connection. Reason: maintenance"
    assert old.received() == []
    assert [end.closed.code for end in (ann, old) if end.closed is not None] == [1000, 1000]
    assert service.hub().everyone() == []
    assert isinstance(ann.holder.calls[-1], CallUpstream)
    assert ann.holder.calls[-1].event == DisconnectedEvent(
        "Application server closed the connection. Reason: maintenance", MqttDisconnect(False, 0x98)
    )


def test_closing_a_session_that_waits_ends_it(service: Service) -> None:
    """Its client gets a new one when it comes back."""
    ann = client(service, properties=KEPT)
    ann.lose()

    service.call("DELETE", "chat/connections/ann?api-version=2024-12-01")

    back = client(service, properties=KEPT, clean_start=False, time=ann.time)
    assert isinstance(back.connack, ConnAck)
    assert not back.connack.session_present
    ann.wait(60)
    assert service.hub().connection("ann") is back.session.connection


@pytest.mark.parametrize("version", [V3, V5])
def test_a_client_that_is_silent_for_too_long_is_lost(service: Service, version: int) -> None:
    """After one and a half times what it promised; every packet counts."""
    ann = client(service, version=version, keep_alive=10)
    ann.wait(14)
    assert ann.send(PingReq()) == [PingResp()]
    assert ann.wait(14.9) == []
    assert ann.closed is None

    said = ann.wait(0.2)

    assert [packet.code for packet in said if isinstance(packet, Disconnect)] == [0x8D] * (version == V5)
    assert ann.closed is not None
    assert isinstance(ann.holder.calls[-1], CallUpstream)
    told = MqttDisconnect(False, 0x8D if version == V5 else None)  # version 3.1.1 has no such packet
    assert ann.holder.calls[-1].event == DisconnectedEvent("The client has been silent for too long.", told)


@pytest.mark.parametrize(("version", "kept"), [(V3, True), (V5, True), (V5, False)])
def test_a_server_that_stops_says_so(service: Service, version: int, kept: bool) -> None:
    """With a DISCONNECT in 5.0; the will is done, and the session waits for the client as after any other loss."""
    bob = client(service, "bob")
    bob.subscribe("g")
    properties = KEPT if version == V5 and kept else Properties()
    will = Will("g", b"gone")
    ann = client(service, version=version, clean_start=not kept, properties=properties, will=will, time=bob.time)

    ann.holder.perform(ann.session.going_away(ann.time.now))
    ann.holder.perform(ann.session.going_away(ann.time.now))

    assert [packet.code for packet in ann.received() if isinstance(packet, Disconnect)] == [0x8B] * (version == V5)
    assert ann.closed == Close(1001, "The server is shutting down.")
    assert published(bob.received()) == [("g", b"gone", 0)]
    assert (service.hub().connection("ann") is not None) == kept
    ann.wait(31)
    assert isinstance(ann.holder.calls[-1], CallUpstream)
    told = MqttDisconnect(False, 0x8B if version == V5 else None)
    reason = "The session has expired." if kept else "The server is shutting down."
    assert ann.holder.calls[-1].event == DisconnectedEvent(reason, told)


def test_a_server_that_stops_drops_who_has_not_connected(service: Service) -> None:
    """Before the CONNECT there is nothing to be said."""
    ann = Client(service)

    ann.holder.perform(ann.session.going_away(ann.time.now))

    assert (ann.received(), ann.closed) == ([], Close(1001))
    assert ann.session.ended


def test_a_message_for_a_client_is_no_sign_of_life(service: Service) -> None:
    """Only what the client sends counts."""
    ann = client(service, keep_alive=10)
    ann.subscribe("g")
    ann.wait(14)
    client(service, "bob", time=ann.time).send(Publish("g", b"x"))

    ann.wait(2)

    assert ann.closed is not None
