"""The grammar of OData filters: text in, a tree of small frozen nodes out.

Knows words, literals, precedence and the nesting limit. What names and functions mean, which types fit
together and what a filter selects is decided in `_filters`. No I/O, and nothing of ours is imported.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias, TypeVar

import attrs

T = TypeVar("T")

NESTING_LIMIT = 100
CLAUSE_LIMIT = 100
LENGTH_LIMIT = 128 * 1024
INTEGER_RANGE = range(-(2**63), 2**63)
COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le", "in"})

Scalar: TypeAlias = str | int | bool | None


class FilterSyntaxError(ValueError):
    """A filter that cannot be read, or whose types do not fit together.

    Attributes:
        text: The whole filter.
        position: How many characters were read up to and including the offending word; None if types do not fit.
        reason: What is wrong, without the position.
    """

    def __init__(self, text: str, position: int | None, reason: str = "Syntax error") -> None:
        super().__init__(text, position, reason)
        self.text = text
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        """Say it in the words of the service."""
        where = "" if self.position is None else f" at position {self.position} in '{self.text}'"
        return f"Invalid syntax for '{self.text}': {self.reason}{where}. (Parameter 'filter')"


@attrs.frozen
class Literal:
    value: Scalar
    position: int


@attrs.frozen
class Name:
    name: str
    position: int


@attrs.frozen
class Options:
    """The parenthesised list to the right of `in`; its types are checked, so its values are a set."""

    values: tuple[Literal, ...]
    position: int
    choices: frozenset[Scalar] = attrs.field(
        init=False, default=attrs.Factory(lambda self: frozenset(item.value for item in self.values), takes_self=True)
    )


@attrs.frozen
class Call:
    function: str
    arguments: tuple["Node", ...]
    position: int


@attrs.frozen
class Not:
    operand: "Node"
    position: int


@attrs.frozen
class Comparison:
    """`left operator right`."""

    operator: str
    left: "Node"
    right: "Node"
    position: int


@attrs.frozen
class Logical:
    """Two or more operands joined by the same word, `and` or `or`."""

    operator: str
    operands: tuple["Node", ...]
    position: int


Node: TypeAlias = Literal | Name | Options | Call | Not | Comparison | Logical


class _Token(NamedTuple):
    kind: str
    text: str
    end: int


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>  '[^']*(?:''[^']*)*' )
      | (?P<integer> -?[0-9]{1,19}(?![\w.]) )
      | (?P<word>    [^\W\d]\w* )
      | (?P<mark>    [(),] )
      | (?P<end>     \Z )
    )""",
    re.VERBOSE,
)
_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_RESERVED = COMPARISONS | {"and", "or", "not"}


def parse(text: str) -> Node:
    """Parse a filter that is not empty.

    Raises:
        FilterSyntaxError: The text is not an expression, is longer than `LENGTH_LIMIT` characters, nests deeper than
            `NESTING_LIMIT`, or joins more than `CLAUSE_LIMIT` clauses.
    """
    if len(text) > LENGTH_LIMIT:
        raise FilterSyntaxError(f"{text[:100]}...", None, f"More than {LENGTH_LIMIT} characters")
    return _Parser(text).parse()


class _Parser:
    """Recursive descent: one method per level of precedence, loosest first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._clauses = 1
        self._token = self._read(0)

    def parse(self) -> Node:
        root = self._or()
        if self._token.kind != "end":
            raise self._error()
        return root

    def _or(self) -> Node:
        return self._joined("or", self._and)

    def _and(self) -> Node:
        return self._joined("and", self._comparison)

    def _joined(self, operator: str, operand: Callable[[], Node]) -> Node:
        operands = [operand()]
        position = self._token.end
        while self._token.text == operator:
            self._clauses += 1
            if self._clauses > CLAUSE_LIMIT:
                raise self._error(f"More than {CLAUSE_LIMIT} clauses")
            self._advance()
            operands.append(operand())
        return operands[0] if len(operands) == 1 else Logical(operator, tuple(operands), position)

    def _comparison(self) -> Node:
        left = self._unary()
        if self._token.text not in COMPARISONS:
            return left
        operator = self._advance()
        if operator.text == "in" and self._token.text == "(":
            return Comparison("in", left, self._options(), operator.end)
        return Comparison(operator.text, left, self._unary(), operator.end)

    def _unary(self) -> Node:
        if self._token.text != "not":
            return self._primary()
        position = self._advance().end
        with self._nested():
            return Not(self._unary(), position)

    def _primary(self) -> Node:
        if self._token.text == "(":
            self._advance()
            with self._nested():
                inner = self._or()
            self._expect(")")
            return inner
        if self._token.kind == "word" and self._token.text not in _CONSTANTS:
            return self._name_or_call()
        return self._literal()

    def _name_or_call(self) -> Node:
        if self._token.text in _RESERVED:
            raise self._error()
        word = self._advance()
        if self._token.text != "(":
            return Name(word.text, word.end)
        self._advance()
        with self._nested():
            arguments = self._listed(self._or)
        return Call(word.text, arguments, word.end)

    def _options(self) -> Options:
        position = self._advance().end
        return Options(self._listed(self._literal), position)

    def _listed(self, item: Callable[[], T]) -> tuple[T, ...]:
        items = [item()]
        while self._token.text == ",":
            self._advance()
            items.append(item())
        self._expect(")")
        return tuple(items)

    def _literal(self) -> Literal:
        kind, text, end = self._token
        if kind == "string":
            value: Scalar = text[1:-1].replace("''", "'")
        elif kind == "integer" and int(text) in INTEGER_RANGE:
            value = int(text)
        elif text in _CONSTANTS:
            value = _CONSTANTS[text]
        else:
            raise self._error()
        self._advance()
        return Literal(value, end)

    @contextmanager
    def _nested(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > NESTING_LIMIT:
            raise self._error(f"More than {NESTING_LIMIT} nested expressions")
        yield
        self._depth -= 1

    def _expect(self, mark: str) -> None:
        if self._token.text != mark:
            raise self._error()
        self._advance()

    def _advance(self) -> _Token:
        taken = self._token
        self._token = self._read(taken.end)
        return taken

    def _read(self, start: int) -> _Token:
        match = _TOKEN.match(self._text, start)
        if match is None or match.lastgroup is None:
            raise FilterSyntaxError(self._text, self._unreadable_until(start))
        return _Token(match.lastgroup, match[match.lastgroup], match.end())

    def _unreadable_until(self, start: int) -> int:
        """An unclosed string is unreadable to the end; anything else for one character."""
        rest = self._text[start:].lstrip()
        return len(self._text) if rest.startswith("'") else len(self._text) - len(rest) + 1

    def _error(self, reason: str = "Syntax error") -> FilterSyntaxError:
        return FilterSyntaxError(self._text, self._token.end, reason)
