"""`python -m benchmarks`: measure, and write `RESULTS.md`."""

import argparse
import os
import sys
from pathlib import Path

from .report import render
from .rounds import check, run, run_memory
from .workload import CASES

RESULTS = Path(__file__).with_name("RESULTS.md")
QUICK_CALLS = 50
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_DISTORTING = (*_PROXIES, *(name.upper() for name in _PROXIES), "PYTHONDONTWRITEBYTECODE")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few calls and one round; print the report")
    parser.add_argument("--only", metavar="NAME", help="only the cases whose names hold this; print the report")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cases = [case for case in CASES if (options.only or "") in case.name]
    if not cases:
        parser.error(f"no case has {options.only!r} in its name; there are: {', '.join(case.name for case in CASES)}")
    calls, rounds = (QUICK_CALLS, 1) if options.quick else (None, options.rounds)

    for name in _DISTORTING:
        os.environ.pop(name, None)
    before = os.getloadavg()[0]
    check(cases, _tell)
    results = run(cases, rounds, calls, _tell)
    if not options.only:
        _tell("memory")
        run_memory(results, calls)
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
