"""`doctor`, `trigger`, `load`, `plan`: what the command finds out by itself."""

import hmac
import importlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args, get_type_hints

import pytest

from tests.support.web_servers import wsgiref_server
from webpubsub.cli.planning import Load, billed_per_day, needs
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import DEVELOPMENT_KEY, ClientFault, Emulator, RequestFault
from webpubsub.events import AcceptReply, ConnectEvent, EventHandler, RejectReply, UserEvent

from .conftest import Command

examination = importlib.import_module("webpubsub.cli.doctor")  # the command in it has the same name
loading = importlib.import_module("webpubsub.cli.loading")
Respond = Callable[[str, list[tuple[str, str]]], object]


@pytest.fixture(scope="module")
def handler(emulator: Emulator) -> Iterator[str]:
    """An event handler that checks signatures."""
    events = EventHandler(hub="chat", access_keys=[emulator.access_key], allowed_origins=["127.0.0.1"])

    @events.on_connect
    def connect(event: ConnectEvent) -> AcceptReply | RejectReply | None:
        if event.user_id == "zoe":
            return AcceptReply(state="second")
        return RejectReply(status=403) if event.user_id == "mallory" else None

    @events.on_event("order")
    def order(event: UserEvent[Any]) -> dict[str, Any]:
        return {"ordered": event.data, "by": event.user_id}

    with wsgiref_server(events.wsgi) as url:
        yield url


def responding(status: int, forged: int) -> Any:
    """Make an event handler that responds with one status to a good signature, and with another to a forged one."""

    def application(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        signature = hmac.new(DEVELOPMENT_KEY.encode(), environ.get("HTTP_CE_CONNECTIONID", "").encode(), "sha256")
        good = environ.get("HTTP_CE_SIGNATURE") in (None, f"sha256={signature.hexdigest()}")
        headers = [("WebHook-Allowed-Origin", "*"), ("Content-Length", "0")]
        respond(f"{status if good else forged} Something", headers if status != 418 else headers[1:])
        return []

    return application


def findings(outcome: Any) -> dict[str, dict[str, Any]]:
    """Read what doctor says, by what it tried."""
    return {finding["tried"]: finding for finding in json.loads(outcome.out)}


def test_doctor_finds_nothing_wrong_with_a_service_that_is_well(command: Command, emulator: Emulator) -> None:
    """A line for each thing that was tried, in an order in which each makes the next one worth while."""
    code, out, err = command("doctor")

    assert (code, err) == (0, "")
    assert [line.partition(": ")[0] for line in out.splitlines()] == [
        "ok connection string",
        "ok resolve 127.0.0.1",
        f"ok connect to port {emulator.port}",
        "ok health",
        "ok clock",
        "ok access key",
        "ok API versions",
        "ok WebSocket without roles",
        "ok WebSocket with webpubsub.joinLeaveGroup",
        "ok WebSocket with webpubsub.joinLeaveGroup.doctor",
        "ok WebSocket with webpubsub.joinLeaveGroups.doc*",
        "ok WebSocket with webpubsub.sendToGroup",
        "ok WebSocket with webpubsub.sendToGroup.doctor",
        "ok WebSocket with webpubsub.sendToGroups.doc*",
        "ok WebSocket with webpubsub.setGroupState",
        "ok WebSocket with webpubsub.getGroupState",
        "ok messages to a client",
    ]


FROZEN = ClientFault(action="freeze", after=1)
CUT = "got no response (the response is cut short"
FAULTS: list[tuple[RequestFault | ClientFault, str, str, str]] = [
    (RequestFault(status=503, path="health", times=None), "health", "503 in ", "the service's status"),
    (RequestFault(reset="before", path="health", times=None), "health", "no response (Remote", "Is it this service"),
    (RequestFault(status=401, path="groups", times=None), "access key", "refused: ", "Copy the connection string"),
    (RequestFault(status=403, path="groups", times=None), "access key", "refused: ", "the network rules"),
    (RequestFault(status=500, path="groups", times=None), "access key", " 500", "request id"),
    (RequestFault(status=429, path="groups", times=None), "access key", " 429", "`webpubsub plan`"),
    (RequestFault(reset="after", path="groups", times=None), "access key", CUT, "a proxy or a firewall"),
    (RequestFault(truncate=True, path=":send", times=None), "messages to a client", CUT, "a proxy or a firewall"),
    (ClientFault(action="refuse", status=401, times=None), "WebSocket without roles", "refused with 401", "401: key"),
    (ClientFault(action="refuse", status=500, after=1), "WebSocket with webpubsub.joinLeaveGroup", " 500", "500: the"),
    (
        ClientFault(action="drop", after=1),
        "messages to a client",
        "nothing arrived, and then",
        "hold back, repeat or cut",
    ),
    (ClientFault(action="half-close", after=1), "messages to a client", "nothing arrived, and then", "hold back"),
    (FROZEN, "messages to a client", "nothing arrived", "hold back, repeat or cut"),
    (ClientFault(action="lose", after=1), "messages to a client", "two arrived", "hold back, repeat or cut"),
    (
        ClientFault(action="duplicate", after=1),
        "messages to a client",
        "one and one and two arrived",
        "hold back, repeat",
    ),
]
"""Every fault that is wrong in itself; where it is; what came; what to do.

The first message that a client of doctor gets is a snapshot of group state.
"""


@pytest.mark.parametrize(("fault", "tried", "came", "advice"), FAULTS, ids=[f"{fault[0]}" for fault in FAULTS])
def test_doctor_finds_what_is_wrong(
    command: Command,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    fault: RequestFault | ClientFault,
    tried: str,
    came: str,
    advice: str,
) -> None:
    """The one thing, with advice in the next line, and exit code 1."""
    monkeypatch.setattr(examination, "_MESSAGE_SECONDS", 0.2 if fault == FROZEN else 20)
    emulator.faults.add(fault)

    code, out, err = command("doctor")

    lines = out.splitlines()
    (place,) = [place for place, line in enumerate(lines) if line.startswith("!! ")]
    assert (code, err) == (1, "")
    assert lines[place].startswith(f"!! {tried}: ")
    assert came in lines[place]
    assert lines[place + 1].startswith("   ")
    assert advice in lines[place + 1]


def test_doctor_says_the_same_to_machines(command: Command, emulator: Emulator) -> None:
    """What was tried, what came, what to do, and whether it is good."""
    emulator.faults.add(RequestFault(status=401, path="groups", times=None))

    outcome = command("doctor", "--json")

    found = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (1, "")
    assert [finding["tried"] for finding in found if finding["good"] is False] == ["access key"]
    assert [finding["tried"] for finding in found if finding["good"] is None] == ["API versions", "WebSocket"]
    assert all(finding.keys() == {"tried", "came", "advice", "good"} for finding in found)
    assert all(finding["advice"] for finding in found if finding["good"] is False)


def test_every_fault_of_the_emulator_is_among_them() -> None:
    """But for those of the next test."""
    faults = [fault for fault, *_ in FAULTS]
    actions = {fault.action for fault in faults if isinstance(fault, ClientFault)}
    requests = [fault for fault in faults if isinstance(fault, RequestFault)]

    assert actions == set(get_args(get_type_hints(ClientFault)["action"]))
    for field in ("status", "reset", "truncate"):
        assert any(getattr(fault, field) for fault in requests)


@pytest.mark.parametrize(
    ("fault", "lines"),
    [
        (RequestFault(delay_seconds=0.06, path="health"), ["   That is slow"]),
        (RequestFault(close=True, times=None), []),
    ],
    ids=str,
)
def test_doctor_minds_no_slowness_and_no_closed_connections(
    command: Command, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, fault: RequestFault, lines: list[str]
) -> None:
    """Every service may close connections after a response; a slow one is told of."""
    monkeypatch.setattr(examination, "_SLOW_SECONDS", fault.delay_seconds or 20)
    emulator.faults.add(fault)

    outcome = command("doctor")

    assert outcome.code == 0
    assert [line[:15] for line in outcome.out.splitlines() if line.startswith(" ")] == lines


def test_doctor_finds_roles_that_are_taken_away(bare: Command) -> None:
    """By an event handler for connect; of new roles, no service has to know."""
    events = EventHandler(hub="chat", access_keys=[DEVELOPMENT_KEY], allowed_origins=["127.0.0.1"])
    events.on_connect(lambda event: AcceptReply(roles=()))

    with Emulator(event_handlers={"chat": events.asgi}) as strict:
        code, out, _ = bare("doctor", "--hub", "chat", "--connection-string", strict.connection_string)

    assert code == 1
    for role in ("joinLeaveGroup", "joinLeaveGroup.doctor", "sendToGroup", "sendToGroup.doctor"):
        assert f"!! WebSocket with webpubsub.{role}: Forbidden: " in out
    for role in ("joinLeaveGroups.doc*", "sendToGroups.doc*", "setGroupState", "getGroupState"):
        assert f"-- WebSocket with webpubsub.{role}: Forbidden: " in out
    assert out.count("   Does the event handler for connect take the role away?\n") == 4
    assert out.count("   This service does not know the role yet.\n") == 4


def test_doctor_finds_a_wrong_key(bare: Command, emulator: Emulator) -> None:
    """The service's reason, what to do, nothing more is tried, and no key is shown."""
    outcome = bare(
        "doctor", "--json", "--connection-string", emulator.connection_string.replace(emulator.access_key, "w" * 40)
    )

    found = findings(outcome)
    assert outcome.code == 1
    assert found["access key"]["came"].startswith("refused: ")
    assert "Copy the connection string" in found["access key"]["advice"]
    assert found["WebSocket"]["good"] is None
    assert "wwww" not in outcome.out


@pytest.mark.parametrize(
    ("endpoint", "tried"),
    [("http://no-such-host.invalid", "resolve no-such-host.invalid"), ("http://127.0.0.1:{port}", "connect to port ")],
)
def test_doctor_finds_a_service_that_is_not_there(bare: Command, endpoint: str, tried: str) -> None:
    """By a name that nobody knows, and at a port where nobody listens."""
    with Emulator() as gone:
        port = gone.port
    string = f"Endpoint={endpoint.format(port=port)};AccessKey={'k' * 40};Version=1.0;"

    outcome = bare("doctor", "--json", "--connection-string", string)

    (bad,) = [name for name, finding in findings(outcome).items() if finding["good"] is False]
    assert outcome.code == 1
    assert bad.startswith(tried)


def test_doctor_is_content_with_a_handler_that_checks(command: Command, handler: str) -> None:
    """It agrees, takes a good signature, and refuses a forged one."""
    outcome = command("doctor", "--hub", "chat", "--handler", handler, "--json")

    mine = {tried: finding["came"] for tried, finding in findings(outcome).items() if "handler" in tried}
    assert outcome.code == 0
    assert list(mine) == [
        "event handler agrees to be called",
        "event handler takes a good signature",
        "event handler refuses a forged signature",
    ]
    assert mine["event handler refuses a forged signature"] in ("401", "403")


@pytest.mark.parametrize(
    ("status", "forged", "bad", "came", "advice"),
    [
        (200, 200, "refuses a forged signature", "200", "Anybody can send it events!"),
        (204, 500, "refuses a forged signature", "500", "It fails instead of refusing"),
        (401, 401, "takes a good signature", "401", "Does it have this access key?"),
        (418, 401, "agrees to be called", "418, allows nobody", "Respond to OPTIONS with 200 and WebHook-Allowed"),
    ],
)
def test_doctor_finds_what_is_wrong_with_a_handler(
    command: Command, status: int, forged: int, bad: str, came: str, advice: str
) -> None:
    """One that takes forged signatures, fails at them, refuses good ones, or does not agree to be called."""
    with wsgiref_server(responding(status, forged)) as url:
        outcome = command("doctor", "--handler", url)

    assert outcome.code == 1
    assert f"!! event handler {bad}: {came}\n   {advice}" in outcome.out


def test_doctor_tells_of_a_handler_that_is_not_there(command: Command) -> None:
    """As of everything else."""
    with Emulator() as gone:
        url = gone.endpoint

    outcome = command("doctor", "--handler", url, "--json")

    assert outcome.code == 1
    assert findings(outcome)["event handler"]["came"].startswith("cannot be called: ")


@pytest.mark.parametrize(
    ("arguments", "code", "lines"),
    [
        (("connect", "--user", "ann"), 0, ["204 No Content"]),
        (("connected",), 0, ["204 No Content"]),
        (("disconnected",), 0, ["204 No Content"]),
        (("disconnect",), 0, ["204 No Content"]),
        (("order", "--type", "json", "--data", "[1]", "--user", "Zoë"), 0, ["200 OK", '{"ordered":[1],"by":"Zoë"}']),
        (("nothing",), 1, None),
        (("connect", "--user", "mallory"), 1, None),
        (("order", "--forged"), 1, None),
    ],
)
def test_trigger_plays_an_event(
    command: Command, handler: str, arguments: tuple[str, ...], code: int, lines: list[str] | None
) -> None:
    """Signed as the service signs; what came back is shown, and a refusal is exit code 1."""
    event, *rest = arguments

    outcome = command("trigger", event, handler, *rest)

    assert (outcome.code, outcome.err) == (code, "")
    if lines is None:
        assert outcome.out[0] == "4"
    else:
        assert [line for line in outcome.out.splitlines() if not line.startswith("{}")] == lines


def test_trigger_hands_state_in_and_shows_what_comes_back(command: Command, handler: str) -> None:
    """As the service keeps it for the connection."""
    outcome = command("trigger", "connect", handler, "--user", "zoe", "--state", "first")

    assert (outcome.code, outcome.out.splitlines()[1]) == (0, "state: second")


def test_trigger_tells_of_a_handler_that_is_not_there(command: Command) -> None:
    """In one line."""
    with Emulator() as gone:
        url = gone.endpoint

    code, out, err = command("trigger", "connect", url)

    assert (code, out, err.count("\n")) == (1, "", 1)


def test_load_measures_in_both_formats(command: Command, hub: str) -> None:
    """Everything arrives once, in order, and the percentiles are in theirs."""
    arguments = ("load", hub, "--clients", "3", "--rate", "200", "--seconds", "0.1", "--size", "200")
    outcome, table = command(*arguments, "--output", "json"), command(*arguments)

    measured = json.loads(outcome.out)
    assert (outcome.code, table.code) == (0, 0)
    assert [measured[name] for name in ("clients", "sent", "refused", "received", "lost", "duplicated")] == [
        3, 20, 0, 60, 0, 0,
    ]  # fmt: skip
    assert 0 < measured["p50 ms"] <= measured["p90 ms"] <= measured["p99 ms"] <= measured["max ms"] < 20_000
    assert [line.split()[0] for line in table.out.splitlines()[1:3]] == ["clients", "sent"]
    assert measured["documented"]["deliveries per second"] == 3000
    assert [line.split()[-1] for line in table.out.splitlines() if line.startswith("p99")] == ["1000"]


@pytest.mark.parametrize(
    ("fault", "name", "count"),
    [
        (ClientFault(action="duplicate", times=2), "duplicated", 2),
        (RequestFault(status=400, times=4, path=":send"), "refused", 4),
        (RequestFault(reset="after", times=3, path=":send"), "broken", 3),
    ],
)
def test_load_counts_what_goes_wrong(
    command: Command, emulator: Emulator, hub: str, fault: RequestFault | ClientFault, name: str, count: int
) -> None:
    """And its exit code says so."""
    emulator.faults.add(fault)

    outcome = command("load", hub, "--clients", "2", "--rate", "200", "--seconds", "0.1", "--output", "json")

    measured = json.loads(outcome.out)
    assert outcome.code == 1
    assert {key for key in ("refused", "broken", "lost", "duplicated") if measured[key]} == {name}
    assert measured[name] == count


def test_load_counts_what_does_not_arrive(
    command: Command, emulator: Emulator, hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a time for what is late; what others send to the hub does not count."""
    monkeypatch.setattr(loading, "_SETTLE_SECONDS", 0.5)
    emulator.faults.add(ClientFault(action="lose", times=2))
    tally = loading._Tally(count=1, clients=1)

    outcome = command("load", hub, "--clients", "2", "--rate", "100", "--seconds", "0.1", "--output", "json")
    tally.take(0, "a message of somebody else")

    assert (outcome.code, json.loads(outcome.out)["lost"], json.loads(outcome.out)["received"]) == (1, 2, 18)
    assert (tally.received, tally.duplicated) == (0, 0)


def test_load_that_cannot_connect_is_one_line(command: Command, emulator: Emulator, hub: str) -> None:
    """With the status."""
    emulator.faults.add(ClientFault(action="refuse", status=429, times=None))

    code, out, err = command("load", hub, "--clients", "3")

    assert (code, out, err) == (1, "", "webpubsub: The service does not let a client in (429).\n")


@pytest.mark.parametrize(
    ("load", "units"),
    [
        (Load(connections=12_000, group_size=40, rate=5, bytes=900), [12, 1, 1]),
        (Load(connections=1000, group_size=1000, rate=3, bytes=2048), [1, 1, 1]),
        (Load(connections=1000, group_size=100, rate=30, bytes=2048), [1, 1, 1]),
        (Load(connections=1000, group_size=10, rate=400, bytes=2048), [1, 1, 1]),
        (Load(connections=1, group_size=1, rate=181, bytes=10), [1, 1, 2]),
        (Load(connections=1000, group_size=1000, rate=3, bytes=4096), [1, 2, 1]),
    ],
)
def test_units_follow_the_documented_capacity(load: Load, units: list[int]) -> None:
    """Each documented figure fits into one unit, and a little more does not."""
    assert [need.units for need in needs(load)] == units


@pytest.mark.parametrize(("size", "pieces"), [(1, 1), (2048, 1), (2049, 2), (4096, 2)])
def test_messages_are_billed_in_pieces_of_2_kb(size: int, pieces: int) -> None:
    """Outbound, once for each client."""
    assert billed_per_day(Load(connections=1, group_size=3, rate=1, bytes=size)) == 86_400 * 3 * pieces


def planned(bare: Command, connections: int, group_size: int, rate: float, size: int) -> tuple[str, dict[str, Any]]:
    """Run `plan`; return its words and its JSON."""
    load = {"connections": connections, "group-size": group_size, "rate": rate, "bytes": size}
    arguments = [f"--{name}={value}" for name, value in load.items()]
    words, document = bare("plan", *arguments), bare("plan", *arguments, "--output", "json")
    assert (words.code, words.err, document.code, document.err) == (0, "", 0, "")
    return words.out, json.loads(document.out)


def test_a_plan_for_people_and_for_machines(bare: Command) -> None:
    """Units that one can buy, the row that limits, what is advised for production, what is billed, and who says so."""
    words, document = planned(bare, 12_000, 40, 5, 900)

    assert document.pop("source") in words
    assert document == {
        "units": 20,
        "tiers": ["Standard", "Premium P1"],
        "limit": "connections",
        "unitsInProduction": 20,
        "billedMessagesPerDay": 17_280_000,
        "includedMessagesPerDay": 20_000_000,
    }
    assert words.splitlines()[-4:-1] == [
        "20 units (Standard or Premium P1); connections is what limits.",
        "In production 20 units (Standard or Premium P1): the documents advise to use no more than 80% of them.",
        "17,280,000 messages are billed per day; 20,000,000 are included, 0 are not.",
    ]


@pytest.mark.parametrize(
    ("connections", "units", "tiers", "advised"),
    [
        (800, 1, ["Standard", "Premium P1"], 1),
        (801, 1, ["Standard", "Premium P1"], 2),
        (8_000, 8, ["Standard", "Premium P1"], 10),
        (10_000, 10, ["Standard", "Premium P1"], 20),
        (80_000, 80, ["Standard", "Premium P1"], 100),
        (100_000, 100, ["Standard", "Premium P1", "Premium P2"], 200),
        (100_001, 200, ["Premium P2"], 200),
        (900_000, 900, ["Premium P2"], None),
        (1_000_001, None, [], None),
    ],
)
def test_units_come_in_the_sizes_that_one_can_buy(
    bare: Command, connections: int, units: int | None, tiers: list[str], advised: int | None
) -> None:
    """Up to 100 of the tiers Standard and Premium P1, up to 1,000 of Premium P2; in production, 80 % of them is all."""
    words, document = planned(bare, connections, 1, 1, 1)

    assert (document["units"], document["tiers"], document["unitsInProduction"]) == (units, tiers, advised)
    if units is None:
        assert "More than 1,000 units: connections. Split the load over several resources." in words
    else:
        assert f"{units:,} unit{'s' * (units > 1)} ({' or '.join(tiers)}); connections is what limits." in words
        assert ("more than 1,000 units" in words) == (advised is None)


def test_the_key_that_signs_is_the_one_of_the_connection_string(emulator: Emulator) -> None:
    """What `--local` stands for is what the local service has by default."""
    from webpubsub.cli.service import LOCAL_CONNECTION_STRING

    assert ConnectionString.parse(LOCAL_CONNECTION_STRING).access_key == emulator.access_key
