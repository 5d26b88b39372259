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
from .workload import CASES, MEMBERS, MEMORY_CASES, PAGE, STARTS, Case

PACKAGES = (
    "webpubsub",
    "httpx",
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
        other_case: Where the other one is, if elsewhere.
        of_memory: Whether memory is compared, and not CPU.
    """

    what: str
    case: str
    ours: str
    other: str
    limit: float
    other_case: str | None = None
    of_memory: bool = False


TARGETS = (
    Target("blocking send of a dict of 100 B / peer", "send 100 B dict", "ours", "peer", 0.27),
    Target("the same / bare `http.client`", "send 100 B dict", "ours", "http.client", 1.7),
    Target("the same / bare `httpx.Client.post`", "send 100 B dict", "ours", "httpx", 0.97),
    Target("async send, 100 in flight / peer", "async 100", "ours", "peer", 0.24),
    Target("the same / bare aiohttp", "async 100", "ours", "aiohttp", 1.4),
    Target("async send, 500 in flight / 100 in flight", "async 500", "ours", "ours", 1.15, "async 100"),
    Target("client access token / peer", "token", "ours", "peer", 0.6),
    Target(f"listing {MEMBERS:,} members / peer", "list", "ours", "peer", 0.6),
    Target("https: client and client token / peer", "https: make a client and a client token", "ours", "peer", 1.0),
    Target("memory of an idle client / peer", "idle clients", "ours", "peer", 1.0, of_memory=True),
    Target("the same, async", "idle clients, async", "ours", "peer", 1.0, of_memory=True),
    Target("`import webpubsub` / `import httpx, jwt`", "import", "ours", "httpx, jwt", 1.12),
    Target("the same, lean", "import, lean", "ours", "httpx, jwt", 1.12),
    *(Target(f"{name.partition(': ')[2]} / peer", name, "ours", "peer", 0.8) for name in STARTS if ": " in name),
)

SECTIONS = (
    ("`send_to_all`, blocking", "send "),
    ("`send_to_all` of 100 B, asynchronous, by calls in flight", "async "),
    ("`send_to_all` of 100 B, when the response takes 20 ms", "20 ms "),
    ("Client access token", "token"),
    (f"Listing {MEMBERS:,} members, {PAGE} on a page", "list"),
    ("Over TLS", "https: "),
    ("Clients that are made and kept, over TLS", "idle "),
    ("Importing", "import"),
    ("Starting: import, make a client, send once", "start: "),
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
            parts += [f"## {title}", _table_of(results, cases)]
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
* Ratios are of CPU, computed in each round from processes that ran one after the other; under 1 ours is cheaper. Their
  median is not the ratio of the two medians of times beside it: those may come from different rounds.
* The peer is the official SDK. The bare clients (`httpx`, `http.client`, `aiohttp`) sign with PyJWT, send, and look at
  the status; they check no arguments, repeat nothing and write nothing down. All have the settings they come with.
* Over TLS all trust the usual bundle of certificates, with the authority of the benchmarks at its end.
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
        ratios = _ratios(results, target)
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


def _table_of(results: Results, cases: Sequence[Case]) -> str:
    match cases[0].job:
        case "start":
            return _starts(results, cases)
        case "idle":
            return _idle(results, cases)
        case _:
            return _times(results, cases)


def _idle(results: Results, cases: Sequence[Case]) -> str:
    rows = []
    for case, contender, samples in _measured(results, cases):
        memory = _spread([_grown(sample) for sample in samples], 1e-3, ".1f")
        ratio = _ours_to(results, case, contender, of_memory=True)
        rows.append((case.name, contender, f"{memory} kB", ratio))
    return _table(("case", "contender", "memory of one, median of rounds", "ours / this, median of ratios"), rows)


def _times(results: Results, cases: Sequence[Case]) -> str:
    rows = []
    for case, contender, samples in _measured(results, cases):
        unit, factor, digits = ("ms", 1e3, ".1f") if case.job == "list" else ("µs", 1e6, ".0f")
        if case.job == "token":
            digits = ".1f"
        cpu = _spread([sample.cpu / sample.calls for sample in samples], factor, digits)
        wall = _spread([sample.wall / sample.calls for sample in samples], factor, digits)
        rows.append((case.name, contender, f"{cpu} {unit}", f"{wall} {unit}", _ours_to(results, case, contender)))
    return _table(
        ("case", "contender", "CPU, median of times", "wall, median of times", "ours / this, median of ratios"), rows
    )


def _starts(results: Results, cases: Sequence[Case]) -> str:
    rows = []
    for case, contender, samples in _measured(results, cases):
        cpu = _spread([sample.cpu for sample in samples], 1e3, ".0f")
        wall = _spread([sample.wall for sample in samples], 1e3, ".0f")
        memory = median([sample.end_bytes - sample.start_bytes for sample in samples])
        ratio = _ours_to(results, case, contender)
        rows.append((case.name, contender, f"{cpu} ms", f"{wall} ms", f"{memory / 1e6:.1f} MB", ratio))
    return _table(
        ("case", "program", "CPU, median of times", "wall, median of times", "memory", "ours / this, median of ratios"),
        rows,
    )


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


def _ours_to(results: Results, case: Case, contender: str, *, of_memory: bool = False) -> str:
    ratios = _ratios(results, Target("", case.name, "ours", contender, 1, of_memory=of_memory))
    return "" if contender == "ours" else _spread(ratios, 1, ".2f")


def _ratios(results: Results, target: Target) -> list[float]:
    cost = _grown if target.of_memory else _computed
    mine = results.samples.get((target.case, target.ours), ())
    theirs = results.samples.get((target.other_case or target.case, target.other), ())
    if not mine or not theirs:
        return []
    return [cost(own) / cost(other) for own, other in zip(mine, theirs, strict=True)]


def _computed(sample: Sample) -> float:
    return sample.cpu / sample.calls


def _grown(sample: Sample) -> float:
    return (sample.end_bytes - sample.start_bytes) / sample.calls


def _spread(values: Sequence[float], factor: float, digits: str) -> str:
    smallest, middle, largest = (factor * value for value in (min(values), median(values), max(values)))
    return f"{middle:{digits}} [{smallest:{digits}}-{largest:{digits}}]"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows))
