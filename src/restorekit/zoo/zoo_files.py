"""The files next to the page: measurements, differences to other implementations, the survey."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from restorekit.errors import DataError
from restorekit.storage.atomic import atomic_path
from restorekit.zoo.facts import Facts
from restorekit.zoo.measure import Measured

Record = TypeVar("Record", Facts, Measured)


@dataclass(frozen=True)
class Parity:
    """How much a network differs from another implementation with the same weights.

    Attributes:
        model: the registered name.
        reference: the other implementation.
        commit_or_version: which one of it.
        largest_difference: of all values of the restored images, on the [0, 1] scale.
        sizes: of the images.
        where: "test suite", or "by hand" for code that is not in a package.
    """

    model: str
    reference: str
    commit_or_version: str
    largest_difference: float
    sizes: str
    where: str


class ZooFiles:
    """The files that belong to a page, in its folder.

    Args:
        page: the Markdown file of the page, for example docs/zoo.md. The others are named after
            it: zoo_facts.json, zoo_results.json, zoo_parity.jsonl, zoo_survey.json.
    """

    def __init__(self, page: Path) -> None:
        self.page = page
        self.facts, self.results, self.parity, self.survey = (
            page.with_name(f"{page.stem}_{name}")
            for name in ("facts.json", "results.json", "parity.jsonl", "survey.json")
        )

    def read_facts(self) -> dict[str, Facts]:
        """What was counted, by label; empty without the file.

        Raises:
            DataError: the file has other content.
        """
        return _read(self.facts, Facts)

    def read_results(self) -> dict[str, Measured]:
        """The measurements by label; empty without the file.

        Raises:
            DataError: the file has other content.
        """
        return _read(self.results, Measured)

    def write_facts(self, facts: Mapping[str, Facts]) -> None:
        """Write what was counted; an error leaves an existing file unchanged."""
        _write_records(self.facts, facts)

    def write_results(self, results: Mapping[str, Measured]) -> None:
        """Write the measurements; an error leaves an existing file unchanged."""
        _write_records(self.results, results)

    def read_parity(self) -> list[Parity]:
        """The differences to other implementations; empty without the file.

        Raises:
            DataError: a line has other content.
        """
        if not self.parity.exists():
            return []
        lines = self.parity.read_text(encoding="utf-8").splitlines()
        return [_parity(self.parity, number, line) for number, line in enumerate(lines, 1) if line]

    def read_survey(self) -> dict[str, Any]:
        """The content of the survey; empty without the file.

        Raises:
            DataError: the file is not JSON.
        """
        if not self.survey.exists():
            return {}
        try:
            return dict(json.loads(self.survey.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"'{self.survey}': not a survey ({error})") from error

    def write_page(self, text: str) -> None:
        """Write the page; an error leaves an existing file unchanged."""
        _write(self.page, text)


def table(head: Iterable[str], rows: Iterable[Iterable[object]], numbers_from: int = 1) -> str:
    """A Markdown table; columns from `numbers_from` on are aligned to the right."""
    titles = list(head)
    rule = ["---" if place < numbers_from else "---:" for place in range(len(titles))]
    lines = [titles, rule, *([str(cell).replace("|", "&#124;") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _read(file: Path, record: type[Record]) -> dict[str, Record]:
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {label: record(**values) for label, values in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"'{file}': not written by restorekit zoo ({error})") from error


def _write_records(file: Path, records: Mapping[str, Facts] | Mapping[str, Measured]) -> None:
    content = {label: asdict(records[label]) for label in sorted(records)}
    _write(file, json.dumps(content, indent=1) + "\n")


def _parity(file: Path, number: int, line: str) -> Parity:
    try:
        content = json.loads(line)
        sizes = content["sizes"]
        words = sizes if isinstance(sizes, str) else ", ".join(map(_size, sizes))
        return Parity(**{**content, "sizes": words})
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"'{file}', line {number}: not a parity record ({error})") from error


def _size(size: object) -> str:
    return "x".join(map(str, size)) if isinstance(size, (list, tuple)) else str(size)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
