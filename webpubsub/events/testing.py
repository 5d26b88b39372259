"""`EventTestClient`: what the service sends, without the service: signed events to a handler, typed replies back."""

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from webpubsub import _checks
from webpubsub.errors import ConfigurationError

from . import bodies
from .http import HttpResponse
from .replies import AcceptReply, MessageReply, RejectReply
from .signatures import keys_in_use, sign
from .values import ClientCertificate, MqttConnect, UserProperties

if TYPE_CHECKING:
    from .handler import EventHandler

__all__ = ["ConnectionOptions", "EventTestClient"]

_METADATA = "x-webpubsub-metadata-"


class ConnectionOptions(TypedDict, total=False):
    """Which connection an event is about.

    Example:
        >>> from webpubsub.events import ConnectionOptions
        >>> ann: ConnectionOptions = {"connection_id": "c1", "user_id": "ann"}

    Attributes:
        connection_id: The connection; `test-connection` by default.
        user_id: The user; None, the default, for an anonymous connection.
        hub: The hub; by default the handler's, when it has one only.
        subprotocol: The subprotocol of the connection, when it has one.
    """

    connection_id: str
    user_id: str | None
    hub: str | None
    subprotocol: str | None


class EventTestClient:
    """Sends events to a handler, and returns what the service would get.

    Everything goes the way of a real request, signature and all. What a function of yours raises is raised here. The
    state that a reply leaves at a connection comes with its later events. Events that the service does not wait for
    are awaited to the end.

    Example:
        >>> import asyncio
        >>> from webpubsub.events import EventHandler
        >>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
        >>> @handler.on_event("order")
        ... def order(event):
        ...     return {"ordered": event.data["id"], "by": event.user_id}
        >>> client = handler.test_client()
        >>> asyncio.run(client.event("order", {"id": 1}, user_id="ann")).data
        {'ordered': 1, 'by': 'ann'}
    """

    __test__ = False

    def __init__(self, handler: "EventHandler", bearer_token: str | None = None) -> None:
        """Send to a handler; `handler.test_client()` does this.

        Args:
            handler: The handler.
            bearer_token: What to send to a handler that checks bearer tokens.
        """
        self._handler = handler
        self._bearer_token = bearer_token
        self._states: dict[tuple[str, str], str] = {}
        self._counts: dict[tuple[str, str], int] = {}

    async def connect(
        self,
        *,
        claims: Mapping[str, Sequence[str]] | None = None,
        query: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, Sequence[str]] | None = None,
        subprotocols: Sequence[str] = (),
        client_certificates: Sequence[ClientCertificate] = (),
        mqtt: MqttConnect | None = None,
        **connection: Unpack[ConnectionOptions],
    ) -> AcceptReply | RejectReply:
        """Ask whether a client may connect.

        Args:
            claims: The claims of its token.
            query: The parameters of its URL.
            headers: The headers of its request.
            subprotocols: The subprotocols that it offers.
            client_certificates: The certificates that it identifies itself with.
            mqtt: What an MQTT client says of itself.
            **connection: Which connection; see `ConnectionOptions`.
        """
        said: dict[str, object] = {
            "claims": _lists(claims, "claims"),
            "query": _lists(query, "query"),
            "headers": _lists(headers, "headers"),
            "subprotocols": [_checks.string(one, item) for item, one in _checks.items(subprotocols, "subprotocols")],
            "clientCertificates": [
                {"thumbprint": one.thumbprint, "content": one.content} for one in client_certificates
            ],
        }
        if mqtt is not None:
            said["mqtt"] = {
                "protocolVersion": mqtt.protocol_version,
                "cleanStart": mqtt.clean_start,
                "username": mqtt.username,
                "password": None if mqtt.password is None else base64.b64encode(mqtt.password).decode(),
                "userProperties": [{"name": name, "value": value} for name, value in mqtt.user_properties],
            }
        response = await self._system("connect", said, **connection)
        return _rejected(response) if response.status >= 300 else _accepted(response)

    async def connected(self, **connection: Unpack[ConnectionOptions]) -> None:
        """Tell that a client has connected.

        Args:
            **connection: Which connection; see `ConnectionOptions`.
        """
        await self._system("connected", {}, **connection)

    async def disconnected(self, reason: str = "", **connection: Unpack[ConnectionOptions]) -> None:
        """Tell that a connection has ended.

        Args:
            reason: Why.
            **connection: Which connection; see `ConnectionOptions`.
        """
        await self._system("disconnected", {"reason": _checks.string(reason, "reason")}, **connection)

    async def joined(self, group: str, **connection: Unpack[ConnectionOptions]) -> None:
        """Tell that a connection has joined a group.

        Args:
            group: The group.
            **connection: Which connection; see `ConnectionOptions`.
        """
        said = _json({"group": _checks.string(group, "group")})
        await self._send("azure.webpubsub.gp.joined", bodies.JSON, said, {}, **connection)

    async def left(self, group: str, **connection: Unpack[ConnectionOptions]) -> None:
        """Tell that a connection has left a group.

        Args:
            group: The group.
            **connection: Which connection; see `ConnectionOptions`.
        """
        said = _json({"group": _checks.string(group, "group")})
        await self._send("azure.webpubsub.gp.left", bodies.JSON, said, {}, **connection)

    async def message(
        self, data: object, *, content_type: str | None = None, **connection: Unpack[ConnectionOptions]
    ) -> MessageReply | RejectReply:
        """Send the event `message`, as simple WebSocket clients do.

        Args:
            data: The payload: a str for text, bytes, or anything that JSON can say.
            content_type: Its media type, when it is another than the one that fits.
            **connection: Which connection; see `ConnectionOptions`.
        """
        return await self.event("message", data, content_type=content_type, **connection)

    async def event(
        self,
        name: str,
        data: object = b"",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        user_properties: UserProperties = (),
        **connection: Unpack[ConnectionOptions],
    ) -> MessageReply | RejectReply:
        """Send a user event.

        Args:
            name: The event.
            data: The payload: a str for text, bytes, or anything that JSON can say.
            content_type: Its media type, when it is another than the one that fits.
            metadata: What the client attaches.
            user_properties: What an MQTT client attaches.
            **connection: Which connection; see `ConnectionOptions`.
        """
        kind = f"azure.webpubsub.user.{_checks.string(name, 'name')}"
        body, written = bodies.encode(data, content_type)
        extra = {_METADATA + key: value for key, value in (metadata or {}).items()}
        extra |= {f"mqtt-{key}": value for key, value in user_properties}
        response = await self._send(kind, written, body, extra, **connection)
        return _rejected(response) if response.status >= 300 else _message(response)

    async def preflight(self, origin: str) -> bool:
        """Ask whether the handler wants the events of a service.

        Args:
            origin: The host of the service.
        """
        response = await self._handler.respond("OPTIONS", {"WebHook-Request-Origin": origin}, b"")
        allowed = dict(response.headers).get("WebHook-Allowed-Origin")
        return response.status < 300 and allowed in ("*", origin)

    async def _system(self, name: str, said: object, **connection: Unpack[ConnectionOptions]) -> HttpResponse:
        return await self._send(f"azure.webpubsub.sys.{name}", bodies.JSON, _json(said), {}, **connection)

    async def _send(
        self,
        kind: str,
        content_type: str,
        body: bytes,
        extra: Mapping[str, str],
        *,
        connection_id: str = "test-connection",
        user_id: str | None = None,
        hub: str | None = None,
        subprotocol: str | None = None,
    ) -> HttpResponse:
        place = (self._hub(hub), _checks.identifier(connection_id, "connection_id"))
        number = self._counts[place] = self._counts.get(place, -1) + 1
        optional = {
            "ce-userId": _checks.optional_text(user_id, "user_id"),
            "ce-subprotocol": _checks.optional_text(subprotocol, "subprotocol"),
            "ce-connectionState": self._states.get(place),
        }
        headers = {
            "Content-Type": content_type,
            "ce-specversion": "1.0",
            "ce-awpsversion": "1.0",
            "ce-type": kind,
            "ce-source": f"/hubs/{place[0]}/client/{connection_id}",
            "ce-id": str(number),
            "ce-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "ce-hub": place[0],
            "ce-eventName": kind.split(".", 3)[3],
            "ce-connectionId": connection_id,
            "x-ms-client-request-id": str(uuid.uuid4()),
            **{name: value for name, value in optional.items() if value is not None},
            **self._proof(place[0], connection_id),
            **extra,
        }
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        response = await self._handler._respond_in_test(pairs, body)
        state = dict(response.headers).get("ce-connectionState")
        if state is not None:
            self._states[place] = state
        return response

    def _hub(self, hub: str | None) -> str:
        if hub is not None:
            return _checks.hub(hub)
        if len(self._handler.hubs) > 1:
            raise ConfigurationError(f"hub must be one of {', '.join(sorted(self._handler.hubs))}; it was not given.")
        return next(iter(self._handler.hubs))

    def _proof(self, hub: str, connection_id: str) -> dict[str, str]:
        proof: dict[str, str] = {}
        keys = keys_in_use(self._handler._owner(hub.lower())._acceptance.access_keys)
        if keys:
            proof["ce-signature"] = ",".join(sign(connection_id, key) for key in keys)
        if self._bearer_token is not None:
            proof["Authorization"] = f"Bearer {self._bearer_token}"
        return proof


def _lists(values: Mapping[str, Sequence[str]] | None, argument: str) -> dict[str, list[str]]:
    if values is not None and not isinstance(values, Mapping):
        raise TypeError(f"{argument} must be a mapping of names to lists of str, not {type(values).__name__}.")
    return {name: [one] if isinstance(one, str) else list(one) for name, one in (values or {}).items()}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _header(response: HttpResponse, name: str) -> str | None:
    return dict(response.headers).get(name)


def _properties(value: Any) -> UserProperties:
    return tuple((one["name"], one["value"]) for one in value or ())


def _accepted(response: HttpResponse) -> AcceptReply:
    said: dict[str, Any] = json.loads(response.body or b"{}")
    groups, roles = said.get("groups"), said.get("roles")
    return AcceptReply(
        user_id=said.get("userId"),
        groups=None if groups is None else tuple(groups),
        roles=None if roles is None else tuple(roles),
        subprotocol=said.get("subprotocol"),
        state=_header(response, "ce-connectionState"),
        user_properties=_properties(said.get("mqtt", {}).get("userProperties")),
    )


def _rejected(response: HttpResponse) -> RejectReply:
    if _header(response, "Content-Type") != f"{bodies.JSON}; charset=utf-8":
        return RejectReply(status=response.status, reason=response.body.decode())
    said = json.loads(response.body)["mqtt"]
    return RejectReply(
        status=response.status,
        reason=said["reason"],
        mqtt_code=said["code"],
        user_properties=_properties(said.get("userProperties")),
    )


def _message(response: HttpResponse) -> MessageReply:
    content_type = _header(response, "Content-Type")
    named = [(name.lower(), value) for name, value in response.headers]
    return MessageReply(
        body=response.body,
        content_type=None if content_type is None else content_type.partition(";")[0],
        metadata={name.removeprefix(_METADATA): value for name, value in named if name.startswith(_METADATA)},
        state=_header(response, "ce-connectionState"),
        user_properties=tuple((name.removeprefix("mqtt-"), value) for name, value in named if name[:5] == "mqtt-"),
    )
