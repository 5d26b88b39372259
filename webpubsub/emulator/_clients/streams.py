"""Streams: messages that a client publishes to a group piece by piece, numbered, acknowledged, and with an end.

Pure: what is to be published goes to a function, what the publisher is to be told is returned.
"""

from collections.abc import Callable

import attrs

from .._hub.messages import (
    DataType,
    Failure,
    Message,
    Payload,
    ServerMessage,
    StartStream,
    StreamAck,
    StreamClosed,
    StreamData,
    StreamEnd,
    StreamInfo,
    StreamNack,
)

__all__ = ["MOST_STREAMS", "Streams"]

MOST_STREAMS = 1000
"""How many streams a client may publish at once."""

_NOTHING = Payload(DataType.TEXT, "")
_NOT_FOUND = Failure("StreamNotFound", "The stream does not exist.")
_IDLE = Failure("IdleTimeout", "The stream was idle for too long.")
_TOO_MANY = Failure("BadRequest", f"A client may have {MOST_STREAMS} open streams.")
_GONE = Failure("InternalServerError", "The publisher of the stream is gone.")


@attrs.define
class _Stream:
    start: StartStream
    idle_until: float
    expected: int = 1


class Streams:
    """The streams that one client publishes."""

    def __init__(
        self, user_id: str | None, may_send: Callable[[str], bool], publish: Callable[[Message], None]
    ) -> None:
        """Begin without streams.

        Args:
            user_id: Whose messages they are.
            may_send: Tells whether the client may send to a group.
            publish: Sends a message to its group.
        """
        self._user_id = user_id
        self._may_send = may_send
        self._publish = publish
        self._open: dict[str, _Stream] = {}

    @property
    def next_expiry(self) -> float | None:
        """When the next stream has been idle for too long; None without streams."""
        return min((stream.idle_until for stream in self._open.values()), default=None)

    def start(self, message: StartStream, now: float) -> ServerMessage:
        """Open a stream; one that is open already goes on."""
        if not self._may_send(message.group):
            return StreamClosed(message.stream_id, _forbidden(message.group))
        if message.stream_id not in self._open and len(self._open) >= MOST_STREAMS:
            return StreamClosed(message.stream_id, _TOO_MANY)
        stream = self._open.setdefault(message.stream_id, _Stream(message, now + message.idle_seconds))
        return StreamAck(message.stream_id, stream.expected)

    def receive(self, message: StreamData, now: float) -> ServerMessage | None:
        """Publish the next piece. One that came before is acknowledged again, one that is too early is not taken."""
        stream = self._open.get(message.stream_id)
        if stream is None:
            return StreamClosed(message.stream_id, _NOT_FOUND)
        if not self._may_send(stream.start.group):
            return self._close(message.stream_id, _forbidden(stream.start.group))
        stream.idle_until = now + stream.start.idle_seconds
        if message.payload is None:
            return None
        if message.sequence_id > stream.expected:
            reason = f"The next sequence id must be {stream.expected}."
            return StreamNack(message.stream_id, stream.expected, Failure("InvalidSequenceId", reason))
        if message.sequence_id == stream.expected:
            self._send(stream, message.payload)
        return StreamAck(message.stream_id, stream.expected)

    def end(self, message: StreamEnd) -> ServerMessage:
        """Close a stream as its publisher wants it."""
        if message.stream_id not in self._open:
            return StreamClosed(message.stream_id, _NOT_FOUND)
        self._close(message.stream_id, message.failure, message.user_error_code)
        return StreamClosed(message.stream_id)

    def expire(self, now: float) -> list[ServerMessage]:
        """Close what has been idle for too long."""
        idle = [stream_id for stream_id, stream in self._open.items() if stream.idle_until <= now]
        return [self._close(stream_id, _IDLE) for stream_id in idle]

    def abandon(self) -> None:
        """Close everything: the publisher is gone."""
        for stream_id in tuple(self._open):
            self._close(stream_id, _GONE)

    def _close(self, stream_id: str, failure: Failure | None, user_error_code: str | None = None) -> ServerMessage:
        stream = self._open.pop(stream_id)
        self._send(stream, _NOTHING, end=True, failure=failure, user_error_code=user_error_code)
        return StreamClosed(stream_id, failure)

    def _send(
        self,
        stream: _Stream,
        payload: Payload,
        *,
        end: bool = False,
        failure: Failure | None = None,
        user_error_code: str | None = None,
    ) -> None:
        start = stream.start
        info = StreamInfo(start.stream_id, stream.expected, end, failure, user_error_code)
        stream.expected += 1
        self._publish(Message(payload, start.group, self._user_id, start.metadata, stream=info))


def _forbidden(group: str) -> Failure:
    return Failure("Forbidden", f"The client does not have permission to send to group '{group}'.")
