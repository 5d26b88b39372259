"""Faults as data: what they fit, how often they happen, and what clients of the service see of them."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest

from webpubsub import RetryPolicy, ServiceError, ThrottledError, TransportError, WebPubSubServiceClient
from webpubsub.emulator import ClientFault, Emulator, Faults, RefusedError, RequestFault
from webpubsub.emulator._testing.faults import Fault, fault_of

ONCE = RetryPolicy.none()
request_fault: Any = RequestFault
client_fault: Any = ClientFault
wrong: Any = "500"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator of its own for each test."""
    with Emulator() as running:
        yield running


@pytest.fixture
def service(emulator: Emulator) -> Iterator[WebPubSubServiceClient]:
    """A client of the hub `chat` that does not wait long."""
    policy = RetryPolicy(base_delay_seconds=0.001)
    client = WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat", retry_policy=policy)
    with client:
        yield client


def statuses(emulator: Emulator) -> list[int]:
    """What the requests so far got."""
    return [request.status for request in emulator.requests]


def test_throttling_passes_after_the_time_that_the_service_asks_for(
    emulator: Emulator, service: WebPubSubServiceClient
) -> None:
    """A send may be repeated: it was not carried out."""
    emulator.faults.add(RequestFault(status=429, retry_after=0, times=2))

    service.send_to_all("hi")

    assert statuses(emulator) == [429, 429, 202]
    assert emulator.requests[0].response_headers == {"retry-after": "0"}
    assert len(emulator.hub("chat").messages) == 1


def test_throttling_for_good_is_an_error(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """With what the service asked for."""
    emulator.faults.add(RequestFault(status=429, retry_after=7, times=None))

    with pytest.raises(ThrottledError) as throttled:
        service.send_to_all("hi", retry_policy=ONCE)

    assert throttled.value.retry_after == 7


@pytest.mark.parametrize(("reset", "arrived"), [("before", 0), ("after", 1)])
def test_a_reset_before_or_after_the_effect_looks_the_same(
    emulator: Emulator, service: WebPubSubServiceClient, reset: Any, arrived: int
) -> None:
    """That is why a send is not repeated: `maybe_sent` says so, and only the service knows."""
    emulator.faults.add(RequestFault(reset=reset))

    with pytest.raises(TransportError) as lost:
        service.send_to_all("hi")

    assert lost.value.maybe_sent
    assert len(emulator.hub("chat").messages) == arrived
    assert statuses(emulator) == [0]


def test_a_response_that_is_cut_short_is_no_response(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """The request was carried out."""
    emulator.faults.add(RequestFault(truncate=True))

    with pytest.raises(TransportError):
        service.send_to_all("hi")

    assert len(emulator.hub("chat").messages) == 1


def test_a_slow_response_is_a_timeout(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """The client does not wait longer than it was told to."""
    emulator.faults.add(RequestFault(delay_seconds=30))

    with pytest.raises(TransportError, match="took too long"):
        service.send_to_all("hi", read_timeout=0.05)


def test_a_connection_is_closed_after_some_requests(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """As the front door of the service does after a thousand; nobody notices."""
    emulator.faults.add(RequestFault(close=True, after=2, times=None))

    for _ in range(5):
        service.send_to_all("hi")

    assert statuses(emulator) == [202] * 5


def test_a_connection_that_is_closed_ends_after_its_response(emulator: Emulator) -> None:
    """It says so, and the requests before it leave the connection open."""
    emulator.faults.add(RequestFault(close=True, after=2))
    with closing(HTTPConnection("127.0.0.1", emulator.port, timeout=10)) as connection:
        ended = []
        for _ in range(3):
            connection.request("HEAD", "/api/health")
            response = connection.getresponse()
            response.read()
            ended.append((response.status, connection.sock is None))

    assert ended == [(200, False), (200, False), (200, True)]


def test_a_fault_fits_what_it_says(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """Method, path and hub; the rest goes well."""
    fault = RequestFault(status=500, method="post", path="/groups/room/", hub="CHAT", times=None)
    emulator.faults.add(fault)

    service.send_to_group("hall", "hi")
    assert not service.group_exists("room")
    with pytest.raises(ServiceError):
        service.send_to_group("room", "hi")

    assert emulator.faults.active == [fault]
    emulator.faults.clear()
    service.send_to_group("room", "hi")


def test_chance_comes_from_the_seed() -> None:
    """The same seed gives the same faults, another one others."""

    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(RequestFault(status=500, probability=0.5, times=None))
        return [faults.of_request("GET", "/", None) is not None for _ in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 10 < sum(drawn(1)) < 40


def test_faults_happen_after_some_and_so_often() -> None:
    """Two go well, two do not, the rest goes well."""
    faults = Faults()
    faults.add(RequestFault(status=500, after=2, times=2))

    assert [faults.of_request("GET", "/", None) is not None for _ in range(6)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert faults.active == []


def test_the_first_fault_that_fits_happens() -> None:
    """One for a request; the second one has its turn when the first is used up."""
    faults = Faults()
    faults.add(RequestFault(status=500), RequestFault(status=503))

    found = [faults.of_request("GET", "/", None) for _ in range(3)]

    assert [fault and fault.status for fault in found] == [500, 503, None]


def test_a_client_is_turned_away(emulator: Emulator) -> None:
    """Before the upgrade, with a status."""
    emulator.faults.add(ClientFault(action="refuse", user_id="ann"))

    with emulator.connect("chat", user_id="bob"):
        pass
    with pytest.raises(RefusedError, match="503"), emulator.connect("chat", user_id="ann"):
        pass


def test_a_message_is_lost_or_comes_twice(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """The others come as ever."""
    emulator.faults.add(ClientFault(action="lose"), ClientFault(action="duplicate"))
    with emulator.connect("chat", user_id="ann") as ann:
        for number in (1, 2, 3):
            service.send_to_all(number)
        ann.wait_for(lambda message: message.data == 3)

        assert [message.data for message in ann.received] == [2, 2, 3]


def test_a_client_is_cut_off(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """Without a close frame."""
    emulator.faults.add(ClientFault(action="drop", hub="chat"))
    with emulator.connect("chat", user_id="ann") as ann:
        service.send_to_all("hi")

        assert ann.wait_closed() == 1006


def test_a_client_hears_nothing_any_more(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """Neither messages nor acknowledgements; its socket stays open, it is heard, and others hear."""
    emulator.faults.add(ClientFault(action="freeze", user_id="ann"))
    joining = emulator.connect("chat", user_id="ann", roles=["webpubsub.joinLeaveGroup"])
    with joining as ann, emulator.connect("chat", user_id="bob") as bob:
        service.send_to_all("hi")
        bob.receive()
        ann.timeout_seconds = 0.05
        with pytest.raises(AssertionError, match="joinGroup was not acknowledged"):
            ann.join_group("room")

        assert emulator.hub("chat").groups == {"room": [ann.connection_id]}
        assert ann.received == []
        assert ann.close_code is None
        assert len(emulator.hub("chat").connections) == 2
        ann.drop()


def test_a_connection_is_half_closed(emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """The client reads the end, and may still write: the service hears it."""
    token = service.get_client_access_token(user_id="ann")
    host, port = emulator.endpoint.removeprefix("http://").split(":")
    emulator.faults.add(ClientFault(action="half-close"))
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        path = token.url.partition(str(port))[2]
        raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 101")
        emulator.wait_for(lambda: emulator.hub("chat").connections)
        service.send_to_all("hi")
        assert raw.recv(4096) == b""
        raw.sendall(b"\x81\x82\x00\x00\x00\x00hi")
        emulator.wait_for(lambda: [event.body for event in emulator.events] == [b"hi"])


async def test_faults_work_in_the_loop_as_well() -> None:
    """A delay holds up nobody else."""
    async with Emulator() as emulator, httpx.AsyncClient() as http:
        emulator.faults.add(RequestFault(delay_seconds=30, path="slow"), RequestFault(status=418, path="fast"))
        slow = asyncio.create_task(http.get(emulator.endpoint + "/slow"))
        fast = await http.get(emulator.endpoint + "/fast")
        slow.cancel()

    assert fast.status_code == 418


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: request_fault(), ValueError, "needs one of status, delay_seconds, reset, truncate and close"),
        (lambda: request_fault(status=99), ValueError, "status must be from 200 to 599; it was 99"),
        (lambda: request_fault(status="500"), TypeError, "status must be a whole number, not str"),
        (lambda: request_fault(reset="later"), ValueError, "reset must be one of None, 'before', 'after'"),
        (lambda: request_fault(status=500, times=0), ValueError, "times must be 1 or more"),
        (lambda: request_fault(status=500, probability=2), ValueError, "probability must be from 0 to 1"),
        (lambda: request_fault(status=500, probability=float("nan")), ValueError, "probability must be from 0 to 1"),
        (lambda: request_fault(status=500, path="("), ValueError, "path is not a regular expression"),
        (lambda: request_fault(delay_seconds=-1), ValueError, "delay_seconds must be 0 or more"),
        (lambda: client_fault(action="explode"), ValueError, "action must be one of 'refuse', 'drop'"),
        (lambda: Faults().add(wrong), TypeError, "A fault is a RequestFault or a ClientFault, not str"),
        (lambda: request_fault(status=500, method="FOO"), ValueError, "method must be one of DELETE, GET"),
        (lambda: request_fault(status=500, hub="b@d"), ValueError, "hub must be the name of a hub; it was 'b@d'"),
        (lambda: request_fault(status=500, hub=3), TypeError, "hub must be a str, not int"),
        (lambda: request_fault(status=500, retry_after=-3), ValueError, "retry_after must be 0 or more"),
        (
            lambda: request_fault(status=500, retry_after="a\r\nb"),
            ValueError,
            "seconds or the text of a header",
        ),
        (lambda: client_fault(action="drop", user_id=3), TypeError, "user_id must be a str, not int"),
        (lambda: fault_of({"kind": [], "status": 500}), ValueError, "kind must be 'request' or 'client'; it was []"),
        (lambda: fault_of([]), ValueError, "A fault is an object"),
        (lambda: fault_of({"status": 500}), ValueError, "kind must be 'request' or 'client'; it was None"),
        (
            lambda: fault_of({"kind": "request", "stauts": 500}),
            ValueError,
            "'stauts' is not a field of a request fault",
        ),
        (lambda: fault_of({"kind": "client"}), ValueError, "action"),
    ],
)
def test_a_mistake_is_told(make: Any, error: type[Exception], said: str) -> None:
    """In a sentence that names the field, what it was and what is allowed."""
    with pytest.raises(error) as told:
        make()

    assert said in str(told.value)


def test_a_fault_is_read_from_json() -> None:
    """The fields have the names that they have in Python."""
    request = fault_of({"kind": "request", "status": 503, "retry_after": 1, "times": None})
    client = fault_of({"kind": "client", "action": "lose", "hub": "chat"})

    assert request == RequestFault(status=503, retry_after=1, times=None)
    assert client == ClientFault(action="lose", hub="chat")
    assert (str(request), str(client)) == ("request times=None, status=503, retry_after=1", "client lose")


SHORT = [
    (RequestFault(delay_seconds=1), "request delay_seconds=1", "RequestFault(delay_seconds=1)"),
    (RequestFault(status=599), "request status=599", "RequestFault(status=599)"),
    (
        RequestFault(reset="after", times=None, hub="chat"),
        "request times=None, reset=after, hub=chat",
        "RequestFault(times=None, reset='after', hub='chat')",
    ),
    (ClientFault(action="drop"), "client drop", "ClientFault(action='drop')"),
]


@pytest.mark.parametrize(("fault", "words", "code"), SHORT)
def test_a_fault_is_told_by_what_was_chosen(fault: Fault, words: str, code: str) -> None:
    """What is as by default is not said."""
    assert (str(fault), repr(fault)) == (words, code)
