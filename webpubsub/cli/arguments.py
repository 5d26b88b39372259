"""What the library calls an argument, and what a command calls it."""

import re

import click

__all__ = ["as_typed"]

_PARAMETERS = {
    "connection_id": "connection",
    "excluded": "exclude",
    "filter": "odata_filter",
    "message_ttl_seconds": "ttl",
    "minutes_to_expire": "minutes",
    "target_name": "group",
    "user_id": "user",
}
"""Where the parameter of a command is not called as the argument."""
_ARGUMENT = re.compile(r"([a-z_]+)(?:\[\d+\])?(?=:? )")


def as_typed(message: str, command: click.Command) -> str:
    """Begin a message about an argument of the library with the name that the user of a command typed.

    Example:
        >>> as_typed("user_id must not be empty.", click.Command("token", params=[click.Option(["--user"])]))
        '--user must not be empty.'
    """
    found = _ARGUMENT.match(message)
    if found is None:
        return message
    name = _PARAMETERS.get(found[1], found[1])
    for parameter in command.params:
        if parameter.name == name:
            typed = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
            return typed + message[found.end() :]
    return message
