"""The benchmarks run, and would notice a contender that does less than its job. No time is asserted here."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import jwt
import pytest

from benchmarks import fanout, load, report, rounds
from benchmarks.__main__ import RESULTS
from benchmarks.measure import Sample, measure
from benchmarks.service import Request, UnfairError, arrived, judge, serving
from benchmarks.workload import CASES, KEY, MEMBERS_PATH, MEMORY_CASES, SEND_PATH, Case, shortened

pytestmark = pytest.mark.no_cover

ENDPOINT = "http://127.0.0.1:1"
SEND_CASE = Case("send 100 B str", "send", ("ours",), message=("str", "100 B"))
LIST_CASE = Case("list", "list", ("ours",))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Run the service of the benchmarks."""
    with serving() as endpoint:
        yield endpoint


def request(
    target: str = SEND_PATH, *, audience: str = ENDPOINT + SEND_PATH, key: str = KEY, body: bytes = b"x" * 100
) -> Request:
    """Make the request of `SEND_CASE`, or one with a flaw."""
    token = jwt.encode({"aud": audience, "exp": int(time.time()) + 60}, key, "HS256")
    return Request("POST", target, {"authorization": f"Bearer {token}", "content-type": "text/plain"}, body)


def test_every_contender_does_every_case_as_asked() -> None:
    """One call of each: signature, audience, content type, body and the number of requests are right."""
    told: list[str] = []
    covered = ("https: make a client", "https: send 100 B dict")  # by the client that is made and sends
    cases = [case for case in CASES if case.name not in covered]

    rounds.check(cases, told.append)

    assert len(told) == sum(len(case.contenders) for case in cases if case.job not in ("start", "idle"))


def test_a_sound_request_is_accepted() -> None:
    """The judge of the requests has nothing against one that is made by hand."""
    judge(SEND_CASE, ENDPOINT, request())


@pytest.mark.parametrize(
    "flawed",
    [
        pytest.param(request(audience=ENDPOINT + MEMBERS_PATH), id="signed for another URL"),
        pytest.param(request(key="k" * 64), id="signed with another key"),
        pytest.param(replace(request(), headers={}), id="not signed"),
        pytest.param(request(body=b""), id="without the message"),
        pytest.param(replace(request(), method="PUT"), id="with another method"),
        pytest.param(
            replace(request(), headers={**request().headers, "content-type": "application/json"}),
            id="with another content type",
        ),
    ],
)
def test_a_request_that_is_not_the_one_asked_for_is_refused(flawed: Request) -> None:
    """A contender that skips a part of the work is noticed."""
    with pytest.raises(UnfairError):
        judge(SEND_CASE, ENDPOINT, flawed)


def test_a_send_is_not_a_listing() -> None:
    """A request is judged by what the case is about."""
    with pytest.raises(UnfairError):
        judge(LIST_CASE, ENDPOINT, request())


def test_the_service_counts_what_arrives(endpoint: str) -> None:
    """The count that runs are held against is of every request, the warm-up included, and starts anew when asked."""
    case = replace(SEND_CASE, calls=3, warm_up=2)
    arrived(endpoint)

    sample = measure(case, "http.client", endpoint)

    assert sample.calls == 3
    assert arrived(endpoint).requests == case.requests == 5
    assert arrived(endpoint).requests == 0


def test_a_run_measures_each_contender_once_in_a_round() -> None:
    """Processes are started in turn; each gives one sample."""
    case = replace(CASES[0], contenders=("ours", "http.client"))

    results = rounds.run([case], 1, 2, lambda _: None)

    assert {key: len(samples) for key, samples in results.samples.items()} == {
        (case.name, "ours"): 1,
        (case.name, "http.client"): 1,
    }


def test_memory_is_measured_for_both_colours() -> None:
    """The growth of memory has a sample of the blocking and one of the asynchronous client."""
    results = rounds.Results()

    rounds.run_memory(MEMORY_CASES, 2, results)

    assert set(results.samples) == {(case.name, "ours") for case in MEMORY_CASES}


def test_programs_that_start_are_measured_from_a_fresh_interpreter() -> None:
    """A program runs to its end without the packages that are hidden from it."""
    case = replace(CASES[-1], contenders=("ours",), repeats=1)

    samples = rounds.run([case], 1, None, lambda _: None).samples[case.name, "ours"]

    assert [sample.calls for sample in samples] == [1]


def test_the_report_compares_pair_by_pair() -> None:
    """Ratios are of samples of the same round: 1/2, 3/4 and 4/4 have the median 0.75, whatever the medians are."""
    results = rounds.Results()
    results.samples["send 100 B dict", "ours"] = [Sample(1, cpu, cpu) for cpu in (1, 3, 4)]
    results.samples["send 100 B dict", "peer"] = [Sample(1, cpu, cpu) for cpu in (2, 4, 4)]
    results.samples["send 100 B dict", "httpx"] = [Sample(1, cpu, cpu) for cpu in (2, 6, 8)]
    results.samples["send 100 B dict", "http.client"] = [Sample(1, 1, 1)] * 3

    text = report.render(results, 3, (0.0, 0.0))

    assert "| blocking send of a dict of 100 B / peer | <= 0.27 | 0.75 [0.50-1.00] | missed by 0.48 |" in text
    assert "| the same / bare `httpx.Client.post` | <= 0.97 | 0.50 [0.50-0.50] | reached |" in text


def test_the_report_compares_cases_with_each_other_and_memory_by_the_client() -> None:
    """500 calls in flight are held against 100, call by call; idle clients by the bytes of one."""
    results = rounds.Results()
    for contender in ("ours", "peer", "aiohttp"):
        results.samples["async 100", contender] = [Sample(800, 8, 8)]
        results.samples["async 500", contender] = [Sample(1000, 20, 20)]
    results.samples["idle clients", "ours"] = [Sample(200, 1, 1, 1000, 3000)]
    results.samples["idle clients", "peer"] = [Sample(100, 1, 1, 1000, 3000)]

    text = report.render(results, 1, (0.0, 0.0))

    assert "| async send, 500 in flight / 100 in flight | <= 1.15 | 2.00 [2.00-2.00] | missed by 0.85 |" in text
    assert "| memory of an idle client / peer | <= 1.00 | 0.50 [0.50-0.50] | reached |" in text


def test_idle_clients_are_kept_while_they_are_measured() -> None:
    """What one costs is the growth of the process, shared by all."""
    case = next(case for case in CASES if case.job == "idle")

    sample = measure(replace(case, calls=50), "ours", "https://127.0.0.1:1")

    assert sample.calls == 50


@pytest.mark.parametrize(("grown", "verdict"), [(1_000_000, "reached"), (1_000_001, "missed")])
def test_the_report_tells_growing_memory(grown: int, verdict: str) -> None:
    """One megabyte over 40,000 sends is the most that passes."""
    results = rounds.Results()
    results.samples["memory", "ours"] = [Sample(40_000, 1, 1, 50_000_000, 50_000_000 + grown)]

    text = report.render(results, 1, (0.0, 0.0))

    assert f"| memory: growth from send 10,000 to 50,000 | <= 1.0 MB | 1.00 MB | {verdict} |" in text


def test_a_part_is_printed_and_leaves_the_written_results_alone() -> None:
    """`python -m benchmarks --quick --only NAME` shows what it measured, and only that."""
    written = RESULTS.read_bytes() if RESULTS.exists() else None

    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "token"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "| client access token / peer | <= 0.60 |" in done.stdout
    assert "listing" not in done.stdout
    assert (RESULTS.read_bytes() if RESULTS.exists() else None) == written


def test_a_shortened_case_asks_for_fewer_calls() -> None:
    """Calls and warm-up are cut, never raised."""
    assert shortened(CASES[0], 10).requests == 20
    assert shortened(replace(CASES[0], calls=5, warm_up=0), 10).requests == 5


def test_a_run_delivers_all_that_is_broadcast() -> None:
    """The emulator and the bare loop each bring every message to every client, in order, or the run fails."""
    name = "emulator, protobuf, reliable"
    found = fanout.measure(2, 3, 4, {name: fanout.SUBPROTOCOLS[name]})

    assert found.keys() == {fanout.BARE, name, fanout.SPREAD}
    assert all(cost > 0 for costs in found.values() for cost in costs)


def test_the_load_is_what_it_says() -> None:
    """Messages of all senders are counted, clients that go leave nothing, an MQTT client connects to be idle."""
    arrived, seconds, cpu = asyncio.run(load.crowd(3, 2))

    assert (arrived, seconds > 0, cpu > 0) == (24, True, True)
    assert asyncio.run(load.drops(100)) > 0
    assert asyncio.run(load.idle("MQTT", 1)) >= 0


@pytest.mark.parametrize("frames", [[b"<0:0>"], [b"<0:1>", b"<0:0>", b"<1:0>", b"<1:1>"]])
def test_a_message_that_is_missing_or_out_of_order_is_noticed(frames: list[bytes]) -> None:
    """The load is a test, too."""
    with pytest.raises(AssertionError, match="missing, or out of order"):
        load._check(frames, 2)
