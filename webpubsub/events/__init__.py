"""What the clients of a hub do, handled by your functions in any Python web framework.

>>> from webpubsub.events import EventHandler, UserEvent, accept
>>> handler = EventHandler(hub="chat", access_keys=["the access key of the resource"])
>>> @handler.on_connect
... async def connect(event):
...     return accept(groups=["lobby"])
>>> @handler.on_message
... async def message(event: UserEvent[str]) -> str:
...     return f"You said {event.data}."

Add it to your application, and let the event handler settings of the hub point there: Starlette and FastAPI take
`app.mount("/eventhandler", handler.asgi)`; `handler.wsgi`, `handler.aiohttp`, `handler.flask` and `handler.django` are
the other doors, and `parse_event` is the one call for everything else. `handler.test_client()` tests the functions
without a server.
"""

from webpubsub.errors import EventError

from .acceptance import AcceptanceOptions
from .handler import EventHandler
from .http import HttpResponse, make_response, parse_event
from .replies import AcceptReply, MessageReply, RejectReply, accept, reject, reply
from .signatures import BearerToken, KeyHolder
from .testing import ConnectionOptions, EventTestClient
from .values import (
    AnyEvent,
    ClientCertificate,
    ConnectedEvent,
    ConnectEvent,
    DisconnectedEvent,
    Event,
    GroupJoinedEvent,
    GroupLeftEvent,
    MqttConnect,
    MqttDisconnect,
    Preflight,
    UnknownEvent,
    UserEvent,
)

__all__ = [
    "AcceptReply",
    "AcceptanceOptions",
    "AnyEvent",
    "BearerToken",
    "ClientCertificate",
    "ConnectEvent",
    "ConnectedEvent",
    "ConnectionOptions",
    "DisconnectedEvent",
    "Event",
    "EventError",
    "EventHandler",
    "EventTestClient",
    "GroupJoinedEvent",
    "GroupLeftEvent",
    "HttpResponse",
    "KeyHolder",
    "MessageReply",
    "MqttConnect",
    "MqttDisconnect",
    "Preflight",
    "RejectReply",
    "UnknownEvent",
    "UserEvent",
    "accept",
    "make_response",
    "parse_event",
    "reject",
    "reply",
]
