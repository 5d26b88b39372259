"""The answers of a language model, streamed to everybody in a group while they come into being.

A client sends the event `ask` with `{"question": "..."}` and gets `{"answer": "<id>"}` at once. Then the group
`answers` gets `{"answer": "<id>", "number": 0, "text": "You "}`, `number` 1 and so on, and in the end one with
`"end": true`, and with `"failed": true` when the model broke off.

Each piece is sent after the service has accepted the one before: that is what keeps the order of messages to one group.
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
from webpubsub.aio import WebPubSubServiceClient
from webpubsub.events import AcceptReply, ConnectEvent, EventHandler, UserEvent, accept

HUB = "assistant"
GROUP = "answers"

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
        return accept(groups=[GROUP])

    @handler.on_event("ask")
    async def ask(event: UserEvent[Question]) -> dict[str, str]:
        answer_id = str(uuid4())
        task = asyncio.create_task(stream(answer_id, event.data.question))
        streams.add(task)
        task.add_done_callback(streams.discard)
        return {"answer": answer_id}

    async def stream(answer_id: str, question: str) -> None:
        number = 0
        last: dict[str, bool] = {"end": True}
        try:
            async for text in model.answer(question):
                await service.send_to_group(GROUP, {"answer": answer_id, "number": number, "text": text})
                number += 1
        except Exception:
            logger.exception("The answer %s broke off.", answer_id)
            last["failed"] = True
        await service.send_to_group(GROUP, {"answer": answer_id, "number": number, **last})

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
