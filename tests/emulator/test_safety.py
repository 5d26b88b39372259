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
from contextlib import ExitStack, asynccontextmanager
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
