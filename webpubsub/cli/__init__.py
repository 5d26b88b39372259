"""The command `webpubsub`, of the extra `webpubsub[cli]`. It uses of the package only what every user can use."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper

__all__ = ["main"]

_EXTRA = ("aiohttp", "click", "hdrh", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the name of the command; what the process was started with by default.

    Returns:
        0; 1 when the service, or something that was looked at, says no; 2 for wrong use; 130 when interrupted.
    """
    try:
        from .commands import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        print(f"The command needs {error.name}: pip install 'webpubsub[cli]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # loading takes longer than many commands do
        print(file=sys.stderr)
        return 130
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not have the characters of a message
    return run([_in_utf8(argument) for argument in (sys.argv[1:] if arguments is None else arguments)])


def _in_utf8(argument: str) -> str:
    """Read an argument as UTF-8, which terminals write, where the locale knows ASCII alone."""
    try:
        return argument.encode(errors="surrogateescape").decode()
    except UnicodeError:
        return argument
