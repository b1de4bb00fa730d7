"""A fixed number of cases of each kind; `make fuzz` runs many more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.cases import Case
from tests.fuzz.driver import Worker
from tests.fuzz.table import table_of

COUNTS = {"whole_pictures": 100, "arrays": 200, "faults": 20}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One worker for all kinds: it takes seconds to start."""
    with Worker() as worker:
        yield worker


@pytest.mark.parametrize("kind", COUNTS)
def test_no_case_fails(worker: Worker, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, hang, crash, leftover, change of an input or of the process's state."""
    verdicts = [worker.judge(Case(kind, seed)) for seed in range(COUNTS[kind])]
    with capsys.disabled():
        print(f"\n{table_of(verdicts)}")
    assert not any(verdict.outcome == "failed" for verdict in verdicts), table_of(verdicts)
