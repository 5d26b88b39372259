"""Event handlers in Django, under WSGI and ASGI; README.md beside this file says how to run it."""

import os
import sys

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

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


def negotiate(request: HttpRequest) -> JsonResponse:
    """Give a client its URL."""
    return JsonResponse({"url": service.get_client_access_token(user_id=request.GET["user"]).url})


urlpatterns = [path("eventhandler", handler.django), path("negotiate", negotiate)]

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="only for this example")
wsgi = get_wsgi_application()
asgi = get_asgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
