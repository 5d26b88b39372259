"""Event handlers in aiohttp; README.md beside this file says how to run it."""

import os

from aiohttp import web

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


async def negotiate(request: web.Request) -> web.Response:
    """Give a client its URL."""
    return web.json_response({"url": (await service.get_client_access_token(user_id=request.query["user"])).url})


async def close(app: web.Application) -> None:
    """Close what is open when the application ends."""
    await handler.aclose()
    await service.close()


app = web.Application()
app.router.add_get("/negotiate", negotiate)
app.router.add_route("*", "/eventhandler", handler.aiohttp)
app.on_cleanup.append(close)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=5000)
