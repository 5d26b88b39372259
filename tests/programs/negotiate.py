"""A negotiate endpoint without a framework, and the official WebSocket client that asks it."""

import json
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.messaging.webpubsubclient import WebPubSubClient, WebPubSubClientCredential
from azure.messaging.webpubsubclient.models import CallbackType, OnGroupDataMessageArgs, WebPubSubProtocolType
from azure.messaging.webpubsubservice import WebPubSubServiceClient


def handler(service: WebPubSubServiceClient) -> type[BaseHTTPRequestHandler]:
    class Negotiate(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            token = service.get_client_access_token(
                user_id=query["user"][0],
                roles=["webpubsub.joinLeaveGroup.lobby", "webpubsub.sendToGroup.lobby"],
                minutes_to_expire=5,
            )
            body = json.dumps(token).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    return Negotiate


def main(connection_string: str, hub: str):
    received: list[object] = []
    arrived = threading.Event()

    def on_message(message: OnGroupDataMessageArgs) -> None:
        received.append([message.group, message.data])
        arrived.set()

    with (
        WebPubSubServiceClient.from_connection_string(connection_string, hub=hub) as service,
        ThreadingHTTPServer(("127.0.0.1", 0), handler(service)) as server,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:

            def url() -> str:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/?user=ann") as response:
                    return json.load(response)["url"]

            client = WebPubSubClient(WebPubSubClientCredential(url), protocol_type=WebPubSubProtocolType.JSON)
            client.subscribe(CallbackType.GROUP_MESSAGE, on_message)
            with client:
                client.join_group("lobby")
                online = service.user_exists("ann")
                service.send_to_group("lobby", {"from": "server", "data": "Hello"})
                arrived.wait(10)
        finally:
            server.shutdown()
            thread.join()
    return [online, received]
