"""Runs side by side: what they measured, and in which settings they differ."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from restorekit.components.kinds import metrics
from restorekit.errors import RestoreKitError
from restorekit.experiments.run_records import RunRecord
from restorekit.train.config_changes import PLACES

_SEED = "train.seed"
_FIRST = ("psnr", "ssim", "loss")  # in this order, before other metrics
_MISSING = object()


@dataclass(frozen=True)
class Statistic:
    """A value over the runs of a group.

    Attributes:
        mean: the mean.
        std: the standard deviation (of a sample); None for a single run.

    Example:
        >>> from restorekit.experiments.comparison import Statistic
        >>> str(Statistic(31.25, 0.5))
        '31.25 ± 0.50'
    """

    mean: float
    std: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistic | None:
        """The statistic of some values; None without any."""
        if not values:
            return None
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)

    def __str__(self) -> str:
        digits = 2 if abs(self.mean) >= 10 else 4
        deviation = "" if self.std is None else f" ± {self.std:.{digits}f}"
        return f"{self.mean:.{digits}f}{deviation}"


@dataclass(frozen=True)
class ComparedRuns:
    """A run, or several that differ in nothing but the seed.

    Attributes:
        name: a short name.
        runs: the runs.
        settings: the settings that differ between the groups, by key.
        best: the best value of each metric, by name; a metric without a direction has none.
        last: the value of each metric in the last validation.
        steps: the steps.
        seconds: the time of the training steps.
        parameters: the number of weights.
    """

    name: str
    runs: tuple[RunRecord, ...]
    settings: Mapping[str, object]
    best: Mapping[str, Statistic]
    last: Mapping[str, Statistic]
    steps: Statistic | None
    seconds: Statistic | None
    parameters: int | None

    def as_dict(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "name": self.name,
            "runs": [str(run.folder) for run in self.runs],
            "settings": {k: None if v is _MISSING else v for k, v in self.settings.items()},
            "best": {name: vars(value) for name, value in self.best.items()},
            "last": {name: vars(value) for name, value in self.last.items()},
            "steps": self.steps and vars(self.steps),
            "seconds": self.seconds and vars(self.seconds),
            "parameters": self.parameters,
        }


@dataclass(frozen=True)
class RunComparison:
    """Runs side by side; `compare_runs` makes it.

    Attributes:
        groups: a run each, or runs that differ in the seed alone.
        metrics: the metrics that were measured, psnr first.
        settings: the keys of the configuration in which the groups differ.

    Example:
        >>> restorekit.RunComparison((), (), ()).rows()
        [('run',)]
    """

    groups: tuple[ComparedRuns, ...]
    metrics: tuple[str, ...]
    settings: tuple[str, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """The table as text, with the header first.

        A metric is the best value, and in brackets that of the last validation.
        """
        shown = [name for name in self.metrics if "." not in name]
        if not self.groups:
            return [("run",)]
        head = ("run", *shown, "steps", "seconds", "parameters", *self.settings)
        return [head, *(_cells(group, shown, self.settings) for group in self.groups)]

    def as_dict(self) -> dict[str, object]:
        """The comparison as plain data, for JSON."""
        return {
            "settings": list(self.settings),
            "metrics": list(self.metrics),
            "groups": [group.as_dict() for group in self.groups],
        }


def compare_records(records: Sequence[RunRecord]) -> RunComparison:
    """Compare runs that were read."""
    settings = tuple(_differing(records))
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(repr([_value(record, key) for key in settings]), []).append(record)
    names = _short_names([record.folder for record in records])
    measured = _measured(records)
    upwards = {name: _is_upwards(name) for name in measured}
    return RunComparison(
        tuple(
            _compared(_group_name(some, names), some, settings, upwards) for some in groups.values()
        ),
        measured,
        settings,
    )


def _compared(
    name: str,
    runs: Sequence[RunRecord],
    settings: Sequence[str],
    upwards: Mapping[str, bool | None],
) -> ComparedRuns:
    best, last = {}, {}
    for metric, is_upwards in upwards.items():
        curves = [_curve(run, metric) for run in runs]
        ends = [curve[-1] for curve in curves if curve]
        if (value := Statistic.of(ends)) is not None:
            last[metric] = value
        if ends and is_upwards is not None:
            choose = max if is_upwards else min
            best[metric] = Statistic.of([choose(curve) for curve in curves if curve])
    return ComparedRuns(
        name,
        tuple(runs),
        {key: _value(runs[0], key) for key in settings},
        {key: value for key, value in best.items() if value is not None},
        last,
        Statistic.of([run.step for run in runs]),
        Statistic.of([run.seconds for run in runs if run.seconds is not None]),
        next((run.parameters for run in runs if run.parameters is not None), None),
    )


def _curve(run: RunRecord, metric: str) -> list[float]:
    found = (row[metric] for row in run.validations if metric in row)
    return [value for value in found if math.isfinite(value)]


def _value(record: RunRecord, key: str) -> object:
    return record.config.get(key, _MISSING)


def _differing(records: Sequence[RunRecord]) -> list[str]:
    """The keys whose values are not the same in all configurations, without seed and places."""
    keys = dict.fromkeys(key for record in records for key in record.config)
    return [
        key
        for key in keys
        if key != _SEED
        and key not in PLACES
        and len({repr(_value(record, key)) for record in records}) > 1
    ]


def _measured(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """The metrics of the restored images, in the order of the table."""
    found = dict.fromkeys(name for record in records for row in record.validations for name in row)
    names = [name for name in found if name != "step" and not name.endswith("_noisy")]
    return tuple(sorted(names, key=lambda name: (name not in _FIRST, _rank(name))))


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _is_upwards(name: str) -> bool | None:
    """Whether a higher value is better; None if it is not known, for example without a plugin."""
    if name.startswith("conditions."):
        name = name.rpartition(".")[2]
    if name == "loss" or name.startswith("terms."):
        return False
    try:
        return bool(metrics.create(name).higher_is_better)
    except RestoreKitError:  # it needs arguments or a package, or its plugin is missing
        return None


def _short_names(folders: Sequence[Path]) -> dict[Path, str]:
    """The folders without the part that all of them share."""
    parts = {folder: folder.absolute().parts for folder in folders}
    shared = 0
    while all(len(each) > shared + 1 for each in parts.values()) and (
        len({each[shared] for each in parts.values()}) == 1
    ):
        shared += 1
    return {folder: str(Path(*each[shared:])) for folder, each in parts.items()}


def _group_name(runs: Sequence[RunRecord], names: Mapping[Path, str]) -> str:
    first = names[runs[0].folder]
    return first if len(runs) == 1 else f"{first} and {len(runs) - 1} more"


def _cells(group: ComparedRuns, shown: Sequence[str], settings: Sequence[str]) -> tuple[str, ...]:
    return (
        group.name,
        *(_metric_cell(group, name) for name in shown),
        "-" if group.steps is None else f"{group.steps.mean:.0f}",
        "-" if group.seconds is None else f"{group.seconds.mean:.0f}",
        "-" if group.parameters is None else f"{group.parameters:,}",
        *(_setting_cell(group.settings[key]) for key in settings),
    )


def _metric_cell(group: ComparedRuns, name: str) -> str:
    best, last = group.best.get(name), group.last.get(name)
    if best is None or last is None:
        return "-" if last is None else f"({last})"
    return f"{best} ({Statistic(last.mean)})"


def _setting_cell(value: object) -> str:
    if value is _MISSING:
        return "-"
    return (
        "null" if value is None else str(value).lower() if isinstance(value, bool) else f"{value}"
    )
