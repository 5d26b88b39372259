"""Many connections at once: nothing is lost, everything keeps its order, and whoever goes leaves nothing."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence

import pytest

from benchmarks.sockets import STATES, RawClient, connect_all, pass_by
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.emulator import Emulator
from webpubsub.tokens import sign

pytestmark = pytest.mark.timeout(60)

CONNECTIONS = 500
"""`python -m benchmarks.load` does the same with 2,000, and 10,000 clients pass by."""
SENDERS = 4
MESSAGES = 10
PASSING = 1000


def client_url(emulator: Emulator, user_id: str = "ann") -> str:
    url = f"{emulator.endpoint}/client/hubs/chat"
    token = sign({"aud": url, "sub": user_id, "exp": int(time.time()) + 600}, emulator.access_key)
    return f"{url}?access_token={token}"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever clients do is no news for the log of the server."""
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("subprotocol", "connections"),
    [("json.webpubsub.azure.v1", CONNECTIONS), ("protobuf.reliable.webpubsub.azure.v1", CONNECTIONS // 5)],
)
async def test_messages_of_several_senders_reach_everybody_in_order(subprotocol: str, connections: int) -> None:
    """Hundreds of connections, senders at once: each connection gets each message once, each sender's in turn."""
    async with (
        Emulator() as emulator,
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service,
    ):
        url = client_url(emulator)
        clients = [RawClient(url, subprotocol) for _ in range(connections)]
        await connect_all(clients, greetings=1)

        async def send(sender: int) -> None:
            for number in range(MESSAGES):
                await service.send_to_all(f"<{sender}:{number}>", content_type="text/plain")

        sending = asyncio.gather(*map(send, range(SENDERS)))
        received = await asyncio.gather(*(client.receive(SENDERS * MESSAGES) for client in clients))
        await sending
        for client in clients:
            client.abort()

    expected = [(sender, number) for sender in range(SENDERS) for number in range(MESSAGES)]
    for frames in received:
        assert sorted(texts(frames)) == expected
        for sender in range(SENDERS):
            assert [number for by, number in texts(frames) if by == sender] == list(range(MESSAGES))


def texts(frames: Sequence[bytes]) -> list[tuple[int, int]]:
    """Find the text of each message."""
    found = [frame.partition(b"<")[2].partition(b">")[0].decode().split(":") for frame in frames]
    return [(int(sender), int(number)) for sender, number in found]


async def test_a_thousand_clients_that_pass_by_leave_nothing() -> None:
    """Abrupt or half-closed, at any state of the handshake: one that stays gets what it should, and they are gone."""
    tasks = asyncio.all_tasks()
    async with (
        Emulator() as emulator,
        WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service,
    ):
        server = emulator._running()
        assert server._http is not None
        steady = RawClient(client_url(emulator, "steady"))
        await connect_all([steady], greetings=0)
        url = client_url(emulator, "passing")
        for start in range(0, PASSING, 50):
            passing = (pass_by(url, number % STATES) for number in range(start, start + 50))
            await asyncio.gather(service.send_to_user("steady", str(start), content_type="text/plain"), *passing)
        while len(server._sockets) > 1 or len(server.hubs.everyone()) > 1:
            await asyncio.sleep(0)

        assert await steady.receive(PASSING // 50) == [str(start).encode() for start in range(0, PASSING, 50)]
        steady.abort()
        await service.close()
        while server._sockets or server._requests or server._http.connections:
            await asyncio.sleep(0)

    assert asyncio.all_tasks() == tasks
