"""HTTP and WebSocket on the wire, with clients that are not ours."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from webpubsub.emulator import Emulator

JSON = Subprotocol("json.webpubsub.azure.v1")
EVERYTHING = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"]
LIMIT = 1024 * 1024


@pytest.fixture
def emulator(caplog: pytest.LogCaptureFixture) -> Iterator[Emulator]:
    """An emulator in a thread, which must have nothing to complain about."""
    with Emulator() as running:
        yield running
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


def token(emulator: Emulator, audience: str, **claims: Any) -> str:
    """Sign a token by hand."""
    claims = {"aud": audience, "exp": int(time.time()) + 60, **claims}
    return jwt.encode(claims, emulator.access_key, "HS256")


def client_url(emulator: Emulator, **claims: Any) -> str:
    """Return the URL for a client of the hub `chat`."""
    path = "/client/hubs/chat"
    bearer = token(emulator, emulator.endpoint + path, **claims)
    return f"ws://127.0.0.1:{emulator.port}{path}?access_token={bearer}"


async def call(http: httpx.AsyncClient, emulator: Emulator, method: str, path: str, **options: Any) -> httpx.Response:
    """Make a signed REST call."""
    url = f"{emulator.endpoint}{path}"
    headers = {"Authorization": f"Bearer {token(emulator, url)}", **options.pop("headers", {})}
    return await http.request(method, url, headers=headers, **options)


async def closing_code(client: ClientConnection) -> int | None:
    """Wait for the server to close, and return with which code."""
    await client.wait_closed()
    return client.close_code


ANSWERS = [
    ("POST", "/api/hubs/chat/:send", 202, "0"),
    ("POST", "/api/hubs/chat/:closeConnections", 204, None),
    ("HEAD", "/api/health", 200, "0"),
    ("PATCH", "/api/health", 405, "0"),
]


@pytest.mark.parametrize(("method", "path", "status", "length"), ANSWERS)
async def test_answers_without_content_say_so(
    emulator: Emulator, http: httpx.AsyncClient, method: str, path: str, status: int, length: str | None
) -> None:
    """Content-Length is 0, but for 204 where there is none, and there is no Content-Type."""
    response = await call(http, emulator, method, path, content=b"")

    assert (response.status_code, response.content) == (status, b"")
    assert response.headers.get("content-length") == length
    assert "content-type" not in response.headers


async def test_a_head_request_tells_of_the_body_that_a_get_would_have(
    emulator: Emulator, http: httpx.AsyncClient
) -> None:
    """A missing target has type and length of its description, and no content."""
    response = await call(http, emulator, "HEAD", "/api/hubs/chat/groups/g")

    assert (response.status_code, response.content) == (404, b"")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["content-length"] == str(
        len(
            '{"code":"Warning.Group.NotExisted","message":"Group `g` is not found.","target":"Group",'
            '"details":null,"inner":null}'
        )
    )


async def test_a_body_may_come_in_chunks(emulator: Emulator, http: httpx.AsyncClient) -> None:
    """A body without Content-Length arrives whole."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"a":'
        yield b"1}"

    async with connect(client_url(emulator)) as client:
        headers = {"Content-Type": "application/json"}
        response = await call(http, emulator, "POST", "/api/hubs/chat/:send", content=chunks(), headers=headers)

        assert response.status_code == 202
        assert await client.recv() == '{"a":1}'


async def test_a_body_may_wait_for_permission(emulator: Emulator, http: httpx.AsyncClient) -> None:
    """A client that expects 100-continue gets it."""
    response = await call(
        http, emulator, "POST", "/api/hubs/chat/:send", content=b"x", headers={"Expect": "100-continue"}
    )

    assert response.status_code == 202


async def test_a_body_that_is_too_long_is_refused(emulator: Emulator, http: httpx.AsyncClient) -> None:
    """The limit counts bytes, announced or not, and leaves the server well."""
    for content in (b"x" * (LIMIT + 1), iter_async(b"x" * LIMIT, b"x")):
        response = await call(http, emulator, "POST", "/api/hubs/chat/:send", content=content)
        assert response.status_code == 413
    assert (await call(http, emulator, "HEAD", "/api/health")).status_code == 200


async def iter_async(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
async def test_nothing_is_inflated(emulator: Emulator, http: httpx.AsyncClient, encoding: str) -> None:
    """A compressed body is refused, and unread: a small one can be very large."""
    headers = {"Content-Encoding": encoding}
    response = await call(http, emulator, "POST", "/api/hubs/chat/:send", content=b"x", headers=headers)

    assert response.status_code == 415


async def test_a_body_without_a_token_is_not_read(emulator: Emulator) -> None:
    """Who may not call is told so before the body has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
    try:
        head = b"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        writer.write(head + b"Expect: 100-continue\r\n\r\n")
        status_line = await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()

    assert status_line.split()[1] == b"401"


NOT_HTTP = [
    b"nonsense\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%ff%0A HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD /api/health HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"HEAD /api/health HTTP/1.1\r\nHost: \xff\r\n\r\n",
]


@pytest.mark.parametrize("request_", NOT_HTTP)
async def test_what_is_not_http_is_a_bad_request(emulator: Emulator, request_: bytes) -> None:
    """Malformed requests get a 400, and nothing is logged about them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
    try:
        writer.write(request_)
        status_line = await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()

    assert status_line.split()[1] == b"400"


async def test_a_subprotocol_is_negotiated_and_compression_is_not(emulator: Emulator) -> None:
    """The chosen subprotocol is echoed; an offered compression is declined."""
    async with connect(client_url(emulator, sub="ann"), subprotocols=[JSON], compression="deflate") as client:
        greeting = json.loads(await client.recv())

        assert client.response is not None
        assert (client.subprotocol, client.response.headers.get("Sec-WebSocket-Extensions")) == (JSON, None)
        assert list(greeting) == ["type", "event", "userId", "connectionId"]
        assert greeting["userId"] == "ann"


async def test_a_client_without_known_subprotocol_is_simple(emulator: Emulator, http: httpx.AsyncClient) -> None:
    """Nothing is echoed, and payloads come without an envelope."""
    async with connect(client_url(emulator)) as client:
        await call(http, emulator, "POST", "/api/hubs/chat/:send", content=b"\x00")

        assert client.subprotocol is None
        assert await client.recv() == b"\x00"


REFUSALS = [
    ("/client/hubs/chat", 401),
    ("/client/hubs/", 400),
    ("/clients/mqtt/hubs/chat", 401),
]


@pytest.mark.parametrize(("path", "status"), REFUSALS)
async def test_a_refused_client_gets_an_http_answer(emulator: Emulator, path: str, status: int) -> None:
    """Before the upgrade, refusing is a matter of HTTP."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{emulator.port}{path}")

    assert refused.value.response.status_code == status


HANDSHAKES = [
    {"Sec-WebSocket-Version": "13"},
    {"Sec-WebSocket-Version": "99", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "short"},
]


@pytest.mark.parametrize("headers", HANDSHAKES)
async def test_a_wrong_handshake_is_a_bad_request(
    emulator: Emulator, http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """A token does not make up for a handshake that is wrong."""
    url = client_url(emulator).replace("ws://", "http://")

    response = await http.get(url, headers={"Connection": "Upgrade", "Upgrade": "websocket", **headers})

    assert response.status_code == 400


async def test_clients_talk_through_a_group(emulator: Emulator) -> None:
    """Join, send and receive, with acknowledgements."""
    url = client_url(emulator, sub="ann", role=EVERYTHING)
    async with connect(url, subprotocols=[JSON]) as client:
        await client.recv()
        await client.send('{"type":"joinGroup","group":"g","ackId":1}')
        joined = await client.recv()
        await client.send('{"type":"sendToGroup","group":"g","data":{"a" : 1.0},"ackId":2}')

        assert joined == '{"type":"ack","ackId":1,"success":true}'
        assert [await client.recv(), await client.recv()] == [
            '{"type":"message","from":"group","fromUserId":"ann","group":"g","dataType":"json","data":{"a" : 1.0}}',
            '{"type":"ack","ackId":2,"success":true}',
        ]


async def test_messages_and_acknowledgements_keep_their_order(emulator: Emulator) -> None:
    """Acknowledgements are held back a little, and nothing overtakes them."""
    url = client_url(emulator, role=EVERYTHING, **{"webpubsub.group": "g"})
    async with connect(url, subprotocols=[JSON]) as client:
        await client.recv()
        for number in range(50):
            await client.send(json.dumps({"type": "sendToGroup", "group": "g", "data": number, "ackId": number}))
        frames = [json.loads(await client.recv()) for _ in range(100)]

    assert [frame.get("data", frame.get("ackId")) for frame in frames] == [n for n in range(50) for _ in range(2)]


async def test_an_acknowledgement_waits_its_time() -> None:
    """The delay is an option; an acknowledgement never comes earlier."""
    async with Emulator(ack_delay_seconds=0.05) as emulator:
        url = client_url(emulator, role=EVERYTHING)
        async with connect(url, subprotocols=[JSON]) as client:
            await client.recv()
            begin = time.monotonic()
            await client.send('{"type":"joinGroup","group":"g","ackId":1}')
            await client.recv()

            assert time.monotonic() - begin >= 0.05


async def test_a_client_closed_through_rest_learns_why(emulator: Emulator, http: httpx.AsyncClient) -> None:
    """First the disconnected frame, then 1000 without a reason."""
    async with connect(client_url(emulator), subprotocols=[JSON]) as client:
        await client.recv()
        response = await call(http, emulator, "POST", "/api/hubs/chat/:closeConnections?reason=bye")
        farewell = json.loads(await client.recv())
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()

    assert response.status_code == 204
    assert farewell["message"] == "Application server closed the connection. Reason: bye"
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "")


VIOLATIONS: list[tuple[Subprotocol | None, str | bytes, int]] = [
    (JSON, "nonsense", 1007),
    (JSON, b"{}", 1003),
    (JSON, "x" * (LIMIT + 1), 1009),
    (None, "hi", 1011),
    (None, b"hi", 1011),
]


@pytest.mark.parametrize(("subprotocol", "frame", "code"), VIOLATIONS, ids=["json", "binary", "big", "text", "raw"])
async def test_a_violation_has_its_close_code(
    emulator: Emulator, subprotocol: Subprotocol | None, frame: str | bytes, code: int
) -> None:
    """The code says what was wrong."""
    subprotocols = [subprotocol] if subprotocol else None
    async with connect(client_url(emulator), subprotocols=subprotocols) as client:
        await client.send(frame)

        assert await closing_code(client) == code


async def test_a_simple_client_without_the_role_is_closed(emulator: Emulator) -> None:
    """Publishing to the group of the URL needs a role: 1008."""
    async with connect(client_url(emulator) + "&webpubsub_mode=sendToGroup&group=g") as client:
        await client.send("hi")

        assert await closing_code(client) == 1008


async def test_a_closed_client_is_gone(emulator: Emulator, http: httpx.AsyncClient) -> None:
    """The hub forgets a client that has closed."""
    async with connect(client_url(emulator, sub="ann"), subprotocols=[JSON]) as client:
        await client.recv()
        before = await call(http, emulator, "HEAD", "/api/hubs/chat/users/ann")
    while (after := await call(http, emulator, "HEAD", "/api/hubs/chat/users/ann")).status_code != 404:
        await asyncio.sleep(0)

    assert (before.status_code, after.headers["x-ms-error-code"]) == (200, "Warning.User.NotExisted")


async def test_stopping_closes_every_client() -> None:
    """Clients of an emulator that stops are closed with 1001."""
    async with Emulator() as emulator:
        simple = await connect(client_url(emulator))
        envelope = await connect(client_url(emulator), subprotocols=[JSON])

    assert [await closing_code(client) for client in (simple, envelope)] == [1001, 1001]


async def test_a_client_that_is_not_there_any_more_does_not_delay_stopping() -> None:
    """A client that neither reads nor closes is dropped when the emulator stops."""
    async with Emulator() as emulator:
        client = await connect(client_url(emulator))
        transport = client.transport
        transport.pause_reading()

    transport.resume_reading()
    assert await closing_code(client) == 1001


async def test_server_and_clients_can_share_a_loop() -> None:
    """An emulator in the running loop serves REST calls and clients of the same loop."""
    async with Emulator() as emulator, httpx.AsyncClient() as http, connect(client_url(emulator)) as client:
        response = await call(http, emulator, "POST", "/api/hubs/chat/:send", content=b"x")

        assert (response.status_code, await client.recv()) == (202, b"x")
