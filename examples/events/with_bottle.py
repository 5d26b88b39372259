"""Event handlers in Bottle; README.md beside this file says how to run it."""

import os

from bottle import Bottle, request

from webpubsub import WebPubSubServiceClient
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
def connect(event: ConnectEvent) -> AcceptReply | RejectReply:
    """Let everybody in but nobody."""
    return reject(403, "Nobody is not welcome.") if event.user_id == "nobody" else accept(groups=["lobby"])


@handler.on_connected
def connected(event: ConnectedEvent) -> None:
    """Tell everybody who came."""
    service.send_to_group("lobby", f"{event.user_id} is here.", content_type="text/plain")


@handler.on_message
def message(event: UserEvent[str]) -> str:
    """Answer."""
    return f"You said {event.data}."


def negotiate() -> dict[str, str]:
    """Give a client its URL."""
    return {"url": service.get_client_access_token(user_id=request.query.getunicode("user")).url}


app = Bottle()
app.mount("/eventhandler", handler.wsgi)
app.route("/negotiate", callback=negotiate)

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=5000)
