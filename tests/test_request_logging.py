"""What a client writes down about its calls, and the id that ties a call, its log and its error together."""

import itertools
import logging
import re
from collections.abc import Callable
from uuid import UUID

import pytest

from webpubsub import RetryPolicy, ServiceError, TransportError, WebPubSubServiceClient, __version__
from webpubsub.emulator import Emulator
from webpubsub.options import RequestOptions
from webpubsub.tokens import sign

from .support.clients import KEY, Calls, connect
from .support.server import ACCEPTED, Connection, Server, answer, answering

__all__ = ["connect"]

Connect = Callable[..., Calls]
AT_ONCE = RetryPolicy(attempts=2, base_delay_seconds=0)
BUSY = answer("503 Service Unavailable", b'{"code":"Busy"}', "Content-Type: application/json")
EMPTY_PAGE = answer("200 OK", b'{"value":[]}', "Content-Type: application/json")


@pytest.fixture(autouse=True)
def _written_down(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "azure")


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "azure.webpubsub"]


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d ms", "... ms", text)


def test_everything_about_a_call_is_written_down(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Each try with URL, headers, body, status and time; what is secret is left out."""
    with Server(answering(BUSY, ACCEPTED)) as server:
        calls = connect(server.endpoint, logging_enable=True, retry_policy=AT_ONCE, headers={"x-own": "value"})
        calls.post("Grüße")
    url = f"{server.endpoint}/api/hubs/chat/:send?api-version=2024-12-01"
    request_id = server.requests[0].headers["x-ms-client-request-id"]
    agent = server.requests[0].headers["user-agent"]
    headers = (
        "    host: {host}\n    accept: application/json\n    accept-encoding: identity\n    user-agent: {agent}\n"
        "    x-ms-client-request-id: {id}\n    authorization: REDACTED\n    content-type: text/plain\n"
        "    content-length: 7\n    x-own: value\n    Grüße"
    )
    sent = headers.format(host=url.split("/")[2], agent=agent, id=request_id)
    told = [without_times(line) for line in ours(caplog)]
    assert [sorted(line.lower().split("\n")) for line in told] == [
        sorted(line.lower().split("\n"))
        for line in (
            f"Request: attempt 1: POST {url}\n{sent}",
            f"Response: attempt 1: POST {url}: 503 after ... ms\n    content-length: 15\n"
            '    content-type: application/json\n    {"code":"Busy"}',
            "Retrying after 503: attempt 2 of 2 in 0.00 s",
            f"Request: attempt 2: POST {url}\n{sent}",
            f"Response: attempt 2: POST {url}: 202 after ... ms\n    content-length: 0\n    (no body)",
        )
    ]


def test_a_failure_is_written_down(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Where no answer came, the log says so."""
    with Server(Connection.read_request_and_leave) as server:
        calls = connect(server.endpoint, logging_enable=True)
        with pytest.raises(TransportError):
            calls.post()
    assert [line.split("\n")[0].split(":")[0] for line in ours(caplog)] == ["Request", "No response"]


def test_one_call_is_written_down(caplog: pytest.LogCaptureFixture) -> None:
    """`logging_enable` of a call goes before that of the client, both ways."""
    with Server(answering(ACCEPTED)) as server:
        for enabled, told in ((False, 2), (True, 4)):
            with WebPubSubServiceClient(server.endpoint, "chat", KEY, logging_enable=enabled) as service:
                service.send_to_all("one")
                service.send_to_all("two", logging_enable=not enabled)
                service.send_to_all("three", logging_enable=enabled)
            assert len(ours(caplog)) == told
            caplog.clear()


def test_only_repetitions_are_written_down_otherwise(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """One warning for each, whatever the level of the logger."""
    with Server(answering(BUSY, ACCEPTED, EMPTY_PAGE)) as server:
        calls = connect(server.endpoint, retry_policy=AT_ONCE)
        calls.post()
        calls.get()
    assert [(record.levelname, record.getMessage()) for record in caplog.records if record.name[:5] == "azure"] == [
        ("WARNING", "Retrying after 503: attempt 2 of 2 in 0.00 s")
    ]


def test_tokens_from_the_service_are_not_written_down(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the token of the credential nor the one that the service makes is in the log."""

    class Credential:
        def get_token(self, *scopes: str) -> "Token":
            return Token()

    class Token:
        token = sign({"aud": "https://webpubsub.azure.com", "exp": 4_000_000_000}, emulator.access_key)
        expires_on = 4_000_000_000

    with WebPubSubServiceClient(emulator.endpoint, "chat", Credential(), logging_enable=True) as service:
        made = service.get_client_access_token(user_id="ann").token
    (request, response) = ours(caplog)
    assert re.search(r"\n    REDACTED \(\d+ bytes\)$", response)
    assert "\n    authorization: REDACTED\n" in request
    for secret in (made, Token.token, emulator.access_key):
        assert secret not in caplog.text


def test_every_call_has_an_id_of_its_own(connect: Connect) -> None:
    """An id of 32 digits, kept over the tries of one call, other calls get another."""
    with Server(answering(BUSY, ACCEPTED, BUSY, EMPTY_PAGE)) as server:
        calls = connect(server.endpoint, retry_policy=AT_ONCE)
        calls.post()
        calls.get()
    ids = [request.headers["x-ms-client-request-id"] for request in server.requests]
    assert [len(list(group)) for _, group in itertools.groupby(ids)] == [2, 2]
    assert [UUID(request_id).hex for request_id in ids] == ids


@pytest.mark.parametrize(
    "options", [{"request_id": "call 7"}, {"headers": {"X-MS-Client-Request-ID": "call 7"}}], ids=["option", "header"]
)
def test_id_of_a_call_can_be_chosen(options: RequestOptions) -> None:
    """It is sent, and it is in the errors: of an answer, of a body that is none, and of no answer at all."""
    garbage = answer("200 OK", b"garbage", "Content-Type: application/json")

    async def behave(connection: Connection) -> None:
        for raw in (answer("403 Forbidden"), garbage):
            await connection.read_request()
            await connection.send(raw)
        await connection.read_request_and_leave()

    once = RetryPolicy.none()
    with Server(behave) as server, WebPubSubServiceClient(server.endpoint, "chat", KEY, retry_policy=once) as service:
        for kind in (ServiceError, ServiceError, TransportError):
            with pytest.raises(kind, match=r"\(request call 7\)$") as caught:
                list(service.list_connections("room", **options))
            assert isinstance(caught.value, (ServiceError, TransportError))
            assert caught.value.request_id == "call 7"
    assert [request.headers["x-ms-client-request-id"] for request in server.requests] == ["call 7"] * 3


def test_raw_requests_have_an_id_and_are_written_down(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """What goes through `service.http` is treated like the methods of the client; bodies that stream, too."""
    with Server(answering(BUSY, ACCEPTED)) as server:
        calls = connect(server.endpoint, logging_enable=True, retry_policy=AT_ONCE)
        calls.raw("POST", "/api/plain", headers={}, content=b"x")
        calls.raw("POST", "/api/json", json={"a": 1})
        calls.raw("POST", "/api/stream", content=calls.pieces(b"a", b"b"), headers={"x-ms-client-request-id": "mine"})
    ids = [request.headers["x-ms-client-request-id"] for request in server.requests]
    assert [len(request_id) for request_id in ids] == [32, 32, 32, 4]
    assert [request.body for request in server.requests] == [b"x", b"x", b'{"a":1}', b"ab"]
    sent = [line for line in ours(caplog) if line.startswith("Request: ")]
    assert [line.rpartition("    ")[2] for line in sent] == ["x", "x", '{"a":1}', "ab"]


def test_user_agent(connect: Connect) -> None:
    """It names this package and its version."""
    with Server(answering(ACCEPTED)) as server:
        connect(server.endpoint).post()
    assert server.requests[0].headers["user-agent"].startswith(f"webpubsub/{__version__} python/3.")
