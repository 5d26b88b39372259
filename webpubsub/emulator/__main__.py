"""`python -m webpubsub.emulator`: the local service by itself, until it is interrupted.

The first line on standard output is the connection string and nothing else, so that scripts can read it.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from ._emulator import DEVELOPMENT_KEY, Emulator, is_loopback

_WAIT_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the emulator until SIGINT or SIGTERM; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    stopping = threading.Event()
    try:
        with Emulator(
            host=options.host,
            port=options.port,
            access_key=options.access_key,
            simulate_entra=options.simulate_entra,
        ) as emulator:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stopping.set())
            print(emulator.connection_string, flush=True)
            if not is_loopback(options.host):
                print(f"Warning: anyone who reaches this machine at {options.host} can use it.", file=sys.stderr)
            while not stopping.wait(_WAIT_SECONDS):
                pass
    except (ValueError, ImportError) as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"cannot listen on {options.host} port {options.port}: {error.strerror or error}")
    return 0


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
    parser.add_argument(
        "--simulate-entra",
        action="store_true",
        help="accept tokens for the audience of Microsoft Entra ID that are signed with the access key",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
