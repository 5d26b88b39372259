"""Takes the pictures of docs/inspector.md again: `python -m tests.support.inspector_pictures`."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.browser import Tab, browser
from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import Emulator, RequestFault

DOCS = Path(__file__).parent.parent.parent / "docs"
ROWS = "[...document.querySelectorAll('#timeline-list .row:not([hidden])')]"


def main() -> None:
    """Play a small scene and look at it three times."""
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator(inspector=True))
        profile = stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
        chromium = stack.enter_context(browser(Path(profile)))
        tab = chromium.tab(emulator.inspector_url)
        play(emulator, stack)
        tab.wait_for(f"{ROWS}.some(row => row.textContent.includes('order 1042'))")

        tab.wait_for("document.getElementById('connection-count').textContent === '5'")
        size(tab, 1180, 600)
        picture(tab, "inspector-light.png")
        tab.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        tab.run(f"{ROWS}.findLast(row => row.textContent.includes('POST groups/kitchen')).click()")
        tab.wait_for("!document.getElementById('panel').hidden && document.querySelector('#panel pre')")
        picture(tab, "inspector-dark.png")
        tab.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
        tab.run("document.getElementById('panel-close').click()")
        size(tab, 390, 640)
        picture(tab, "inspector-narrow.png")


def play(emulator: Emulator, stack: ExitStack) -> None:
    """Have a restaurant at work."""
    service = stack.enter_context(WebPubSubServiceClient.from_connection_string(emulator.connection_string, "orders"))
    for user, groups in (
        ("ann", ["kitchen"]),
        ("bob", ["kitchen", "bar"]),
        ("table 7", ["guests"]),
        ("table 9", ["guests"]),
    ):
        stack.enter_context(emulator.connect("orders", user_id=user, groups=groups))
    carol = stack.enter_context(emulator.connect("chat", user_id="carol", roles=["webpubsub.sendToGroup.lobby"]))
    carol.send_to_group("lobby", "Good evening")
    service.send_to_group("guests", {"text": "The kitchen is open", "dishes": ["soup", "risotto"]})
    emulator.faults.add(RequestFault(status=503, retry_after=0))
    service.send_to_group("kitchen", {"order": 1041, "table": 9, "dishes": ["soup"]})
    service.send_to_user("table 9", "on its way", content_type="text/plain")
    service.user_exists("table 8")
    service.send_to_group("kitchen", {"order": 1042, "table": 7, "dishes": ["risotto", "soup"], "note": "order 1042"})


def size(tab: Tab, width: int, height: int) -> None:
    """Give the page a size."""
    tab.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


def picture(tab: Tab, name: str) -> None:
    """Save what the page shows."""
    (DOCS / name).write_bytes(tab.screenshot())


if __name__ == "__main__":
    main()
