"""Running the cases: a process for each case and contender, the contenders in turn, and that again in every round."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import jwt

from .clients import TOKEN_CLIENTS
from .measure import Sample, measure
from .service import UnfairError, arrived, judge, serving
from .workload import HUB, KEY, ROLES, STARTS, USER, Case, shortened

_START = """
import os, time
def resident():
    if not os.path.exists("/proc/self/statm"):
        return 0
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
{before}
start = resident()
wall, cpu = time.perf_counter(), time.process_time()
{program}
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(f"[1, {{cpu}}, {{wall}}, {{start}}, {{resident()}}]")
"""


@dataclass
class Results:
    """What was measured.

    Attributes:
        samples: By case and contender, in the order of the rounds.
        server: CPU seconds of the service per request, by case; the median says whether it was in the way.
    """

    samples: dict[tuple[str, str], list[Sample]] = field(default_factory=lambda: defaultdict(list))
    server: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def run(cases: Iterable[Case], rounds: int, calls: int | None, tell: Callable[[str], None]) -> Results:
    """Measure cases, round by round.

    Args:
        cases: What to measure.
        rounds: How many times.
        calls: The most calls of one process; None leaves it to the case.
        tell: Is given a word on the progress.

    Raises:
        UnfairError: The service saw another number of requests than there were calls.
    """
    chosen = [case if calls is None else shortened(case, calls) for case in cases]
    results = Results()
    with ExitStack() as stack:
        services = {(case.round_trip_ms, case.tls) for case in chosen}
        endpoints = {
            (delay, tls): stack.enter_context(serving("--round-trip-ms", str(delay), tls=tls))
            for delay, tls in services
        }
        _write_bytecode(chosen, endpoints)
        for number in range(rounds):
            for case in chosen:
                tell(f"round {number + 1} of {rounds}: {case.name}")
                for contender in case.contenders * case.repeats:
                    _run_one(case, contender, endpoints[case.round_trip_ms, case.tls], results)
    return results


def run_memory(cases: Iterable[Case], calls: int | None, results: Results) -> None:
    """Measure how memory grows; the cases run side by side, since their times are not used."""
    with serving() as endpoint, ThreadPoolExecutor() as pool:
        chosen = [case if calls is None else shortened(case, calls) for case in cases]
        samples = pool.map(lambda case: _sample(case, case.contenders[0], endpoint), chosen)
        for case, sample in zip(chosen, samples, strict=True):
            results.samples[case.name, case.contenders[0]].append(sample)


def check(cases: Iterable[Case], tell: Callable[[str], None]) -> None:
    """Make a few calls of every case with every contender, and judge each request that arrives.

    Raises:
        UnfairError: A contender does not do what is asked.
    """
    with serving("--record") as plain, serving("--record", tls=True) as secure:
        for case in cases:
            if case.job in ("start", "idle"):
                continue
            endpoint = secure if case.tls else plain
            short = replace(case, calls=1, warm_up=0)
            for contender in case.contenders:
                tell(f"checking {contender}: {case.name}")
                if case.tls:
                    _sample(short, contender, endpoint)  # libraries load certificates once, maybe long ago in this one
                else:
                    measure(short, contender, endpoint)
                seen = arrived(endpoint)
                if seen.requests != short.requests:
                    raise UnfairError(f"{contender} made {seen.requests} requests, not {short.requests}: {case.name}")
                for request in seen.recorded:
                    judge(case, endpoint, request)
                if case.job == "token":
                    _judge_token(contender, endpoint)


def _write_bytecode(cases: Iterable[Case], endpoints: Mapping[tuple[int, bool], str]) -> None:
    """Let every program run once, so that none compiles its modules while it is measured."""
    for case in cases:
        if case.job == "start":
            for contender in case.contenders:
                endpoint = endpoints[case.round_trip_ms, case.tls]
                _sample(case, contender, endpoint)
                arrived(endpoint)


def _run_one(case: Case, contender: str, endpoint: str, results: Results) -> None:
    before = arrived(endpoint)
    results.samples[case.name, contender].append(_sample(case, contender, endpoint))
    seen = arrived(endpoint)
    if seen.requests != case.requests:
        raise UnfairError(f"{contender} made {seen.requests} requests, not {case.requests}: {case.name}")
    if case.requests:
        results.server[case.name].append((seen.cpu - before.cpu) / case.requests)


def _sample(case: Case, contender: str, endpoint: str) -> Sample:
    if case.job == "start":
        before, programs = STARTS[case.name]
        command = [sys.executable, "-c", _START.format(before=before, program=programs[contender]), endpoint]
    else:
        arguments = [case.name, contender, endpoint, "--calls", str(case.calls), "--warm-up", str(case.warm_up)]
        command = [sys.executable, "-m", f"{__package__}.measure", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Sample(*json.loads(done.stdout))


def _judge_token(contender: str, endpoint: str) -> None:
    client = TOKEN_CLIENTS[contender](endpoint)
    url, _, token = client.token().partition("?access_token=")
    client.close()
    claims = jwt.decode(token, KEY, algorithms=["HS256"], audience=f"{endpoint}/client/hubs/{HUB}")
    wanted = {"sub": USER, "role": ROLES, "exp": claims["iat"] + 3600}
    if url != f"ws{endpoint.removeprefix('http')}/client/hubs/{HUB}" or not wanted.items() <= claims.items():
        raise UnfairError(f"{contender} made another token than it was asked for")
