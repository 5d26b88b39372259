"""What the emulator stands: unfinished requests, dead clients, foreign pages, rubbish on every subprotocol."""

import asyncio
import gc
import json
import logging
import random
import socket
import struct
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Origin, Subprotocol

from webpubsub.emulator import Emulator
from webpubsub.emulator._settings import BACKLOG
from webpubsub.tokens import sign

pytestmark = pytest.mark.timeout(60)

JSON = Subprotocol("json.webpubsub.azure.v1")
OWN_KEY = "a key that nobody else knows, of 40 bytes"
SUBPROTOCOLS = [
    "json.webpubsub.azure.v1",
    "json.reliable.webpubsub.azure.v1",
    "protobuf.webpubsub.azure.v1",
    "protobuf.reliable.webpubsub.azure.v1",
]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever clients do is no news for the log of the server, and leaves no exception behind."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


def client_url(emulator: Emulator, hub: str = "chat", key: str | None = None, **claims: Any) -> str:
    url = f"{emulator.endpoint}/client/hubs/{hub}"
    claims = {"aud": url, "exp": int(time.time()) + 60, **claims}
    return f"{url.replace('http', 'ws', 1)}?access_token={sign(claims, key or emulator.access_key)}"


async def rest(emulator: Emulator, method: str, path: str, key: str | None = None) -> int:
    """Make a signed call and return its status."""
    url = f"{emulator.endpoint}/api/hubs/{path}"
    token = sign({"aud": url, "exp": int(time.time()) + 60}, key or emulator.access_key)
    async with httpx.AsyncClient() as http:
        return (await http.request(method, url, headers={"Authorization": f"Bearer {token}"})).status_code


@asynccontextmanager
async def tcp(emulator: Emulator) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def end_of(reader: StreamReader) -> bytes:
    """Read until the server has closed the connection, gently or not."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


def handshake(emulator: Emulator, **claims: Any) -> bytes:
    target = client_url(emulator, **claims).partition(str(emulator.port))[2]
    return (
        f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{emulator.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


async def test_a_hub_may_let_clients_in_without_a_token() -> None:
    """Such a client is anonymous and has no role; a token that is there must be right, and other hubs want one."""
    async with Emulator(anonymous_hubs=["Open"]) as emulator:
        address = f"ws://127.0.0.1:{emulator.port}/client/hubs/"
        async with connect(address + "open", subprotocols=[JSON]) as client:
            assert json.loads(await client.recv())["userId"] is None
            await client.send('{"type":"joinGroup","group":"g","ackId":1}')
            assert json.loads(await client.recv())["error"]["name"] == "Forbidden"
        for refused in ("closed", "open?access_token=nonsense"):
            with pytest.raises(InvalidStatus, match="401"):
                await connect(address + refused)


async def test_either_key_is_good() -> None:
    """Requests and clients may be signed with both; a third key is none."""
    async with Emulator(secondary_access_key=OWN_KEY) as emulator:
        for key in (emulator.access_key, OWN_KEY):
            async with connect(client_url(emulator, key=key)):
                assert await rest(emulator, "HEAD", "chat/users/u", key) == 404
        assert await rest(emulator, "HEAD", "chat/users/u", OWN_KEY[::-1]) == 401


ORIGINS = [
    ("http://localhost:3000", True),
    ("https://app.localhost", True),
    ("http://127.0.0.1:5173", True),
    ("http://[::1]:5173", True),
    ("https://evil.example", False),
    ("http://localhost.evil.example", False),
    ("http://127.0.0.1.evil.example:8080", False),
    ("null", False),
    ("", False),
]


@pytest.mark.parametrize(("origin", "welcome"), ORIGINS)
async def test_web_pages_from_elsewhere_are_turned_away(origin: str, welcome: bool) -> None:
    """Everybody knows the development key, so a page from anywhere could make itself a token."""
    async with Emulator() as emulator:
        if welcome:
            async with connect(client_url(emulator), origin=Origin(origin)) as client:
                await (await client.ping())
        else:
            with pytest.raises(InvalidStatus, match="403"):
                await connect(client_url(emulator), origin=Origin(origin))


async def test_with_a_key_of_its_own_any_page_is_welcome() -> None:
    """Whoever has a token has it from somebody who knows the key."""
    page = Origin("https://shop.example")
    async with Emulator(access_key=OWN_KEY) as emulator, connect(client_url(emulator), origin=page) as client:
        await (await client.ping())


async def test_clients_are_sent_pings_and_dead_ones_are_dropped() -> None:
    """One that answers stays, one that is silent goes, whatever its socket looks like."""
    async with Emulator(keep_alive_seconds=0.05) as emulator, connect(client_url(emulator, sub="alive")) as alive:
        async with tcp(emulator) as (reader, writer):
            writer.write(handshake(emulator, sub="dead"))
            await reader.readuntil(b"\r\n\r\n")
            received = await end_of(reader)
        assert received.startswith(b"\x89\x00")
        while await rest(emulator, "HEAD", "chat/users/dead") != 404:
            continue
        await (await alive.ping())
        assert await rest(emulator, "HEAD", "chat/users/alive") == 200


@pytest.mark.parametrize("head", [b"", b"POST /api", b"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\n"])
async def test_an_unfinished_request_does_not_stay(head: bytes) -> None:
    """Whoever begins a request and does not go on loses the connection."""
    async with Emulator(request_seconds=0.1) as emulator, tcp(emulator) as (reader, writer):
        writer.write(head)

        assert await end_of(reader) == b""


async def test_an_unfinished_body_is_not_waited_for() -> None:
    """A request whose body does not come is refused, and its connection closed."""
    async with Emulator(request_seconds=0.1) as emulator, tcp(emulator) as (reader, writer):
        url = f"{emulator.endpoint}/api/hubs/chat/:send"
        token = sign({"aud": url, "exp": int(time.time()) + 60}, emulator.access_key)
        head = "POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
        writer.write(f"{head}Authorization: Bearer {token}\r\n\r\nhalf a".encode())

        assert (await reader.readline()).split()[1] == b"408"


async def test_the_rest_of_a_refused_request_is_not_waited_for() -> None:
    """A connection whose request was refused before its body came is closed, and nothing of it stays."""
    tasks = asyncio.all_tasks()
    async with Emulator(request_seconds=0.1) as emulator:
        serving = asyncio.all_tasks()
        async with tcp(emulator) as (reader, writer):
            writer.write(b"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            assert (await reader.readline()).split()[1] == b"401"
            start = time.monotonic()
        while asyncio.all_tasks() != serving:
            await asyncio.sleep(0)
        assert time.monotonic() - start < 5

    assert asyncio.all_tasks() == tasks


async def test_hubs_are_forgotten_with_their_last_connection() -> None:
    """Names that came once do not stay in memory."""
    async with Emulator() as emulator:
        for number in range(20):
            async with connect(client_url(emulator, hub=f"hub{number}")):
                inside = len(emulator._running().hubs)
        while len(emulator._running().hubs):
            await asyncio.sleep(0)
            gc.collect()

    assert 1 <= inside <= 20


def most_waiting() -> int:
    """Return how many connections the system lets wait."""
    limit = Path("/proc/sys/net/core/somaxconn")
    return min(BACKLOG, int(limit.read_text()) if limit.exists() else 128)


async def test_as_many_as_the_backlog_says_can_wait_to_be_accepted() -> None:
    """Connections come in while the loop, which is this test's, does nothing for them; then each is served."""
    async with Emulator() as emulator:
        with ExitStack() as stack:
            waiting = [
                stack.enter_context(socket.create_connection(("127.0.0.1", emulator.port), timeout=5))
                for _ in range(most_waiting())
            ]
            waiting[-1].setblocking(False)
            waiting[-1].sendall(b"HEAD /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await asyncio.get_running_loop().sock_recv(waiting[-1], 100)).split()[1] == b"200"


ODD_REQUESTS = [
    b"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nExpect: \xff\r\nContent-Length: 1\r\n\r\nx",
    b"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nExpect: 200-maybe\r\nContent-Length: 1\r\n\r\nx",
    b"POST /api/hubs/chat/:send?filter=\xff HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"POST /api/hubs/chat/:send?filter=%ed%a0%80 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\n\xff\xff\xff",
    b"GET /client/hubs/chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
]


@pytest.mark.parametrize("request_", ODD_REQUESTS)
@pytest.mark.parametrize("leaves", [False, True])
async def test_odd_requests_are_refused_without_a_traceback(request_: bytes, leaves: bool) -> None:
    """In one of the ways of HTTP, also when nobody waits for the response."""
    async with Emulator() as emulator:
        for _ in range(10):
            async with tcp(emulator) as (reader, writer):
                writer.write(request_)
                if leaves:
                    await writer.drain()
                    continue
                assert (await reader.readline()).split()[1] in (b"400", b"401", b"415", b"417")
        assert await rest(emulator, "HEAD", "chat/users/u") == 404


def signed(emulator: Emulator, target: str, head: bytes = b"", body: bytes = b"x") -> bytes:
    """Write a request for a REST operation with its token."""
    url = f"{emulator.endpoint}{target.partition('?')[0]}"
    token = sign({"aud": url, "exp": int(time.time()) + 60}, emulator.access_key)
    lines = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
    )
    return lines.encode() + head + b"\r\n" + body


SEND = "/api/hubs/chat/:send"
SIGNED = [
    (SEND, b"Expect: \xff\r\n", b"202"),
    (SEND, b"Expect: 100-continue\r\n", b"100"),
    (SEND, b"Content-Encoding: br\r\n", b"415"),
    (SEND + "?filter=userId%20eq%20'%ed%a0%80'", b"", b"400"),
    (SEND + "?excluded=%ed%a0%80", b"", b"400"),
    (SEND + "?messageTtlSeconds=%ed%a0%80", b"", b"400"),
    ("/api/hubs/chat/users/%ed%a0%80/:send", b"", b"400"),
    ("/api/hubs/%ed%a0%80/:send", b"", b"400"),
]


@pytest.mark.parametrize(("target", "head", "status"), SIGNED)
async def test_odd_requests_with_a_token_are_no_traceback(target: str, head: bytes, status: bytes) -> None:
    """Whoever waits gets a response, and whoever resets the connection in the middle disturbs nobody."""
    async with Emulator() as emulator:
        async with tcp(emulator) as (reader, writer):
            writer.write(signed(emulator, target, head))
            assert (await reader.readline()).split()[1] == status
        async with tcp(emulator) as (_, writer):
            writer.write(signed(emulator, target, head, b"more")[:-1])
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert await rest(emulator, "HEAD", "chat/users/u") == 404


async def test_malformed_requests_leave_no_exception_behind() -> None:
    """Neither those that wait for the response nor those that do not; what nobody retrieves is logged in the end."""
    heads = [
        b"nonsense",
        b"GET / HTTP/9.9",
        b"GET /\xff HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET  HTTP/1.1",
        b" ",
    ]
    async with Emulator() as emulator:
        for head in heads:
            for waits in (True, False):
                async with tcp(emulator) as (reader, writer):
                    writer.write(head + b"\r\n\r\n")
                    await writer.drain()
                    if waits:
                        await reader.readline()
        assert await rest(emulator, "HEAD", "chat/users/u") == 404
        gc.collect()


async def test_clients_that_go_away_at_once_are_no_news() -> None:
    """Two hundred of them, in the middle of a broadcast."""
    async with Emulator() as emulator, AsyncExitStack() as stack:
        opening = handshake(emulator, sub="crowd")
        crowd = [await stack.enter_async_context(tcp(emulator)) for _ in range(200)]
        for reader, writer in crowd:
            writer.write(opening)
            await reader.readuntil(b"\r\n\r\n")
        async with tcp(emulator) as (reader, writer):
            writer.write(signed(emulator, SEND, body=b"x" * 100_000))
            for _, gone in crowd:
                gone.transport.abort()
            assert (await reader.readline()).split()[1] == b"202"
        while await rest(emulator, "HEAD", "chat/users/crowd") != 404:
            continue


async def test_a_key_that_looks_like_another_kind_of_key_is_one() -> None:
    """An access key is text; whether it begins as an SSH key does, does not matter."""
    key = "ssh-ed25519 " + "A" * 31
    async with Emulator(access_key=key) as emulator, connect(client_url(emulator)) as client:
        await (await client.ping())
        assert await rest(emulator, "HEAD", "chat/users/u") == 404


async def test_a_huge_filter_is_refused_before_anybody_is_looked_at() -> None:
    """In a bulk body, where it may be as long as the body."""
    text = " or ".join(["userId eq 'nobody'"] * 40_000)
    async with Emulator() as emulator, tcp(emulator) as (reader, writer):
        body = json.dumps({"groups": ["g"], "filter": text}).encode()
        writer.write(signed(emulator, "/api/hubs/chat/:addToGroups", b"Content-Type: application/json\r\n", body))
        head = await reader.readuntil(b"\r\n\r\n")

    assert head.split()[1] == b"400"


@pytest.mark.parametrize("member", ["ackId", "data", "ttlSeconds"])
async def test_an_endless_number_in_a_frame_is_no_traceback(member: str) -> None:
    """Python refuses to read one of more than 4,300 digits."""
    frame = {"type": "sendToGroup", "group": "g", "ackId": 1, "data": 1, "ttlSeconds": 1, member: "number"}
    text = json.dumps(frame).replace('"number"', "9" * 6000)
    role = "webpubsub.sendToGroup"
    async with Emulator() as emulator, connect(client_url(emulator, role=role), subprotocols=[JSON]) as client:
        await client.recv()
        await client.send(text)
        response = json.loads(await client.recv())

        assert response["type"] in ("ack", "system")
        assert await rest(emulator, "HEAD", "chat/users/u") == 404


async def test_clients_that_ping_and_leave_are_no_news() -> None:
    """A pong that nobody takes any more is no error."""
    async with Emulator() as emulator:
        for _ in range(50):
            async with tcp(emulator) as (reader, writer):
                writer.write(handshake(emulator, sub="passing"))
                await reader.readuntil(b"\r\n\r\n")
                writer.write(Frame(Opcode.PING, b"x").serialize(mask=True) * 20)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        while await rest(emulator, "HEAD", "chat/users/passing") != 404:
            continue


def rubbish(chance: random.Random, subprotocol: str) -> bytes | str:
    """Make a frame that is nearly right, or nothing at all."""
    right = json.dumps({"type": "sendToGroup", "group": "g", "ackId": 1, "dataType": "text", "data": "x"}).encode()
    frame = bytearray(right if "json" in subprotocol else b"\n\x0b\n\x01g\x10\x01\x1a\x03\n\x01x")
    for _ in range(chance.randrange(4)):
        frame[chance.randrange(len(frame))] = chance.randrange(256)
    if chance.random() < 0.2:
        frame = bytearray(chance.randbytes(chance.randrange(200)))
    return bytes(frame) if chance.random() < 0.5 else frame.decode(errors="replace")


@pytest.mark.parametrize("subprotocol", [*SUBPROTOCOLS, None])
async def test_rubbish_harms_nobody_but_its_sender(subprotocol: str | None) -> None:
    """Hundreds of frames on every subprotocol: closed or carried out, and a bystander gets everything it should."""
    chance = random.Random(20241201)
    offers = None if subprotocol is None else [Subprotocol(subprotocol)]
    roles = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"]
    tasks = asyncio.all_tasks()
    async with Emulator() as emulator, connect(client_url(emulator, sub="bystander")) as bystander:

        async def vandalize(client: ClientConnection) -> None:
            for _ in range(15):
                await client.send(rubbish(chance, subprotocol or "json"))
            await client.close()

        for _ in range(20):
            try:
                async with connect(client_url(emulator, sub="vandal", role=roles), subprotocols=offers) as client:
                    await vandalize(client)
            except ConnectionClosed:
                continue
        url = f"{emulator.endpoint}/api/hubs/chat/users/bystander/:send"
        token = sign({"aud": url, "exp": int(time.time()) + 60}, emulator.access_key)
        async with httpx.AsyncClient() as http:
            await http.post(url, content=b"fine", headers={"Authorization": f"Bearer {token}"})
        assert await bystander.recv() == b"fine"
        emulator.clock.advance(31)
        while await rest(emulator, "HEAD", "chat/users/vandal") != 404:
            continue

    assert asyncio.all_tasks() == tasks
