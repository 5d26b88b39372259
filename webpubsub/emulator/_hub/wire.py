"""What the WebSocket frame of a server looks like (RFC 6455 section 5): one serves many clients."""

from enum import IntEnum

__all__ = ["Opcode", "write_frame"]


class Opcode(IntEnum):
    """What a frame is (RFC 6455 section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


def write_frame(opcode: Opcode, payload: bytes) -> bytes:
    """Write an unmasked frame, as servers do."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, length)) + payload
    if length < 1 << 16:
        return bytes((0x80 | opcode, 126)) + length.to_bytes(2) + payload
    return bytes((0x80 | opcode, 127)) + length.to_bytes(8) + payload
