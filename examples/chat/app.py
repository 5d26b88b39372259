"""A chat room: who is there, what they say, and nothing lost when a connection breaks.

Browsers talk to the service over WebSockets; the service calls `/eventhandler` here; this application talks back to the
browsers through the service. It keeps nothing in memory, so it may run in any number of processes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse
from starlette.routing import Route

from webpubsub.aio import WebPubSubServiceClient
from webpubsub.events import (
    AcceptReply,
    ConnectEvent,
    DisconnectedEvent,
    EventHandler,
    GroupJoinedEvent,
    GroupLeftEvent,
    RejectReply,
    UserEvent,
    accept,
    reject,
)

HUB = "chat"
ROOM = "lobby"
LONGEST_NAME = 40
LONGEST_TEXT = 2000
PAGE = Path(__file__).with_name("index.html")


@dataclass(frozen=True)
class Said:
    """What a browser sends: the text, and an id by which everybody recognizes a repetition."""

    id: str
    text: str


def create_app(connection_string: str) -> FastAPI:
    """Make the application.

    Args:
        connection_string: The connection string of the service.
    """
    service = WebPubSubServiceClient.from_connection_string(connection_string, HUB)
    handler = EventHandler(hub=HUB, connection_string=connection_string)
    telling = asyncio.Lock()

    @handler.on_connect
    async def connect(event: ConnectEvent) -> AcceptReply | RejectReply:
        if not event.user_id:
            return reject(401, "Get a URL from /negotiate first.")
        return accept(roles=[f"webpubsub.joinLeaveGroup.{ROOM}"])

    @handler.on_event("say")
    async def say(event: UserEvent[Said]) -> RejectReply | None:
        if not 0 < len(event.data.text) <= LONGEST_TEXT:
            return reject(400, f"A text has 1 to {LONGEST_TEXT} characters.")
        said = {"id": event.data.id, "text": event.data.text, "from": event.user_id, "at": datetime.now(UTC)}
        await service.send_to_group(ROOM, {"kind": "message", **said})
        return None

    @handler.on_joined
    async def joined(event: GroupJoinedEvent) -> None:
        await tell_who_is_here()

    @handler.on_left
    async def left(event: GroupLeftEvent) -> None:
        await tell_who_is_here()

    @handler.on_disconnected
    async def disconnected(event: DisconnectedEvent) -> None:
        await tell_who_is_here()

    async def tell_who_is_here() -> None:
        # One at a time, so that an older list never comes last.
        async with telling:
            people = {member.user_id async for member in service.list_connections(ROOM)}
            await service.send_to_group(ROOM, {"kind": "people", "people": sorted(filter(None, people))})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service, handler:
            yield

    app = FastAPI(routes=[Route("/eventhandler", handler.asgi)], lifespan=lifespan)

    @app.get("/negotiate")
    async def negotiate(name: str) -> dict[str, str]:
        """Give a browser its URL; an application of your own asks who it is first."""
        if not 0 < len(name.strip()) <= LONGEST_NAME:
            raise HTTPException(400, f"A name has 1 to {LONGEST_NAME} characters.")
        return {"url": (await service.get_client_access_token(user_id=name.strip())).url}

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE)

    return app
