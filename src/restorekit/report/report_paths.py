"""Where the reports of many pictures are written."""

from __future__ import annotations

import os
from pathlib import Path

from restorekit.errors import ArgumentError
from restorekit.pictures.processing.file_plan import FilePlan, same_file
from restorekit.report.report_file import SUFFIXES


def report_paths(plan: FilePlan, given: str | None) -> dict[Path, Path]:
    """The report of each target.

    Args:
        plan: (source, target) pairs.
        given: a file for one picture, or a folder, in which the report of "x.png" is
            "x.png.html"; None for no reports.

    Raises:
        ArgumentError: `given` is empty, is one of the pictures, is a file for several pictures, or
            has another suffix.
    """
    if given is None:
        return {}
    if not given:
        raise ArgumentError("the report has no name; '.' is the current folder")
    report = Path(given)
    is_file_name = report.suffix.lower() in SUFFIXES and not report.is_dir()
    if is_file_name and len(plan) == 1:
        if any(_same(report, path) for path in plan[0]):
            raise ArgumentError(f"report '{report}' is the picture itself; choose another name")
        return {plan[0][1]: report}
    if is_file_name:
        raise ArgumentError(f"reports of {len(plan)} pictures need a folder, not '{report}'")
    if report.suffix or report.is_file():
        raise ArgumentError(f"report '{report}' is neither {' nor '.join(SUFFIXES)} nor a folder")
    targets = [target for _, target in plan]
    root = Path(os.path.commonpath([target.parent for target in targets]))
    return {target: _below(report, target.relative_to(root)) for target in targets}


def _below(folder: Path, target: Path) -> Path:
    return folder / target.with_name(f"{target.name}.html")


def _same(one: Path, other: Path) -> bool:
    return os.path.abspath(one) == os.path.abspath(other) or same_file(one, other)
