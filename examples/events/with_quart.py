"""Event handlers in Quart; README.md beside this file says how to run it."""

import os

from quart import Quart, Response, request

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


app = Quart(__name__)
app.config["MAX_CONTENT_LENGTH"] = handler.body_limit


@app.route("/eventhandler", methods=["GET", "OPTIONS", "POST"], provide_automatic_options=False)
async def eventhandler() -> Response:
    """Hand a request to the handler; Quart has no mounts."""
    content = await request.data
    status, headers, body = await handler.respond(request.method, request.scope["headers"], content)
    return Response(body, status, dict(headers))


@app.get("/negotiate")
async def negotiate() -> dict[str, str]:
    """Give a client its URL."""
    return {"url": (await service.get_client_access_token(user_id=request.args["user"])).url}


@app.after_serving
async def close() -> None:
    """Close what is open when the application ends."""
    await handler.aclose()
    await service.close()
