"""`webpubsub doctor`: one screen that says what is wrong between here and the service.

Each check tries one thing, says what came, and what to do when that was not good. Later checks are left out when an
earlier one makes them pointless.
"""

import asyncio
import json
import re
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import click
import httpx
from rich.console import Console
from rich.markup import escape

from webpubsub import (
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    RetryPolicy,
    ThrottledError,
    TransportError,
    WebPubSubError,
    WebPubSubServiceClient,
)
from webpubsub.connection_string import ConnectionString

from .output import examples, printable
from .service import Service, speaks_to_a_service, trusted_at
from .triggering import signed_event
from .websocket import websocket_of

__all__ = ["Finding", "doctor"]

_TIMEOUT_SECONDS = 10.0
_MESSAGE_SECONDS = 5.0
_SLOW_SECONDS = 2.0
_MOST_CLOCK_SECONDS = 60.0
_SOON_DAYS = 14
_HUB = "doctor"
_NEWEST = "2024-12-01"
_NOBODY = f"doctor-{secrets.token_urlsafe(12)}"
"""A group, a user and a connection that nobody else has: what is done to it changes nothing."""
_ACTIONS: dict[str, Callable[[WebPubSubServiceClient], object]] = {
    "auth/clientToken/action": lambda client: client.get_client_access_token(),
    "hub/send/action": lambda client: client.send_to_all("doctor", filter=f"userId eq '{_NOBODY}'"),
    "group/read": lambda client: client.group_exists(_NOBODY),
    "group/send/action": lambda client: client.send_to_group(_NOBODY, "doctor"),
    "group/write": lambda client: client.remove_connection_from_group(_NOBODY, _NOBODY),
    "user/read": lambda client: client.user_exists(_NOBODY),
    "user/send/action": lambda client: client.send_to_user(_NOBODY, "doctor"),
    "user/write": lambda client: client.remove_user_from_all_groups(_NOBODY),
    "clientConnection/read": lambda client: client.connection_exists(_NOBODY),
    "clientConnection/send/action": lambda client: client.send_to_connection(_NOBODY, "doctor"),
    "clientConnection/write": lambda client: client.close_connection(_NOBODY),
}
"""What an identity is allowed to do, action by action, behind `Microsoft.SignalRService/WebPubSub/`."""
_TAKEN = "Does the event handler for connect take the role away?"
_NEW = re.compile(r"\.(?:joinLeaveGroups|sendToGroups|[gs]etGroupState)\b")
"""Roles that not every service knows yet."""
_ROLES: dict[str, str] = {
    "webpubsub.joinLeaveGroup": "joinGroup",
    "webpubsub.joinLeaveGroup.doctor": "joinGroup",
    "webpubsub.joinLeaveGroups.doc*": "joinGroup",
    "webpubsub.sendToGroup": "sendToGroup",
    "webpubsub.sendToGroup.doctor": "sendToGroup",
    "webpubsub.sendToGroups.doc*": "sendToGroup",
    "webpubsub.setGroupState": "setGroupState",
    "webpubsub.getGroupState": "subscribeGroupState",
}
"""What a client with each role sends to show that it may."""
_FRAMES: dict[str, dict[str, Any]] = {
    "joinGroup": {"type": "joinGroup", "group": "doctor", "ackId": 1},
    "sendToGroup": {"type": "sendToGroup", "group": "doctor", "dataType": "text", "data": "doctor", "ackId": 1},
    "setGroupState": {"type": "setGroupState", "group": "doctor", "state": {"by": "doctor"}, "ackId": 1},
    "subscribeGroupState": {"type": "subscribeGroupState", "group": "doctor", "ackId": 1},
}
_MARKS = {True: ("ok", "green"), False: ("!!", "red"), None: ("--", "dim")}


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        tried: What was tried.
        came: What came of it.
        advice: What to do; empty when all is well.
        good: Whether it is as it should be; None when it could not be checked.
    """

    tried: str
    came: str
    advice: str = ""
    good: bool | None = True


@click.command(epilog=examples("doctor --local", "doctor --hub chat --handler http://localhost:8000/events"))
@click.option("--hub", default=_HUB, show_default=True, help="The hub to try clients on.")
@click.option("--handler", metavar="URL", help="An event handler to try as the service would.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@speaks_to_a_service
def doctor(service: Service, hub: str, handler: str | None, as_json: bool) -> int:
    """Find out what is wrong: names, network, TLS, clock, key, roles, WebSocket, event handler."""
    found: list[Finding] = []
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    for finding in _examine(service, hub, handler):
        found.append(finding)
        if not as_json:
            mark, colour = _MARKS[finding.good]
            console.print(f"[{colour}]{mark}[/] {escape(finding.tried)}: {escape(printable(finding.came))}")
            if finding.advice:
                console.print(f"   {escape(finding.advice)}")
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in found], ensure_ascii=False))
    return 1 if any(finding.good is False for finding in found) else 0


def _examine(service: Service, hub: str, handler: str | None) -> Iterator[Finding]:
    what = "connection string" if service.connection_string is not None else "endpoint"
    try:
        with service.client(hub):
            yield Finding(what, f"whole, for {service.endpoint}")
    except ConfigurationError as error:
        advice = "Copy it from the portal again, whole: Endpoint=https://...;AccessKey=...;Version=1.0;"
        yield Finding(what, str(error), advice if what == "connection string" else "Copy it from the portal.", False)
        return
    reached = True
    for finding in _network(service):
        reached = reached and finding.good is not False
        yield finding
    if reached:
        with service.client(
            hub, connection_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retry_policy=RetryPolicy.none()
        ) as client:
            accepted = True
            for finding in _service(client, service):
                accepted = accepted and finding.good is not False
                yield finding
            if accepted:
                if service.connection_string is None:
                    yield _role_actions(client)
                yield from _sockets(client, service)
            else:
                yield Finding("WebSocket", "not tried", "Mend what is above first.", None)
    if handler is not None:
        yield from _handler(handler, hub, service)


def _network(service: Service) -> Iterator[Finding]:
    parts = urlsplit(service.endpoint)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except OSError as error:
        advice = "Check the endpoint for typos, and the DNS of this machine; a private endpoint needs its private zone."
        yield Finding(f"resolve {host}", error.strerror or str(error), advice, False)
        return
    yield Finding(f"resolve {host}", ", ".join(addresses))
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS) as connection:
            yield Finding(f"connect to port {port}", "connected")
            if parts.scheme == "https":
                yield _tls(connection, host, service.trust)
    except OSError as error:
        advice = "Is the service (or the emulator) running? Is a firewall in the way, or a proxy needed?"
        yield Finding(f"connect to port {port}", error.strerror or str(error), advice, False)


def _tls(connection: socket.socket, host: str, trust: ssl.SSLContext | Literal[True]) -> Finding:
    context = ssl.create_default_context() if trust is True else trust
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            certificate: Any = secured.getpeercert()
            version = secured.version()
    except ssl.SSLCertVerificationError as error:
        advice = "A proxy that reads along, or an emulator with TLS? Give its certificate with --ca-file."
        return Finding("TLS", f"the certificate is not trusted: {error.verify_message}", advice, False)
    except OSError as error:
        return Finding("TLS", str(error), "Does this port speak https?", False)
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86_400
    advice = "" if days > _SOON_DAYS else "The certificate ends soon."
    return Finding("TLS", f"{version}, the certificate is good for {days:.0f} days", advice)


def _service(client: WebPubSubServiceClient, service: Service) -> Iterator[Finding]:
    url = service.endpoint + "/api/health"
    try:
        health = httpx.head(url, verify=trusted_at(url, service.trust), timeout=_TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        yield Finding(
            "health", f"no response ({type(error).__name__})", "Is it this service that listens there?", False
        )
        return
    seconds = health.elapsed.total_seconds()
    advice = "" if seconds < _SLOW_SECONDS else "That is slow: is it in a region far away, or a proxy between?"
    if not health.is_success:
        advice = "Look at the service's status, and at the name in the endpoint."
    yield Finding("health", f"{health.status_code} in {1000 * seconds:.0f} ms", advice, health.is_success)
    yield _clock(health.headers.get("Date"))
    yield _credential(client, service)
    yield _versions(client)


def _clock(date: str | None) -> Finding:
    try:
        off = time.time() - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Finding("clock", "the service does not say what time it is", good=None)
    good = abs(off) <= _MOST_CLOCK_SECONDS
    advice = "" if good else "Set the clock of this machine: tokens are refused when it is off by more than 5 minutes."
    words = f"{abs(off):.0f} seconds {'ahead of' if off > 0 else 'behind'} the service"
    return Finding("clock", words if abs(off) >= 2 else "as the service has it", advice, good)


def _credential(client: WebPubSubServiceClient, service: Service) -> Finding:
    with_key = service.connection_string is not None
    what = "access key" if with_key else "identity"
    try:
        client.group_exists(_NOBODY)
    except AuthenticationError as error:
        advice = (
            "Copy the connection string from the portal again: the key may be another one now, or switched off."
            if with_key
            else "Sign in again (az login), to the tenant of the resource."
        )
        return Finding(what, f"refused: {error}", advice, False)
    except PermissionDeniedError as error:
        if with_key:
            advice = "A key may do everything: look at the network rules of the resource, such as its IP rules."
            return Finding(what, f"refused: {error}", advice, False)
    except WebPubSubError as error:
        return Finding(what, str(error), _what_to_do(error), False)
    return Finding(what, "accepted")


def _what_to_do(error: WebPubSubError) -> str:
    if isinstance(error, TransportError):
        return "Does something stand in the way that cuts connections, such as a proxy or a firewall?"
    if isinstance(error, ThrottledError):
        return "It is more than its units carry: `webpubsub plan` counts how many are needed."
    return "Look for the request id in the log of the service."


def _role_actions(client: WebPubSubServiceClient) -> Finding:
    """Try everything that roles can allow, with a group, a user and a connection that are nobody's."""
    missing: list[str] = []
    for action, do in _ACTIONS.items():
        try:
            do(client)
        except PermissionDeniedError:
            missing.append(f"Microsoft.SignalRService/WebPubSub/{action}")
        except (BadRequestError, NotFoundError):
            pass  # allowed, but there is nobody
        except WebPubSubError as error:
            return Finding("role actions", str(error), _what_to_do(error), False)
    if not missing:
        return Finding("role actions", f"all {len(_ACTIONS)} allowed")
    advice = "Assign the role `Web PubSub Service Owner` to the identity; that takes up to 30 minutes to work."
    return Finding("role actions", f"missing: {', '.join(missing)}", advice, False)


def _versions(client: WebPubSubServiceClient) -> Finding:
    try:
        response = client.http.head(f"/api/hubs/{client.hub}/groups/{_NOBODY}", params={"api-version": _NEWEST})
    except httpx.HTTPError as error:
        return Finding("API versions", str(error), good=None)
    supported = response.headers.get("api-supported-versions", "")
    if not supported:
        return Finding("API versions", "the service does not list them", good=None)
    good = _NEWEST in supported
    return Finding("API versions", supported, "" if good else f"This package speaks {_NEWEST}; set api_version=.", good)


def _sockets(client: WebPubSubServiceClient, service: Service) -> Iterator[Finding]:
    tries: list[tuple[str, list[str], dict[str, Any] | None]] = [("WebSocket without roles", [], None)]
    tries += [(f"WebSocket with {role}", [role], _FRAMES[frame]) for role, frame in _ROLES.items()]
    for tried, roles, frame in tries:
        try:
            url = client.get_client_access_token(roles=roles or None).url
            finding = asyncio.run(_converse(tried, url, frame, service.trust))
        except (WebPubSubError, ConfigurationError) as error:
            finding = Finding(tried, str(error), "The token could not be made.", False)
        yield finding
        if not roles and not finding.good:
            return
    yield _messages(client, service.trust)


async def _converse(tried: str, url: str, frame: dict[str, Any] | None, trust: Any) -> Finding:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), _client(url, trust) as websocket:
            await websocket.receive_json()
            if frame is not None:
                await websocket.send_json(frame)
                while (ack := await websocket.receive_json()).get("type") != "ack":
                    pass
                if not ack.get("success"):
                    error = ack.get("error", {})
                    came = f"{error.get('name')}: {error.get('message')}"
                    if _NEW.search(tried):
                        return Finding(tried, came, "This service does not know the role yet.", None)
                    return Finding(tried, came, _TAKEN, False)
    except aiohttp.WSServerHandshakeError as error:
        advice = "401: key and clock; 403: network rules; 500: the event handler for connect does not accept."
        return Finding(tried, f"refused with {error.status}", advice, False)
    except TimeoutError:
        return Finding(tried, "no response in time", "Does a proxy stand in the way that knows no WebSocket?", False)
    except (TypeError, ValueError):
        return Finding(tried, "closed, or no JSON came", "Does a proxy stand in the way?", False)
    except (aiohttp.ClientError, OSError) as error:
        return Finding(tried, str(error) or type(error).__name__, "Does a proxy stand in the way?", False)
    return Finding(tried, "opened" if frame is None else f"opened, {frame['type']} allowed")


@asynccontextmanager
async def _client(url: str, trust: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as http, websocket_of(http, url, trust, ["json.webpubsub.azure.v1"]) as opened:
        yield opened


def _messages(client: WebPubSubServiceClient, trust: Any) -> Finding:
    tried, arrived = "messages to a client", list[str]()
    sent = ["one", "two"]

    async def receive(url: str) -> None:
        async with _client(url, trust) as websocket, asyncio.timeout(_MESSAGE_SECONDS):
            connection_id = (await websocket.receive_json())["connectionId"]
            for text in sent:
                await asyncio.to_thread(client.send_to_connection, connection_id, text, content_type="text/plain")
            while sent[-1] not in arrived:
                arrived.append((await websocket.receive_json())["data"])

    came = ""
    try:
        asyncio.run(receive(client.get_client_access_token().url))
    except WebPubSubError as error:
        return Finding(tried, str(error), _what_to_do(error), False)
    except TimeoutError:
        pass
    except (aiohttp.ClientError, OSError, TypeError, ValueError):
        came = ", and then the connection broke"
    if arrived == sent:
        return Finding(tried, "arrive, once and in order")
    came = f"{' and '.join(sent)} were sent, {' and '.join(arrived) or 'nothing'} arrived{came}"
    return Finding(tried, came, "Does a proxy or a firewall hold back, repeat or cut what goes to clients?", False)


def _handler(url: str, hub: str, service: Service) -> Iterator[Finding]:
    if service.connection_string is None:
        yield Finding(
            "event handler", "not tried", "Its signatures need the access key: give --connection-string.", None
        )
        return
    key = ConnectionString.parse(service.connection_string).access_key
    origin = service.endpoint.partition("://")[2]
    try:
        with httpx.Client(verify=trusted_at(url), timeout=_TIMEOUT_SECONDS) as http:
            yield from _conversation(http, url, hub, key, origin)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        came = f"cannot be called: {error or type(error).__name__}"
        yield Finding("event handler", came, "Is it running, and reachable from here?", False)


def _conversation(http: httpx.Client, url: str, hub: str, key: str, origin: str) -> Iterator[Finding]:
    url = url.replace("{event}", "connected")
    response = http.options(url, headers={"WebHook-Request-Origin": origin, "ce-awpsversion": "1.0"})
    allowed = response.headers.get("WebHook-Allowed-Origin", "")
    good = response.is_success and bool({"*", origin} & {part.strip() for part in allowed.split(",")})
    advice = "" if good else f"Respond to OPTIONS with 200 and WebHook-Allowed-Origin: {origin}."
    came = f"{response.status_code}, allows {allowed or 'nobody'}"
    yield Finding("event handler agrees to be called", came, advice, good)
    headers, body = signed_event("connected", hub=hub, key=key, origin=origin)
    response = http.post(url, headers=headers, content=body)
    advice = "" if response.is_success else "Does it have this access key? Does it expect this hub?"
    yield Finding("event handler takes a good signature", str(response.status_code), advice, response.is_success)
    headers, body = signed_event("connected", hub=hub, key=secrets.token_urlsafe(32), origin=origin)
    response = http.post(url, headers=headers, content=body)
    good = response.is_client_error
    advice = "" if good else "It fails instead of refusing: look at its log."
    if response.is_success:
        advice = "Anybody can send it events! Check ce-signature (webpubsub.events does)."
    yield Finding("event handler refuses a forged signature", str(response.status_code), advice, good)
