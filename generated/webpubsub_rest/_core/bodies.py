# Copied by codegen.py from templates/core/bodies.py. Do not edit: change that file and run `python codegen.py`.
"""Request bodies that know their own media type.

Each holds a whole value, so that building a request twice gives the same bytes twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

JSONValue: TypeAlias = "bool | int | float | str | Sequence[JSONValue] | Mapping[str, JSONValue] | None"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_content(value: JSONValue) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Raises:
        TypeError: The value holds something that JSON has no form for.
        ValueError: The value holds NaN, an infinity, a lone surrogate or itself.
    """
    return _encode(value).encode()


@dataclass(frozen=True, slots=True)
class JsonBody:
    """Any JSON value, `None` included."""

    value: JSONValue
    content_type: ClassVar[str] = "application/json"

    @classmethod
    def encoded(cls, content: bytes) -> "JsonBody":
        """Take JSON that is already encoded; it is sent byte for byte and not checked."""
        return _EncodedJsonBody(None, content)

    def content(self) -> bytes:
        """Return the value as compact UTF-8 JSON."""
        return json_content(self.value)


@dataclass(frozen=True, slots=True)
class _EncodedJsonBody(JsonBody):
    encoded_value: bytes

    def content(self) -> bytes:
        return self.encoded_value


@dataclass(frozen=True, slots=True)
class TextBody:
    """Plain text, sent as UTF-8."""

    value: str
    content_type: ClassVar[str] = "text/plain"

    def __post_init__(self) -> None:
        if not isinstance(self.value, str):
            raise TypeError(f"a TextBody holds a str, not {type(self.value).__name__}")

    def content(self) -> bytes:
        """Return the text as UTF-8."""
        return self.value.encode()


@dataclass(frozen=True, slots=True)
class BinaryBody:
    """Bytes, sent as they are."""

    value: bytes
    content_type: ClassVar[str] = "application/octet-stream"

    def __post_init__(self) -> None:
        if not isinstance(self.value, bytes):
            raise TypeError(f"a BinaryBody holds bytes, not {type(self.value).__name__}")

    def content(self) -> bytes:
        """Return the bytes."""
        return self.value
