"""`python -m benchmarks`: measure, and write `RESULTS.md`."""

import argparse
import os
import sys
from pathlib import Path

from .report import render
from .rounds import check, run, run_memory
from .workload import CASES, MEMORY_CASES

RESULTS = Path(__file__).with_name("RESULTS.md")
QUICK_CALLS = 50
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_DISTORTING = (*_PROXIES, *(name.upper() for name in _PROXIES), "PYTHONDONTWRITEBYTECODE")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few calls and one round; print the report")
    parser.add_argument("--only", metavar="NAME", help="only the cases whose names hold this; print the report")
    parser.add_argument("--rounds", metavar="N", type=int, default=5)
    options = parser.parse_args()
    wanted = options.only or ""
    cases = [case for case in CASES if wanted in case.name]
    memory_cases = [case for case in MEMORY_CASES if wanted in case.name]
    if not cases and not memory_cases:
        parser.error(f"no case has {wanted!r} in its name")
    calls, rounds = (QUICK_CALLS, 1) if options.quick else (None, max(1, options.rounds))

    for name in _DISTORTING:
        os.environ.pop(name, None)
    before = os.getloadavg()[0]
    check(cases, _tell)
    results = run(cases, rounds, calls, _tell)
    if memory_cases:
        _tell("memory")
        run_memory(memory_cases, calls, results)
    report = render(results, rounds, (before, os.getloadavg()[0]))
    if options.quick or options.only:
        print(report)
    else:
        RESULTS.write_text(report)
        print(f"Written: {RESULTS.name}")


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
