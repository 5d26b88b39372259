"""Django views under WSGI; the client is made when it is first needed, and users are known by their number."""

import functools
import json
from types import SimpleNamespace

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path


@functools.cache
def service() -> WebPubSubServiceClient:
    given = dict(part.split("=", 1) for part in settings.WEB_PUBSUB["connection_string"].split(";") if part)
    credential = AzureKeyCredential(given["AccessKey"])
    return WebPubSubServiceClient(given["Endpoint"], settings.WEB_PUBSUB["hub"], credential, logging_enable=False)


def negotiate(request):
    user = SimpleNamespace(id=42)
    return JsonResponse(service().get_client_access_token(user_id=str(user.id), minutes_to_expire=5))


def notify(request, user_id):
    payload = json.loads(request.body)
    try:
        service().send_to_user(user_id, payload, filter=request.GET.get("filter"), retry_total=3)
    except HttpResponseError as error:
        return HttpResponse(error.reason, status=error.status_code)
    return HttpResponse(status=204)


def online(request, user_id):
    return JsonResponse({"online": service().user_exists(user_id)})


class Urls:
    """What the application serves."""

    urlpatterns = (
        path("negotiate", negotiate),
        path("users/<int:user_id>/notify", notify),
        path("users/<int:user_id>/online", online),
    )


def main(connection_string: str, hub: str):
    with override_settings(ROOT_URLCONF=Urls, WEB_PUBSUB={"connection_string": connection_string, "hub": hub}):
        browser = Client()
        token = browser.get("/negotiate").json()
        sent = browser.post("/users/42/notify", {"title": "Ready"}, content_type="application/json")
        mistaken = browser.post("/users/42/notify?filter=userId%20eq", {"a": 1}, content_type="application/json")
        found = browser.get("/users/42/online").json()
        service().close()
    return [sorted(token), sent.status_code, mistaken.status_code, mistaken.reason_phrase, found]
