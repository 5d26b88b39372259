"""The answers of a language model, streamed to everybody in a group while they come into being.

A client sends the event `ask` with `{"question": "..."}` and gets `{"answer": "<id>"}` at once. Then the group
`answers` gets the words as a stream with that id: messages with `"stream": {"streamId": "<id>", "streamSequenceId": 1}`
and so on, the last one with `"endOfStream": true`, and with an `error` when the model broke off.

Streams are frames of the WebSocket protocol, so the application is a client of the service, too, for each answer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from fastapi import FastAPI
from starlette.routing import Route

from examples.streaming import model
from examples.streaming.stream import publish
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.events import AcceptReply, ConnectEvent, EventHandler, UserEvent, accept

HUB = "assistant"
GROUP = "answers"
MODEL = "model"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """What a client asks."""

    question: str


def create_app(connection_string: str) -> FastAPI:
    """Make the application.

    Args:
        connection_string: The connection string of the service.
    """
    service = WebPubSubServiceClient.from_connection_string(connection_string, HUB)
    handler = EventHandler(hub=HUB, connection_string=connection_string)
    streams: set[asyncio.Task[None]] = set()

    @handler.on_connect
    async def connect(event: ConnectEvent) -> AcceptReply:
        return accept() if event.user_id == MODEL else accept(groups=[GROUP])

    @handler.on_event("ask")
    async def ask(event: UserEvent[Question]) -> dict[str, str]:
        answer_id = str(uuid4())
        task = asyncio.create_task(stream(answer_id, event.data.question))
        streams.add(task)
        task.add_done_callback(streams.discard)
        return {"answer": answer_id}

    async def stream(answer_id: str, question: str) -> None:
        try:
            token = await service.get_client_access_token(user_id=MODEL, roles=[f"webpubsub.sendToGroup.{GROUP}"])
            await publish(token.url, GROUP, answer_id, model.answer(question))
        except Exception:
            logger.exception("The answer %s broke off.", answer_id)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service, handler:
            yield
            await asyncio.gather(*streams)

    app = FastAPI(routes=[Route("/eventhandler", handler.asgi)], lifespan=lifespan)

    @app.get("/negotiate")
    async def negotiate() -> dict[str, str]:
        """Give a client its URL."""
        return {"url": (await service.get_client_access_token()).url}

    return app
