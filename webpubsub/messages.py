"""From what a caller sends to the body of the request: one table, and what its entries do.

A message is never changed on the way: whatever cannot be sent as asked is refused before anything is sent.
Streams are read here, once and whole, so that a retry sends the same bytes again.
"""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from enum import Enum
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, Union, cast

from webpubsub_rest import BinaryBody, JsonBody, TextBody

from ._checks import string
from .errors import ConfigurationError

if TYPE_CHECKING:
    from decimal import Decimal
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


class Dataclass(Protocol):
    """Any instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class AttrsClass(Protocol):
    """Any instance of an attrs class."""

    __attrs_attrs__: ClassVar[Any]


class PydanticModel(Protocol):
    """Anything that can turn itself into JSON values as a pydantic model does."""

    def model_dump(self, *, mode: str) -> object:
        """Return the JSON values of the model."""
        ...


JSONObject: TypeAlias = Mapping[str, object] | Dataclass | AttrsClass | PydanticModel
JSONMessage: TypeAlias = Union[
    str, int, float, bool, "Decimal", date, time, timedelta, "UUID", Enum, Sequence[object], JSONObject, None
]
"""What goes out as JSON. The inside of lists and mappings is checked when it is encoded, so that a TypedDict fits."""

Message: TypeAlias = JSONMessage | bytes | bytearray | memoryview | BinaryStream | TextStream
Body: TypeAlias = JsonBody | TextBody | BinaryBody

JSON: Literal["application/json"] = "application/json"
TEXT: Literal["text/plain"] = "text/plain"
BINARY: Literal["application/octet-stream"] = "application/octet-stream"

ContentType: TypeAlias = Literal["application/json", "text/plain", "application/octet-stream"]


JSONDefault: TypeAlias = Callable[[Any], object]

_Kind: TypeAlias = Literal["value", "str", "bytes", "text stream", "binary stream"]

_LARGEST_BYTES = 1024 * 1024
_NUMBER = f"number-{os.urandom(16).hex()}:"
_NUMBERS = f'"{_NUMBER}([^"]+)"'


def encode(message: Message, content_type: str | None = None, json_default: JSONDefault | None = None) -> Body:
    """Make the body of a send.

    Args:
        message: What to send.
        content_type: How to send it; None chooses by the message: bytes and binary streams are sent as
            `application/octet-stream`, text streams as `text/plain`, everything else as `application/json`.
        json_default: Turns a value that is not known here into one that is; used inside of JSON only.

    Raises:
        ConfigurationError: The content type is unknown, or the message has no valid form in it or is too large.
        TypeError: The message is of a type that the content type does not take.
    """
    media_type = None if content_type is None else _media_type(content_type)
    kind = _KINDS.get(type(message)) or _kind(message)
    content: Any = message
    if kind == "binary stream":
        content = cast("BinaryStream", message).read()
        if isinstance(content, CoroutineType):
            content.close()
            raise TypeError("message.read() is asynchronous: await it, and send what it returns.")
        if isinstance(content, str):
            kind = "text stream"
        elif not isinstance(content, (bytes, bytearray, memoryview)):
            raise TypeError(f"message.read() must return bytes or str, not {type(content).__name__}.")
    encoder = _ENCODERS[media_type].get(kind)
    if encoder is None:
        raise TypeError(
            f"message is of type {type(message).__name__} and cannot be sent as {media_type}: encode it to "
            f"{'str or bytes' if media_type == TEXT else 'bytes'} first, or leave content_type out to send JSON."
        )
    return _json(content, json_default) if encoder is _json else encoder(content)


def _json(value: object, json_default: JSONDefault | None = None) -> JsonBody:
    try:
        encoder = _ENCODER if json_default is None else _json_encoder(partial(_json_form, json_default=json_default))
        text = encoder.encode(value)
        return JsonBody.encoded(_sized((re.sub(_NUMBERS, r"\1", text) if _NUMBER in text else text).encode()))
    except UnicodeEncodeError:
        raise ConfigurationError("message holds half of a surrogate pair, which UTF-8 cannot express.") from None
    except RecursionError:
        raise ConfigurationError("message is nested too deeply for JSON.") from None
    except TypeError as error:
        if str(error).startswith("keys must be"):
            raise TypeError(f"message cannot be sent as JSON: {error}; convert the keys to str first.") from None
        raise
    except ValueError as error:
        problem = next((told for start, told in _PROBLEMS.items() if str(error).startswith(start)), None)
        if problem is None:
            raise
        raise ConfigurationError(f"message {problem}, which JSON cannot express; replace that value.") from None


def _json_form(value: object, json_default: JSONDefault | None = None) -> object:
    from decimal import Decimal
    from uuid import UUID  # these two cost a sixth of the import of this package, and few messages hold one

    match value:
        case Enum():
            return value.value
        case date() | time():
            return value.isoformat()
        case timedelta():
            return _iso_duration(value)
        case UUID():
            return str(value)
        case Decimal():
            if not value.is_finite():
                raise ConfigurationError("message holds NaN or an infinity, which JSON cannot express.")
            return f"{_NUMBER}{value}"
        case Mapping():
            return dict(value)
        case Sequence() if not isinstance(value, (bytes, bytearray, memoryview)):
            return list(value)
        case _ if not isinstance(value, type) and callable(getattr(value, "model_dump", None)):
            return cast("PydanticModel", value).model_dump(mode="json")
        case _ if not isinstance(value, type) and (names := _fields(value)) is not None:
            return {name: getattr(value, name) for name in names}
        case _ if json_default is not None:
            return json_default(value)
        case _:
            raise TypeError(
                f"message holds a value of type {type(value).__name__}, which JSON cannot express; convert it to a "
                f"dict, a list, a str or a number first, give the client a json_default=, or send bytes."
            )


def _fields(value: object) -> list[str] | None:
    if hasattr(value, "__dataclass_fields__"):
        import dataclasses

        return [field.name for field in dataclasses.fields(cast("Dataclass", value))]
    attributes = getattr(value, "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]


def _iso_duration(value: timedelta) -> str:
    sign, value = ("-", -value) if value.days < 0 else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"{sign}P{value.days}DT{hours:02}H{minutes:02}M{seconds:02}{fraction}S"


def _encoded_json(value: str | bytes | bytearray | memoryview) -> JsonBody:
    content = _sized(_utf8(value) if isinstance(value, str) else _bytes(value))
    try:
        json.loads(content, parse_constant=_refuse_constant, parse_int=str, parse_float=str)
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
        _sized(_utf8(value))
        return TextBody(value)
    try:
        return TextBody(_sized(_bytes(value)).decode())
    except UnicodeDecodeError:
        raise ConfigurationError("message is not UTF-8, so it cannot be sent as text/plain.") from None


def _binary(value: str | bytes | bytearray | memoryview) -> BinaryBody:
    return BinaryBody(_sized(_utf8(value) if isinstance(value, str) else _bytes(value)))


def _sized(content: bytes) -> bytes:
    if len(content) > _LARGEST_BYTES:
        raise ConfigurationError(f"message has {len(content)} bytes; the service takes up to {_LARGEST_BYTES} (1 MiB).")
    return content


def _bytes(value: bytes | bytearray | memoryview) -> bytes:
    return value if type(value) is bytes else bytes(value)


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ConfigurationError("message holds half of a surrogate pair, which UTF-8 cannot express.") from None


def _json_encoder(default: JSONDefault) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=default)


_ENCODER = _json_encoder(_json_form)
_PROBLEMS = {
    "Circular": "contains itself",
    "Out of range": "holds NaN or an infinity",
    "Exceeds": "holds an endless number",
}

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
