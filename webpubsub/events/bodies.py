"""What payloads mean, and JSON to and from the types of an application.

Models of pydantic and msgspec are recognized by what they have, so neither package is needed or imported before the
application does. Everything else is done in `shapes`.
"""

import base64
import json
import math
import re
from typing import Any, NoReturn, TypeVar, cast

from webpubsub import _checks
from webpubsub.errors import ConfigurationError, EventError

from . import shapes

__all__ = ["check", "decode", "decode_state", "encode", "encode_state", "load_json", "read"]

JSON = "application/json"
TEXT = "text/plain"
BINARY = "application/octet-stream"
PROTOBUF = "application/x-protobuf"
KNOWN_TYPES = (TEXT, JSON, BINARY, PROTOBUF)

T = TypeVar("T")

_MAYBE_SURROGATE = re.compile(rb"\\u[dD]")


def check(kind: Any) -> None:
    """Check that payloads can be read as a type.

    Raises:
        UnfitTypeError: They cannot, whatever they say.
        UnresolvedTypeError: Something in its annotations is not defined, or not yet.
    """
    if kind is not bytes and not _is_protobuf(kind):
        shapes.check(kind)


def read(body: bytes, content_type: str) -> Any:
    """Read a payload by its media type: a str, a JSON value, or bytes.

    Raises:
        EventError: The payload is not what its type says; `status` is 400.
    """
    if content_type == TEXT:
        return _text(body)
    if content_type == JSON:
        return load_json(body)
    return body


def decode(body: bytes, content_type: str, kind: type[T]) -> T:
    """Read a payload as a type.

    Text is read as JSON where anything but a str is wanted: simple WebSocket clients cannot say that they send JSON.

    Raises:
        EventError: The payload is not of that type; `status` is 400. What the client sent is not repeated.
    """
    if kind is bytes:
        return cast(T, body)
    if _is_protobuf(kind):
        return cast(T, _protobuf(body, kind))
    value = _text(body) if content_type == TEXT and kind is str else _json_of(body, content_type, kind)
    try:
        return shapes.build(value, kind)
    except shapes.UnfitTypeError:
        raise
    except Exception as error:
        raise EventError(400, f"the payload does not fit {shapes.name_of(kind)}: {shapes.explain(error)}") from error


def encode(data: object, content_type: str | None) -> tuple[bytes, str]:
    """Write a payload, and say which media type it has.

    Args:
        data: A str becomes text, bytes stay what they are, everything else becomes JSON: values of the JSON world,
            dataclasses, attrs, models of pydantic and msgspec, dates, times, UUIDs and enums.
        content_type: The type to send it as; None takes the one that fits.

    Raises:
        ConfigurationError: It holds half of a surrogate pair.
        TypeError: The data cannot be written as that type.
        ValueError: It holds NaN or an infinite number.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data), content_type or BINARY
    if isinstance(data, str) and content_type != JSON:
        return _checks.text(data, "data").encode(), content_type or TEXT
    if content_type not in (None, JSON):
        raise TypeError(f"{type(data).__name__} cannot be sent as {content_type}; give a str or bytes.")
    return _dump_json(data, "data"), JSON


def decode_state(text: str, kind: type[T]) -> T:
    """Read the state of a connection: a str as it is, everything else as base64 of JSON.

    Raises:
        ValueError: It is not of that type.
    """
    if kind is str:
        return cast(T, text)
    try:
        value = load_json(base64.b64decode(text, validate=True))
    except (ValueError, EventError):
        raise ValueError("The state of the connection is not base64 of JSON.") from None
    try:
        return shapes.build(value, kind)
    except shapes.UnfitTypeError:
        raise
    except Exception as error:
        raise ValueError(
            f"The state of the connection does not fit {shapes.name_of(kind)}: {shapes.explain(error)}."
        ) from error


def encode_state(state: object) -> str:
    """Write the state of a connection.

    Raises:
        ConfigurationError: A str has characters that a header cannot carry, or a value half of a surrogate pair.
        TypeError: A value cannot be written as JSON.
    """
    if not isinstance(state, str):
        return base64.b64encode(_dump_json(state, "state")).decode()
    if state and (_checks.printable(state, "state") != state.strip()):
        raise ConfigurationError("state must not begin or end with a space; HTTP would lose it.")
    return state


def load_json(body: bytes) -> Any:
    """Read JSON that can be written again: without NaN, numbers beyond a float, and halves of surrogate pairs.

    Raises:
        EventError: It is not JSON; `status` is 400.
    """
    try:
        value = _decoder.decode(body.decode())
        if _MAYBE_SURROGATE.search(body):
            _encoder.encode(value).encode()
    except (ValueError, RecursionError):
        raise EventError(400, "the body is not valid JSON") from None
    return value


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise EventError(400, "the body is not UTF-8 text") from None


def _json_of(body: bytes, content_type: str, kind: object) -> Any:
    if content_type not in (JSON, TEXT):
        raise EventError(400, f"the payload is {content_type}, not JSON that fits {shapes.name_of(kind)}")
    return load_json(body)


def _is_protobuf(kind: object) -> bool:
    return callable(getattr(kind, "FromString", None))


def _protobuf(body: bytes, kind: Any) -> Any:
    try:
        return kind.FromString(body)
    except Exception as error:
        raise EventError(400, f"the payload is not a {shapes.name_of(kind)}") from error


def _dump_json(value: object, name: str) -> bytes:
    return _checks.text(shapes.with_exact_numbers(_encoder.encode(value)), name).encode()


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("The number is too large.")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
_encoder = json.JSONEncoder(default=shapes.plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
