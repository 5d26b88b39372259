"""The WebSocket protocol (RFC 6455) of a server, without sockets: bytes in, messages and control frames out.

Written for one server: no extensions, clients must mask. A server that sends one message to many clients writes its
frame once, which a library that owns the socket cannot.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import TypeAlias

import attrs

from .._hub.messages import CloseCode, Frame
from .._hub.wire import Opcode, write_frame

__all__ = [
    "Closed",
    "Control",
    "FrameReader",
    "Incoming",
    "Opcode",
    "WebSocketError",
    "accept_key",
    "close_frame",
]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LONGEST_CONTROL = 125
_KNOWN_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


class WebSocketError(Exception):
    """The client breaks the protocol; its connection is closed with `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@attrs.frozen
class Control:
    """A ping or a pong."""

    opcode: Opcode
    payload: bytes


@attrs.frozen
class Closed:
    """The client's close frame; `CloseCode.NO_CODE` if it has none."""

    code: int


Incoming: TypeAlias = Frame | Control | Closed


def accept_key(key: str) -> str | None:
    """Return what a handshake is accepted with; None if the client's key is none."""
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            return None
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def close_frame(code: int, reason: str = "") -> bytes:
    """Write a close frame; a reason that is too long is cut."""
    text = reason.encode()[: _LONGEST_CONTROL - 2].decode(errors="ignore").encode()
    return write_frame(Opcode.CLOSE, code.to_bytes(2) + text)


@attrs.frozen
class _Header:
    final: bool
    opcode: Opcode
    length: int
    mask: bytes


class FrameReader:
    """Puts the messages of one client together."""

    def __init__(self, largest: int) -> None:
        """Begin after the handshake.

        Args:
            largest: How many bytes a message may have.
        """
        self._largest = largest
        self._buffer = bytearray()
        self._header: _Header | None = None
        self._fragments = bytearray()
        self._kind: Opcode | None = None

    def feed(self, data: bytes) -> Iterator[Incoming]:
        """Take bytes in and give out what is complete.

        Raises:
            WebSocketError: The client breaks the protocol; nothing more can be read.
        """
        self._buffer += data
        while (header := self._header or self._read_header()) is not None:
            self._header = header
            if len(self._buffer) < header.length:
                return
            payload = _unmasked(bytes(self._buffer[: header.length]), header.mask)
            del self._buffer[: header.length]
            self._header = None
            incoming = self._control(header, payload) if header.opcode >= Opcode.CLOSE else self._data(header, payload)
            if incoming is not None:
                yield incoming

    def _read_header(self) -> _Header | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & 0x70:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "A reserved bit is set.")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "The opcode is not known.") from None
        if not second & 0x80:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "The frame of a client must be masked.")
        length, size = second & 0x7F, 6
        if length > _LONGEST_CONTROL:
            size += 2 if length == 126 else 8
            if len(buffer) < size - 4:
                return None
            length = int.from_bytes(buffer[2 : size - 4])
        final = bool(first & 0x80)
        self._check(final, opcode, length)
        if len(buffer) < size:
            return None
        header = _Header(final, opcode, length, bytes(buffer[size - 4 : size]))
        del buffer[:size]
        return header

    def _check(self, final: bool, opcode: Opcode, length: int) -> None:
        if opcode >= Opcode.CLOSE:
            if length > _LONGEST_CONTROL or not final:
                raise WebSocketError(CloseCode.PROTOCOL_ERROR, "A control frame must be short and whole.")
        elif (opcode is Opcode.CONTINUATION) != (self._kind is not None):
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "The frame does not continue what came before it.")
        elif len(self._fragments) + length > self._largest:
            raise WebSocketError(CloseCode.TOO_LARGE, f"A message must not have more than {self._largest} bytes.")

    def _control(self, header: _Header, payload: bytes) -> Incoming:
        if header.opcode is not Opcode.CLOSE:
            return Control(header.opcode, payload)
        if not payload:
            return Closed(CloseCode.NO_CODE)
        code = int.from_bytes(payload[:2])
        if len(payload) < 2 or not (code in _KNOWN_CODES or 3000 <= code < 5000):
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "The close code is not valid.")
        _text(payload[2:])
        return Closed(code)

    def _data(self, header: _Header, payload: bytes) -> Frame | None:
        kind = self._kind or header.opcode
        if not header.final:
            self._kind = kind
            self._fragments += payload
            return None
        if self._kind is not None:
            payload = bytes(self._fragments + payload)
            self._fragments.clear()
            self._kind = None
        return _text(payload) if kind is Opcode.TEXT else payload


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise WebSocketError(CloseCode.INVALID_PAYLOAD, "The text is not valid UTF-8.") from None


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    length = len(payload)
    stream = mask * (length // 4) + mask[: length % 4]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(stream, "little")).to_bytes(length, "little")
