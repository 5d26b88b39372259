"""Request bodies that know their own media type.

Each holds a whole value, so that building a request twice gives the same bytes twice.
"""

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeAlias, TypeVar, cast

JSONValue: TypeAlias = "bool | int | float | str | Sequence[JSONValue] | Mapping[str, JSONValue] | None"

V = TypeVar("V")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_content(value: JSONValue) -> bytes:
    """Encode a value as compact UTF-8 JSON.

    Raises:
        TypeError: The value holds something that JSON has no form for.
        ValueError: The value holds NaN, an infinity, a lone surrogate or itself.
    """
    return _encode(value).encode()


class _Body(Generic[V]):
    """A value that is compared and shown by its type and what it holds."""

    __slots__ = ("value",)

    def __init__(self, value: V) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and cast("_Body[object]", other).value == self.value

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class JsonBody(_Body[JSONValue]):
    """Any JSON value, `None` included."""

    __slots__ = ()

    content_type: ClassVar[str] = "application/json"

    @classmethod
    def encoded(cls, content: bytes) -> "JsonBody":
        """Take JSON that is already encoded; it is sent byte for byte and not checked."""
        return _EncodedJsonBody(content)

    def content(self) -> bytes:
        """Return the value as compact UTF-8 JSON."""
        return json_content(self.value)


class _EncodedJsonBody(JsonBody):
    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        super().__init__(None)
        self._content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _EncodedJsonBody) and other._content == self._content

    def __hash__(self) -> int:
        return hash(self._content)

    def __repr__(self) -> str:
        return f"JsonBody.encoded({self._content!r})"

    def content(self) -> bytes:
        return self._content


class TextBody(_Body[str]):
    """Plain text, sent as UTF-8."""

    __slots__ = ()

    content_type: ClassVar[str] = "text/plain"

    def __init__(self, value: str) -> None:
        _check_held(self, value, str)
        super().__init__(value)

    def content(self) -> bytes:
        """Return the text as UTF-8."""
        return self.value.encode()


class BinaryBody(_Body[bytes]):
    """Bytes, sent as they are."""

    __slots__ = ()

    content_type: ClassVar[str] = "application/octet-stream"

    def __init__(self, value: bytes) -> None:
        _check_held(self, value, bytes)
        super().__init__(value)

    def content(self) -> bytes:
        """Return the bytes."""
        return self.value


def _check_held(body: object, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"a {type(body).__name__} holds {kind.__name__}, not {type(value).__name__}")


def check_body(body: object, *kinds: type[JsonBody] | type[TextBody] | type[BinaryBody]) -> None:
    """Refuse a body that is none of these.

    Raises:
        TypeError: With the way to wrap the value.
    """
    if not isinstance(body, kinds):
        *others, last = (kind.__name__ for kind in kinds)
        wrapper = TextBody if isinstance(body, str) else BinaryBody if isinstance(body, bytes) else JsonBody
        hint = f"; {wrapper.__name__}(...) wraps it" if wrapper in kinds else ""
        expected = f"{', '.join(others)} or {last}" if others else last
        raise TypeError(f"body must be a {expected}, not {_shown(body)}{hint}")


def check_model(body: object, *models: type) -> None:
    """Refuse a body that is none of these models.

    Raises:
        TypeError: With the way to make a model of a dict.
    """
    if not isinstance(body, models):
        expected, shown = " or ".join(model.__name__ for model in models), _shown(body)
        hint = f"; {models[0].__name__}.from_dict(...) makes one of it" if shown == "dict" else ""
        raise TypeError(f"body must be {expected}, not {shown}{hint}")


def _shown(body: object) -> str:
    return f"the class {body.__name__}" if isinstance(body, type) else type(body).__name__
