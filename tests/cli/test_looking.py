"""`doctor`, `trigger`, `load`, `plan`: what the command finds out by itself."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.support.web_servers import wsgiref_server
from webpubsub.cli.planning import Load, billed_per_day, needs
from webpubsub.connection_string import ConnectionString
from webpubsub.emulator import ClientFault, Emulator, RequestFault
from webpubsub.events import ConnectEvent, EventHandler, RejectReply, UserEvent

from .conftest import Command

Respond = Callable[[str, list[tuple[str, str]]], object]


@pytest.fixture(scope="module")
def handler(emulator: Emulator) -> Iterator[str]:
    """An event handler that checks signatures."""
    events = EventHandler(hub="chat", access_keys=[emulator.access_key], allowed_origins=["127.0.0.1"])

    @events.on_connect
    def connect(event: ConnectEvent) -> RejectReply | None:
        return RejectReply(status=403) if event.user_id == "mallory" else None

    @events.on_event("order")
    def order(event: UserEvent[Any]) -> dict[str, Any]:
        return {"ordered": event.data, "by": event.user_id}

    with wsgiref_server(events.wsgi) as url:
        yield url


@pytest.fixture(scope="module")
def careless() -> Iterator[str]:
    """An event handler that says yes to everybody."""

    def application(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        respond("200 OK", [("WebHook-Allowed-Origin", "*"), ("Content-Length", "0")])
        return []

    with wsgiref_server(application) as url:
        yield url


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
        "ok WebSocket that joins a group",
        "ok WebSocket that sends to a group",
    ]


@pytest.mark.parametrize(
    ("fault", "tried", "came"),
    [
        (RequestFault(status=503, path="health", times=None), "health", "503"),
        (RequestFault(reset="before", path="health", times=None), "health", "no response (RemoteProtocolError)"),
        (RequestFault(status=401, path="groups", times=None), "access key", "refused: "),
        (RequestFault(status=403, path="groups", times=None), "access key", "refused: "),
        (RequestFault(status=500, path="groups", times=None), "access key", "500"),
        (RequestFault(status=429, path="groups", times=None), "access key", "429"),
        (ClientFault(action="refuse", status=401, times=None), "WebSocket without roles", "refused with 401"),
        (ClientFault(action="refuse", status=500, times=None), "WebSocket that joins a group", "refused with 500"),
    ],
)
def test_doctor_finds_what_is_wrong(
    command: Command, emulator: Emulator, fault: RequestFault | ClientFault, tried: str, came: str
) -> None:
    """With advice, exit code 1, and the same in both formats."""
    emulator.faults.add(fault)

    outcome, words = command("doctor", "--json"), command("doctor")

    found = findings(outcome)[tried]
    assert (outcome.code, words.code, found["good"]) == (1, 1, False)
    assert came in found["came"]
    assert found["advice"]
    assert f"!! {tried}: " in words.out
    assert f"   {found['advice']}\n" in words.out


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


def test_doctor_warns_of_a_handler_that_does_not_check(command: Command, careless: str) -> None:
    """Anybody could send it events."""
    outcome = command("doctor", "--handler", careless, "--json")

    found = findings(outcome)["event handler refuses a forged signature"]
    assert (outcome.code, found["good"], found["came"]) == (1, False, "200")
    assert found["advice"].startswith("Anybody can send it events!")


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


def test_trigger_tells_of_a_handler_that_is_not_there(command: Command) -> None:
    """In one line."""
    with Emulator() as gone:
        url = gone.endpoint

    code, out, err = command("trigger", "connect", url)

    assert (code, out, err.count("\n")) == (1, "", 1)


def test_load_measures_in_both_formats(command: Command, hub: str) -> None:
    """Everything arrives once, in order, and the percentiles are in theirs."""
    arguments = ("load", hub, "--clients", "3", "--rate", "20", "--seconds", "1", "--size", "200")
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

    outcome = command("load", hub, "--clients", "2", "--rate", "20", "--seconds", "1", "--output", "json")

    measured = json.loads(outcome.out)
    assert outcome.code == 1
    assert {key for key in ("refused", "broken", "lost", "duplicated") if measured[key]} == {name}
    assert measured[name] == count


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


def test_a_plan_for_people_and_for_machines(bare: Command) -> None:
    """Units that one can buy, the row that limits, and what is billed."""
    arguments = ("plan", "--connections", "12000", "--group-size", "40", "--rate", "5", "--bytes", "900")

    words, document = bare(*arguments), json.loads(bare(*arguments, "--output", "json").out)

    assert "20 units; connections is what limits.\n17,280,000 messages are billed per day; 20,000,000" in words.out
    assert {key: document[key] for key in ("units", "limit", "billedMessagesPerDay", "includedMessagesPerDay")} == {
        "units": 20,
        "limit": "connections",
        "billedMessagesPerDay": 17_280_000,
        "includedMessagesPerDay": 20_000_000,
    }


def test_a_plan_can_be_too_large_for_one_resource(bare: Command) -> None:
    """Then it says so."""
    arguments = ("plan", "--connections", "200000", "--group-size", "1", "--rate", "1", "--bytes", "1")

    assert "More than 100 units: connections." in bare(*arguments).out
    assert json.loads(bare(*arguments, "--output", "json").out)["units"] is None


def test_the_key_that_signs_is_the_one_of_the_connection_string(emulator: Emulator) -> None:
    """What `--local` stands for is what the local service has by default."""
    from webpubsub.cli.service import LOCAL_CONNECTION_STRING

    assert ConnectionString.parse(LOCAL_CONNECTION_STRING).access_key == emulator.access_key
