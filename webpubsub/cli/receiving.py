"""`webpubsub listen`: a WebSocket client that prints what arrives."""

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import attrs
import click

from webpubsub import TransportError

from .interrupts import run
from .output import examples, printable
from .service import Service, speaks_to_a_service
from .websocket import websocket_of

__all__ = ["listen"]

_JSON = "json.webpubsub.azure.v1"
_RELIABLE = "json.reliable.webpubsub.azure.v1"
_REFUSED = 1008
_RECOVERY_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
_HEARTBEAT_SECONDS = 20.0
"""After which a silent network is asked for a sign of life; without one, the connection broke."""


@click.command(
    epilog=examples("listen chat --group room --local", "listen chat --user ann --reliable --count 10 --output json")
)
@click.argument("hub")
@click.option("--group", "groups", multiple=True, help="Be in this group; may be given again.")
@click.option("--user", help="Connect as this user; as nobody by default.")
@click.option("--reliable", is_flag=True, help="Come back after the connection broke, and miss nothing.")
@click.option("--raw", is_flag=True, help="Be a simple client: print frames and nothing else.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after N messages.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@speaks_to_a_service
def listen(
    service: Service,
    hub: str,
    groups: tuple[str, ...],
    user: str | None,
    reliable: bool,
    raw: bool,
    count: int | None,
    output: str,
) -> int:
    """Connect to HUB and print what arrives, until it is interrupted."""
    if raw and reliable:
        raise click.UsageError("Give one of --raw and --reliable.")
    if raw and output == "json":
        raise click.UsageError("--output json does not go with --raw: frames are printed as they come.")
    with service.client(hub) as client:
        url = client.get_client_access_token(user_id=user, groups=list(groups) or None).url
    printer = _Printer(output, raw=raw, count=count)
    try:
        return run(_listen(url, None if raw else _RELIABLE if reliable else _JSON, printer, service.trust))
    except aiohttp.WSServerHandshakeError as error:
        raise click.ClickException(f"The service does not let the client in ({error.status}).") from None
    except BrokenPipeError:
        raise  # nobody reads what is printed
    except (aiohttp.ClientError, OSError) as error:
        raise click.ClickException(f"The WebSocket cannot be opened: {error}.{service.advice}") from None


class _Printer:
    """Prints messages, and knows when there were enough."""

    def __init__(self, output: str, *, raw: bool, count: int | None) -> None:
        self._output = output
        self._raw = raw
        self._left = count

    @property
    def done(self) -> bool:
        return self._left == 0

    def message(self, frame: Any) -> None:
        if self._left is not None:
            self._left -= 1
        if self._raw:
            click.echo(frame)
        elif self._output == "json":
            click.echo(json.dumps(frame, ensure_ascii=False))
        else:
            click.echo(f"{datetime.now():%H:%M:%S} {printable(_origin(frame) + _words(frame))}")

    def note(self, text: str) -> None:
        click.echo(printable(text), err=True)


def _origin(frame: Mapping[str, Any]) -> str:
    sender = frame.get("fromUserId")
    if frame.get("from") == "group":
        return f"[{frame['group']}] {sender + ': ' if sender else ''}"
    return ""


def _words(frame: Mapping[str, Any]) -> str:
    data, kind = frame.get("data"), frame.get("dataType")
    if kind == "text":
        return str(data)
    if kind == "json":
        return json.dumps(data, ensure_ascii=False)
    return f"{len(base64.b64decode(str(data)))} bytes, base64: {data}"


@attrs.define
class _Session:
    """What a reliable client comes back with.

    Attributes:
        connection_id: Its connection; empty when there is none to come back to.
        token: The reconnection token.
        last: The sequence id of the last message that came.
    """

    connection_id: str = ""
    token: str = ""
    last: int = 0

    def resuming(self, url: str) -> str:
        """Give the URL that leads to the connection."""
        if not self.connection_id:
            return url
        return f"{url}&{urlencode({'awps_connection_id': self.connection_id, 'awps_reconnection_token': self.token})}"

    def is_new(self, sequence_id: int) -> bool:
        """Note a message; the service repeats those whose acknowledgement it did not get."""
        new = sequence_id > self.last
        self.last = max(sequence_id, self.last)
        return new


async def _listen(url: str, subprotocol: str | None, printer: _Printer, trust: Any) -> int:
    protocols = () if subprotocol is None else (subprotocol,)
    session = _Session()
    lost_at: float | None = None
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as http:
        while True:
            tried_at = loop.time()
            try:
                resuming = session.resuming(url)
                async with websocket_of(http, resuming, trust, protocols, _HEARTBEAT_SECONDS) as websocket:
                    if lost_at is not None:
                        printer.note("connected again")
                    lost_at = None
                    await _read(websocket, session, printer)
                    code = websocket.close_code
            except aiohttp.ClientConnectionError:
                if lost_at is None:
                    raise
                code = None
            if printer.done:
                return 0
            if subprotocol != _RELIABLE or not session.connection_id or code in (1000, _REFUSED):
                printer.note(f"the connection was closed with code {code}")
                return 1
            lost_at = lost_at or loop.time()
            if loop.time() - lost_at > _RECOVERY_SECONDS:
                raise TransportError("listen", "the connection broke and could not be recovered", False, "")
            printer.note("the connection broke; trying to recover")
            await asyncio.sleep(tried_at + _PAUSE_SECONDS - loop.time())


async def _read(websocket: aiohttp.ClientWebSocketResponse, session: _Session, printer: _Printer) -> None:
    async for message in websocket:
        if websocket.protocol is None and message.type is not aiohttp.WSMsgType.ERROR:
            printer.message(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            frame = json.loads(message.data)
            if frame["type"] == "message":
                if "sequenceId" in frame:
                    new = session.is_new(frame["sequenceId"])
                    await websocket.send_json({"type": "sequenceAck", "sequenceId": session.last})
                    if not new:
                        continue
                printer.message(frame)
            elif frame.get("event") == "connected":
                printer.note(f"connected as {frame['connectionId']}")
                if "reconnectionToken" in frame:
                    session.connection_id, session.token = frame["connectionId"], frame["reconnectionToken"]
            elif frame.get("event") == "disconnected":
                session.connection_id = ""
                printer.note(f"disconnected: {frame.get('message', '')}")
        if printer.done:
            return
