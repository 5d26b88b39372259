"""Draws command.svg anew, from a run of the command: `python docs/images/draw_command.py`."""

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from webpubsub import ServiceError, WebPubSubServiceClient

PICTURE = Path(__file__).with_name("command.svg")
COLUMNS = 100
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def run() -> str:
    """Run the local service while things happen; return what a terminal shows, colours included."""
    colourful = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    colourful.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "webpubsub", "emulator", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=colourful,
    ) as process:
        assert process.stdout is not None
        connection_string = process.stdout.readline().strip()
        happen(connection_string)
        process.terminate()
        _, log = process.communicate()
    return "$ webpubsub emulator\n" + re.sub(r":\d+;", ":8080;", connection_string) + "\n" + log


def happen(connection_string: str) -> None:
    """Do what a program does."""
    command = [sys.executable, "-m", "webpubsub"]
    listen = [*command, "listen", "chat", "--user", "ann", "--group", "room", "--count", "2"]
    with (
        WebPubSubServiceClient.from_connection_string(connection_string, "chat") as service,
        subprocess.Popen(
            [*listen, "--connection-string", connection_string], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as listener,
    ):
        assert listener.stderr is not None
        listener.stderr.readline()
        service.send_to_group("room", "Hello")
        service.user_exists("ann")
        service.user_exists("bob")
        try:
            service.grant_permission("sendToGroup", "nobody", target_name="room")
        except ServiceError as error:
            print(error)
        service.send_to_user("ann", {"text": "Dinner is ready"})
        listener.stderr.read()


def draw(shown: str) -> str:
    """Draw it; the fonts are those of the reader, so that nothing is loaded from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    return FONTS.sub("", console.export_svg(title="webpubsub emulator", unique_id="command"))


if __name__ == "__main__":
    PICTURE.write_text(draw(run()), "utf-8")
