"""The progress of training runs: which there are, and the curves of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from restorekit.data.folder import METRICS
from restorekit.errors import DataError, did_you_mean
from restorekit.train.metric_rows import HistoryRow

_MOST_RUNS = 200
_MOST_POINTS = 2000


class Curve(NamedTuple):
    """Values over steps."""

    steps: list[int]
    values: list[float]


def find_runs(folder: Path) -> list[str]:
    """The runs in a folder and below, by their path from it; the newest first.

    Args:
        folder: the folder, which may be missing.
    """
    found = sorted(folder.rglob(METRICS), key=_changed, reverse=True)[:_MOST_RUNS]
    return [path.parent.relative_to(folder).as_posix() for path in found]


def run_folder(folder: Path, name: str) -> Path:
    """The folder of a run that `find_runs` names.

    Raises:
        DataError: there is no such run; a path outside of the folder is never one.
    """
    names = find_runs(folder)
    if name not in names:
        raise DataError(f"'{folder}' has no run '{name}'.{did_you_mean(name, names)}")
    return folder / name


def state_of(run: Path) -> tuple[int, int]:
    """What changes when a run has measured something: the time and size of its records."""
    try:
        known = (run / METRICS).stat()
    except OSError:
        return 0, 0
    return known.st_mtime_ns, known.st_size


def draw_run(rows: list[HistoryRow]) -> Figure:
    """Draw loss and, if there is a validation, PSNR over the steps.

    Args:
        rows: from `read_history`.
    """
    panels = {
        "Loss": {phase: loss_curve(rows, phase) for phase in ("train", "validation")},
        "PSNR (dB)": {"restored": curve_of(rows, "psnr"), "noisy": curve_of(rows, "psnr_noisy")},
    }
    shown = {k: v for k, v in panels.items() if any(curve.steps for curve in v.values())}
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, max(len(shown), 1), squeeze=False)[0]
    for axis, (title, curves) in zip(axes, shown.items(), strict=False):
        for label, (steps, values) in curves.items():
            if steps:
                axis.plot(steps, values, label=label, marker="." if len(steps) < 30 else "")
        axis.set(title=title, xlabel="step")
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def curve_of(rows: Iterable[Mapping[str, Any]], key: str) -> Curve:
    """The values of a key over the steps, thinned to what a screen can show."""
    pairs = [(row["step"], row[key]) for row in rows if isinstance(row.get(key), (int, float))]
    thin = pairs[:: max(1, -(-len(pairs) // _MOST_POINTS))]
    if pairs and thin[-1] != pairs[-1]:
        thin.append(pairs[-1])
    return Curve([step for step, _ in thin], [float(value) for _, value in thin])


def loss_curve(rows: Iterable[HistoryRow], phase: str) -> Curve:
    """The weighted total loss of "train" or "validation" over the steps."""
    return curve_of([row for row in rows if row.get("phase") == phase], "loss")


def describe_run(rows: list[HistoryRow]) -> str:
    """The latest figures of a run in one line.

    Args:
        rows: from `read_history`.
    """
    if not rows:
        return "Nothing has been measured yet."
    words = [f"Step {rows[-1]['step']}"]
    for phase in ("train", "validation"):
        if losses := loss_curve(rows, phase).values:
            words.append(f"{phase} loss {losses[-1]:.4g}")
    if scores := curve_of(rows, "psnr").values:
        words.append(f"PSNR {scores[-1]:.2f} dB, best {max(scores):.2f} dB")
    return ", ".join(words) + "."


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
