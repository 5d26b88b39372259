"""The chat room in a real browser: two tabs, what each sees, and nothing lost when connections break."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from examples.chat.app import create_app
from tests.support.browser import CHROMEDRIVER, CHROMIUM, Browser, Tab, browser
from tests.support.web_servers import listener, uvicorn_server
from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import Emulator, EventHandlerSettings

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None or CHROMEDRIVER is None, reason="chromium and chromedriver are not installed"),
    pytest.mark.timeout(180),
]


class Room(NamedTuple):
    """The chat room, and the service beneath it."""

    url: str
    emulator: Emulator


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run the browser."""
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def room() -> Iterator[Room]:
    """Run the chat room, as `make chat` does."""
    with listener() as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        settings = EventHandlerSettings(f"{url}/eventhandler", group_events=["joined", "left"])
        emulator = Emulator(event_handlers={"chat": settings})
        with emulator, uvicorn_server(create_app(emulator.connection_string), sock):
            yield Room(url, emulator)
            emulator.stop()  # before the application: its last events would come to a server that is about to end


def join(chromium: Browser, room: Room, name: str) -> Tab:
    """Open a tab and join under a name."""
    tab = chromium.tab(room.url)
    tab.type(f"{name}\n")
    tab.wait_for(f"document.getElementById('state').textContent === 'connected as {name}'")
    return tab


def wait_for_people(tab: Tab, *names: str) -> None:
    """Wait until a tab lists these people."""
    shown = "[...document.querySelectorAll('#people li')].map(item => item.textContent).join()"
    tab.wait_for(f"{shown} === '{','.join(names)}'")


def wait_for_messages(tab: Tab, *texts: str) -> None:
    """Wait until a tab shows these messages, in this order, none of them waiting."""
    shown = "[...document.querySelectorAll('#messages li:not(.waiting)')].map(item => item.lastChild.data)"
    tab.wait_for(f"JSON.stringify({shown}) === JSON.stringify({json.dumps(texts)})")


def test_two_tabs_see_each_other_and_what_they_say(chromium: Browser, room: Room) -> None:
    """Presence, messages both ways in the same order, and text that stays text."""
    ann = join(chromium, room, "ann")
    wait_for_people(ann, "ann")
    bob = join(chromium, room, "bob")
    for tab in (ann, bob):
        wait_for_people(tab, "ann", "bob")

    ann.type("Hello Bob\n")
    wait_for_messages(bob, "Hello Bob")
    bob.type("<b>Hi</b> Ann\n")
    for tab in (ann, bob):
        wait_for_messages(tab, "Hello Bob", "<b>Hi</b> Ann")

    assert ann.text().split() == bob.text().replace("as bob", "as ann").split()
    if path := os.environ.get("CHAT_SCREENSHOT"):
        Path(path).write_bytes(ann.screenshot())
    ann.close()
    bob.close()


def test_nothing_is_lost_and_nothing_doubled_when_connections_break(chromium: Browser, room: Room) -> None:
    """The pages recover their sessions: what was sent meanwhile arrives, what was not acknowledged is sent again."""
    ann, bob = join(chromium, room, "ann"), join(chromium, room, "bob")
    wait_for_people(ann, "ann", "bob")
    before = {connection.connection_id for connection in room.emulator.hub("chat").connections}

    ann.type("before\n")
    wait_for_messages(bob, "before")
    room.emulator.go_away()
    bob.type("from the gap\n")
    with WebPubSubServiceClient.from_connection_string(room.emulator.connection_string, "chat") as service:
        service.send_to_group("lobby", {"kind": "message", "id": "1", "from": "server", "text": "meanwhile"})
    for tab, name in ((ann, "ann"), (bob, "bob")):
        tab.wait_for(f"document.getElementById('state').textContent === 'connected as {name}'")
        wait_for_all = "document.querySelectorAll('#messages li:not(.waiting)').length === 3"
        tab.wait_for(wait_for_all)
    ann.type("after\n")
    for tab in (ann, bob):
        tab.wait_for("document.querySelector('#messages li:last-child').lastChild.data === 'after'")
        shown = tab.run("return [...document.querySelectorAll('#messages li')].map(item => item.lastChild.data)")
        assert sorted(shown) == ["after", "before", "from the gap", "meanwhile"]

    assert {connection.connection_id for connection in room.emulator.hub("chat").connections} == before
    ann.close()
    bob.close()


def test_who_closes_the_tab_leaves(chromium: Browser, room: Room) -> None:
    """The service waits half a minute for the page to come back; then the others are told."""
    ann, bob = join(chromium, room, "ann"), join(chromium, room, "bob")
    wait_for_people(ann, "ann", "bob")

    bob.close()
    room.emulator.wait_for(lambda: half_a_minute_later(room) == ["ann"])
    wait_for_people(ann, "ann")
    ann.close()


def half_a_minute_later(room: Room) -> list[str | None]:
    """Let time pass, and tell who is still there."""
    room.emulator.clock.advance(31)
    return [connection.user_id for connection in room.emulator.hub("chat").connections]
