"""`make chat`, or `python -m examples.chat`: the chat room with a local service, on http://127.0.0.1:5000.

`PORT` is another port; with `WEBPUBSUB_CONNECTION_STRING`, the service is that one, whose settings for the hub `chat`
must point to `/eventhandler` here.
"""

import os
from contextlib import ExitStack

import uvicorn

from examples.chat.app import HUB, create_app
from webpubsub.emulator import Emulator, EventHandlerSettings


def main() -> None:
    """Run until interrupted."""
    port = int(os.environ.get("PORT", "5000"))
    with ExitStack() as stack:
        connection_string = os.environ.get("WEBPUBSUB_CONNECTION_STRING")
        if connection_string is None:
            url = f"http://127.0.0.1:{port}/eventhandler"
            settings = EventHandlerSettings(url, group_events=["joined", "left"])
            connection_string = stack.enter_context(Emulator(event_handlers={HUB: settings})).connection_string
        print(f"Open http://127.0.0.1:{port}/ in two tabs; stop with Ctrl+C.", flush=True)
        uvicorn.run(create_app(connection_string), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
