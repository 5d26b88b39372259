"""A notifier that tells failures apart as the official documents show it."""

import json

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.messaging.webpubsubservice import WebPubSubServiceClient


def attempt(action) -> dict:
    """Do something, and describe how it went."""
    try:
        action()
    except ClientAuthenticationError as error:
        return {"kind": "authentication", "status": error.status_code, "reason": error.reason}
    except ResourceExistsError:
        return {"kind": "exists"}
    except ResourceNotFoundError as error:
        return {
            "kind": "absent",
            "code": error.error.code,
            "message": error.message,
            "body": json.loads(error.response.text()),
            "type": error.response.headers["content-type"],
        }
    except HttpResponseError as error:
        return {
            "kind": "refused",
            "status": error.status_code,
            "code": error.error.code if error.error else None,
            "model": error.model,
        }
    except (ServiceRequestError, ServiceResponseError) as error:
        return {"kind": "unanswered", "sent": isinstance(error, ServiceResponseError)}
    except AzureError:
        return {"kind": "other"}
    except ValueError:
        return {"kind": "value"}
    return {"kind": "fine"}


def main(connection_string: str, hub: str):
    endpoint = connection_string.partition("Endpoint=")[2].partition(";")[0]
    wrong_key = AzureKeyCredential("a wrong key, which has 32 bytes or more")
    with (
        WebPubSubServiceClient.from_connection_string(connection_string, hub=hub) as service,
        WebPubSubServiceClient(endpoint=endpoint, hub=hub, credential=wrong_key) as stranger,
        WebPubSubServiceClient("http://127.0.0.1:1", hub, wrong_key, retry_connect=0, retry_total=0) as unreachable,
    ):
        return [
            attempt(lambda: service.send_to_all("hi")),
            attempt(lambda: service.add_user_to_group("lobby", "nobody")),
            attempt(lambda: service.grant_permission("sendToGroup", "nobody", target_name="lobby")),
            attempt(lambda: service.send_to_all("hi", filter="userId eq")),
            attempt(lambda: service.send_to_all("hi", content_type="text/html")),
            attempt(lambda: stranger.send_to_all("hi")),
            attempt(lambda: stranger.user_exists("ann")),
            attempt(lambda: unreachable.send_to_all("hi")),
            attempt(lambda: WebPubSubServiceClient.from_connection_string("Endpoint=http://localhost", hub=hub)),
        ]
