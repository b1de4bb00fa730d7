"""A fixed number of cases of each kind; `make fuzz` runs many more."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.fuzz.cases import Case
from tests.fuzz.driver import Worker
from tests.fuzz.kinds import KINDS
from tests.fuzz.table import table_of

COUNTS = {
    "pictures": 150,
    "whole_pictures": 60,
    "configs": 80,
    "checkpoints": 100,
    "arrays": 200,
    "plugins": 8,
    "faults": 12,
}
SECONDS = 12.0  # after which a kind ends with fewer cases: all of them within two minutes


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One worker for all kinds: it takes seconds to start."""
    with Worker() as worker:
        yield worker


def test_no_kind_is_forgotten() -> None:
    """Each has its number of cases here."""
    assert set(COUNTS) == set(KINDS)


@pytest.mark.parametrize("kind", COUNTS)
def test_no_case_fails(worker: Worker, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, hang, crash, leftover, change of an input or of the process's state."""
    verdicts, end = [], time.monotonic() + SECONDS
    for seed in range(COUNTS[kind]):
        verdicts.append(worker.judge(Case(kind, seed)))
        if time.monotonic() > end:
            break
    with capsys.disabled():
        print(f"\n{table_of(verdicts)}")
    assert not any(verdict.outcome == "failed" for verdict in verdicts), table_of(verdicts)
