"""Building OData filter expressions without quoting mistakes.

A filter selects connections by `userId`, `connectionId` and `groups`. Values that come from users must not be
pasted into it: a quote in a name would end the string, and the rest of the name would be read as filter.
"""

from string import Formatter

from ._checks import number, text
from .errors import ConfigurationError

__all__ = ["odata"]

_LARGEST_NUMBER = 2**63


def odata(expression: str, /, **values: str | int | bool | None) -> str:
    """Fill values into a filter expression, each quoted and escaped.

    Args:
        expression: The filter, with a name in braces, without quotes, where a value belongs. A literal brace is
            doubled.
        **values: The values by name. A str is quoted, with each `'` in it doubled; an int, a bool and None
            become OData's numbers, `true`, `false` and `null`.

    Raises:
        ConfigurationError: A name in the expression has no value or is inside of quotes, a value is not used or
            cannot be sent, or a brace is not closed.
        TypeError: A value is of another type.

    Example:
        >>> odata("userId eq {user} and {group} in groups", user="O'Neil", group="room 1")
        "userId eq 'O''Neil' and 'room 1' in groups"
    """
    parts: list[str] = []
    used: set[str] = set()
    quotes = 0
    for literal, name, specification, conversion in _fields(expression):
        parts.append(literal)
        quotes += literal.count("'")
        if name is None:
            continue
        if specification or conversion or not name.isidentifier():
            raise ConfigurationError(f"The filter may hold only plain names in braces, not {{{name}...}}.")
        if name not in values:
            raise ConfigurationError(f"The filter names {{{name}}}, but no value was given for it.")
        if quotes % 2:
            raise ConfigurationError(
                f"The filter has {{{name}}} inside of quotes, which its value would end; values are quoted here, "
                f"so take those quotes away."
            )
        used.add(name)
        parts.append(_literal(values[name], name))
    if unused := sorted(values.keys() - used):
        raise ConfigurationError(f"The filter does not use the values given for: {', '.join(unused)}.")
    return "".join(parts)


def _fields(expression: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(text(expression, "The filter")))
    except ValueError:
        raise ConfigurationError("The filter has a brace without its partner; write a literal brace twice.") from None


def _literal(value: object, name: str) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(number(int(value), f"The filter value {name}", -_LARGEST_NUMBER, _LARGEST_NUMBER))
        case str():
            return "'" + text(value, f"The filter value {name}").replace("'", "''") + "'"
        case _:
            raise TypeError(f"The filter value {name} must be a str, int, bool or None, not {type(value).__name__}.")
