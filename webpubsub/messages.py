"""From what a caller sends to the body of the request: one table, and what its entries do.

A message is never changed on the way: whatever cannot be sent as asked is refused before anything is sent.
Streams are read here, once and whole, so that a retry sends the same bytes again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast

from webpubsub_rest import BinaryBody, JsonBody, TextBody

from ._checks import string
from .errors import ConfigurationError

if TYPE_CHECKING:
    from uuid import UUID

__all__ = ["ContentType", "Message", "encode"]


class TextStream(Protocol):
    """Anything whose `read` returns a str, such as `io.StringIO` or a file opened as text."""

    def read(self) -> str:
        """Return the rest of the stream."""
        ...


class BinaryStream(Protocol):
    """Anything whose `read` returns bytes, such as `io.BytesIO` or a file opened as binary."""

    def read(self) -> bytes:
        """Return the rest of the stream."""
        ...


JSONMessage: TypeAlias = (
    "str | int | float | bool | date | time | UUID | Enum | Sequence[object] | Mapping[str, object] | None"
)
"""What goes out as JSON. The inside of lists and mappings is checked when it is encoded, so that a TypedDict fits."""

Message: TypeAlias = "JSONMessage | bytes | bytearray | memoryview | BinaryStream | TextStream"
Body: TypeAlias = JsonBody | TextBody | BinaryBody

JSON: Literal["application/json"] = "application/json"
TEXT: Literal["text/plain"] = "text/plain"
BINARY: Literal["application/octet-stream"] = "application/octet-stream"

ContentType: TypeAlias = Literal["application/json", "text/plain", "application/octet-stream"]


_Kind: TypeAlias = Literal["value", "str", "bytes", "text stream", "binary stream"]


def encode(message: Message, content_type: str | None = None) -> Body:
    """Make the body of a send.

    Args:
        message: What to send.
        content_type: How to send it; None chooses by the message: bytes and binary streams are sent as
            `application/octet-stream`, text streams as `text/plain`, everything else as `application/json`.

    Raises:
        ConfigurationError: The content type is unknown, or the message has no valid form in it.
        TypeError: The message is of a type that the content type does not take.
    """
    media_type = None if content_type is None else _media_type(content_type)
    kind = _KINDS.get(type(message)) or _kind(message)
    content: Any = message
    if kind == "binary stream":
        content = cast("BinaryStream", message).read()
        if isinstance(content, str):
            kind = "text stream"
        elif not isinstance(content, (bytes, bytearray, memoryview)):
            raise TypeError(f"message.read() must return bytes or str, not {type(content).__name__}.")
    encoder = _ENCODERS[media_type].get(kind)
    if encoder is None:
        raise TypeError(
            f"A {type(message).__name__} cannot be sent as {media_type}: encode it to "
            f"{'str or bytes' if media_type == TEXT else 'bytes'} first, or leave content_type out to send JSON."
        )
    return encoder(content)


def _json(value: object) -> JsonBody:
    try:
        return JsonBody.encoded(_encode_json(value).encode())
    except UnicodeEncodeError:
        raise ConfigurationError("message holds half of a surrogate pair, which UTF-8 cannot express.") from None
    except RecursionError:
        raise ConfigurationError("message is nested too deeply for JSON.") from None
    except TypeError as error:
        if str(error).startswith("keys must be"):
            raise TypeError(f"message cannot be sent as JSON: {error}; convert the keys to str first.") from None
        raise
    except ValueError as error:
        problem = "contains itself" if "Circular" in str(error) else "holds NaN or an infinity"
        raise ConfigurationError(f"message {problem}, which JSON cannot express; replace that value.") from None


def _json_form(value: object) -> object:
    from uuid import UUID  # costs a sixth of the import of this package, and few messages hold one

    match value:
        case Enum():
            return value.value
        case date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            raise TypeError(
                f"message holds a {type(value).__name__}, which JSON cannot express; convert it to a dict, a list, "
                f"a str or a number first, or send bytes."
            )


def _encoded_json(value: str | bytes | bytearray | memoryview) -> JsonBody:
    content = _utf8(value) if isinstance(value, str) else _bytes(value)
    try:
        json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ConfigurationError(
            "message is not valid JSON: bytes and streams sent as application/json must hold JSON that is "
            "already encoded. Leave content_type out to send them as they are."
        ) from None
    return JsonBody.encoded(content)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _text(value: str | bytes | bytearray | memoryview) -> TextBody:
    if isinstance(value, str):
        _utf8(value)
        return TextBody(value)
    try:
        return TextBody(_bytes(value).decode())
    except UnicodeDecodeError:
        raise ConfigurationError("message is not UTF-8, so it cannot be sent as text/plain.") from None


def _binary(value: str | bytes | bytearray | memoryview) -> BinaryBody:
    return BinaryBody(_utf8(value) if isinstance(value, str) else _bytes(value))


def _bytes(value: bytes | bytearray | memoryview) -> bytes:
    return value if type(value) is bytes else bytes(value)


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError("message holds half of a surrogate pair, which UTF-8 cannot express.") from None


_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_json_form).encode

_KINDS: dict[type, _Kind] = {
    dict: "value",
    list: "value",
    str: "str",
    bytes: "bytes",
}

_ENCODERS: dict[str | None, dict[_Kind, Callable[[Any], Body]]] = {
    None: {
        "value": _json,
        "str": _json,
        "bytes": _binary,
        "text stream": _text,
        "binary stream": _binary,
    },
    JSON: {
        "value": _json,
        "str": _json,
        "bytes": _encoded_json,
        "text stream": _encoded_json,
        "binary stream": _encoded_json,
    },
    TEXT: {
        "str": _text,
        "bytes": _text,
        "text stream": _text,
        "binary stream": _text,
    },
    BINARY: {
        "str": _binary,
        "bytes": _binary,
        "text stream": _binary,
        "binary stream": _binary,
    },
}


def _kind(message: object) -> _Kind:
    match message:
        case Enum():
            return "value"
        case str():
            return "str"
        case bytes() | bytearray() | memoryview():
            return "bytes"
        case _ if callable(getattr(message, "read", None)):
            return "binary stream"
        case _:
            return "value"


def _media_type(content_type: str) -> str:
    media_type, *parameters = (part.strip().lower() for part in string(content_type, "content_type").split(";"))
    if media_type not in _ENCODERS:
        allowed = ", ".join(name for name in _ENCODERS if name)
        raise ConfigurationError(f"content_type must be one of {allowed}; it was {content_type[:60]!r}.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8"):
            raise ConfigurationError(f"content_type must not name another charset than utf-8; it was {parameter!r}.")
    return media_type
