"""The inspector without a browser: who gets in, what the feed tells, what requests of the page do, what is hidden."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from webpubsub import WebPubSubServiceClient
from webpubsub.emulator import DEVELOPMENT_KEY, Emulator
from webpubsub.emulator._billing import Meter
from webpubsub.emulator._clients.mqtt_handshake import MqttHandshake
from webpubsub.emulator._clock import Clock
from webpubsub.emulator._hub.hub import Connection, Hub, Hubs
from webpubsub.emulator._hub.messages import DataType, Payload
from webpubsub.emulator._hub.permissions import Permission, Permissions
from webpubsub.emulator._inspector.connections import Board
from webpubsub.emulator._inspector.feed import Feed, Viewer
from webpubsub.emulator._inspector.records import Teller
from webpubsub.emulator._inspector.redaction import Redaction
from webpubsub.emulator._journal import (
    ConnectionRecord,
    EventRecord,
    FaultRecord,
    FrameRecord,
    MembershipRecord,
    MessageRecord,
    Record,
    RequestRecord,
)
from webpubsub.emulator._testing.faults import Faults

SECRET = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"


@pytest.fixture(scope="module")
def inspected() -> Iterator[Emulator]:
    """An emulator with an inspector."""
    with Emulator(inspector=True) as running:
        yield running


@pytest.fixture
def page(inspected: Emulator) -> Iterator[httpx.Client]:
    """Something that speaks HTTP, with addresses as the page has them."""
    with httpx.Client(base_url=inspected.inspector_url, trust_env=False) as client:
        yield client


# Who gets in


def test_the_page_and_its_modules_come_with_guards(page: httpx.Client) -> None:
    """No script but its own, in no frame, from no cache, and no word to others about where it is."""
    response = page.get("")

    policy = response.headers["Content-Security-Policy"]
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy.startswith("default-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for name in ("", "style.css", "main.js", "icon.svg", "records/1"):
        headers = page.get(name).headers
        assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer"), name
        assert headers["X-Content-Type-Options"] == "nosniff", name
    assert page.get("main.js").headers["Content-Type"] == "text/javascript; charset=utf-8"


def test_the_page_has_nothing_inline_and_asks_nobody_else(page: httpx.Client) -> None:
    """What the policy forbids is not tried: scripts, styles and addresses of others."""
    text = page.get("").text
    modules = [page.get(name).text for name in ("main.js", "dom.js", "list.js", "details.js", "client.js")]

    assert "style=" not in text
    assert "://" not in text
    assert text.count("<script") == text.count('<script type="module" src="main.js"></script>') == 1
    assert not [module for module in modules if "innerHTML" in module or "http" in module.replace('"http"', "")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read(page: httpx.Client, scheme: str) -> None:
    """Its contrast is 4.5 to 1 on every background, and that of the edges of controls 3 to 1 (WCAG 2.2, AA)."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", page.get("style.css").text, re.DOTALL)
    )
    colours = light if scheme == "light" else light | dark
    texts = ["ink", "muted", "accent", "good", "warn", "bad", *(kind for kind in KINDS)]

    for background in ("paper", "surface", "hover", "chosen"):
        assert [name for name in texts if contrast(colours[name], colours[background]) < 4.5] == []
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["edge"], colours["surface"]) >= 3


KINDS = ("request", "message", "event", "connection", "group", "frame", "fault")


def contrast(one: str, other: str) -> float:
    """Reckon the contrast of two colours as WCAG does."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (math.pow((byte / 255 + 0.055) / 1.055, 2.4) for byte in bytes.fromhex(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


TOKEN = "{token}"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "", {}, 403),
        ("GET", "wrong/", {}, 403),
        ("GET", "wrong/feed", {}, 403),
        ("GET", "%c3%a4/main.js", {}, 403),
        ("GET", "%zz/", {}, 403),
        ("POST", "wrong/emulator/clock", {}, 403),
        ("POST", "wrong/service/api/hubs/chat/:send", {}, 403),
        ("GET", f"{TOKEN}/", {"Host": "example.com"}, 403),
        ("GET", f"{TOKEN}/", {"Host": "exa mple"}, 403),
        ("GET", f"{TOKEN}/feed", {"Origin": "https://example.com"}, 403),
        ("GET", f"{TOKEN}/feed", {"Origin": "null"}, 403),
        ("POST", f"{TOKEN}/emulator/go-away", {"Origin": "http://127.0.0.1:1"}, 403),
        ("POST", f"{TOKEN}/", {}, 405),
        ("DELETE", f"{TOKEN}/feed", {}, 405),
        ("GET", TOKEN, {}, 200),
        ("GET", f"{TOKEN}/nothing.js", {}, 404),
        ("GET", f"{TOKEN}/..%2finspector.py", {}, 404),
        ("GET", f"{TOKEN}/records/999999", {}, 404),
        ("GET", f"{TOKEN}/records/x", {}, 404),
    ],
)
def test_who_has_no_business_here_is_told_nothing(
    inspected: Emulator, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """A wrong token, another name of this machine, a page from elsewhere: all of it looks the same."""
    token = inspected.inspector_url.rstrip("/").rpartition("/")[2]
    url = f"{inspected.endpoint}/_emulator/inspector/{path.replace(TOKEN, token)}"

    response = httpx.request(method, url, headers=headers, trust_env=False)

    assert response.status_code == status
    assert status == 200 or response.content == b""
    assert response.headers.get("Allow") == ("GET" if status == 405 else None)


def test_its_own_origin_is_welcome(inspected: Emulator, page: httpx.Client) -> None:
    """Browsers name it wherever something is changed."""
    origin = inspected.endpoint.replace("127.0.0.1", "localhost")
    headers = {"Origin": origin, "Host": origin.removeprefix("http://")}

    assert page.get("emulator/clock", headers=headers).status_code == 200


def test_each_start_has_a_token_of_its_own() -> None:
    """So an address that somebody has kept is worth nothing."""
    emulator = Emulator(inspector=True)
    addresses = set()
    for _ in range(2):
        with emulator:
            addresses.add(emulator.inspector_url.rpartition("/_emulator/")[2])

    assert len(addresses) == 2
    assert all(len(address) > len("inspector/") + 30 for address in addresses)
    with pytest.raises(RuntimeError, match="not running"):
        _ = emulator.inspector_url


def test_it_is_off_unless_it_is_asked_for() -> None:
    """Nothing of it is imported, and its addresses lead nowhere."""
    program = """
import sys, urllib.request, urllib.error
from webpubsub.emulator import Emulator
with Emulator() as emulator:
    try:
        urllib.request.urlopen(emulator.endpoint + "/_emulator/inspector/x/")
    except urllib.error.HTTPError as error:
        print(error.code)
    try:
        emulator.inspector_url
    except RuntimeError as error:
        print(error)
print([name for name in sys.modules if "_inspector" in name])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.splitlines() == [
        "404",
        "The emulator has no inspector: it was made without inspector=True.",
        "[]",
    ]


def test_it_is_for_this_machine_only() -> None:
    """Whoever has the address can do everything, so the network does not get it."""
    with pytest.raises(ValueError, match=r"served only where the host is 127\.0\.0\.1, localhost or ::1"):
        Emulator(host="0.0.0.0", inspector=True)
    with pytest.raises(TypeError, match="inspector must be True or False"):
        Emulator(inspector="yes")  # type: ignore[arg-type]


# What the page does


def test_what_the_page_sends_goes_the_way_of_every_request(inspected: Emulator, page: httpx.Client) -> None:
    """The same operations, the same journal, the same faults; no token of the service is needed."""
    with inspected.connect("acts", user_id="ann") as ann:
        sent = page.post("service/api/hubs/acts/users/ann/:send", json={"n": 1})
        refused = page.put("service/api/hubs/acts/groups/room/connections/nobody")
        token = page.post("service/api/hubs/acts/:generateToken?userId=bob").json()["token"]
        assert ann.receive().data == {"n": 1}

    request = inspected.hub("acts").requests[0]
    assert (sent.status_code, refused.status_code, token.count(".")) == (202, 404, 2)
    assert sent.headers["Cache-Control"] == "no-store"
    assert (request.operation, request.target) == ("send_to_user", "/api/hubs/acts/users/ann/:send")
    assert {"authorization", "origin"} & set(request.headers) == set()
    assert request.headers["user-agent"] == "webpubsub inspector"


def test_the_page_reaches_faults_and_clock_by_the_addresses_for_tests(inspected: Emulator, page: httpx.Client) -> None:
    """The rules there are the rules here."""
    assert page.post("emulator/faults", json={"kind": "client", "action": "lose"}).status_code == 201
    assert [fault["action"] for fault in page.get("emulator/faults").json()] == ["lose"]
    assert page.delete("emulator/faults").status_code == 204
    assert inspected.faults.active == []
    assert page.post("emulator/clock", json={"advance_seconds": -1}).status_code == 400


# What the feed tells


@contextmanager
def feed(page: httpx.Client, **headers: str) -> Iterator[Iterator[tuple[str, str, Any]]]:
    """Look on: events with name, number and data."""

    def events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
        fields: dict[str, str] = {}
        for line in lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            else:
                yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
                fields = {}

    with page.stream("GET", "feed", headers=headers) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        yield events(response.iter_lines())


def test_a_snapshot_comes_first_and_then_what_changes() -> None:
    """Connections with what they may and where they are; records by number; who comes back misses nothing."""
    with Emulator(inspector=True) as emulator, httpx.Client(base_url=emulator.inspector_url) as page:
        service = WebPubSubServiceClient.from_connection_string(emulator.connection_string, "chat")
        with (
            service,
            emulator.connect("chat", user_id="ann", groups=["room"], roles=["webpubsub.sendToGroup.a"]) as ann,
        ):
            with feed(page) as events:
                name, last, snapshot = next(events)
                emulator.clock.advance(5)
                service.send_to_user("ann", "text")
                changes = {kind: data for kind, _, data in (next(events), next(events))}
            with feed(page, **{"Last-Event-ID": last}) as events:
                _, _, again = next(events)
            with feed(page, **{"Last-Event-ID": "99999"}) as events:
                _, _, strange = next(events)
            kinds = {record["kind"] for record in snapshot["records"]}
            ann_id = ann.connection_id
            with feed(page) as events:
                next(events)
                service.close_connection(ann_id)
                gone = next(data["gone"] for kind, _, data in events if kind == "state")

    assert name == "snapshot"
    assert kinds == {"connection", "group", "frame"}
    assert snapshot["connections"] == [
        {
            "id": ann_id, "hub": "chat", "user": "ann", "protocol": "json.webpubsub.azure.v1", "groups": ["room"],
            "roles": ["webpubsub.sendToGroup.a"], "attached": True, "waiting": 0, "unacknowledged": 0,
            "states": [], "follows": [],
        }
    ]  # fmt: skip
    assert changes["state"]["ahead"] == 5
    assert {record["kind"] for record in changes["records"]["records"]} == {"request", "message", "frame"}
    assert [record["number"] for record in again["records"]] == [int(last) + 1, int(last) + 2, int(last) + 3]
    assert len(strange["records"]) == len(snapshot["records"]) + 3
    assert gone == [ann_id]


def test_group_state_and_the_bill_are_told(inspected: Emulator, page: httpx.Client) -> None:
    """What a connection says in its groups, without secrets, which groups it follows, and what has left so far."""
    roles = ["webpubsub.setGroupState", "webpubsub.getGroupState"]
    with inspected.connect("states", user_id="ann", roles=roles) as ann, feed(page) as events:
        state = {"mood": "fine", "api_key": "abc"}
        ann.send_frame({"type": "setGroupState", "group": "room", "state": state})
        ann.send_frame({"type": "subscribeGroupState", "group": "room"})
        told = (data for kind, _, data in events if kind != "records")
        billing, view = next(
            (data["billing"], view)
            for data in told
            for view in [*data.get("connections", ()), *data.get("changed", ())]
            if view["follows"]
        )

    assert (view["states"], view["follows"]) == ([["room", '{"mood": "fine", "api_key": "REDACTED"}']], ["room"])
    assert billing.keys() == {"deliveries", "delivered_bytes", "events", "event_bytes", "rounded_up", "messages"}


def viewer(feed: Feed, after: int | None = None) -> Viewer:
    board = Board(Hubs(), Clock(), Faults(), Meter(), Redaction(()))
    return Viewer(feed, board, Teller(Redaction(())), after, {})


def told(chunk: bytes) -> Any:
    return json.loads(chunk.partition(b"data: ")[2])


def test_a_viewer_who_is_slow_gets_everything_that_is_kept() -> None:
    """So many at once, in order; only what is not kept any more is left out, and counted. Frames push nothing out."""
    looked_at = Feed()
    looking = viewer(looked_at)
    assert told(looking.begin())["records"] == []
    looked_at.add(FaultRecord(1, None, "first"))
    for _ in range(5700):
        looked_at.add(FrameRecord(1, "chat", "c", "out", "x"))

    news = [told(chunk) for chunk in iter(looking.news, b"")]

    assert [(len(each["records"]), each["skipped"]) for each in news] == [(500, 700), *[(500, 0)] * 9, (1, 0)]
    numbers = [record["number"] for each in news for record in each["records"]]
    assert numbers == [1, *range(702, 5702)]


def test_who_comes_back_late_gets_the_rest_bit_by_bit() -> None:
    """From where it was; who is new begins with the newest."""
    looked_at = Feed()
    for number in range(1200):
        looked_at.add(FaultRecord(number, None, ""))

    late, new = viewer(looked_at, after=100), viewer(looked_at)
    begun, begun_new = told(late.begin()), told(new.begin())

    assert [record["number"] for record in begun["records"]] == list(range(101, 601))
    assert [len(told(chunk)["records"]) for chunk in iter(late.news, b"")] == [500, 100]
    assert [record["number"] for record in begun_new["records"]] == list(range(701, 1201))
    assert (begun_new["skipped"], new.news()) == (0, b"")


def test_a_sign_of_life_comes_now_and_then() -> None:
    """So that both sides notice when the other one is gone."""
    looking = viewer(Feed())
    looking.begin()

    assert [chunk for chunk in (looking.news() for _ in range(301)) if chunk] == [b":\n\n"] * 2


def test_what_is_kept_has_bounds_in_number_and_in_size() -> None:
    """However long it runs, and however much is sent."""
    kept = Feed()
    for number in range(6000):
        kept.add(FaultRecord(number, None, ""))
    large = FrameRecord(1, "chat", "c", "in", "x" * 30_000_000)
    for _ in range(4):
        kept.add(large)

    assert kept.find(1000) is None
    assert kept.find(1001) is not None
    assert [kept.find(6000 + number) is not None for number in range(1, 5)] == [False, False, True, True]


def test_connections_are_looked_at_now_and_then_only() -> None:
    """For all viewers together."""
    now = [0.0]
    board = Board(Hubs(), Clock(), Faults(), Meter(), Redaction(()), lambda: now[0])
    first = board.views()

    assert board.views() is first
    now[0] = 0.6
    assert board.views() is not first


def test_permissions_are_told_as_roles() -> None:
    """What a token or a grant allows; what was taken away has a minus before it."""
    permissions = Permissions(["webpubsub.joinLeaveGroup", "webpubsub.sendToGroups.a*", "webpubsub.sendToGroup.b"])
    permissions.revoke(Permission.SEND_TO_GROUP, "c")

    assert permissions.rules() == [
        "webpubsub.joinLeaveGroup",
        "webpubsub.sendToGroups.a*",
        "webpubsub.sendToGroup.b",
        "-webpubsub.sendToGroup.c",
    ]


def test_a_handshake_has_nothing_to_acknowledge() -> None:
    """Before MQTT's CONNECT there are no messages."""
    assert MqttHandshake(Hub(), Connection("c", "chat", None, "mqtt", Permissions())).unacknowledged == 0


# What is told, and what is hidden

REQUEST = RequestRecord(
    1, "POST", "/api/hubs/chat/groups/room/:send?code=abc", {"x-api-key": "abc", "x-note": SECRET}, b'{"token": "abc"}',
    "chat", "send_to_group", 202, {"x-ms-client-request-id": "1"}, b"", 0.0012,
)  # fmt: skip
LINES: list[tuple[Record, dict[str, Any], dict[str, str]]] = [
    (
        REQUEST,
        {"kind": "request", "title": "POST groups/room/:send", "text": '{"token": "REDACTED"}', "result": "202"},
        {"target": "/api/hubs/chat/groups/room/:send?code=REDACTED", "took": "1.2 ms", "status": "202"},
    ),
    (
        RequestRecord(1, "GET", "/other", {}, b"\xff\x00", None, None, 0, {}, b""),
        {"title": "GET /other", "text": "\\xff\x00", "result": "cut", "level": "bad", "hub": ""},
        {"status": "cut before a response"},
    ),
    (
        MessageRecord(2, "chat", Payload(DataType.TEXT, "hi"), ("a",) * 101, "room", "ann", {"k": "v"}),
        {"kind": "message", "title": "to group room", "text": "hi", "result": "101 clients", "user": "ann"},
        {"metadata k": "v", "receivers": "101", "to": ", ".join("a" * 100) + " and 1 others"},
    ),
    (
        MessageRecord(2, "chat", Payload(DataType.BINARY, b"\x00"), ("a",)),
        {"title": "to clients", "result": "1 client"},
        {"to": "a", "from": "the server, or an anonymous client"},
    ),
    (
        EventRecord(3, "chat", "order", "c1", "ann", "http://x/?code=abc", {"ce-signature": "x"}, b"{}", 500),
        {"kind": "event", "title": "order", "result": "500", "level": "bad", "connection": "c1", "user": "ann"},
        {"sent to": "http://x/?code=REDACTED", "status": "500"},
    ),
    (
        EventRecord(3, "chat", "order", "c1", None, "", {}, b"{}", None),
        {"result": "unheard", "level": "warn"},
        {"sent to": "nobody hears of it"},
    ),
    (
        EventRecord(3, "chat", "order", "c1", None, "http://x/", {}, b"{}", None),
        {"result": "no response", "level": "bad"},
        {},
    ),
    (
        ConnectionRecord(4, "chat", "", None, None, "refused", "401 " + SECRET),
        {"kind": "connection", "title": "refused", "text": "401 REDACTED", "level": "bad"},
        {"reason": "401 REDACTED"},
    ),
    (MembershipRecord(5, "chat", "c1", "ann", "room", "joined"), {"kind": "group", "title": "joined room"}, {}),
    (
        FrameRecord(6, "chat", "c1", "in", "ä"),
        {"kind": "frame", "title": "from client", "text": "ä", "result": "2 bytes"},
        {"kind": "text", "direction": "from the client"},
    ),
    (
        FrameRecord(6, "chat", "c1", "out", b"\x00"),
        {"title": "to client", "result": "1 byte"},
        {"kind": "binary", "direction": "to the client"},
    ),
    (FaultRecord(7, "chat", "client lose"), {"kind": "fault", "title": "client lose"}, {"fault": "client lose"}),
]


@pytest.mark.parametrize(("record", "line", "facts"), LINES)
def test_each_record_is_a_line_and_has_details(record: Record, line: dict[str, Any], facts: dict[str, str]) -> None:
    """What people see of it in the list, and when they open it."""
    details = Teller(Redaction(())).details(8, record)

    assert {name: details[name] for name in line} == line
    assert details["number"] == 8
    assert dict(details["facts"]).items() >= facts.items()


def test_headers_and_bodies_are_shown_without_secrets() -> None:
    """A name stays; the value that is nobody's business does not."""
    request, response = Teller(Redaction(())).details(1, REQUEST)["parts"]

    assert dict(request["headers"]) == {"x-api-key": "REDACTED", "x-note": "REDACTED"}
    assert (request["body"], request["size"], request["binary"]) == ('{"token": "REDACTED"}', 16, False)
    assert (response["headers"], response["body"]) == ([("x-ms-client-request-id", "1")], "")


@pytest.mark.parametrize(
    ("frame", "body", "binary", "cut"),
    [
        ("x" * 300_000, "x" * 262_144, False, True),
        (b"text", "text", False, False),
        (b"Hi\x00\xff", "000000  48 69 00 ff" + " " * 38 + "Hi..", True, False),
        (b"\x00 " + SECRET.encode(), None, True, False),
        (b"\x00" * 5000, None, True, True),
    ],
)
def test_bytes_are_shown_as_people_read_them(frame: str | bytes, body: str | None, binary: bool, cut: bool) -> None:
    """Text as text, other bytes in hexadecimal; very long ones from the beginning."""
    (part,) = Teller(Redaction(())).details(1, FrameRecord(1, "chat", "c", "in", frame))["parts"]

    assert (part["binary"], part["cut"]) == (binary, cut)
    assert part["size"] == len(frame)
    assert body is None or part["body"] == body
    assert SECRET.encode()[:12].hex(" ") not in part["body"]


HIDDEN = [
    (f"see {SECRET}!", "see REDACTED!"),
    ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer REDACTED"),
    ("wss://x/client?access_token=abc&y=1", "wss://x/client?access_token=REDACTED&y=1"),
    ("Endpoint=http://x;AccessKey=abc;Version=1.0;", "Endpoint=http://x;AccessKey=REDACTED;Version=1.0;"),
    ('{"reconnectionToken":"a\\"b","n":1}', '{"reconnectionToken":"REDACTED","n":1}'),
    ('{"headers": {"X-Api-Key": ["a", "b"]}}', '{"headers": {"X-Api-Key": "REDACTED"}}'),
    ('{"password": "half of a', '{"password": "REDACTED"'),
    ("sha256=" + "0f" * 32, "sha256=REDACTED"),
    (f"the key {DEVELOPMENT_KEY}", "the key REDACTED"),
    ('{"text": "a token of friendship"}', '{"text": "a token of friendship"}'),
]


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
def test_secrets_are_hidden_wherever_they_are(text: str, shown: str) -> None:
    """Tokens, keys, signatures, passwords; words about them are words."""
    redaction = Redaction([DEVELOPMENT_KEY])

    assert redaction.text(text) == shown
    assert redaction.data(b"\xff" + text.encode()) == b"\xff" + shown.encode()


def test_long_bodies_do_not_take_long() -> None:
    """Hostile ones neither: what is looked for is looked for near its name."""
    redaction = Redaction([DEVELOPMENT_KEY])
    for text in ('"' * 200_000, '"' + "a" * 200_000, "eyJ" * 60_000, '"token' * 30_000, '"token": "' + "\\" * 99_999):
        assert len(redaction.text(text)) <= len(text) + 8


def test_the_token_to_take_a_connection_over_with_is_not_written_down() -> None:
    """Neither from text nor from bytes: protobuf clients get it, too."""
    with Emulator(inspector=True) as emulator:
        seen: list[Record] = []
        emulator.observe(seen.append)
        page = httpx.Client(base_url=emulator.inspector_url)
        token = page.post("service/api/hubs/chat/:generateToken").json()["token"]
        page.close()
        from websockets.sync.client import connect
        from websockets.typing import Subprotocol

        url = f"ws://127.0.0.1:{emulator.port}/client/hubs/chat?access_token={token}"
        with connect(url, subprotocols=[Subprotocol("json.reliable.webpubsub.azure.v1")]) as client:
            in_text = json.loads(client.recv())["reconnectionToken"]
            emulator.wait_for(lambda: [record for record in seen if isinstance(record, FrameRecord)])
            waiting = emulator._running().hubs.everyone()[0].receiver
            assert waiting.session.unacknowledged == 0  # type: ignore[attr-defined]
        with connect(url, subprotocols=[Subprotocol("protobuf.reliable.webpubsub.azure.v1")]) as client:
            in_bytes = client.recv()

    frames = [record.frame for record in seen if isinstance(record, FrameRecord)]
    assert '"reconnectionToken":"REDACTED"' in str(frames[0])
    assert in_text not in str(frames)
    assert isinstance(in_bytes, bytes)
    assert frames[1] != in_bytes
    assert len(frames[1]) < len(in_bytes)
