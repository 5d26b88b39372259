"""OData filters: which connections a send, a close or a change of groups is meant for.

`parse` reads a filter and checks every type in it, so that `Filter.matches` cannot fail. The grammar is in
`_filter_syntax`. No I/O, and nothing of ours is imported but that.
"""

import operator
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Protocol, TypeAlias

import attrs

from .filter_syntax import (
    Call,
    Comparison,
    FilterSyntaxError,
    Literal,
    Logical,
    Name,
    Node,
    Not,
    Options,
    Scalar,
)
from .filter_syntax import parse as parse_syntax

__all__ = ["Filter", "FilterSyntaxError", "Subject", "parse"]

Value: TypeAlias = Scalar | Collection[Scalar]


class Subject(Protocol):
    """What a filter can ask about a connection."""

    @property
    def user_id(self) -> str | None: ...
    @property
    def connection_id(self) -> str: ...
    @property
    def groups(self) -> Collection[str]: ...
    @property
    def protocol(self) -> str | None: ...


@attrs.frozen
class Filter:
    """A filter whose syntax and types are right."""

    text: str
    _root: Node

    def matches(self, subject: Subject) -> bool:
        """Tell whether the filter selects this connection."""
        return _evaluate(self._root, subject) is True


def parse(text: str) -> Filter:
    """Read a filter and check its types.

    Raises:
        FilterSyntaxError: The text is not a filter. Errors of syntax are reported before errors of type.
    """
    root = parse_syntax(text)
    try:
        _require(_Type.BOOLEAN, root)
    except _TypeMismatch as mismatch:
        raise FilterSyntaxError(text, None, f"Type '{mismatch.found}', expect '{mismatch.expected}'") from None
    except _UnknownName as unknown:
        raise FilterSyntaxError(text, unknown.position, unknown.reason) from None
    return Filter(text, root)


class _Type(StrEnum):
    STRING = "string"
    INTEGER = "int"
    BOOLEAN = "bool"
    GROUPS = "groups"
    NULL = "null"


class _TypeMismatch(Exception):
    def __init__(self, found: str, expected: str) -> None:
        self.found = found
        self.expected = expected


class _UnknownName(Exception):
    def __init__(self, position: int, reason: str) -> None:
        self.position = position
        self.reason = reason


@attrs.frozen
class _Function:
    parameters: tuple[tuple[_Type, ...], ...]
    returns: _Type
    apply: Callable[..., Scalar]
    of_null: Scalar = None
    optional: int = 0


def _substring(text: str, start: int, length: int | None = None) -> str:
    rest = text[max(start, 0) :]
    return rest if length is None else rest[: max(length, 0)]


_TEXT = (_Type.STRING, _Type.NULL)
_NUMBER = (_Type.INTEGER, _Type.NULL)
_SIZED = (_Type.STRING, _Type.GROUPS, _Type.NULL)

_FUNCTIONS = {
    "concat": _Function((_TEXT, _TEXT), _Type.STRING, operator.add),
    "contains": _Function((_TEXT, _TEXT), _Type.BOOLEAN, operator.contains, of_null=False),
    "endswith": _Function((_TEXT, _TEXT), _Type.BOOLEAN, str.endswith, of_null=False),
    "indexof": _Function((_TEXT, _TEXT), _Type.INTEGER, str.find, of_null=-1),
    "length": _Function((_SIZED,), _Type.INTEGER, len),
    "startswith": _Function((_TEXT, _TEXT), _Type.BOOLEAN, str.startswith, of_null=False),
    "substring": _Function((_TEXT, _NUMBER, _NUMBER), _Type.STRING, _substring, optional=1),
    "tolower": _Function((_TEXT,), _Type.STRING, str.lower),
    "toupper": _Function((_TEXT,), _Type.STRING, str.upper),
    "trim": _Function((_TEXT,), _Type.STRING, str.strip),
}

_NAMES: dict[str, tuple[_Type, Callable[[Subject], Value]]] = {
    "userid": (_Type.STRING, lambda subject: subject.user_id),
    "connectionid": (_Type.STRING, lambda subject: subject.connection_id),
    "groups": (_Type.GROUPS, lambda subject: subject.groups),
    "protocol": (_Type.STRING, lambda subject: subject.protocol),
}

_OPERATORS: dict[str, Callable[..., bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "in": lambda item, items: item in items,
}
_ORDERINGS = frozenset({"gt", "ge", "lt", "le"})


def _type_of(node: Node) -> _Type:
    match node:
        case Literal(value):
            return _type_of_value(value)
        case Name(name, position):
            if name.lower() not in _NAMES:
                raise _UnknownName(position, f"Unknown name '{name}'")
            return _NAMES[name.lower()][0]
        case Call():
            return _type_of_call(node)
        case Not(operand):
            _require(_Type.BOOLEAN, operand)
        case Logical(_, operands):
            for operand in operands:
                _require(_Type.BOOLEAN, operand)
        case Comparison():
            _check_comparison(node)
        case Options():
            raise AssertionError("a list stands only to the right of 'in'")
    return _Type.BOOLEAN


def _type_of_value(value: Scalar) -> _Type:
    match value:
        case None:
            return _Type.NULL
        case bool():
            return _Type.BOOLEAN
        case int():
            return _Type.INTEGER
        case str():
            return _Type.STRING


def _type_of_call(call: Call) -> _Type:
    function = _FUNCTIONS.get(call.function)
    if function is None:
        raise _UnknownName(call.position, f"Unknown function '{call.function}'")
    most = len(function.parameters)
    if not most - function.optional <= len(call.arguments) <= most:
        raise _UnknownName(call.position, f"Wrong number of arguments for '{call.function}'")
    for argument, allowed in zip(call.arguments, function.parameters, strict=False):
        found = _type_of(argument)
        if found not in allowed:
            raise _TypeMismatch(found, allowed[0])
    return function.returns


def _check_comparison(comparison: Comparison) -> None:
    left = _type_of(comparison.left)
    if left is _Type.GROUPS:
        raise _TypeMismatch(left, _Type.STRING)
    if comparison.operator == "in":
        _check_membership(left, comparison.right)
        return
    right = _type_of(comparison.right)
    if comparison.operator in _ORDERINGS:
        for side in (left, right):
            if side not in _NUMBER:
                raise _TypeMismatch(side, _Type.INTEGER)
    elif right is _Type.GROUPS or (left is not right and _Type.NULL not in (left, right)):
        raise _TypeMismatch(right, left)


def _check_membership(left: _Type, right: Node) -> None:
    if isinstance(right, Options):
        for option in right.values:
            found = _type_of(option)
            if left is not found and _Type.NULL not in (left, found):
                raise _TypeMismatch(found, left)
    elif _type_of(right) is not _Type.GROUPS:
        raise _TypeMismatch(_type_of(right), _Type.GROUPS)
    elif left not in _TEXT:
        raise _TypeMismatch(left, _Type.STRING)


def _require(expected: _Type, node: Node) -> None:
    found = _type_of(node)
    if found is not expected:
        raise _TypeMismatch(found, expected)


def _evaluate(node: Node, subject: Subject) -> Value:
    match node:
        case Literal(value):
            return value
        case Name(name):
            return _NAMES[name.lower()][1](subject)
        case Options():
            return node.choices
        case Call(name, arguments):
            function = _FUNCTIONS[name]
            values = [_evaluate(argument, subject) for argument in arguments]
            return function.of_null if any(value is None for value in values) else function.apply(*values)
        case Not(operand):
            return not _evaluate(operand, subject)
        case Logical("and", operands):
            return all(_evaluate(operand, subject) for operand in operands)
        case Logical(_, operands):
            return any(_evaluate(operand, subject) for operand in operands)
        case Comparison(name, left_node, right_node):
            left, right = _evaluate(left_node, subject), _evaluate(right_node, subject)
            if name in _ORDERINGS and (left is None or right is None):
                return False
            return _OPERATORS[name](left, right)
