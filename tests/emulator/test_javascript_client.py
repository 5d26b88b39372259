"""Microsoft's JavaScript client, as it is, in its default settings, where Node.js and its package are here."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from webpubsub import Role, WebPubSubServiceClient
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator
from webpubsub.events import EventHandler, UserEvent

FOLDER = Path(__file__).parent / "javascript"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (FOLDER / "node_modules").is_dir(),
    reason="Node.js, or @azure/web-pubsub-client in tests/emulator/javascript, is not on this machine",
)


@pytest.mark.parametrize("protocol", ["default", "plain"])
def test_every_call_of_the_client_works(protocol: str) -> None:
    """Joining, sending in each type, echo, duplicates, events with a reply, refusals, leaving, stopping."""
    handler = EventHandler(hub="chat", access_keys=[DEVELOPMENT_KEY], allowed_origins=["127.0.0.1"])

    @handler.on_event("order")
    async def order(event: UserEvent[dict[str, int]]) -> dict[str, int]:
        return {"ordered": event.data["id"]}

    with Emulator(event_handlers={"chat": handler.asgi}) as emulator:
        with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
            roles = [Role.send_to_group("room"), Role.join_leave_group("room")]
            url = service.get_client_access_token(user_id="ann", roles=roles).url
        run = subprocess.run(
            [str(NODE), "client.mjs", url, protocol],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        assert run.returncode == 0, run.stderr + "\n".join(map(str, emulator.hub("chat").messages))
        emulator.wait_for(lambda: not emulator.hub("chat").connections)
    seen = json.loads(run.stdout)

    assert seen["userId"] == "ann"
    assert seen["results"] == {
        "join": False,
        "send": False,
        "twice": False,
        "duplicate": True,
        "refused": "Forbidden",
    }
    assert seen["group"] == [
        ["room", "text", "text"],
        ["room", "json", {"n": 1}],
        ["room", "binary", "bytes"],
        ["room", "text", "forgotten"],
        ["room", "text", "once"],
    ]
    assert seen["server"] == [["json", {"ordered": 7}]]
    assert seen["stopped"] == 1


async def test_a_cut_socket_is_recovered_and_nothing_is_missed() -> None:
    """The client comes back by itself, and gets what was sent meanwhile, once."""
    program = """
import { WebPubSubClient } from "@azure/web-pubsub-client";
const client = new WebPubSubClient(process.argv[1]);
let count = 0;
client.on("stopped", () => process.exit(0));
client.on("server-message", ({ message }) => {
  console.log(message.data);
  if (++count === 3) client.stop();
});
await client.start();
"""
    async with Emulator() as emulator:
        service = WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat")
        url = service.get_client_access_token(user_id="ann").url
        process = await asyncio.create_subprocess_exec(
            str(NODE), "--input-type=module", "-e", program, url, cwd=FOLDER, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        hub = emulator.hub("chat")
        await emulator.wait_for_async(lambda: hub.connections, 20)
        from webpubsub.aio import WebPubSubServiceClient as AsyncClient

        async with AsyncClient.from_connection_string(emulator.connection_string, "chat") as sender:
            await sender.send_to_user("ann", 1)
            assert await process.stdout.readline() == b"1\n"
            emulator.go_away()
            await sender.send_to_user("ann", 2)
            await sender.send_to_user("ann", 3)
            rest = await asyncio.wait_for(process.stdout.read(), 20)
        await process.wait()

    assert rest == b"2\n3\n"
