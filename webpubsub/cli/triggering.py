"""`webpubsub trigger`: plays an event to a webhook as the service would send it, and shows the response."""

import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import click
import httpx

from webpubsub.connection_string import ConnectionString

from .output import examples
from .service import LOCAL_CONNECTION_STRING, trusted_at

__all__ = ["signed_event", "trigger"]

_TIMEOUT_SECONDS = 30.0
_SYSTEM = ("connect", "connected", "disconnected")
_ALSO_CALLED = {"disconnect": "disconnected"}


@click.command(
    epilog=examples(
        "trigger connect http://localhost:8000/events --user ann",
        'trigger order http://localhost:8000/events --type json --data \'{"dish": "soup"}\'',
    )
)
@click.argument("event")
@click.argument("url")
@click.option("--hub", default="chat", show_default=True, help="The hub that it is said to come from.")
@click.option("--user", help="The user of the connection.")
@click.option("--connection", help="The id of the connection; a random one by default.")
@click.option("--data", default="", help="What the client sent; with a system event its JSON body.")
@click.option("--type", "kind", type=click.Choice(["text", "json", "binary"]), default="text", show_default=True)
@click.option("--state", help="The connection state that the handler gets back.")
@click.option(
    "--connection-string",
    envvar="WEBPUBSUB_CONNECTION_STRING",
    default=LOCAL_CONNECTION_STRING,
    show_default="the local service's",
    help="Whose key signs.",
)
@click.option("--forged", is_flag=True, help="Sign with another key: a handler must refuse it.")
def trigger(
    event: str,
    url: str,
    hub: str,
    user: str | None,
    connection: str | None,
    data: str,
    kind: str,
    state: str | None,
    connection_string: str,
    forged: bool,
) -> int:
    """Send EVENT to the webhook at URL.

    EVENT is connect, connected, disconnected (or disconnect), message, or the name of an event of your own.
    """
    event = _ALSO_CALLED.get(event, event)
    if not event.isprintable():
        raise click.UsageError("EVENT must be a name without line ends and other control characters.")
    if kind == "json" or (data and event in _SYSTEM):
        try:
            json.loads(data)
        except ValueError as error:
            raise click.UsageError(f"--data is not JSON: {error}.") from None
    parsed = ConnectionString.parse(connection_string)
    headers, body = signed_event(
        event,
        hub=hub,
        key=secrets.token_urlsafe(32) if forged else parsed.access_key,
        origin=parsed.endpoint.partition("://")[2],
        user=user,
        connection=connection,
        data=data,
        kind=kind,
        state=state,
    )
    try:
        response = httpx.post(
            url.replace("{event}", quote(event)),
            headers={name.encode(): value.encode() for name, value in headers.items()},
            content=body,
            verify=trusted_at(url),
            timeout=_TIMEOUT_SECONDS,
        )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise click.UsageError("URL must be one of http or https, such as http://localhost:8000/events.") from None
    except httpx.HTTPError as error:
        raise click.ClickException(f"The handler cannot be called: {error}") from None
    click.echo(f"{response.status_code} {response.reason_phrase}")
    stored = response.headers.get("ce-connectionState")
    if stored is not None:
        click.echo(f"state: {stored}")
    if response.content:
        click.echo(response.text)
    return 0 if response.is_success else 1


def signed_event(
    event: str,
    *,
    hub: str,
    key: str,
    origin: str,
    user: str | None = None,
    connection: str | None = None,
    data: str = "",
    kind: str = "text",
    state: str | None = None,
) -> tuple[dict[str, str], bytes]:
    """Write an event as the service sends it: headers and body."""
    connection = connection or secrets.token_urlsafe(16)
    system = event in _SYSTEM
    body: Any = data.encode()
    content_type = {"text": "text/plain", "json": "application/json", "binary": "application/octet-stream"}[kind]
    if system:
        content_type = "application/json; charset=utf-8"
        body = body or json.dumps(_BODIES[event]).encode()
    signature = hmac.new(key.encode(), connection.encode(), hashlib.sha256).hexdigest()
    headers = {
        "ce-specversion": "1.0",
        "ce-awpsversion": "1.0",
        "ce-type": f"azure.webpubsub.{'sys' if system else 'user'}.{event}",
        "ce-source": f"/hubs/{hub}/client/{connection}",
        "ce-id": "0" if event == "connect" else "1",
        "ce-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ce-hub": hub,
        "ce-eventName": event,
        "ce-connectionId": connection,
        "ce-signature": f"sha256={signature}",
        "WebHook-Request-Origin": origin,
        "Content-Type": content_type,
    }
    if user is not None:
        headers["ce-userId"] = user
    if state is not None:
        headers["ce-connectionState"] = state
    return headers, body


_BODIES: dict[str, dict[str, Any]] = {
    "connect": {"claims": {}, "query": {}, "headers": {}, "subprotocols": [], "clientCertificates": []},
    "connected": {},
    "disconnected": {"reason": "triggered"},
}
