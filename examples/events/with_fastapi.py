"""Event handlers in FastAPI; README.md beside this file says how to run it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

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


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Close what is open when the application ends."""
    async with service, handler:
        yield


app = FastAPI(routes=[Route("/eventhandler", handler.asgi)], lifespan=lifespan)


@app.get("/negotiate")
async def negotiate(user: str) -> dict[str, str]:
    """Give a client its URL."""
    return {"url": (await service.get_client_access_token(user_id=user)).url}
