"""The inspector in a real browser: what it shows as it happens, what people do there, and that text stays text."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from tests.support.browser import CHROMEDRIVER, CHROMIUM, Browser, Tab, browser
from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import ClientFault, Emulator, RequestFault
from webpubsub.emulator._clients.json_v1 import JsonCodec
from webpubsub.emulator._clients.session import PubSubSession
from webpubsub.emulator._connections import Client, Surroundings
from webpubsub.emulator._hub.hub import Connection
from webpubsub.emulator._hub.permissions import Permissions
from webpubsub.emulator._hub.upstream import ConnectEvent
from webpubsub.emulator._journal import FrameRecord
from webpubsub.emulator._upstream.caller import UpstreamClient
from webpubsub.emulator._upstream.requests import ClientOfEvent

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None or CHROMEDRIVER is None, reason="chromium and chromedriver are not installed"),
    pytest.mark.timeout(180),
]

ENTER, ESCAPE, DOWN, UP, END, TAB = "\ue007", "\ue00c", "\ue015", "\ue013", "\ue010", "\ue004"
ROOT = Path(__file__).parent.parent.parent
ROWS = "[...document.querySelectorAll('#timeline-list .row:not([hidden])')]"
PANEL = "document.getElementById('panel')"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run the browser."""
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with an inspector, for each test."""
    with Emulator(inspector=True) as running:
        yield running


@pytest.fixture
def service(emulator: Emulator) -> Iterator[WebPubSubServiceClient]:
    """A client of the hub `chat`."""
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as client:
        yield client


@pytest.fixture
def tab(chromium: Browser, emulator: Emulator) -> Iterator[Tab]:
    """The page, connected; at the end, the browser has nothing to complain of."""
    chromium.complaints()
    opened = chromium.tab(emulator.inspector_url)
    opened.wait_for("document.getElementById('status').textContent === 'live'")
    yield opened
    opened.close()
    assert chromium.complaints() == []


def shows(tab: Tab, *texts: str) -> None:
    """Wait until one row of the time line shows these texts."""
    tab.wait_for(f"{ROWS}.some(row => {json.dumps(texts)}.every(text => row.textContent.includes(text)))")


def panel_shows(tab: Tab, text: str) -> None:
    """Wait until the panel shows a text."""
    tab.wait_for(f"!{PANEL}.hidden && {PANEL}.innerText.includes({json.dumps(text)})")


def fill(tab: Tab, form: str, button: str, **values: str) -> None:
    """Fill a form of the panel in, and press one of its buttons."""
    tab.run(
        f"const form = {PANEL}.querySelector('form[aria-label=\"{form}\"]');"
        f"for (const [name, value] of Object.entries({json.dumps(values)})) {{"
        "  form.elements[name].value = value; form.elements[name].dispatchEvent(new Event('change')); }"
        f"form.requestSubmit(form.querySelector('button[value={button}]'))"
    )


def press(tab: Tab, name: str) -> None:
    """Press the button with this id."""
    tab.run(f"document.getElementById('{name}').click()")


def test_what_happens_is_shown_at_once(tab: Tab, emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """A connection, a message of one's own program, its frame; opened, its headers and body without secrets."""
    with emulator.connect("chat", user_id="ann", groups=["room"]):
        service.send_to_group("room", {"text": "my own program", "access_token": "abc"})
        shows(tab, "request", "POST groups/room/:send", "202")
        shows(tab, "message", "to group room", "my own program", "1 client")
        shows(tab, "frame", "to client", "ann")
        tab.wait_for("document.getElementById('connection-count').textContent === '1'")

        tab.run(f"{ROWS}.find(row => row.textContent.includes('POST groups/room')).click()")
        panel_shows(tab, "my own program")
        tab.run(f"{PANEL}.querySelector('details').open = true")
        panel_shows(tab, "authorization")

        text = tab.run(f"return {PANEL}.innerText")
        assert re.search(r"authorization\s+REDACTED", text)
        assert '"access_token": "REDACTED"' in text
        assert "eyJ" not in text
        tab.run(f"{PANEL}.querySelector('button.small').click()")
        assert '{"text": "my own program", ' in tab.run(f"return {PANEL}.innerText")

        press(tab, "open-billing")
        panel_shows(tab, "1 deliveries, ")
        service.send_to_group("room", "x" * 2048)
        panel_shows(tab, "2 deliveries, ")
        tab.wait_for("parseFloat(document.getElementById('billed').textContent) > 1")
    tab.wait_for("document.getElementById('connection-count').textContent === '0'")


def test_text_from_outside_stays_text(tab: Tab, emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """Names, bodies and headers that would be elements or scripts anywhere else, in lists and when they are opened."""
    evil = "<img src=x onerror=window.hacked=1>"
    with emulator.connect("chat", user_id=evil, groups=[evil], roles=["webpubsub.setGroupState"]) as client:
        client.send_frame({"type": "setGroupState", "group": evil, "state": {evil: evil}})
        service.send_to_group(evil, evil, content_type="text/plain")
        url = f"{emulator.endpoint}/api/hubs/chat/{evil.replace('/', '')}"
        httpx.post(url, content=evil, headers={"x-note": "</dd><script>window.hacked=1</script>"}, trust_env=False)
        service.add_connection_to_group(f"{evil}2", client.connection_id)
        shows(tab, "message", evil, "1 client")
        for what in ("to group", "404", "joined"):
            shows(tab, what)
            tab.run(f"{ROWS}.findLast(row => row.textContent.includes({json.dumps(what)})).click()")
            panel_shows(tab, "img")
            tab.run("document.querySelectorAll('#panel details').forEach(each => each.open = true)")
        tab.wait_for("document.querySelector('#connections-list .row:not([hidden])')")
        tab.run("document.querySelector('#connections-list .row').click()")
        panel_shows(tab, f"{evil}2")
        panel_shows(tab, f'{evil}: {{"{evil}": "{evil}"}}')

    assert tab.run("return [window.hacked ?? null, document.querySelectorAll('img, main script').length]") == [None, 0]


def test_search_and_filters_narrow_the_time_line(tab: Tab, emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """Words that must be there, words that must not, kinds, hubs, one connection."""

    def narrowed(to: str) -> None:
        tab.wait_for(f"document.getElementById('tally').textContent === '{to}'")

    def search(words: str) -> None:
        tab.run(
            f"const box = document.getElementById('search'); box.value = {json.dumps(words)};"
            "box.dispatchEvent(new Event('input'))"
        )

    with emulator.connect("other", user_id="bob"):
        for word in ("apple", "pear"):
            service.send_to_all(word, content_type="text/plain")
        narrowed("6")
        search("APPLE")
        narrowed("2 of 6")
        search("apple -message")
        narrowed("1 of 6")
        search("")
        tab.run("document.querySelector('#kinds [data-kind=frame] input').click()")
        narrowed("5 of 6")
        tab.run(
            "const hubs = document.getElementById('hub'); hubs.value = 'other'; hubs.dispatchEvent(new Event('change'))"
        )
        narrowed("1 of 6")
        tab.run("hubs = document.getElementById('hub'); hubs.value = ''; hubs.dispatchEvent(new Event('change'))")
        tab.run("document.querySelector('#kinds [data-kind=frame] input').click()")
        tab.wait_for("document.querySelector('#connections-list .row:not([hidden])')")
        tab.run("document.querySelector('#connections-list .row').click()")
        tab.run(
            f"[...{PANEL}.querySelectorAll('button')].find(each => each.textContent === 'Only its records').click()"
        )
        narrowed("2 of 6")
        press(tab, "only")
        narrowed("6")
        press(tab, "pause")
        service.send_to_all("plum", content_type="text/plain")
        narrowed("6, 2 waiting")
        press(tab, "pause")
        narrowed("8")
        press(tab, "clear")
        narrowed("0")


def nameless(tab: Tab) -> list[str]:
    """Find what can have the focus, but has no name for screen readers."""
    focusable = [
        node
        for node in tab.command("Accessibility.getFullAXTree")["nodes"]
        if not node["ignored"] and any(each["name"] == "focusable" for each in node.get("properties", ()))
    ]
    assert len(focusable) > 10
    return [node["role"]["value"] for node in focusable if not node["name"]["value"]]


def test_the_keyboard_is_enough(tab: Tab, service: WebPubSubServiceClient) -> None:
    """`/` searches, Escape goes to the list, arrows move, Enter opens, Escape closes and goes back."""
    for number in range(40):
        service.send_to_all(f"message {number}", content_type="text/plain")
    shows(tab, "request", "message 39")
    focused = "document.activeElement.id"

    press(tab, "open-send")
    tab.type(ESCAPE)
    assert nameless(tab) == []
    tab.run("document.querySelector('.skip').focus()")
    actions = ("open-send", "open-client", "open-faults", "open-billing", "open-clock")
    for following in (*actions, "connection-search", "connections-list"):
        tab.type(TAB)
        assert tab.run(f"return {focused}") == following
    tab.type("/")
    tab.wait_for(f"{focused} === 'search'")
    tab.type("request" + ESCAPE)
    tab.wait_for(f"{focused} === 'timeline-list'")
    tab.type(END + UP + DOWN + UP)
    active = "document.getElementById(document.getElementById('timeline-list').getAttribute('aria-activedescendant'))"
    tab.wait_for(f"{active}.textContent.includes('message 38')")
    assert tab.run(f"return [{active}.ariaRowIndex, {active}.ariaSelected]") == ["40", "true"]
    assert tab.run("return document.getElementById('timeline-list').getAttribute('aria-rowcount')") == "41"
    tab.type(ENTER)
    panel_shows(tab, "message 38")
    tab.wait_for(f"{focused} === 'panel-title'")
    tab.type(ESCAPE)
    tab.wait_for(f"{PANEL}.hidden && {focused} === 'timeline-list'")


def test_a_message_can_be_sent_as_a_server(chromium: Browser, tab: Tab, emulator: Emulator) -> None:
    """JSON, text and bytes; what cannot be sent is said."""
    with emulator.connect("chat", user_id="ann") as ann:
        press(tab, "open-send")
        for kind, message, data in (
            ("json", '{"n": 1}', {"n": 1}),
            ("text", "hi", "hi"),
            ("binary", "00 ff", b"\0\xff"),
        ):
            fill(tab, "Send as a server", "send", hub="chat", target="user", name="ann", type=kind, message=message)
            assert ann.receive().data == data
            panel_shows(tab, "202: accepted")
        fill(tab, "Send as a server", "send", type="json", message="{")
        panel_shows(tab, "That is not JSON")
        fill(tab, "Send as a server", "send", type="binary", message="0")
        panel_shows(tab, "pairs of hexadecimal digits")
    fill(tab, "Send as a server", "send", hub="no hub", target="everyone", type="text", message="hi")
    panel_shows(tab, "400")
    assert "400 (Bad Request)" in chromium.complaints()[0]


def test_a_connection_can_be_changed_and_closed(tab: Tab, emulator: Emulator) -> None:
    """Into a group and out of it, more rights and fewer, and the end."""
    with emulator.connect("chat", user_id="ann") as ann:
        tab.wait_for("document.querySelector('#connections-list .row:not([hidden])')")
        tab.run("document.querySelector('#connections-list .row').click()")
        panel_shows(tab, ann.connection_id)
        fill(tab, "Groups", "join", group="room")
        panel_shows(tab, "It is in the group.")
        assert emulator.hub("chat").groups == {"room": [ann.connection_id]}
        fill(tab, "Permissions", "grant", permission="sendToGroup", group="room")
        panel_shows(tab, "webpubsub.sendToGroup.room")
        ann.send_to_group("room", "allowed")
        fill(tab, "Permissions", "revoke", permission="sendToGroup", group="room")
        panel_shows(tab, "-webpubsub.sendToGroup.room")
        fill(tab, "Groups", "leave", group="room")
        panel_shows(tab, "It is not in the group.")
        fill(tab, "End", "close", reason="enough")
        assert ann.wait_closed() == 1000
        panel_shows(tab, "This connection is closed.")


def test_faults_and_the_clock_are_at_hand(tab: Tab, emulator: Emulator) -> None:
    """Switched on and off, and moved, by the rules of the addresses for tests."""
    press(tab, "open-faults")
    panel_shows(tab, "Nothing goes wrong on purpose.")
    for what in ("status", "delay", "before", "truncate", "refuse", "lose"):
        fill(tab, "Faults", "add", what=what, hub="chat", times="")
        panel_shows(tab, "It is on.")
        tab.run("document.querySelector('#panel output').textContent = ''")
    panel_shows(tab, "client: action lose, status 503, hub chat, always")
    assert emulator.faults.active == [
        RequestFault(status=503, hub="chat", times=None),
        RequestFault(delay_seconds=1, hub="chat", times=None),
        RequestFault(reset="before", hub="chat", times=None),
        RequestFault(truncate=True, hub="chat", times=None),
        ClientFault(action="refuse", status=503, hub="chat", times=None),
        ClientFault(action="lose", hub="chat", times=None),
    ]
    tab.wait_for("document.getElementById('fault-count').textContent === '6'")
    fill(tab, "Faults", "clear")
    panel_shows(tab, "Nothing goes wrong on purpose.")
    assert emulator.faults.active == []

    press(tab, "open-clock")
    tab.run(f"[...{PANEL}.querySelectorAll('button')].find(each => each.textContent === '5 min').click()")
    panel_shows(tab, "300 s have passed.")
    fill(tab, "Move the clock", "move", seconds="60")
    panel_shows(tab, "360 s")
    tab.wait_for("document.getElementById('clock-ahead').textContent === '+360 s'")


def test_a_client_in_the_page_is_a_client(tab: Tab, emulator: Emulator, service: WebPubSubServiceClient) -> None:
    """It connects, sends, receives, and stays connected while the panel shows something else."""
    press(tab, "open-client")
    fill(tab, "Send as the test client", "send")
    panel_shows(tab, "Connect first.")
    fill(tab, "Test client", "connect", hub="chat", user="tester", groups="room, lobby")
    panel_shows(tab, "connected to chat as tester")
    emulator.wait_for(lambda: emulator.hub("chat").connections)  # its socket is open a moment before
    (connection,) = emulator.hub("chat").connections
    assert (connection.user_id, connection.groups) == ("tester", ("lobby", "room"))

    press(tab, "open-clock")
    service.send_to_user("tester", "while you were away", content_type="text/plain")
    press(tab, "open-client")
    panel_shows(tab, "while you were away")
    fill(tab, "Send as the test client", "send")
    panel_shows(tab, '"type":"ack","ackId":2,"success":true')
    fill(tab, "Test client", "close")
    panel_shows(tab, "not connected")
    assert [message.data for message in emulator.hub("chat").messages] == ["while you were away", "Hello"]


def test_it_comes_back_by_itself_and_misses_nothing(chromium: Browser, tab: Tab, emulator: Emulator) -> None:
    """A broken connection is opened again, from the last number; when the address is no good any more, it says so."""
    say(emulator, "one")
    shows(tab, "request", "one")
    cut_everything(emulator)
    say(emulator, "two")
    shows(tab, "request", "two")
    tab.wait_for("document.getElementById('status').textContent === 'live'")
    assert tab.run(f"return {ROWS}.length") == 4

    server = emulator._running()
    assert server._inspector is not None
    server._inspector = attrs.evolve(server._inspector, token="of another start")
    cut_everything(emulator)
    tab.wait_for("document.getElementById('status').dataset.state === 'ended'")
    complaints = chromium.complaints()
    assert not [said for said in complaints if "/feed" not in said]
    assert "403" in complaints[-1]


def say(emulator: Emulator, text: str) -> None:
    """Send a text to everybody."""
    with WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat") as service:
        service.send_to_all(text, content_type="text/plain")


def cut_everything(emulator: Emulator) -> None:
    """Break every connection of the page."""
    server = emulator._running()

    def cut() -> None:
        assert server._http is not None
        for connection in server._http.connections:
            assert connection.transport is not None
            connection.transport.close()

    server.loop.call_soon_threadsafe(cut)


def crowd(emulator: Emulator, number: int) -> None:
    """Put connections into a hub; no sockets are needed for the page to show them."""
    server = emulator._running()

    def connect() -> None:
        hub = server.hubs.open("crowd")
        surroundings = Surroundings(
            server._clock, server._alarms, server._upstream, server._faults, server._observer, server._observer.meter
        )
        for count in range(number):
            connection = Connection(f"c{count}", "crowd", f"user {count}", None, Permissions(), {"room"})
            facts = ClientOfEvent("crowd", connection.connection_id, connection.user_id, None)
            client = Client(
                PubSubSession(hub, connection, JsonCodec()),
                surroundings,
                UpstreamClient(facts, ConnectEvent({}, {}, {}, ())),
            )
            hub.add(client.session.connection)

    server.loop.call_soon_threadsafe(connect)


def burst(emulator: Emulator, number: int, text: str) -> None:
    """Have many things happen at once."""
    server = emulator._running()

    def happen() -> None:
        for count in range(number):
            server._observer.journal.add(FrameRecord(1.0, "crowd", f"c{count}", "out", text))

    server.loop.call_soon_threadsafe(happen)


def test_a_crowd_and_a_storm_do_not_fill_the_page(tab: Tab, emulator: Emulator) -> None:
    """2,000 connections and 8,600 records: only rows in sight are elements, and what was left out is told."""
    crowd(emulator, 2000)
    tab.wait_for("document.getElementById('connection-count').textContent === '2,000'")
    for shown in ("300", "600", "900"):
        burst(emulator, 300, "calm")
        tab.wait_for(f"document.getElementById('tally').textContent === '{shown}'")
    burst(emulator, 2000, "wind")
    tab.wait_for("document.getElementById('tally').textContent === '2,900'")
    tab.run("document.getElementById('timeline-list').scrollTop = 0")
    shows(tab, "calm")
    burst(emulator, 5700, "storm")
    tab.wait_for("document.getElementById('tally').textContent === '5,000, 700 skipped'")
    counts: Any = tab.run(
        "return [document.querySelectorAll('*').length,"
        " document.getElementById('connections-list').getAttribute('aria-rowcount'),"
        " document.getElementById('timeline-list').getAttribute('aria-rowcount')]"
    )

    assert counts[0] < 1000
    assert counts[1:] == ["2001", "5001"]
    tab.wait_for("!document.getElementById('newest').hidden")
    press(tab, "newest")
    shows(tab, "storm")


def test_the_page_itself_keeps_no_more_than_it_says(tab: Tab) -> None:
    """The store of the page has bounds, whatever comes."""
    kept = tab.run(
        "return import(new URL('store.js', location.href)).then(({Store}) => {"
        "  const store = new Store();"
        "  const record = number => ({number, kind: 'fault', hub: '', connection: 'c' + number, user: 'u'});"
        "  for (let start = 1; start < 25000; start += 500)"
        "    store.add(Array.from({length: 500}, (_, place) => record(start + place)), 0);"
        "  return [store.records.length, store.shown.length, store.records[0].number, store.names.size]; })"
    )

    assert kept == [5000, 5000, 20001, 20000]


@pytest.mark.parametrize("width", [360, 1000])
def test_it_fits_narrow_screens_and_dark_rooms(tab: Tab, emulator: Emulator, width: int) -> None:
    """Nothing is wider than the screen, with and without the panel; colours follow the system."""
    light = tab.run("return getComputedStyle(document.body).backgroundColor")
    tab.command("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=False)
    tab.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    with emulator.connect("chat", user_id="a" * 100, groups=["g" * 100]):
        shows(tab, "joined")
        for view in ("view-connections", "view-timeline", "open-send"):
            press(tab, view)
            assert tab.run("return document.documentElement.scrollWidth") <= width
    assert tab.run("return getComputedStyle(document.body).backgroundColor") != light


def test_a_newcomer_sees_a_message_of_his_own_program(chromium: Browser, tmp_path: Path) -> None:
    """What docs/inspector.md says, step by step: start, open the address that is printed, run the program."""
    guide = (ROOT / "docs/inspector.md").read_text("utf-8")
    program = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)[0]
    (tmp_path / "hello.py").write_text(program, "utf-8")
    assert "make inspect" in guide
    assert "\t$(BIN)/python -m webpubsub emulator --inspect\n" in (ROOT / "Makefile").read_text("utf-8")

    command = [sys.executable, "-m", "webpubsub", "emulator", "--inspect", "--quiet", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            connection_string = process.stdout.readline().strip()
            tab = chromium.tab(process.stderr.readline().removeprefix("Inspector: ").strip())
            environment = {**os.environ, "WEBPUBSUB_CONNECTION_STRING": connection_string}
            subprocess.run([sys.executable, "hello.py"], cwd=tmp_path, env=environment, check=True)
            shows(tab, "message", "Hello from my own program")
            tab.close()
        finally:
            process.terminate()
    chromium.complaints()
