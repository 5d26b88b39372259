"""Send dict, text and bytes to real WebSocket clients through the local service, and check what arrives.

Run it with `make demo`, or with `python examples/quickstart.py` where `webpubsub[emulator]` and `websockets` are
installed. It needs no cloud account and no network.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from webpubsub import WebPubSubServiceClient
from webpubsub.aio import WebPubSubServiceClient as AsyncWebPubSubServiceClient
from webpubsub.emulator import Emulator

HUB = "demo"
JSON = Subprotocol("json.webpubsub.azure.v1")
SECONDS_TO_WAIT = 5


def main() -> int:
    """Run the demonstration; 0 when every message arrived."""
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator())
        service = stack.enter_context(WebPubSubServiceClient.from_connection_string(emulator.connection_string, HUB))
        print(f"The local service listens at {emulator.endpoint}\n")

        anonymous = service.get_client_access_token()
        ann = service.get_client_access_token(user_id="ann", groups=["team"])
        clients = {
            "simple client": stack.enter_context(connect(anonymous.url)),
            "JSON client": stack.enter_context(connect(anonymous.url, subprotocols=[JSON])),
            "JSON client of ann, in the group team": stack.enter_context(connect(ann.url, subprotocols=[JSON])),
        }
        simple, plain, anns = clients
        connection_id = json.loads(receive(clients[plain]))["connectionId"]
        receive(clients[anns])

        service.send_to_all({"to": "all"})
        service.send_to_all("text to all", content_type="text/plain")
        service.send_to_all(b"bytes to all")
        service.send_to_group("team", {"to": "group"})
        service.send_to_group("team", "text to group", content_type="text/plain")
        service.send_to_group("team", b"bytes to group")
        service.send_to_user("ann", {"to": "user"})
        service.send_to_user("ann", "text to user", content_type="text/plain")
        service.send_to_user("ann", b"bytes to user")
        service.send_to_connection(connection_id, {"to": "connection"})
        service.send_to_connection(connection_id, "text to connection", content_type="text/plain")
        service.send_to_connection(connection_id, b"bytes to connection")
        asyncio.run(send_asynchronously(emulator.connection_string))

        to_all = [{"to": "all"}, "text to all", b"bytes to all"]
        to_group = [{"to": "group"}, "text to group", b"bytes to group"]
        to_user = [{"to": "user"}, "text to user", b"bytes to user"]
        to_connection = [{"to": "connection"}, "text to connection", b"bytes to connection"]
        last = {"to": "all", "from": "async"}
        complete = [
            show(simple, clients[simple], ['{"to": "all"}', *to_all[1:], '{"to": "all", "from": "async"}']),
            show(plain, clients[plain], [*to_all, *to_connection, last]),
            show(anns, clients[anns], [*to_all, *to_group, *to_user, last]),
        ]
    print("Every message arrived." if all(complete) else "Messages are missing.")
    return 0 if all(complete) else 1


async def send_asynchronously(connection_string: str) -> None:
    """Send one message with the asynchronous client."""
    async with AsyncWebPubSubServiceClient.from_connection_string(connection_string, HUB) as service:
        await service.send_to_all({"to": "all", "from": "async"})


def receive(client: ClientConnection) -> str | bytes:
    """Return the next frame that a client gets."""
    return client.recv(timeout=SECONDS_TO_WAIT)


def show(name: str, client: ClientConnection, expected: Sequence[object]) -> bool:
    """Print what a client receives; tell whether it is what was sent to it."""
    print(f"{name} received")
    try:
        frames = [receive(client) for _ in expected]
    except TimeoutError:
        print("    too little\n")
        return False
    for frame in frames:
        print(f"    {frame!r}")
    print()
    return [unwrap(frame) if client.subprotocol else frame for frame in frames] == expected


def unwrap(frame: str | bytes) -> object:
    """Return the message in a frame of the JSON subprotocol."""
    message = json.loads(frame)
    return base64.b64decode(message["data"]) if message["dataType"] == "binary" else message["data"]


if __name__ == "__main__":
    sys.exit(main())
