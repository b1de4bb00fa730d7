"""`python -m tests.fuzz`: many cases, and a table of what came of them."""

from __future__ import annotations

import argparse
import time
from itertools import count
from pathlib import Path

from tests.fuzz.cases import Case, Verdict
from tests.fuzz.driver import run_cases
from tests.fuzz.kinds import KINDS
from tests.fuzz.table import table_of


def main() -> int:
    """Run what the words say; 1 where a case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), help="these kinds")
    parser.add_argument("--cases", type=int, help="of each kind, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    parser.add_argument("--minutes", type=float, help="in all, 20 without --cases")
    parser.add_argument("--repeat", nargs="+", metavar="KIND:SEED", help="these cases only")
    parser.add_argument("--keep", type=Path, help="a folder for the files of failed cases")
    words = parser.parse_args()
    if words.keep is not None:
        words.keep.mkdir(parents=True, exist_ok=True)
    minutes = 20 if words.minutes is None and words.cases is None else words.minutes
    if words.repeat:
        verdicts = run_cases(map(Case.parse, words.repeat), keep=words.keep, report=_report)
    else:
        verdicts = []
        for kind in words.only:
            numbers = count() if words.cases is None else range(words.cases)
            cases = (Case(kind, words.seed + number) for number in numbers)
            seconds = None if minutes is None else 60 * minutes / len(words.only)
            verdicts += run_cases(cases, seconds, words.keep, _report)
    print(table_of(verdicts))
    return int(any(verdict.outcome == "failed" for verdict in verdicts))


def _report(verdict: Verdict) -> None:
    if verdict.outcome == "failed":
        print(f"{time.strftime('%X')} {verdict.case} {verdict.detail}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
