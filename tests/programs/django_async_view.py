"""Asynchronous Django views under WSGI: Django runs each request in an event loop of its own."""

import asyncio

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient
from django.conf import settings
from django.http import JsonResponse
from django.test import Client, override_settings
from django.urls import path


def open_client():
    return WebPubSubServiceClient.from_connection_string(**settings.WEB_PUBSUB, connection_timeout=5, read_timeout=10)


async def presence(request):
    async with open_client() as service:
        names = request.GET.getlist("user")
        found = await asyncio.gather(*(service.user_exists(name) for name in names))
    return JsonResponse(dict(zip(names, found, strict=True)))


async def invite(request, room, user):
    try:
        async with open_client() as service:
            await service.send_to_group(room, f"{user} joins", content_type="text/plain")
            await service.add_user_to_group(room, user)
    except ResourceNotFoundError as error:
        return JsonResponse({"absent": error.error.code}, status=error.status_code)
    except AzureError as error:
        return JsonResponse({"failed": str(error)}, status=500)
    return JsonResponse({})


class Urls:
    """What the application serves."""

    urlpatterns = (path("presence", presence), path("rooms/<str:room>/invite/<str:user>", invite))


def main(connection_string: str, hub: str):
    with override_settings(ROOT_URLCONF=Urls, WEB_PUBSUB={"connection_string": connection_string, "hub": hub}):
        browser = Client()
        found = browser.get("/presence?user=ann&user=bob").json()
        invited = browser.post("/rooms/lobby/invite/nobody")
        again = browser.get("/presence?user=ann").json()
    return [found, invited.status_code, invited.json(), again]
