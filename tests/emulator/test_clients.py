"""Clients that break off, talk nonsense, come in hundreds or do not read: none of it costs anybody else anything."""

import asyncio
import itertools
import json
import logging
import socket
import struct
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from webpubsub.emulator import Emulator
from webpubsub.tokens import sign

pytestmark = pytest.mark.timeout(20)

JSON = Subprotocol("json.webpubsub.azure.v1")
FRAME_LIMIT = 1024 * 1024
CROWD = 200

_hub_numbers = itertools.count(1)


@dataclass(frozen=True)
class Hub:
    """One hub of the emulator, as an application server and its clients see it."""

    emulator: Emulator
    name: str
    http: httpx.AsyncClient

    async def rest(self, method: str, path: str, text: str | None = None) -> int:
        """Make a signed REST request and return the status of its answer."""
        url = f"{self.emulator.endpoint}/api/hubs/{self.name}{path}"
        headers = {"Authorization": f"Bearer {self._token(url)}", "Content-Type": "text/plain"}
        return (await self.http.request(method, url, content=text, headers=headers)).status_code

    def request(self, method: str, path: str, headers: str) -> bytes:
        """Return the head of a signed REST request."""
        path = f"/api/hubs/{self.name}{path}"
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.emulator.port}\r\n"
            f"Authorization: Bearer {self._token(self.emulator.endpoint + path)}\r\n{headers}\r\n"
        ).encode()

    async def send_to_group(self, group: str, text: str) -> None:
        """Publish a text to a group."""
        assert await self.rest("POST", f"/groups/{group}/:send", text) == 202

    async def is_left_by(self, user_id: str) -> bool:
        """Wait until a user has no connection any more; the time limit of the test ends a vain wait."""
        while await self.rest("HEAD", f"/users/{user_id}") != 404:
            continue
        return True

    def target(self, **claims: Any) -> str:
        """Return the path and query for a client to connect to."""
        path = f"/client/hubs/{self.name}"
        return f"{path}?access_token={self._token(self.emulator.endpoint + path, **claims)}"

    def handshake(self, **claims: Any) -> bytes:
        """Return the request of a client that wants to connect."""
        return (
            f"GET {self.target(**claims)} HTTP/1.1\r\nHost: 127.0.0.1:{self.emulator.port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {JSON}\r\n\r\n"
        ).encode()

    @asynccontextmanager
    async def client(self, **claims: Any) -> AsyncIterator[ClientConnection]:
        """Connect a well-behaved client, past its greeting."""
        url = f"ws://127.0.0.1:{self.emulator.port}{self.target(**claims)}"
        async with connect(url, subprotocols=[JSON], max_size=None) as client:
            await client.recv()
            yield client

    @asynccontextmanager
    async def tcp(self) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        """Open a bare TCP connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.emulator.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    @asynccontextmanager
    async def bare_client(self, **claims: Any) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        """Connect a client that writes its own bytes, past its greeting."""
        async with self.tcp() as (reader, writer):
            writer.write(self.handshake(**claims))
            await reader.readuntil(b"\r\n\r\n")
            await read_frame(reader)
            yield reader, writer

    def _token(self, audience: str, **claims: Any) -> str:
        return sign({"aud": audience, "exp": int(time.time()) + 60, **claims}, self.emulator.access_key)


async def end_of(reader: StreamReader) -> bytes:
    """Read what there still is until the server has closed the connection, gently or not."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def read_frame(reader: StreamReader) -> tuple[int, bytes]:
    """Read one frame of the server: its opcode and its payload."""
    first, length = await reader.readexactly(2)
    if length == 126:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", await reader.readexactly(8))
    return first & 0x0F, await reader.readexactly(length)


def text_frame(text: str, *, fin: bool = True) -> bytes:
    return Frame(Opcode.TEXT, text.encode(), fin).serialize(mask=True)


def reset(writer: StreamWriter) -> None:
    """Drop the connection as a crash does."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def hang_up(writer: StreamWriter) -> None:
    """End the connection as a killed process does."""
    writer.close()


def half_close(writer: StreamWriter) -> None:
    """Never write again, and go on listening."""
    writer.write_eof()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
async def hub(emulator: Emulator) -> AsyncIterator[Hub]:
    async with httpx.AsyncClient(verify=False) as http:
        yield Hub(emulator, f"hub{next(_hub_numbers)}", http)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever clients do is no news for the log of the server."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


@pytest.fixture
async def witness(hub: Hub) -> AsyncIterator[ClientConnection]:
    """Somebody else, in the group `room`."""
    async with hub.client(**{"webpubsub.group": ["room"]}) as client:
        yield client


async def assert_untroubled(hub: Hub, witness: ClientConnection) -> None:
    await hub.send_to_group("room", "still here")
    assert json.loads(await witness.recv())["data"] == "still here"


DEATHS = [reset, hang_up, half_close]


@pytest.mark.parametrize("die", DEATHS)
@pytest.mark.parametrize("length", [0, 5, 60, -2, None], ids=["nothing", "verb", "path", "almost all", "all"])
async def test_a_client_that_dies_while_connecting_is_forgotten(
    hub: Hub, witness: ClientConnection, length: int | None, die: Callable[[StreamWriter], None]
) -> None:
    """A request that breaks off anywhere leaves nobody behind."""
    async with hub.tcp() as (_, writer):
        writer.write(hub.handshake(sub="doomed")[:length])
        await writer.drain()
        die(writer)

        await assert_untroubled(hub, witness)
        assert await hub.is_left_by("doomed")


WHOLE = text_frame(json.dumps({"type": "joinGroup", "group": "room", "ackId": 1}))
BROKEN_FRAMES = {
    "no frame": b"",
    "half a header": WHOLE[:1],
    "no mask": WHOLE[:2],
    "half a payload": WHOLE[:20],
    "one fragment": text_frame('{"type":', fin=False),
    "half a megabyte of a large frame": struct.pack("!BBQI", 0x81, 0xFF, FRAME_LIMIT, 0) + b"x" * (FRAME_LIMIT // 2),
}


@pytest.mark.parametrize("die", DEATHS)
@pytest.mark.parametrize("sent", BROKEN_FRAMES.values(), ids=BROKEN_FRAMES)
async def test_a_client_that_dies_in_a_frame_is_forgotten(
    hub: Hub, witness: ClientConnection, sent: bytes, die: Callable[[StreamWriter], None]
) -> None:
    """It leaves its groups, and the groups go on without it."""
    claims = {"sub": "doomed", "webpubsub.group": ["room", "alone"]}
    async with hub.bare_client(**claims) as (_, writer):
        assert await hub.rest("HEAD", "/users/doomed") == 200
        writer.write(sent)
        await writer.drain()
        die(writer)

        await assert_untroubled(hub, witness)
        assert await hub.is_left_by("doomed")
        assert await hub.rest("HEAD", "/groups/alone") == 404
        await assert_untroubled(hub, witness)


@pytest.mark.parametrize("die", DEATHS)
async def test_a_message_that_did_not_arrive_whole_is_not_sent(
    hub: Hub, witness: ClientConnection, die: Callable[[StreamWriter], None]
) -> None:
    """A publisher that dies in its request publishes nothing."""
    async with hub.tcp() as (reader, writer):
        writer.write(hub.request("POST", "/groups/room/:send", "Content-Length: 9\r\n") + b"half a")
        await writer.drain()
        die(writer)

        await assert_untroubled(hub, witness)
        await end_of(reader)
        await assert_untroubled(hub, witness)


GARBAGE = {
    "reserved bits": (b"\xf1\x80\0\0\0\0", 1002),
    "reserved opcode": (b"\x83\x80\0\0\0\0", 1002),
    "reserved control opcode": (b"\x8b\x80\0\0\0\0", 1002),
    "fragmented ping": (b"\x09\x80\0\0\0\0", 1002),
    "long ping": (b"\x89\xfe\0\x7e\0\0\0\0" + b"x" * 126, 1002),
    "continuation of nothing": (b"\x80\x80\0\0\0\0", 1002),
    "text within a fragmented text": (text_frame("{", fin=False) + text_frame("}"), 1002),
    "close with one byte": (b"\x88\x81\0\0\0\0x", 1002),
    "close with a code that does not exist": (b"\x88\x82\0\0\0\0\x03\xe7", 1002),
    "another request": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
    "text that is not UTF-8": (Frame(Opcode.TEXT, b"\xff").serialize(mask=True), 1007),
    "text that is not JSON": (text_frame("garbage"), 1007),
    "bytes": (Frame(Opcode.BINARY, b"{}").serialize(mask=True), 1003),
    "one byte too many": (struct.pack("!BBQI", 0x81, 0xFF, FRAME_LIMIT + 1, 0), 1009),
    "more than there is": (struct.pack("!BBQI", 0x81, 0xFF, 2**63 - 1, 0), 1009),
    "fragments that are too much together": (
        text_frame("x" * 600_000, fin=False) + struct.pack("!BBQI", 0x80, 0xFF, 600_000, 0),
        1009,
    ),
}


@pytest.mark.parametrize(("garbage", "code"), GARBAGE.values(), ids=GARBAGE)
async def test_garbage_closes_the_connection_that_it_came_from(
    hub: Hub, witness: ClientConnection, garbage: bytes, code: int
) -> None:
    """The close code says what was wrong, the socket is closed, and nobody else notices."""
    async with hub.bare_client(sub="vandal") as (reader, writer):
        writer.write(garbage)
        opcode, payload = await read_frame(reader)
        while opcode != Opcode.CLOSE:
            assert json.loads(payload)["event"] == "disconnected"
            opcode, payload = await read_frame(reader)

        assert int.from_bytes(payload[:2]) == code
        assert await hub.is_left_by("vandal")
        writer.write(Frame(Opcode.CLOSE, payload[:2]).serialize(mask=True))
        assert await reader.read() == b""

    await assert_untroubled(hub, witness)


async def test_a_frame_of_exactly_the_limit_is_taken(hub: Hub) -> None:
    """The limit is 1 MiB, and a frame may have all of it."""
    async with hub.client(role="webpubsub.sendToGroup") as client:
        frame = {"type": "sendToGroup", "group": "g", "ackId": 1, "dataType": "text", "data": ""}
        frame["data"] = "x" * (FRAME_LIMIT - len(json.dumps(frame)))
        await client.send(json.dumps(frame))

        assert json.loads(await client.recv()) == {"type": "ack", "ackId": 1, "success": True}


@pytest.mark.parametrize("size", [1, 7, 10_000], ids=["byte by byte", "in small pieces", "in one piece"])
async def test_frames_may_come_in_any_pieces_right_behind_the_handshake(hub: Hub, size: int) -> None:
    """Where TCP cuts the stream means nothing."""
    stream = hub.handshake(role="webpubsub.joinLeaveGroup") + WHOLE
    async with hub.tcp() as (reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(stream), size):
            writer.write(stream[start : start + size])
            await writer.drain()
        await reader.readuntil(b"\r\n\r\n")
        _, greeting = await read_frame(reader)
        _, ack = await read_frame(reader)

    assert json.loads(greeting)["event"] == "connected"
    assert json.loads(ack) == {"type": "ack", "ackId": 1, "success": True}


async def test_a_crowd_receives_every_broadcast_once_and_in_order(hub: Hub) -> None:
    """Hundreds join one group; each message reaches each of them exactly once, in the order of publishing."""
    messages = [f"message {number}" for number in range(20)]
    async with AsyncExitStack() as stack:

        async def join() -> ClientConnection:
            client = await stack.enter_async_context(hub.client(role="webpubsub.joinLeaveGroup"))
            await client.send('{"type":"joinGroup","group":"crowd","ackId":1}')
            assert json.loads(await client.recv())["success"] is True
            return client

        crowd = await asyncio.gather(*(join() for _ in range(CROWD)))
        for message in messages:
            await hub.send_to_group("crowd", message)
        assert await hub.rest("POST", "/:send", "end") == 202

        async def received(client: ClientConnection) -> list[str]:
            data = []
            while (text := json.loads(await client.recv())["data"]) != "end":
                data.append(text)
            return data

        assert await asyncio.gather(*(received(client) for client in crowd)) == [messages] * CROWD


async def test_a_client_that_does_not_read_delays_nobody(hub: Hub, witness: ClientConnection) -> None:
    """Others get everything while one reads nothing, and what that one gets in the end has no holes."""
    messages = [f"{number:03}" + "x" * 100_000 for number in range(60)]
    async with hub.bare_client(**{"webpubsub.group": ["room"]}) as (reader, _):
        for message in messages:
            await hub.send_to_group("room", message)
            assert json.loads(await witness.recv())["data"] == message

        for message in messages:
            _, frame = await read_frame(reader)
            assert json.loads(frame)["data"] == message


async def test_a_client_that_never_reads_is_given_up(hub: Hub, witness: ClientConnection) -> None:
    """What waits for one client is limited; beyond that it is closed, with what it got before in order."""
    messages = [f"{number:03}" + "x" * 1_000_000 for number in range(30)]
    async with hub.bare_client(sub="sleeper", **{"webpubsub.group": ["room"]}) as (reader, _):
        for message in messages:
            await hub.send_to_group("room", message)
            assert json.loads(await witness.recv())["data"] == message

        assert await hub.is_left_by("sleeper")
        received = []
        while (frame := await read_frame(reader))[0] != Opcode.CLOSE:
            received.append(json.loads(frame[1])["data"])

    assert int.from_bytes(frame[1][:2]) == 1008
    assert received == messages[: len(received)]
