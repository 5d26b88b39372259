"""`python -m webpubsub.emulator`: the local service by itself, until it is interrupted.

The first line on standard output is the connection string and nothing else, so that scripts can read it. By then
the file of `--ca-file` is complete.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ._emulator import Emulator
from ._settings import DEVELOPMENT_KEY

_WAIT_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the emulator until SIGINT or SIGTERM; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.tls != (options.ca_file is not None):
        parser.error("--tls and --ca-file need each other")
    stopping = threading.Event()
    try:
        with (
            log_on_stderr(),
            Emulator(
                host=options.host,
                port=options.port,
                access_key=options.access_key,
                secondary_access_key=options.secondary_access_key,
                anonymous_hubs=options.anonymous_hub,
                tls=options.tls,
                simulate_entra=options.simulate_entra,
                accept_unvalidated_entra_tokens=options.accept_unvalidated_entra_tokens,
                api_versions=None if "any" in options.api_version else options.api_version,
                event_handlers=_event_handlers(options.event_handler, parser),
                config_file=options.config,
            ) as emulator,
        ):
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stopping.set())
            if options.ca_file is not None:
                _write(options.ca_file, emulator.ca_certificate, parser)
            print(emulator.connection_string, flush=True)
            while not stopping.wait(_WAIT_SECONDS):
                pass
    except (ValueError, ImportError) as error:
        parser.error(str(error))
    except OSError as error:
        if error.filename is not None:
            parser.error(f"cannot read {error.filename}: {os.strerror(error.errno or 0)}")
        parser.error(error.strerror or str(error))
    return 0


@contextmanager
def log_on_stderr() -> Iterator[None]:
    """Show warnings, such as of a settings file that cannot be read any more."""
    logger = logging.getLogger("webpubsub.emulator")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("{levelname}: {message}", style="{"))
    handler.setLevel(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _event_handlers(given: Sequence[str], parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    handlers: dict[str, list[str]] = {}
    for text in given:
        hub, separator, url = text.partition("=")
        if not separator:
            parser.error(f"--event-handler takes HUB=URL, not {text}")
        handlers.setdefault(hub, []).append(url)
    return handlers


def _write(path: Path, text: str, parser: argparse.ArgumentParser) -> None:
    try:
        path.write_text(text, "ascii")
    except OSError as error:
        parser.error(f"cannot write {path}: {error.strerror or error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webpubsub.emulator", description="A local Azure Web PubSub service; its state is in memory."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="where to listen; 0 takes a free port (%(default)s)")
    parser.add_argument(
        "--access-key",
        metavar="KEY",
        default=DEVELOPMENT_KEY,
        help="the key that signs tokens, at least 32 bytes (the development key)",
    )
    parser.add_argument("--secondary-access-key", metavar="KEY", help="another key that is as good (none)")
    parser.add_argument(
        "--anonymous-hub",
        metavar="HUB",
        action="append",
        default=[],
        help="a hub whose clients need no token, or * for all hubs; may be given again",
    )
    parser.add_argument("--tls", action="store_true", help="speak https and wss, with a certificate made at each start")
    parser.add_argument(
        "--ca-file",
        metavar="FILE",
        type=Path,
        help="where to write the certificate that clients must trust, as PEM; needed with --tls",
    )
    parser.add_argument(
        "--simulate-entra",
        action="store_true",
        help="accept tokens for the audience of Microsoft Entra ID that are signed with the access key",
    )
    parser.add_argument(
        "--accept-unvalidated-entra-tokens",
        action="store_true",
        help="accept unexpired tokens for the audience of Microsoft Entra ID whoever signed them; on loopback only",
    )
    parser.add_argument(
        "--api-version",
        metavar="VERSION",
        action="append",
        default=[],
        help="an API version to accept besides those of the service, or any; may be given again",
    )
    parser.add_argument(
        "--event-handler",
        metavar="HUB=URL",
        action="append",
        default=[],
        help="where the events of a hub go; {event} in the URL is replaced; may be given again",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="a JSON file with WebPubSub:Hubs:<hub>:EventHandlers; read again when it changes",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
