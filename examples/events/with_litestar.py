"""Event handlers in Litestar; README.md beside this file says how to run it."""

import os
from typing import Any

from litestar import Litestar, Request, asgi, get

from webpubsub.aio import WebPubSubServiceClient
from webpubsub.events import (
    AcceptReply,
    ConnectedEvent,
    ConnectEvent,
    EventHandler,
    RejectReply,
    UserEvent,
    accept,
    reject,
)

CONNECTION_STRING = os.environ["WEBPUBSUB_CONNECTION_STRING"]
service = WebPubSubServiceClient.from_connection_string(CONNECTION_STRING, "hub")
handler = EventHandler(hub="hub", connection_string=CONNECTION_STRING)


@handler.on_connect
async def connect(event: ConnectEvent) -> AcceptReply | RejectReply:
    """Let everybody in but nobody."""
    return reject(403, "Nobody is not welcome.") if event.user_id == "nobody" else accept(groups=["lobby"])


@handler.on_connected
async def connected(event: ConnectedEvent) -> None:
    """Tell everybody who came."""
    await service.send_to_group("lobby", f"{event.user_id} is here.", content_type="text/plain")


@handler.on_message
async def message(event: UserEvent[str]) -> str:
    """Answer."""
    return f"You said {event.data}."


@get("/negotiate")
async def negotiate(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Give a client its URL."""
    return {"url": (await service.get_client_access_token(user_id=request.query_params["user"])).url}


app = Litestar(
    [negotiate, asgi("/eventhandler", copy_scope=True)(handler.asgi)],
    on_shutdown=[handler.aclose, service.close],
    logging_config=None,
)
