"""Event handlers in Azure Functions, as `function_app.py`; README.md beside this file says how to run it."""

import os

import azure.functions as func
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
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


async def negotiate(request: Request) -> JSONResponse:
    """Give a client its URL."""
    return JSONResponse({"url": (await service.get_client_access_token(user_id=request.query_params["user"])).url})


routes = Starlette(routes=[Route("/eventhandler", handler.asgi), Route("/negotiate", negotiate)])
app = func.AsgiFunctionApp(app=routes, http_auth_level=func.AuthLevel.ANONYMOUS)
