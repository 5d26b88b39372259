"""Records for people: a line of the time line for each, and everything about one of them. Secrets are hidden."""

from collections.abc import Mapping
from typing import Any

import attrs

from .._journal import (
    ConnectionRecord,
    EventRecord,
    FaultRecord,
    FrameRecord,
    MembershipRecord,
    MessageRecord,
    Record,
    RequestRecord,
)
from .redaction import Redaction

__all__ = ["Teller"]

_PREVIEW = 160
_LOOKED_AT = 4096
_LONGEST_TEXT = 256 * 1024
_LONGEST_BINARY = 4096
_MOST_RECEIVERS = 100


@attrs.frozen
class _Line:
    """What a line says, besides time and hub."""

    kind: str
    title: str
    text: str = ""
    result: str = ""
    level: str = ""
    connection: str = ""
    user: str | None = None


class Teller:
    """Tells what happened.

    Args:
        redaction: Hides what people do not get to see.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction

    def line(self, number: int, record: Record) -> Mapping[str, Any]:
        """Say in a line what happened."""
        said = self._line(record)
        return {"number": number, "time": record.time, "hub": record.hub or "", **_fields(said)}

    def details(self, number: int, record: Record) -> Mapping[str, Any]:
        """Say everything about it: facts by name, and parts with headers and a body."""
        facts, parts = self._details(record)
        told = [(name, str(value)) for name, value in facts.items() if value not in (None, "")]
        return {**self.line(number, record), "facts": told, "parts": parts}

    def _line(self, record: Record) -> _Line:
        match record:
            case RequestRecord():
                target = self._redaction.url(record.target)
                title = f"{record.method} {target.partition('?')[0].partition('/hubs/')[2].partition('/')[2] or target}"
                result = f"{record.status or 'cut'}"
                return _Line("request", title, self._preview(record.body), result, _level(record.status))
            case MessageRecord():
                title = "to clients" if record.group is None else f"to group {record.group}"
                text = self._preview(record.payload.data)
                return _Line("message", title, text, _count(len(record.to), "client"), user=record.from_user_id)
            case EventRecord(status=status):
                result = "unheard" if not record.url else f"{status or 'no response'}"
                level = "warn" if not record.url else _level(status or 0)
                text = self._preview(record.body)
                return _Line("event", record.event, text, result, level, record.connection_id, record.user_id)
            case ConnectionRecord(what=what):
                level = {"refused": "bad", "detached": "warn"}.get(what, "")
                text = self._redaction.text(record.reason)[:_PREVIEW]
                return _Line("connection", what, text, "", level, record.connection_id, record.user_id)
            case MembershipRecord():
                title = f"{record.what} {record.group}"
                return _Line("group", title, connection=record.connection_id, user=record.user_id)
            case FrameRecord():
                title = "from client" if record.direction == "in" else "to client"
                size = len(record.frame.encode()) if isinstance(record.frame, str) else len(record.frame)
                text = self._preview(record.frame)
                return _Line("frame", title, text, _count(size, "byte"), connection=record.connection_id)
            case FaultRecord():
                return _Line("fault", record.what, level="warn")

    def _details(self, record: Record) -> tuple[Mapping[str, object], list[Mapping[str, Any]]]:
        match record:
            case RequestRecord():
                facts: Mapping[str, object] = {
                    "method": record.method,
                    "target": self._redaction.url(record.target),
                    "operation": record.operation,
                    "status": record.status or "cut before a response",
                    "took": _milliseconds(record.seconds),
                }
                return facts, self._exchange(record)
            case MessageRecord():
                others = len(record.to) - _MOST_RECEIVERS
                facts = {
                    "group": record.group,
                    "from": record.from_user_id or "the server, or an anonymous client",
                    "data type": record.data_type,
                    "receivers": len(record.to),
                    "to": ", ".join(record.to[:_MOST_RECEIVERS]) + (f" and {others} others" if others > 0 else ""),
                    **{f"metadata {name}": value for name, value in (record.metadata or {}).items()},
                }
                return facts, [self._part("message", {}, record.payload.data)]
            case EventRecord():
                facts = {
                    "event": record.event,
                    "connection": record.connection_id,
                    "user": record.user_id,
                    "sent to": self._redaction.url(record.url) or "nobody hears of it",
                    "status": record.status,
                    "tries": record.attempts,
                    "took": _milliseconds(record.seconds),
                }
                return facts, self._exchange(record)
            case ConnectionRecord():
                facts = {
                    "connection": record.connection_id,
                    "user": record.user_id,
                    "subprotocol": record.protocol,
                    "became": record.what,
                    "reason": self._redaction.text(record.reason),
                }
                return facts, []
            case MembershipRecord():
                return {
                    "connection": record.connection_id,
                    "user": record.user_id,
                    "group": record.group,
                    "what": record.what,
                }, []
            case FrameRecord():
                facts = {
                    "connection": record.connection_id,
                    "direction": "from the client" if record.direction == "in" else "to the client",
                    "kind": "text" if isinstance(record.frame, str) else "binary",
                }
                return facts, [self._part("frame", {}, record.frame)]
            case FaultRecord():
                return {"fault": record.what}, []

    def _exchange(self, record: RequestRecord | EventRecord) -> list[Mapping[str, Any]]:
        return [
            self._part("request", record.headers, record.body),
            self._part("response", record.response_headers, record.response_body),
        ]

    def _part(self, title: str, headers: Mapping[str, str], content: str | bytes) -> Mapping[str, Any]:
        text = _text_of(content)
        if text is None:
            assert isinstance(content, bytes)
            body, limit = _dump(self._redaction.data(content[:_LONGEST_BINARY])), _LONGEST_BINARY
        else:
            body, limit = self._redaction.text(text[: 2 * _LONGEST_TEXT])[:_LONGEST_TEXT], _LONGEST_TEXT
        return {
            "title": title,
            "headers": self._redaction.headers(headers),
            "body": body,
            "size": len(content.encode()) if isinstance(content, str) else len(content),
            "binary": text is None,
            "cut": len(content) > limit,
        }

    def _preview(self, content: str | bytes) -> str:
        start = content[:_LOOKED_AT]
        text = _text_of(start)
        if text is None:
            assert isinstance(start, bytes)
            return self._redaction.data(start)[:_PREVIEW].decode("ascii", "backslashreplace")[:_PREVIEW]
        return self._redaction.text(text)[:_PREVIEW]


def _fields(line: _Line) -> Mapping[str, Any]:
    return attrs.asdict(line)


def _text_of(content: str | bytes) -> str | None:
    """Return content that is text as such; None for other bytes."""
    if isinstance(content, str):
        return content
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if any(character < " " and character not in "\t\r\n" for character in text) else text


def _dump(data: bytes) -> str:
    """Write bytes as people read them: where, in hexadecimal, and as text."""
    lines = []
    for start in range(0, len(data), 16):
        row = data[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:06x}  {row.hex(' '):<47}  {text}")
    return "\n".join(lines)


def _level(status: int) -> str:
    return {2: "good", 4: "warn"}.get(status // 100, "bad" if status // 100 in (0, 5) else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
