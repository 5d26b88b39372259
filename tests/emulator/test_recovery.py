"""Coming back over real sockets: with the right token, with a wrong one, and while the old socket is still there."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from webpubsub.emulator import Emulator
from webpubsub.emulator._clients.reliable import TOKEN_SECONDS
from webpubsub.tokens import sign

pytestmark = pytest.mark.timeout(30)

RELIABLE = Subprotocol("json.reliable.webpubsub.azure.v1")
JSON = Subprotocol("json.webpubsub.azure.v1")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator() as running:
        yield running


def address(emulator: Emulator) -> str:
    return f"ws://127.0.0.1:{emulator.port}/client/hubs/chat"


def url(emulator: Emulator) -> str:
    """Return the address with a token for it."""
    claims: dict[str, Any] = {
        "aud": f"{emulator.endpoint}/client/hubs/chat",
        "exp": int(time.time()) + 60,
        "webpubsub.group": "g",
    }
    return f"{address(emulator)}?access_token={sign(claims, emulator.access_key)}"


async def enter(emulator: Emulator, subprotocol: Subprotocol = RELIABLE) -> tuple[ClientConnection, dict[str, Any]]:
    """Connect, and return the greeting as well."""
    client = await connect(url(emulator), subprotocols=[subprotocol])
    return client, json.loads(await client.recv())


async def come_back(emulator: Emulator, connection_id: str, token: str, *offers: Subprotocol) -> ClientConnection:
    query = urlencode({"awps_connection_id": connection_id, "awps_reconnection_token": token, "access_token": "old"})
    return await connect(f"{address(emulator)}?{query}", subprotocols=offers or (RELIABLE,))


async def send(emulator: Emulator, text: str) -> None:
    target = f"{emulator.endpoint}/api/hubs/chat/groups/g/:send"
    token = sign({"aud": target, "exp": int(time.time()) + 60}, emulator.access_key)
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        assert (await http.post(target, content=text, headers=headers)).status_code == 202


async def ending_of(client: ClientConnection) -> tuple[int | None, str | None]:
    with pytest.raises(ConnectionClosed):
        await client.recv()
    return client.close_code, client.close_reason


async def test_a_client_takes_its_connection_over(emulator: Emulator) -> None:
    """The old socket is dropped, and everything that was not acknowledged comes again, in order."""
    old, greeting = await enter(emulator)
    await send(emulator, "a")
    await send(emulator, "b")

    new = await come_back(emulator, greeting["connectionId"], greeting["reconnectionToken"])
    await send(emulator, "c")
    received = [json.loads(await new.recv()) for _ in range(3)]

    assert [(frame["sequenceId"], frame["data"]) for frame in received] == [(1, "a"), (2, "b"), (3, "c")]
    await old.wait_closed()
    assert old.close_code == 1006
    await new.close()


async def test_a_connection_that_was_interrupted_waits(emulator: Emulator) -> None:
    """After 1001 it can be resumed, after half a minute it cannot."""
    first, greeting = await enter(emulator)
    identity = greeting["connectionId"], greeting["reconnectionToken"]
    await first.close(1001)
    emulator.clock.advance(29)
    second = await come_back(emulator, *identity)
    await send(emulator, "still here")
    assert json.loads(await second.recv())["data"] == "still here"
    await second.close(1001)
    emulator.clock.advance(31)

    assert await ending_of(await come_back(emulator, *identity)) == (1008, "The connection could not be recovered.")


async def test_a_client_may_agree_to_a_close_with_any_code(emulator: Emulator) -> None:
    """Microsoft's Python client agrees to 1001 with 1000, which is no goodbye of its own: it comes back."""
    async with aiohttp.ClientSession() as http:
        old = await http.ws_connect(url(emulator), protocols=[RELIABLE], autoclose=False)
        greeting = await old.receive_json()
        emulator.go_away()
        assert (await old.receive()).data == 1001
        await old.close(code=1000)
    new = await come_back(emulator, greeting["connectionId"], greeting["reconnectionToken"])
    await send(emulator, "welcome back")

    assert json.loads(await new.recv())["data"] == "welcome back"
    await new.close()


async def test_a_token_is_good_for_a_week(emulator: Emulator) -> None:
    """Then a client that has been there all the time cannot come back to its connection."""
    first, greeting = await enter(emulator)
    identity = greeting["connectionId"], greeting["reconnectionToken"]
    emulator.clock.advance(TOKEN_SECONDS - 60)
    second = await come_back(emulator, *identity)
    await first.wait_closed()
    emulator.clock.advance(61)

    assert await ending_of(await come_back(emulator, *identity)) == (1008, "The connection could not be recovered.")
    await second.ping()
    await second.close()


async def test_who_cannot_prove_it_does_not_get_the_connection(emulator: Emulator) -> None:
    """A wrong token, none, an unknown connection, or one that has no reliable subprotocol: upgraded, then 1008."""
    client, greeting = await enter(emulator)
    other, plain = await enter(emulator, JSON)
    refused = (1008, "The connection could not be recovered.")

    for connection_id, token in [
        (greeting["connectionId"], "wrong"),
        (greeting["connectionId"], ""),
        ("nobody", greeting["reconnectionToken"]),
        (plain["connectionId"], ""),
    ]:
        assert await ending_of(await come_back(emulator, connection_id, token)) == refused
    await send(emulator, "undisturbed")
    assert json.loads(await client.recv())["data"] == json.loads(await other.recv())["data"] == "undisturbed"
    await client.close()
    await other.close()


async def test_saying_goodbye_ends_it_at_once(emulator: Emulator) -> None:
    """After 1000 there is nothing to come back to."""
    client, greeting = await enter(emulator)
    await client.close()

    back = await come_back(emulator, greeting["connectionId"], greeting["reconnectionToken"])
    assert (await ending_of(back))[0] == 1008


async def test_of_two_that_come_back_at_once_one_is_refused(emulator: Emulator) -> None:
    """Whoever is first gets the connection, and keeps it or hands it on; nothing breaks."""
    client, greeting = await enter(emulator)
    identity = greeting["connectionId"], greeting["reconnectionToken"]

    rivals = await asyncio.gather(*(come_back(emulator, *identity) for _ in range(5)))
    await send(emulator, "x")
    outcomes = []
    for rival in rivals:
        try:
            outcomes.append(json.loads(await rival.recv())["data"])
        except ConnectionClosed:
            outcomes.append(rival.close_code)
        await rival.close(1001)
    await client.wait_closed()

    assert outcomes.count("x") == 1
    assert set(outcomes) <= {"x", 1006, 1008}
