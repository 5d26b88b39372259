"""Requests as the service sends them, signed by hand: nothing here shares code with what it tests."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
SECOND_KEY = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210ZYXWVUTS"
ORIGIN = "example.webpubsub.azure.com"
CONNECTION_STRING = f"Endpoint=https://{ORIGIN};AccessKey={KEY};Version=1.0;"


class Request(NamedTuple):
    """What a handler gets."""

    method: str
    headers: list[tuple[bytes, bytes]]
    body: bytes


def digest(connection_id: str, key: str = KEY) -> str:
    """Compute the hexadecimal digits of a signature."""
    return hmac.new(key.encode(), connection_id.encode(), hashlib.sha256).hexdigest()


def event(kind: str, body: object = b"", changes: Mapping[str, str | bytes | None] | None = None) -> Request:
    """Make a signed request.

    Args:
        kind: The end of the event's type, such as `sys.connect` or `user.message`.
        body: bytes or str as they are, anything else as JSON.
        changes: Headers to set, or to leave out where the value is None. Names are as the service writes them.
    """
    changes = dict(changes or {})
    connection_id = str(changes.get("ce-connectionId") or "c1")
    headers: dict[str, str | bytes | None] = {
        "WebHook-Request-Origin": ORIGIN,
        "Content-Type": "application/json; charset=utf-8",
        "ce-specversion": "1.0",
        "ce-awpsversion": "1.0",
        "ce-type": f"azure.webpubsub.{kind}",
        "ce-source": f"/hubs/chat/client/{connection_id}",
        "ce-id": "0",
        "ce-time": "2026-11-24T13:00:00Z",
        "ce-hub": "chat",
        "ce-eventName": kind.split(".", 1)[-1],
        "ce-connectionId": connection_id,
        "ce-signature": f"sha256={digest(connection_id)}",
        "x-ms-client-request-id": "5f6b7c88-0000-4000-8000-000000000000",
        **changes,
    }
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return Request("POST", [pair(name, value) for name, value in headers.items() if value is not None], content)


def text(name: str, body: str, **changes: Any) -> Request:
    """Make a user event of plain text."""
    return event(f"user.{name}", body, {"Content-Type": "text/plain", **changes})


def preflight(origin: str | None = ORIGIN, method: str = "OPTIONS") -> Request:
    """Ask whether the events of a service are wanted."""
    headers = {"ce-awpsversion": "1.0"} | ({} if origin is None else {"WebHook-Request-Origin": origin})
    return Request(method, [pair(name, value) for name, value in headers.items()], b"")


def pair(name: str, value: str | bytes) -> tuple[bytes, bytes]:
    """Make a header; text goes out as UTF-8."""
    return name.encode(), value if isinstance(value, bytes) else value.encode()
