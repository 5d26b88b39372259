"""The emulator's core without sockets: REST calls and clients as plain function calls, for tests."""

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt

from webpubsub.emulator._clients.json_v1 import JsonProtocol
from webpubsub.emulator._clients.session import Session
from webpubsub.emulator._http.auth import Verifier
from webpubsub.emulator._http.request import Request, Response
from webpubsub.emulator._http.rest import RestApi
from webpubsub.emulator._hub.hub import Connection, Hub, Hubs
from webpubsub.emulator._hub.messages import Close, Frame, Outgoing, Send, Subprotocol
from webpubsub.emulator._hub.permissions import Permissions

HOST = "127.0.0.1:8080"
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
VERSION = "api-version=2024-12-01"

_connection_numbers = itertools.count(1)


def token(**claims: Any) -> str:
    """Sign claims by hand, valid for a minute unless they say otherwise."""
    return jwt.encode({"exp": int(time.time()) + 60, **claims}, KEY, "HS256")


@dataclass
class Client:
    """A client whose frames are kept instead of sent."""

    connection: Connection
    session: Session
    outgoing: list[Outgoing] = field(default_factory=list)

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

    def send(self, **message: Any) -> None:
        """Let the client send a JSON frame."""
        self.session.receive(json.dumps(message))


class Service:
    """One emulator without sockets."""

    def __init__(self, *, simulate_entra: bool = False) -> None:
        self.hubs = Hubs()
        self.verifier = Verifier(KEY, frozenset({HOST}), simulate_entra)
        self.rest = RestApi(self.hubs, self.verifier, f"http://{HOST}")

    def hub(self, name: str = "chat") -> Hub:
        """Look at a hub."""
        return self.hubs.get(name)

    def connect(
        self,
        user_id: str | None = None,
        *groups: str,
        hub: str = "chat",
        roles: tuple[str, ...] = (),
        subprotocol: Subprotocol | None = None,
        connection_id: str | None = None,
    ) -> Client:
        """Connect a client, of the JSON subprotocol unless told otherwise, and drop its greeting."""
        outgoing: list[Outgoing] = []
        connection = Connection(
            connection_id=connection_id or f"c{next(_connection_numbers)}",
            user_id=user_id,
            subprotocol=subprotocol or JsonProtocol(),
            permissions=Permissions(roles),
            outbox=outgoing.append,
            groups=set(groups),
        )
        session = Session(self.hubs.open(hub), connection)
        session.open()
        outgoing.clear()
        return Client(connection, session, outgoing)

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
