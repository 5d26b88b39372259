"""A client with everything that azure-core lets one set, and calls that look at what went over the wire."""

import logging

from azure.core.credentials import AzureKeyCredential
from azure.core.pipeline.policies import RetryMode
from azure.core.rest import HttpRequest
from azure.messaging.webpubsubservice import WebPubSubServiceClient

logger = logging.getLogger("azure")


def main(connection_string: str, hub: str):
    parts = dict(part.split("=", 1) for part in connection_string.split(";") if part)
    seen: list[object] = []

    def on_response(response) -> None:
        seen.append([response.http_request.method, response.http_response.status_code])

    with WebPubSubServiceClient(
        endpoint=parts["Endpoint"],
        hub=hub,
        credential=AzureKeyCredential(parts["AccessKey"]),
        api_version="2024-12-01",
        retry_total=5,
        retry_connect=3,
        retry_backoff_factor=0.5,
        retry_backoff_max=10,
        retry_mode=RetryMode.Exponential,
        connection_timeout=5,
        read_timeout=10,
        connection_verify=True,
        user_agent="shop/1.0",
        headers={"x-ms-note": "nightly"},
        logging_enable=False,
        raw_response_hook=on_response,
        use_env_settings=True,
    ) as service:
        status = service.send_to_all("hi", cls=lambda response, body, headers: response.http_response.status_code)
        service.send_to_user("ann", "hi", content_type="text/plain", params={"messageTtlSeconds": 60}, timeout=10)
        request = HttpRequest("HEAD", f"/api/hubs/{hub}/users/ann", params={"api-version": "2024-12-01"})
        response = service.send_request(request, headers={"x-ms-note": "once"}, request_id="mine")
        service.close_user_connections("ann", reason="bye", retry_total=0, raw_request_hook=seen.append)
    hooked = seen.pop(-2)
    return [status, response.status_code, hooked.http_request.headers["x-ms-note"], seen]
