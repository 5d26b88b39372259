"""A stream to a group: numbered pieces over a WebSocket connection, each acknowledged, and an end that says how."""

import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("json.webpubsub.azure.v1")


class StreamClosedError(Exception):
    """The service takes no more pieces of a stream."""


async def publish(url: str, group: str, stream_id: str, pieces: AsyncIterator[str]) -> None:
    """Publish pieces of text as a stream.

    Where the pieces break off, those who listen learn it by the end of the stream; where this connection breaks, the
    service ends the stream for it.

    Args:
        url: Where to connect, with a token that may send to the group.
        group: The group.
        stream_id: What tells this stream from others.
        pieces: The pieces, in order.

    Raises:
        StreamClosedError: The service refuses the stream or a piece of it.
    """
    async with connect(url, subprotocols=[PROTOCOL]) as socket:
        await _send(socket, type="sendToGroup", group=group, stream={"streamId": stream_id})
        await _acknowledged(socket, 1)
        number = 0
        try:
            async for text in pieces:
                number += 1
                piece = {"streamSequenceId": number, "dataType": "text", "data": text}
                await _send(socket, type="streamData", streamId=stream_id, **piece)
                await _acknowledged(socket, number + 1)
        except StreamClosedError:
            raise
        except Exception:
            error = {"message": "The answer broke off.", "userErrorCode": "BrokenOff"}
            await _send(socket, type="streamEnd", streamId=stream_id, error=error)
            raise
        await _send(socket, type="streamEnd", streamId=stream_id)


async def _send(socket: ClientConnection, **frame: Any) -> None:
    await socket.send(json.dumps(frame))


async def _acknowledged(socket: ClientConnection, expected: int) -> None:
    async for text in socket:
        frame = json.loads(text)
        if frame["type"] == "streamAck" and frame["expectedSequenceId"] == expected:
            return
        if frame["type"] in ("streamNack", "streamClosed"):
            raise StreamClosedError(frame)
    raise StreamClosedError("The connection has ended.")
