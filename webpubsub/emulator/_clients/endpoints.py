"""The addresses for clients, and how each kind of client there is spoken to.

A new protocol is a row here and a module of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs

from .._hub.hub import Connection, Hub
from .codec import Codec
from .json_v1 import JsonCodec
from .mqtt_handshake import MqttHandshake
from .reliable import ReliableSession
from .session import PubSubSession, Session
from .simple import SimpleCodec

__all__ = ["ENDPOINTS", "ClientEndpoint", "Speaker"]

Speaker: TypeAlias = Callable[[Hub, Connection], Session]
"""Begins the session of a connection; it makes the codec of the connection, too."""


def _pub_sub(make_codec: Callable[[], Codec]) -> Speaker:
    return lambda hub, connection: PubSubSession(hub, connection, make_codec())


def _reliable(make_codec: Callable[[], Codec]) -> Speaker:
    return lambda hub, connection: ReliableSession(hub, connection, make_codec())


def _protobuf() -> Codec:
    from .protobuf_v1 import ProtobufCodec  # loads protobuf, which most emulators never need

    return ProtobufCodec()


@attrs.frozen
class ClientEndpoint:
    """An address for clients.

    Attributes:
        paths: The segments of its path; `{hub}` stands for the name of a hub. Where it is missing, the parameter `hub`
            has it.
        audience: The path of the URL that a token for it names, up to the name of the hub.
        subprotocols: What can be spoken there, by the name of the WebSocket subprotocol.
        simple: How clients are spoken to that offer none of these; None turns them away.
        connects_later: Whether event handlers are asked about a client by its session, and not before there is one.
    """

    paths: Sequence[tuple[str, ...]]
    audience: str
    subprotocols: Mapping[str, Speaker]
    simple: Callable[[SimpleCodec], Speaker] | None = None
    connects_later: bool = False


ENDPOINTS = (
    ClientEndpoint(
        paths=(("client", "hubs", "{hub}"), ("client",), ("client", "")),
        audience="/client/hubs/",
        subprotocols={
            "json.webpubsub.azure.v1": _pub_sub(JsonCodec),
            "json.reliable.webpubsub.azure.v1": _reliable(JsonCodec),
            "protobuf.webpubsub.azure.v1": _pub_sub(_protobuf),
            "protobuf.reliable.webpubsub.azure.v1": _reliable(_protobuf),
        },
        simple=lambda codec: _pub_sub(lambda: codec),
    ),
    ClientEndpoint(
        paths=(("clients", "mqtt", "hubs", "{hub}"),),
        audience="/clients/mqtt/hubs/",
        subprotocols={"mqtt": MqttHandshake},
        connects_later=True,
    ),
)
