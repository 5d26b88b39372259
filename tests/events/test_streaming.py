"""The streamed answers of the example: in order, whole, and several at once."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from examples.streaming import model
from examples.streaming.app import create_app
from examples.streaming.stream import StreamClosedError, publish
from tests.support.web_servers import listener, uvicorn_server
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.emulator import Emulator

SECONDS_TO_WAIT = 20
JSON = Subprotocol("json.webpubsub.azure.v1")


@pytest.fixture
def application() -> Iterator[str]:
    """Run the example, and the emulator that calls it."""
    with listener() as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        emulator = Emulator(event_handlers={"assistant": f"{url}/eventhandler"})
        with emulator, uvicorn_server(create_app(emulator.connection_string), sock):
            yield url
            emulator.stop()  # before the application: its last events would come to a server that is about to end


def client(application: str) -> ClientConnection:
    """Connect a client."""
    url = httpx.get(f"{application}/negotiate", timeout=SECONDS_TO_WAIT, trust_env=False).json()["url"]
    return connect(url, subprotocols=[JSON])


def ask(asking: ClientConnection, question: str) -> None:
    """Send a question."""
    frame = {"type": "event", "event": "ask", "dataType": "json", "data": {"question": question}}
    asking.send(json.dumps(frame))


def read(reading: ClientConnection, ends: int) -> tuple[list[str], dict[str, list[dict[str, Any]]]]:
    """Read until so many answers have ended; return the ids that were replied, and the pieces of each answer."""
    replied: list[str] = []
    pieces: dict[str, list[dict[str, Any]]] = {}
    while sum("endOfStream" in parts[-1]["stream"] for parts in pieces.values()) < ends:
        frame = json.loads(reading.recv(timeout=SECONDS_TO_WAIT))
        if frame["type"] == "message" and frame["from"] == "server":
            replied.append(frame["data"]["answer"])
        elif frame["type"] == "message":
            pieces.setdefault(frame["stream"]["streamId"], []).append(frame)
    return replied, pieces


def test_answers_come_whole_and_in_order_to_everybody(application: str) -> None:
    """Two questions at once, both heard by who asked and by who only listens."""
    with client(application) as asking, client(application) as listening:
        ask(asking, "one two three")
        ask(asking, "four five six")
        replied, heard = read(asking, 2)
        _, overheard = read(listening, 2)

    assert set(replied) == heard.keys() == overheard.keys()
    assert heard == overheard
    for parts in heard.values():
        assert [part["stream"]["streamSequenceId"] for part in parts] == list(range(1, len(parts) + 1))
        assert "error" not in parts[-1]["stream"]
        assert {part["fromUserId"] for part in parts} == {"model"}
    texts = {"".join(part["data"] for part in parts) for parts in heard.values()}
    assert texts == {"You asked: one two three ", "You asked: four five six "}


def test_an_answer_that_breaks_off_has_an_end(application: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who read must not wait for ever."""

    async def broken(question: str) -> AsyncIterator[str]:
        yield "You "
        raise RuntimeError("no more words")

    monkeypatch.setattr(model, "answer", broken)
    with client(application) as asking:
        ask(asking, "one")
        (parts,) = read(asking, 1)[1].values()

    assert [part["data"] for part in parts] == ["You ", ""]
    assert parts[-1]["stream"]["error"] == {
        "name": "UserError",
        "message": "The answer broke off.",
        "userErrorCode": "BrokenOff",
    }


async def test_a_stream_that_the_service_does_not_take_is_an_error() -> None:
    """Whoever may not send to the group learns it at the start."""

    async def nothing() -> AsyncIterator[str]:
        yield pytest.fail("it must not be asked for")

    with Emulator() as emulator:
        async with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
            url = (await service.get_client_access_token()).url
            with pytest.raises(StreamClosedError, match="Forbidden"):
                await publish(url, "answers", "1", nothing())
