"""All commands in one group, and what a mistake or a refusal looks like: one line, and an exit code."""

import logging
import sys
from collections.abc import Sequence

import click

from webpubsub import ConfigurationError, WebPubSubError, __version__

from .doctor import doctor
from .emulating import emulator
from .loading import load
from .managing import connections, groups, health, permission, users
from .output import give_up, printable
from .planning import plan
from .receiving import listen
from .sending import send
from .tokens import token
from .triggering import trigger

__all__ = ["run", "webpubsub"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(version)s")
def webpubsub() -> None:
    """Work with Azure Web PubSub, and with a local service that stands for it.

    The service is named by --connection-string, by the variable WEBPUBSUB_CONNECTION_STRING, by --endpoint with
    --identity, or by --local.
    """


for command in (
    emulator,
    send,
    listen,
    trigger,
    token,
    groups,
    connections,
    users,
    permission,
    health,
    doctor,
    load,
    plan,
):
    webpubsub.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run a command, and return its exit code."""
    logging.getLogger("azure.webpubsub").addHandler(logging.NullHandler())  # a retry is no news on a terminal
    try:
        code = webpubsub.main(list(arguments), prog_name="webpubsub", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _told(error.format_message(), error.exit_code)
    except (ConfigurationError, TypeError, ValueError) as error:
        return _told(str(error), 2)
    except WebPubSubError as error:
        return _told(str(error), 1)
    except OSError as error:
        give_up(sys.stdout)
        return _told(f"Reading or writing failed: {error.strerror or error}.", 1)
    return code if isinstance(code, int) else 0


def _told(message: str, code: int) -> int:
    click.echo(f"webpubsub: {printable(' '.join(message.split()))}", err=True)
    return code
