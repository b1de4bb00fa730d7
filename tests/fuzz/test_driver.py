"""The harness sees what it looks for; else its counts would mean nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from restorekit.errors import ImageFileError
from restorekit.pictures.read_files import read_pages
from tests.fuzz.cases import Case, Verdict
from tests.fuzz.corpus import corpus
from tests.fuzz.driver import Worker
from tests.fuzz.kinds import faulty
from tests.fuzz.kinds.pictures import damaged
from tests.fuzz.table import table_of


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A worker that calls three seconds a hang and a gibibyte too much."""
    with Worker(hang=3.0, memory=1024) as worker:
        yield worker


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("raise", "IndexError: list index out of range [faulty.py"),
        ("exit", "SystemExit: 0"),
        ("interrupt", "KeyboardInterrupt"),
        ("leave", "left behind: .a-unfinished-x.png"),
        ("open", "left open: "),
        ("write", "libpng warning: something"),
        ("print", "noise on stdout or stderr: 'something"),
        ("warn", "RuntimeWarning passed on: 'overflow'"),
        ("escape", "not escaped: ['\\x1b']"),
        ("filter", "state changed: warning filters"),
        ("move", "state changed: working directory"),
        ("hang", "in _hang"),
        ("sleep", "hangs: "),
        ("abort", "died with -11: "),
    ],
)
def test_what_must_not_be_is_seen(worker: Worker, way: str, told: str) -> None:
    """Each way to fail is a failure of its case, also where it takes the worker down."""
    verdict = worker.judge(Case("faulty", faulty.seed_of(way)))
    assert verdict.outcome == "failed"
    assert told in verdict.detail


def test_too_much_memory_is_seen() -> None:
    """A busy machine may take more than three seconds to fill a gibibyte."""
    with Worker(hang=60.0, memory=1024) as worker:
        verdict = worker.judge(Case("faulty", faulty.seed_of("fill")))
    assert verdict.outcome == "failed"
    assert "MiB of memory at the peak" in verdict.detail


def test_a_good_case_after_a_bad_one(worker: Worker) -> None:
    """A failure is its own case's alone."""
    worker.judge(Case("faulty", faulty.seed_of("abort")))
    assert worker.judge(Case("faulty", faulty.seed_of("refuse"))).outcome == "done"


def test_a_case_repeats() -> None:
    """Kind and seed determine the file."""
    case = Case.parse("pictures:7")
    assert damaged(case.random()) == damaged(Case("pictures", 7).random())
    assert damaged(Random(1)) != damaged(Random(2))


def test_most_of_the_corpus_is_read(tmp_path: Path) -> None:
    """Mutations of what is refused anyway would find nothing."""
    files = {n: c for n, c in corpus().items() if "claims" not in n and "chain" not in n}
    assert sum(is_read(tmp_path / name, content) for name, content in files.items()) > 0.6 * len(
        files
    )


def is_read(path: Path, content: bytes) -> bool:
    """Whether the library reads a file with that content."""
    path.write_bytes(content)
    try:
        return bool(read_pages(path))
    except ImageFileError:
        return False


def test_the_table_counts() -> None:
    """A row for each kind, then the failures with what repeats them."""
    verdicts = [
        Verdict("a:1", "done", "", 0.5, 100),
        Verdict("a:2", "failed", "hangs", 21, 300),
        Verdict("b:1", "refused", "", 0.1, 50),
    ]
    assert [line.split() for line in table_of(verdicts).splitlines()] == [
        ["kind", "cases", "done", "refused", "failed", "slowest", "peak", "memory"],
        ["a", "2", "1", "0", "1", "21.0", "s", "(a:2)", "300", "MiB"],
        ["b", "1", "0", "1", "0", "0.1", "s", "(b:1)", "50", "MiB"],
        ["a:2", "hangs"],
    ]
