"""Values of the JSON world to the types of an application, by their annotations, and back.

What fits is what JSON can say without guessing: no str becomes a number, no number a bool. Members of an object that
a class does not know are left out, as later versions of a client may send more.
"""

import dataclasses
import enum
import json
import os
import re
import sys
import types
import typing
from collections import abc
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import attrs

__all__ = [
    "UnfitError",
    "UnfitTypeError",
    "UnresolvedTypeError",
    "build",
    "check",
    "explain",
    "name_of",
    "plain",
    "with_exact_numbers",
]

T = TypeVar("T")

_NULL = type(None)
_FROM_TEXT: dict[object, Any] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
}
_SEQUENCES: dict[object, Any] = {
    list: list,
    abc.Sequence: list,
    abc.Iterable: list,
    abc.Collection: list,
    abc.MutableSequence: list,
    set: set,
    abc.Set: set,
    abc.MutableSet: set,
    frozenset: frozenset,
}
_ANNOTATIONS = (typing.Annotated, typing.Required, typing.NotRequired)
_UNIONS = (typing.Union, types.UnionType)
_MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)
_LONGEST_EXPLANATION = 200
_NUMBER = f"number-{os.urandom(16).hex()}:"
"""Marks decimals on their way through `json`, which would round them; random, so that no text can hold it."""


class UnfitError(ValueError):
    """A value does not fit a type; the text says where and why, and never what the value is."""


class UnfitTypeError(TypeError):
    """A type is not one that JSON can be made to fit: a mistake of the application, not of its client."""


class UnresolvedTypeError(UnfitTypeError, NameError):
    """The annotations of a type name something that is not defined, or not yet."""


class _Field(NamedTuple):
    name: str
    key: str
    kind: Any
    required: bool


def build(value: Any, kind: type[T]) -> T:
    """Make a value of a type.

    Args:
        value: A value as `json` gives it.
        kind: The type.

    Raises:
        UnfitError: It does not fit.
        UnfitTypeError: Nothing that JSON says can be made of that type.
    """
    return typing.cast(T, _build(value, kind, "$"))


def check(kind: Any) -> None:
    """Check that JSON can be made to fit a type, and all types that it consists of.

    Raises:
        UnfitTypeError: It cannot, whatever it says.
        UnresolvedTypeError: Something in the annotations is not defined, or not yet.
    """
    _check(kind, set())


def plain(value: Any) -> Any:
    """Give what `json` can write for a value that it cannot: the `default` of `json.dumps`."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("JSON has neither NaN nor infinite numbers.")
        return f"{_NUMBER}{value}"
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    kind = type(value)
    if _is_pydantic(kind):
        return value.model_dump(mode="json")
    if _is_msgspec(kind):
        return sys.modules["msgspec"].to_builtins(value)
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
    if attrs.has(kind):
        return {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
    raise TypeError(f"{kind.__name__} cannot be written as JSON.")


def with_exact_numbers(text: str) -> str:
    """Make numbers of what `plain` gave for decimals, in JSON that is written."""
    return re.sub(f'"{_NUMBER}([^"]+)"', r"\1", text) if _NUMBER in text else text


def name_of(kind: object) -> str:
    """Name a type in a message."""
    return getattr(kind, "__name__", None) or str(kind)


def explain(error: Exception) -> str:
    """Say on one line why a value was refused, without repeating the value where that is known to be possible."""
    if isinstance(error, UnfitError):
        return _shortened(str(error))
    details: Any = getattr(error, "errors", None)
    if details is not None and hasattr(error, "error_count"):
        first = details(include_input=False, include_url=False, include_context=False)[0]
        return _shortened(f"{'.'.join(str(part) for part in first['loc']) or '$'}: {first['msg']}")
    if type(error).__module__.partition(".")[0] == "msgspec":
        return _shortened(str(error))
    return type(error).__name__


def _duration(value: timedelta) -> str:
    """Write a span of time as ISO 8601 does, and as messages of the client have it."""
    sign, value = ("-", -value) if value.days < 0 else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"{sign}P{value.days}DT{hours:02}H{minutes:02}M{seconds:02}{fraction}S"


def _shortened(text: str) -> str:
    line = " ".join(text.split()).encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= _LONGEST_EXPLANATION else line[: _LONGEST_EXPLANATION - 3] + "..."


def _is_pydantic(kind: object) -> bool:
    return callable(getattr(kind, "model_validate_json", None))


def _is_msgspec(kind: object) -> bool:
    return hasattr(kind, "__struct_fields__") and "msgspec" in sys.modules


def _check(kind: Any, seen: set[Any]) -> None:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal or kind in (Any, object, None, _NULL) or isinstance(kind, TypeVar):
        return
    if origin in _ANNOTATIONS:
        _check(arguments[0], seen)
    elif origin in _UNIONS or origin is tuple or origin in _SEQUENCES or origin in _MAPPINGS:
        for argument in arguments:
            if argument is not Ellipsis:
                _check(argument, seen)
    elif origin is not None:
        _check(origin, seen)
    elif isinstance(kind, typing.NewType):
        _check(kind.__supertype__, seen)
    elif not isinstance(kind, type):
        raise UnfitTypeError(f"JSON cannot be read as {name_of(kind)}.")
    elif kind not in seen and not _is_leaf(kind):
        seen.add(kind)
        for field in _fields(kind):
            _check(field.kind, seen)


def _is_leaf(kind: type) -> bool:
    return (
        kind in (bool, str, int, float, Decimal, tuple)
        or kind in _FROM_TEXT
        or kind in _SEQUENCES
        or kind in _MAPPINGS
        or issubclass(kind, enum.Enum)
        or _is_pydantic(kind)
        or _is_msgspec(kind)
    )


def _build(value: Any, kind: Any, place: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any or kind is object or isinstance(kind, TypeVar):
        return value
    if origin is not None:
        return _build_generic(value, kind, origin, typing.get_args(kind), place)
    if kind is None or kind is _NULL:
        return _expect(value is None, value, "null", place)
    if isinstance(kind, typing.NewType):
        return _build(value, kind.__supertype__, place)
    if isinstance(kind, type):
        return _build_class(value, kind, place)
    raise UnfitTypeError(f"JSON cannot be read as {name_of(kind)}.")


def _build_class(value: Any, kind: Any, place: str) -> Any:
    if kind is bool or kind is str:
        return _expect(isinstance(value, kind), value, name_of(kind), place)
    if kind is int:
        return _expect(isinstance(value, int) and not isinstance(value, bool), value, "int", place)
    if kind is float:
        return float(_expect(isinstance(value, (int, float)) and not isinstance(value, bool), value, "float", place))
    if kind is Decimal:
        fits = isinstance(value, (int, float, str)) and not isinstance(value, bool)
        return _converted(lambda: Decimal(str(_expect(fits, value, "number", place))), "Decimal", place)
    if kind in _FROM_TEXT:
        text = _expect(isinstance(value, str), value, "str", place)
        return _converted(lambda: _FROM_TEXT[kind](text), name_of(kind), place)
    if issubclass(kind, enum.Enum):
        known = _expect(not isinstance(value, bool), value, name_of(kind), place)
        return _converted(lambda: kind(known), name_of(kind), place)
    if kind in _SEQUENCES or kind is tuple or kind in _MAPPINGS:
        return _build_generic(value, kind, kind, (), place)
    if _is_pydantic(kind) or _is_msgspec(kind):
        return _build_model(value, kind)
    return _build_object(value, kind, place)


def _build_generic(value: Any, kind: Any, origin: Any, arguments: tuple[Any, ...], place: str) -> Any:
    if origin in _ANNOTATIONS:
        return _build(value, arguments[0], place)
    if origin is typing.Literal:
        same = any(value == one and type(value) is type(one) for one in arguments)
        return _expect(same, value, f"one of {', '.join(map(repr, arguments))}", place)
    if origin in _UNIONS:
        return _build_union(value, kind, arguments, place)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        items = _expect(isinstance(value, list) and len(value) == len(arguments), value, _list_of(arguments), place)
        return tuple(_build(item, one, f"{place}[{at}]") for at, (item, one) in enumerate(zip(items, arguments)))  # noqa: B905
    if origin is tuple or origin in _SEQUENCES:
        items = _expect(isinstance(value, list), value, "list", place)
        one = arguments[0] if arguments else Any
        return _SEQUENCES.get(origin, tuple)(_build(item, one, f"{place}[{at}]") for at, item in enumerate(items))
    if origin in _MAPPINGS:
        members = _expect(isinstance(value, dict), value, "object", place)
        of_key, of_value = arguments or (str, Any)
        return {_build(key, of_key, place): _build(one, of_value, f"{place}.{key}") for key, one in members.items()}
    return _build_class(value, origin, place)


def _build_union(value: Any, kind: Any, choices: tuple[Any, ...], place: str) -> Any:
    exact = [choice for choice in choices if choice is type(value)]
    for choice in exact + [choice for choice in choices if choice not in exact]:
        try:
            return _build(value, choice, place)
        except UnfitTypeError:
            raise
        except Exception:  # noqa: S112
            continue
    raise UnfitError(f"{place}: expected {name_of(kind)}, got {_described(value)}")


def _build_model(value: Any, kind: Any) -> Any:
    if _is_msgspec(kind):
        return sys.modules["msgspec"].convert(value, kind)
    # As JSON, because strict models take dates and enums from JSON only.
    return kind.model_validate_json(json.dumps(value))


def _build_object(value: Any, kind: Any, place: str) -> Any:
    fields = _fields(kind)
    members = _expect(isinstance(value, dict), value, "object", place)
    arguments = {}
    for field in fields:
        if field.key in members:
            arguments[field.name] = _build(members[field.key], field.kind, f"{place}.{field.key}")
        elif field.required:
            raise UnfitError(f"{place}: {field.key} is missing")
    return kind(**arguments)


@cache
def _fields(kind: Any) -> tuple[_Field, ...]:
    if not (typing.is_typeddict(kind) or dataclasses.is_dataclass(kind) or attrs.has(kind)):
        raise UnfitTypeError(f"JSON cannot be read as {name_of(kind)}.")
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise UnresolvedTypeError(f"The annotations of {name_of(kind)} cannot be resolved: {error}.") from error
    if typing.is_typeddict(kind):
        required = typing.cast("Any", kind).__required_keys__
        return tuple(_Field(name, name, hint, name in required) for name, hint in hints.items())
    if dataclasses.is_dataclass(kind):
        missing: Any = dataclasses.MISSING
        return tuple(
            _Field(one.name, one.name, hints[one.name], one.default is missing and one.default_factory is missing)
            for one in dataclasses.fields(kind)
            if one.init
        )
    return tuple(
        _Field(one.alias or one.name, one.name, hints.get(one.name, Any), one.default is attrs.NOTHING)
        for one in attrs.fields(kind)
        if one.init
    )


def _expect(fits: bool, value: Any, wanted: str, place: str) -> Any:
    if not fits:
        raise UnfitError(f"{place}: expected {wanted}, got {_described(value)}")
    return value


def _converted(convert: abc.Callable[[], Any], wanted: str, place: str) -> Any:
    try:
        return convert()
    except UnfitError:
        raise
    except (ValueError, ArithmeticError):
        raise UnfitError(f"{place}: expected {wanted}") from None


def _list_of(kinds: tuple[Any, ...]) -> str:
    return f"list of {len(kinds)}"


def _described(value: Any) -> str:
    match value:
        case None:
            return "null"
        case dict():
            return "object"
        case _:
            return type(value).__name__
