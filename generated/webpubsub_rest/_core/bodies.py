# Copied by codegen.py from templates/core/bodies.py. Do not edit: change that file and run `python codegen.py`.
"""Request bodies that know their own media type.

Each holds a whole value, so that building a request twice gives the same bytes twice.
"""

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

from attrs import field, frozen
from attrs.validators import instance_of

JSONValue: TypeAlias = "bool | int | float | str | Sequence[JSONValue] | Mapping[str, JSONValue] | None"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_content(value: JSONValue) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Raises:
        TypeError: The value holds something that JSON has no form for.
        ValueError: The value holds NaN, an infinity, a lone surrogate or itself.
    """
    return _encode(value).encode()


@frozen
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


@frozen
class _EncodedJsonBody(JsonBody):
    encoded_value: bytes

    def content(self) -> bytes:
        return self.encoded_value


@frozen
class TextBody:
    """Plain text, sent as UTF-8."""

    value: str = field(validator=instance_of(str))
    content_type: ClassVar[str] = "text/plain"

    def content(self) -> bytes:
        """Return the text as UTF-8."""
        return self.value.encode()


@frozen
class BinaryBody:
    """Bytes, sent as they are."""

    value: bytes = field(validator=instance_of(bytes))
    content_type: ClassVar[str] = "application/octet-stream"

    def content(self) -> bytes:
        """Return the bytes."""
        return self.value
