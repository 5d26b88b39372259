"""Group state: what connections say about themselves, snapshots, updates and roles."""

import json
from typing import Any

import pytest

from tests.support.service_in_memory import Client, Service
from webpubsub.emulator._clients import webpubsub_v1_pb2 as schema
from webpubsub.emulator._clients.protobuf_v1 import ProtobufCodec
from webpubsub.emulator._hub.group_states import LARGEST_STATE, MOST_FOLLOWED, MOST_STATES

ROLES = ("webpubsub.getGroupState", "webpubsub.setGroupState")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def ann(service: Service) -> Client:
    return service.connect("ann", roles=ROLES, connection_id="a")


def set_state(client: Client, state: Any, **more: Any) -> None:
    client.send(type="setGroupState", group="g", state=state, **more)


def news(client: Client) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Return what a client heard since last time: kind, and connection with state of every item."""
    frames = [json.loads(frame) for frame in client.frames]
    client.outgoing.clear()
    return [
        (frame["type"], [(item["connectionId"], item.get("state")) for item in frame["items"]])
        for frame in frames
        if frame["type"] != "ack"
    ]


def test_a_subscriber_hears_everything_once_and_then_every_change(service: Service, ann: Client) -> None:
    """A snapshot comes first; what is taken back is an item without a state; of other groups nothing is heard."""
    bob = service.connect(roles=ROLES, connection_id="b")
    set_state(ann, {"mood": "fine"})
    bob.send(type="subscribeGroupState", group="g")
    set_state(ann, {"mood": "better"})
    set_state(ann, None)
    ann.send(type="setGroupState", group="other", state={"k": "v"})

    assert news(bob) == [
        ("groupStateSnapshot", [("a", {"mood": "fine"})]),
        ("groupStateUpdate", [("a", {"mood": "better"})]),
        ("groupStateUpdate", [("a", None)]),
    ]
    bob.send(type="subscribeGroupState", group="g")
    bob.send(type="unsubscribeGroupState", group="g")
    set_state(ann, {"mood": "unheard"})
    assert news(bob) == [("groupStateSnapshot", [])]


def test_frames_are_written_byte_for_byte(service: Service, ann: Client) -> None:
    """Users are named where there are some; times rise strictly; reliable clients get numbers."""
    bob = service.connect(None, roles=ROLES, reliable=True)
    bob.send(type="subscribeGroupState", group="g", ackId=1)
    set_state(ann, {"k": "v"})
    set_state(ann, {})

    snapshot, ack, first, second = (str(frame) for frame in bob.frames)
    assert snapshot == '{"sequenceId":1,"type":"groupStateSnapshot","group":"g","items":[]}'
    assert json.loads(ack)["success"] is True
    times = [json.loads(frame)["items"][0]["updatedAt"] for frame in (first, second)]
    assert times[0] < times[1]
    item = '{"connectionId":"a","userId":"ann","state":{"k":"v"},"updatedAt":%d}'
    assert first == '{"sequenceId":2,"type":"groupStateUpdate","group":"g","items":[' + item % times[0] + "]}"


def test_what_a_client_said_goes_with_it(service: Service, ann: Client) -> None:
    """Others hear that it is taken back; one that is gone hears nothing."""
    bob = service.connect(roles=ROLES, connection_id="b")
    for client in (ann, bob):
        client.send(type="subscribeGroupState", group="g")
    set_state(ann, {"k": "v"})
    ann.leave()
    set_state(bob, {"k": "w"})

    assert news(bob)[1:] == [
        ("groupStateUpdate", [("a", {"k": "v"})]),
        ("groupStateUpdate", [("a", None)]),
        ("groupStateUpdate", [("b", {"k": "w"})]),
    ]
    assert news(ann)[1:] == [("groupStateUpdate", [("a", {"k": "v"})])]


REQUESTS = [
    ("setGroupState", "set the state of", "webpubsub.getGroupState"),
    ("subscribeGroupState", "get the state of", "webpubsub.setGroupState.g"),
    ("unsubscribeGroupState", "get the state of", "webpubsub.sendToGroup"),
]


@pytest.mark.parametrize(("kind", "deed", "role"), REQUESTS)
def test_each_needs_its_role(service: Service, kind: str, deed: str, role: str) -> None:
    """The roles of others do not help; what succeeded once is not done again."""
    client, allowed = service.connect(roles=(role,)), service.connect(roles=ROLES)
    for _ in range(2):
        client.send(type=kind, group="g", ackId=1)
        allowed.send(type=kind, group="g", ackId=1)

    refusals = [json.loads(frame)["error"]["message"] for frame in client.frames]
    assert refusals == [f"The client does not have permission to {deed} group 'g'."] * 2
    acks = [json.loads(frame) for frame in allowed.frames if '"ack"' in str(frame)]
    assert [ack.get("error", {}).get("name") for ack in acks] == [None, "Duplicate"]


def outcomes(client: Client) -> list[str | None]:
    """Return what the acknowledgements since last time say."""
    acks = [frame for frame in map(json.loads, client.frames) if frame["type"] == "ack"]
    client.outgoing.clear()
    return [None if ack["success"] else f"{ack['error']['name']}: {ack['error']['message']}" for ack in acks]


def test_a_client_has_a_state_in_so_many_groups_and_no_more(ann: Client) -> None:
    """Where it has one it can have another; what it takes back makes room."""
    for number in range(MOST_STATES):
        ann.send(type="setGroupState", group=str(number), state={"k": "v"})
    ann.send(type="setGroupState", group="more", state={"k": "v"}, ackId=1)
    ann.send(type="setGroupState", group="0", state={"k": "w"}, ackId=2)
    ann.send(type="setGroupState", group="0", ackId=3)
    ann.send(type="setGroupState", group="more", state={"k": "v"}, ackId=1)

    assert outcomes(ann) == ["BadRequest: A connection may have a state in 1000 groups.", None, None, None]


def test_what_a_client_says_of_itself_has_a_bound(service: Service, ann: Client) -> None:
    """All groups together; what is refused changes nothing, and who is gone leaves nothing behind."""
    half = "x" * (LARGEST_STATE // 2 - 1)
    set_state(ann, {"k": half}, ackId=1)
    ann.send(type="setGroupState", group="other", state={"k": half}, ackId=2)
    set_state(ann, {"kk": half}, ackId=3)
    set_state(ann, {"k": "small"}, ackId=4)

    refused = "BadRequest: The states of a connection may have 1048576 characters together."
    assert outcomes(ann) == [None, None, refused, None]
    ann.leave()
    back = service.connect(roles=ROLES, connection_id="a")
    back.send(type="setGroupState", group="other", state={"k": half + half}, ackId=1)
    assert outcomes(back) == [None]


def test_a_client_follows_so_many_groups_and_no_more(ann: Client) -> None:
    """One that it follows already can be asked for again."""
    for number in range(MOST_FOLLOWED):
        ann.send(type="subscribeGroupState", group=str(number))
    ann.send(type="subscribeGroupState", group="more", ackId=1)
    ann.send(type="subscribeGroupState", group="0", ackId=2)
    ann.send(type="unsubscribeGroupState", group="0", ackId=3)
    ann.send(type="unsubscribeGroupState", group="never", ackId=4)
    ann.send(type="subscribeGroupState", group="more", ackId=1)

    refused = "BadRequest: A connection may follow the state of 1000 groups."
    assert outcomes(ann) == [refused, None, None, None, None]


@pytest.mark.parametrize("state", [[], "x", {"k": 1}, {"k": None}])
def test_a_state_is_an_object_of_strings(ann: Client, state: object) -> None:
    """Anything else breaks the subprotocol."""
    set_state(ann, state)

    assert ann.closed is not None
    assert ann.closed.code == 1007


def test_protobuf_has_the_same_facts(service: Service, ann: Client) -> None:
    """Requests, snapshot and update in its own form."""
    bob = service.connect(roles=ROLES, codec=ProtobufCodec(), connection_id="b")
    set_state(ann, {"k": "v"})
    bob.receive(schema.UpstreamMessage(subscribe_group_state_message={"group": "g"}).SerializeToString())
    bob.receive(
        schema.UpstreamMessage(
            set_group_state_message={"group": "g", "ack_id": 1, "state": {"entries": {"x": "y"}}}
        ).SerializeToString()
    )
    bob.receive(schema.UpstreamMessage(set_group_state_message={"group": "g"}).SerializeToString())
    bob.receive(schema.UpstreamMessage(unsubscribe_group_state_message={"group": "g"}).SerializeToString())

    frames = [schema.DownstreamMessage.FromString(frame) for frame in bob.frames if isinstance(frame, bytes)]
    snapshot, update, ack, cleared = frames
    (item,) = snapshot.group_state_snapshot.items
    assert (item.connection_id, item.user_id, dict(item.state.entries)) == ("a", "ann", {"k": "v"})
    assert dict(update.group_state_update.items[0].state.entries) == {"x": "y"}
    assert ack.ack_message.success
    assert not cleared.group_state_update.items[0].HasField("state")
