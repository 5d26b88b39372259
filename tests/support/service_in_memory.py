"""The emulator's core without sockets: REST calls and clients as plain function calls, for tests."""

import itertools
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jwt

from webpubsub.emulator._clients.codec import Codec
from webpubsub.emulator._clients.json_v1 import JsonCodec
from webpubsub.emulator._clients.reliable import ReliableSession
from webpubsub.emulator._clients.session import Effect, PubSubSession, Session, WakeAt
from webpubsub.emulator._clients.simple import SimpleCodec
from webpubsub.emulator._clock import Clock
from webpubsub.emulator._http.auth import Verifier
from webpubsub.emulator._http.request import Request, Response
from webpubsub.emulator._http.rest import RestApi
from webpubsub.emulator._hub.hub import Connection, Hub, Hubs
from webpubsub.emulator._hub.messages import Close, CloseCode, Frame, Message, Outgoing, Send
from webpubsub.emulator._hub.permissions import Permissions
from webpubsub.emulator._hub.upstream import CallUpstream, CancelUpstream, EventFailed, Reply, UserEvent

HOST = "127.0.0.1:8080"
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
JSON = "json.webpubsub.azure.v1"
VERSION = "api-version=2024-12-01"

_connection_numbers = itertools.count(1)


def token(**claims: Any) -> str:
    """Sign claims by hand, valid for a minute unless they say otherwise."""
    return jwt.encode({"exp": int(time.time()) + 60, **claims}, KEY, "HS256")


class StillClock(Clock):
    """A clock that stands still unless it is moved."""

    def now(self) -> float:
        """Start at 1000."""
        return 1000 + self._offset


@dataclass
class Client:
    """A client whose frames are kept instead of sent.

    Attributes:
        unhandled: Whether its events fail at once, as they do where there is no handler; otherwise `reply` is awaited.
    """

    session: Session
    clock: Clock
    unhandled: bool = True
    outgoing: list[Outgoing] = field(default_factory=list)
    calls: list[CallUpstream | CancelUpstream] = field(default_factory=list)
    memberships: list[str] = field(default_factory=list)

    @property
    def now(self) -> float:
        """The time."""
        return self.clock.now()

    @property
    def connection(self) -> Connection:
        """The connection in its hub."""
        return self.session.connection

    @property
    def id(self) -> str:
        """The connection id."""
        return self.connection.connection_id

    @property
    def frames(self) -> list[Frame]:
        """What was sent after the greeting."""
        return [item.frame for item in self.outgoing if isinstance(item, Send)]

    @property
    def closed(self) -> Close | None:
        """How the connection was ended, if it was."""
        return next((item for item in self.outgoing if isinstance(item, Close)), None)

    def open(self) -> None:
        """Let its socket be there."""
        self.perform(self.session.opened(self.now))

    def send(self, **message: Any) -> None:
        """Let the client send a JSON frame."""
        self.receive(json.dumps(message))

    def receive(self, frame: Frame) -> None:
        """Let the client send a frame."""
        self.perform(self.session.frame_received(frame, self.now))

    def leave(self, code: int = CloseCode.ABNORMAL) -> None:
        """Let its socket be gone."""
        self.perform(self.session.socket_lost(code, self.now))

    def deliver(self, message: Message) -> None:
        """Take a message from the hub."""
        self.perform(self.session.delivered(message, self.now))

    def joined(self, group: str) -> None:
        """Keep a group that the connection came into."""
        self.memberships.append(f"+{group}")

    def left(self, group: str) -> None:
        """Keep a group that the connection came out of."""
        self.memberships.append(f"-{group}")

    def close(self, reason: str) -> None:
        """Be closed by the hub."""
        self.perform(self.session.closed(reason, self.now))

    def wake(self) -> None:
        """Let the time come that the session waits for."""
        self.perform(self.session.time_passed(self.now))

    def come_back(self) -> None:
        """Let there be another socket."""
        self.perform(self.session.resumed(self.now))

    def reply(self, call_id: int, reply: Reply) -> None:
        """Let an event handler reply."""
        self.perform(self.session.upstream_replied(call_id, reply, self.now))

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the session asks for."""
        for effect in effects:
            match effect:
                case Send() | Close():
                    self.outgoing.append(effect)
                case CallUpstream(call_id, event):
                    self.calls.append(effect)
                    if self.unhandled and isinstance(event, UserEvent):
                        self.perform(self.session.upstream_replied(call_id, EventFailed(), self.now))
                case CancelUpstream():
                    self.calls.append(effect)
                case WakeAt():
                    pass


class Service:
    """One emulator without sockets."""

    def __init__(self, *, simulate_entra: bool = False, api_versions: tuple[str, ...] | None = ()) -> None:
        self.hubs = Hubs()
        self.clock = StillClock()
        self.verifier = Verifier([KEY], frozenset({HOST}), simulate_entra)
        self.rest = RestApi(self.hubs, self.verifier, f"http://{HOST}", self.clock, api_versions)

    def hub(self, name: str = "chat") -> Hub:
        """Look at a hub."""
        return self.hubs.get(name)

    def connect(
        self,
        user_id: str | None = None,
        *groups: str,
        hub: str = "chat",
        roles: tuple[str, ...] = (),
        codec: Codec | None = None,
        connection_id: str | None = None,
        unhandled: bool = True,
        reliable: bool = False,
    ) -> Client:
        """Connect a client, of the JSON subprotocol unless told otherwise, and drop its greeting."""
        connection = Connection(
            connection_id=connection_id or f"c{next(_connection_numbers)}",
            hub_name=hub,
            user_id=user_id,
            protocol=None if isinstance(codec, SimpleCodec) else JSON,
            permissions=Permissions(roles),
            groups=set(groups),
        )
        make_session = ReliableSession if reliable else PubSubSession
        session = make_session(self.hubs.open(hub), connection, codec or JsonCodec())
        client = Client(session, self.clock, unhandled)
        connection.receiver = client
        client.open()
        client.outgoing.clear()
        return client

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """Make a REST call with a right token; paths are taken below `/api/hubs/` unless they begin with a slash."""
        target = path if path.startswith("/") else f"/api/hubs/{path}"
        authorization = f"Bearer {token(aud=f'http://{HOST}{target}')}"
        given = [("host", HOST), ("content-length", str(len(body))), ("authorization", authorization), *headers]
        if content_type is not None:
            given.append(("content-type", content_type))
        return self.rest.handle(Request(method, target, given, body))
