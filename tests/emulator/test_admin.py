"""The emulator's own addresses, as a suite in another language uses them."""

from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest

from webpubsub import RetryPolicy, ThrottledError, WebPubSubServiceClient
from webpubsub.emulator import ClientFault, Emulator, RefusedError, RequestFault
from webpubsub.emulator._testing.faults import ClientAction


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator of its own for each test."""
    with Emulator() as running:
        yield running


@pytest.fixture
def admin(emulator: Emulator) -> Iterator[httpx.Client]:
    """Something that speaks HTTP."""
    with httpx.Client(base_url=emulator.endpoint + "/_emulator") as client:
        yield client


def test_faults_are_listed_added_and_cleared(emulator: Emulator, admin: httpx.Client) -> None:
    """One, or a list of them; they happen as those from Python do."""
    fault = {"kind": "request", "status": 429, "retry_after": 5, "times": None}
    added = admin.post("/faults", json=fault)
    admin.post("/faults", json=[{"kind": "client", "action": "lose"}])
    listed = admin.get("/faults").json()

    assert added.status_code == 201
    assert [each["kind"] for each in listed] == ["request", "client"]
    assert listed[0].items() >= fault.items()
    assert emulator.faults.active[0] == RequestFault(status=429, retry_after=5, times=None)
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        with pytest.raises(ThrottledError):
            service.send_to_all("hi", retry_policy=RetryPolicy(attempts=1))
        assert admin.delete("/faults").status_code == 204
        service.send_to_all("hi")


EVERY_FAULT: list[dict[str, Any]] = [
    {"kind": "request", "status": 503},
    {"kind": "request", "status": 429, "retry_after": 1},
    {"kind": "request", "status": 429, "retry_after": "Wed, 21 Oct 2065 07:28:00 GMT"},
    {"kind": "request", "delay_seconds": 0.5, "method": "POST", "path": ":send", "hub": "chat"},
    {"kind": "request", "reset": "before", "times": None},
    {"kind": "request", "reset": "after", "after": 3},
    {"kind": "request", "truncate": True, "probability": 0.5},
    {"kind": "request", "close": True, "after": 1000, "times": None},
    *({"kind": "client", "action": action, "hub": "chat", "user_id": "ann"} for action in get_args(ClientAction)),
]


def test_every_kind_of_fault_can_be_added(emulator: Emulator, admin: httpx.Client) -> None:
    """With the fields that it has in Python, all of which are told back."""
    listed = admin.post("/faults", json=EVERY_FAULT).json()
    in_python: list[type[Any]] = [RequestFault if it["kind"] == "request" else ClientFault for it in EVERY_FAULT]

    assert emulator.faults.active == [
        kind(**{name: value for name, value in fault.items() if name != "kind"})
        for kind, fault in zip(in_python, EVERY_FAULT, strict=True)
    ]
    assert all(told.items() >= given.items() for told, given in zip(listed, EVERY_FAULT, strict=True))
    assert {name for fault in EVERY_FAULT for name in fault} == {name for fault in listed for name in fault}


def test_the_clock_moves(emulator: Emulator, admin: httpx.Client) -> None:
    """As much as is asked for."""
    before = admin.get("/clock").json()["time"]
    after = admin.post("/clock", json={"advance_seconds": 3600}).json()["time"]

    assert 3600 <= after - before < 3660
    assert abs(emulator.clock.wall() - after) < 60


def test_what_happened_can_be_read(emulator: Emulator, admin: httpx.Client) -> None:
    """Messages, requests and events, of one hub or of all."""
    service = WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat")
    with service, emulator.connect("chat", user_id="ann", groups=["room"]) as ann:
        service.send_to_group("room", {"n": 1})
        service.send_to_group("room", b"\xff")
        ann.wait_for(lambda message: message.data == b"\xff")
        with pytest.raises(RefusedError):
            ann.send_event("order", "x")
    messages = admin.get("/messages", params={"hub": "Chat"}).json()

    assert [(it["group"], it["dataType"], it["data"], it["to"]) for it in messages] == [
        ("room", "json", {"n": 1}, [ann.connection_id]),
        ("room", "binary", "\\xff", [ann.connection_id]),
    ]
    assert [it["operation"] for it in admin.get("/requests").json()] == ["send_to_group"] * 2
    assert [(it["event"], it["userId"], it["body"]) for it in admin.get("/events").json()] == [("order", "ann", "x")]
    assert admin.get("/messages?hub=other").json() == []


def test_a_region_goes_away(emulator: Emulator, admin: httpx.Client) -> None:
    """Every client is closed with 1001."""
    with emulator.connect("chat") as ann:
        assert admin.post("/go-away").status_code == 204
        assert ann.wait_closed() == 1001


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "said"),
    [
        ("GET", "/nothing", {}, 404, "There are faults"),
        ("POST", "/faults", {"content": b"{"}, 400, "not valid JSON"),
        ("POST", "/faults", {"content": b"[" * 100_000}, 400, "not valid JSON"),
        ("POST", "/faults", {"content": b"\xff"}, 400, "not valid JSON"),
        ("POST", "/faults", {"content": b'{"times":' + b"9" * 6000 + b"}"}, 400, ""),
        ("POST", "/faults", {"json": {"kind": "request"}}, 400, "needs one of status"),
        ("GET", "/messages?hub=no%20b", {}, 400, "hub must be the name of a hub"),
        ("GET", "/billing?hub=", {}, 400, "hub must be the name of a hub"),
        ("POST", "/clock", {"json": {}}, 400, "advance_seconds"),
        ("POST", "/clock", {"json": []}, 400, "advance_seconds"),
        ("POST", "/clock", {"json": {"advance_seconds": -1}}, 400, "from 0 to"),
        ("POST", "/clock", {"json": {"advance_seconds": True}}, 400, "from 0 to"),
        ("GET", "/faults", {"headers": {"Origin": "https://example.com"}}, 403, "Pages of a browser"),
        ("GET", "/faults", {"headers": {"Host": "example.com"}}, 403, "does not name this emulator"),
        ("GET", "/faults", {"headers": {"Host": "exa mple"}}, 400, "Host header is not valid"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    emulator: Emulator, admin: httpx.Client, method: str, path: str, options: dict[str, Any], status: int, said: str
) -> None:
    """Also what a page of a browser, or a name that leads here, may not do."""
    response = admin.request(method, path, **options)

    assert response.status_code == status
    assert said in response.json()["message"]
    assert emulator.faults.active == []
