"""From samples to Markdown. Everything that the report says about a target is computed from the samples."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from .measure import Sample
from .rounds import Results
from .workload import CASES, MEMBERS, MEMORY_CASES, PAGE, Case

PACKAGES = (
    "webpubsub",
    "httpx",
    "httpcore",
    "httpx-retries",
    "httpx-aiohttp",
    "aiohttp",
    "PyJWT",
    "azure-messaging-webpubsubservice",
    "azure-core",
    "requests",
)
_CPUINFO = Path("/proc/cpuinfo")
_LARGEST_GROWTH_BYTES = 1_000_000


@dataclass(frozen=True)
class Target:
    """A ratio of CPU times that is to be reached.

    Attributes:
        what: What is compared.
        case: Where.
        ours: The contender that is to be cheap.
        other: The one it is compared with.
        limit: The largest ratio that is good enough.
    """

    what: str
    case: str
    ours: str
    other: str
    limit: float


TARGETS = (
    Target("blocking send of a dict of 100 B / peer", "send 100 B dict", "ours", "peer", 0.40),
    Target("the same / bare `httpx.Client.post`", "send 100 B dict", "ours", "httpx", 0.97),
    Target("async send, 100 in flight / peer", "async 100", "ours", "peer", 0.42),
    Target("the same / bare httpx over aiohttp", "async 100", "ours", "httpx over aiohttp", 1.0),
    Target("the same without the extra `aio` / peer", "async 100", "ours without aio", "peer", 2.0),
    Target("client access token / peer", "token", "ours", "peer", 0.6),
    Target(f"listing {MEMBERS:,} members / peer", "list", "ours", "peer", 0.6),
    Target("`import webpubsub` / `import httpx, jwt`", "import", "ours", "httpx, jwt", 1.15),
    Target("the same, lean", "import, lean", "ours", "httpx, jwt", 1.15),
)

SECTIONS = (
    ("`send_to_all`, blocking", "send "),
    ("`send_to_all` of 100 B, asynchronous, by calls in flight", "async "),
    ("`send_to_all` of 100 B, when the answer takes 20 ms", "20 ms "),
    ("Client access token", "token"),
    (f"Listing {MEMBERS:,} members, {PAGE} on a page", "list"),
    ("Starting", "import"),
)


def render(results: Results, rounds: int, load: tuple[float, float]) -> str:
    """Write the report.

    Args:
        results: What was measured.
        rounds: How many rounds there were.
        load: The load of the machine before and after.
    """
    parts = ["# What the client costs", _introduction(rounds, load), "## Targets", _targets(results)]
    for title, prefix in SECTIONS:
        cases = [case for case in CASES if case.name.startswith(prefix) and _is_measured(results, case)]
        if cases:
            parts += [f"## {title}", _starts(results, cases) if prefix == "import" else _times(results, cases)]
    if results.server:
        parts += ["## The service of the benchmarks", _server(results)]
    return "\n\n".join(parts) + "\n"


def _introduction(rounds: int, load: tuple[float, float]) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""\
Written by `python -m benchmarks` on {datetime.now(UTC):%Y-%m-%d}.

* Every process measures one thing with one contender. The contenders take turns, in {rounds} rounds.
* *CPU* is what the process of the client computed, *wall* is what passed. Both are per call, after a warm-up:
  the median of the rounds, and in brackets the smallest and the largest.
* Ratios are of CPU, computed in each round from processes that ran one after the other; under 1 ours is cheaper.
* The peer is the official SDK. The bare clients (`httpx`, `http.client`, `aiohttp`) sign with PyJWT, send, and look at
  the status; they check no arguments, repeat nothing and write nothing down. All have the settings they come with.
  *Ours without aio* is our asynchronous client where aiohttp is not installed: it sends over httpx alone.
* httpx and PyJWT import click, rich, pygments and cryptography if they are there. A *lean* start is one without them.
* The service is a small process of its own on the loopback interface. Before the rounds it judged the requests of every
  contender: signature, audience, content type, body. In every run it counted as many requests as there were calls.

Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()}; load {load[0]:.2f} before and {load[1]:.2f} after.
{platform.python_implementation()} {platform.python_version()}; {versions}."""


def _processor() -> str:
    if _CPUINFO.exists():
        for line in _CPUINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def _targets(results: Results) -> str:
    rows = []
    for target in TARGETS:
        ratios = _ratios(results, target.case, target.ours, target.other)
        if ratios:
            missed = median(ratios) - target.limit
            verdict = "reached" if missed <= 0 else f"missed by {missed:.2f}"
            rows.append((target.what, f"<= {target.limit:.2f}", _spread(ratios, 1, ".2f"), verdict))
    for case in MEMORY_CASES:
        samples = results.samples.get((case.name, "ours"))
        if samples:
            grown = samples[0].end_bytes - samples[0].start_bytes
            what = f"{case.name}: growth from send {case.warm_up:,} to {case.warm_up + samples[0].calls:,}"
            verdict = "reached" if grown <= _LARGEST_GROWTH_BYTES else "missed"
            rows.append((what, f"<= {_LARGEST_GROWTH_BYTES / 1e6:.1f} MB", f"{grown / 1e6:.2f} MB", verdict))
    return _table(("ratio of CPU, or memory", "target", "measured", ""), rows)


def _times(results: Results, cases: Sequence[Case]) -> str:
    rows = []
    for case, contender, samples in _measured(results, cases):
        unit, factor, digits = ("ms", 1e3, ".1f") if case.job == "list" else ("µs", 1e6, ".0f")
        if case.job == "token":
            digits = ".1f"
        cpu = _spread([sample.cpu / sample.calls for sample in samples], factor, digits)
        wall = _spread([sample.wall / sample.calls for sample in samples], factor, digits)
        rows.append((case.name, contender, f"{cpu} {unit}", f"{wall} {unit}", _ours_to(results, case, contender)))
    return _table(("case", "contender", "CPU", "wall", "ours / this"), rows)


def _starts(results: Results, cases: Sequence[Case]) -> str:
    rows = []
    for case, contender, samples in _measured(results, cases):
        cpu = _spread([sample.cpu for sample in samples], 1e3, ".0f")
        wall = _spread([sample.wall for sample in samples], 1e3, ".0f")
        memory = median([sample.end_bytes - sample.start_bytes for sample in samples])
        ratio = _ours_to(results, case, contender)
        rows.append((case.name, contender, f"{cpu} ms", f"{wall} ms", f"{memory / 1e6:.1f} MB", ratio))
    return _table(("case", "program", "CPU", "wall", "memory", "ours / this"), rows)


def _server(results: Results) -> str:
    typical = {name: median(seconds) for name, seconds in results.server.items()}
    rows = [(name, f"{1e6 * seconds:.0f} µs") for name, seconds in typical.items()]
    return _table(("case", "CPU of the service per request"), rows)


def _measured(results: Results, cases: Sequence[Case]) -> Iterator[tuple[Case, str, list[Sample]]]:
    for case in cases:
        for contender in case.contenders:
            yield case, contender, results.samples[case.name, contender]


def _is_measured(results: Results, case: Case) -> bool:
    return (case.name, "ours") in results.samples


def _ours_to(results: Results, case: Case, contender: str) -> str:
    ratios = _ratios(results, case.name, "ours", contender)
    return "" if contender == "ours" else _spread(ratios, 1, ".2f")


def _ratios(results: Results, case: str, ours: str, other: str) -> list[float]:
    pairs = zip(results.samples.get((case, ours), ()), results.samples.get((case, other), ()), strict=True)
    return [mine.cpu / theirs.cpu for mine, theirs in pairs]


def _spread(values: Sequence[float], factor: float, digits: str) -> str:
    smallest, middle, largest = (factor * value for value in (min(values), median(values), max(values)))
    return f"{middle:{digits}} [{smallest:{digits}}-{largest:{digits}}]"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))
