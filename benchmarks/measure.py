"""Measuring one case with one contender, in this process: `python -m benchmarks.measure CASE CONTENDER ENDPOINT`."""

import argparse
import asyncio
import gc
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

from .clients import ASYNC_CLIENTS, SYNC_CLIENTS, TOKEN_CLIENTS, SyncClient
from .workload import CASES, CONTENT_TYPES, MEMBERS, MEMORY_CASES, Case, message

_STATM = Path("/proc/self/statm")


@dataclass(frozen=True)
class Sample:
    """What one process measured.

    Attributes:
        calls: How many calls the times are for.
        cpu: Seconds that the process computed, in all its threads.
        wall: Seconds that passed.
        start_bytes: Resident memory when the clocks were started; 0 where it cannot be read.
        end_bytes: Resident memory at the end.
    """

    calls: int
    cpu: float
    wall: float
    start_bytes: int = 0
    end_bytes: int = 0


class Clock:
    """Two clocks and a look at the memory, read together."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._bytes = self._resident()
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def sample(self) -> Sample:
        cpu = time.process_time() - self._cpu
        wall = time.perf_counter() - self._wall
        return Sample(self._case.calls, cpu, wall, self._bytes, self._resident())

    def _resident(self) -> int:
        if self._case.job in ("memory", "idle"):
            gc.collect()
        return resident_bytes()


def measure(case: Case, contender: str, endpoint: str) -> Sample:
    """Make the calls of a case, and measure all but those of the warm-up."""
    if case.job == "idle":
        return _measure_idle(case, contender, endpoint)
    if case.in_flight is not None:
        return asyncio.run(_measure_async(case, contender, endpoint))
    if case.job in _WITH_A_CLIENT_EACH:
        return _measure_sync(partial(_WITH_A_CLIENT_EACH[case.job], case, contender, endpoint), case)
    if case.job == "token":
        signer = TOKEN_CLIENTS[contender](endpoint)
        try:
            return _measure_sync(signer.token, case)
        finally:
            signer.close()
    client = SYNC_CLIENTS[contender](endpoint)
    try:
        if case.job == "list":
            return _measure_sync(partial(_list_all, client.members), case)
        if case.job == "users":
            return _measure_sync(partial(_send_to_next, client, count(), case), case)
        return _measure_sync(partial(client.send, message(*case.message), CONTENT_TYPES[case.message[0]]), case)
    finally:
        client.close()


def resident_bytes() -> int:
    """Return the memory that the process has now; 0 on systems without /proc."""
    if not _STATM.exists():
        return 0
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _measure_sync(call: Callable[[], object], case: Case) -> Sample:
    for _ in range(case.warm_up):
        call()
    clock = Clock(case)
    for _ in range(case.calls):
        call()
    return clock.sample()


async def _measure_async(case: Case, contender: str, endpoint: str) -> Sample:
    client = ASYNC_CLIENTS[contender](endpoint)
    try:
        call = partial(client.send, message(*case.message), CONTENT_TYPES[case.message[0]])
        in_flight = case.in_flight or 1
        await _call(call, case.warm_up, in_flight)
        clock = Clock(case)
        await _call(call, case.calls, in_flight)
        return clock.sample()
    finally:
        await client.close()


async def _call(call: Callable[[], Awaitable[object]], calls: int, in_flight: int) -> None:
    remaining = iter(range(calls))

    async def go_on() -> None:
        for _ in remaining:
            await call()

    await asyncio.gather(*(go_on() for _ in range(in_flight)))


def _make(case: Case, contender: str, endpoint: str) -> None:  # noqa: ARG001
    SYNC_CLIENTS[contender](endpoint).close()


def _make_and_token(case: Case, contender: str, endpoint: str) -> None:  # noqa: ARG001
    client = TOKEN_CLIENTS[contender](endpoint)
    client.token()
    client.close()


def _make_and_send(case: Case, contender: str, endpoint: str) -> None:
    client = SYNC_CLIENTS[contender](endpoint)
    client.send(message(*case.message), CONTENT_TYPES[case.message[0]])
    client.close()


_WITH_A_CLIENT_EACH = {"make": _make, "make and token": _make_and_token, "make and send": _make_and_send}


def _measure_idle(case: Case, contender: str, endpoint: str) -> Sample:
    """Make clients and keep them, as they are before their first request."""
    kinds: Mapping[str, Callable[[str], object]] = SYNC_CLIENTS if case.in_flight is None else ASYNC_CLIENTS
    kept = [kinds[contender](endpoint) for _ in range(case.warm_up)]
    clock = Clock(case)
    kept += [kinds[contender](endpoint) for _ in range(case.calls)]
    return clock.sample()


def _send_to_next(client: SyncClient, numbers: Iterator[int], case: Case) -> None:
    client.send_to(f"user-{next(numbers)}", message(*case.message), CONTENT_TYPES[case.message[0]])


def _list_all(members: Callable[[], int]) -> None:
    found = members()
    if found != MEMBERS:
        raise RuntimeError(f"{found} members were listed, of {MEMBERS}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=[case.name for case in (*CASES, *MEMORY_CASES)])
    parser.add_argument("contender")
    parser.add_argument("endpoint")
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--warm-up", type=int, required=True)
    options = parser.parse_args()
    case = next(case for case in (*CASES, *MEMORY_CASES) if case.name == options.case)
    case = replace(case, calls=options.calls, warm_up=options.warm_up)
    print(json.dumps(astuple(measure(case, options.contender, options.endpoint))))


if __name__ == "__main__":
    main()
