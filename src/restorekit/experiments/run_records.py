"""What a finished or unfinished run left in its folder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from restorekit.config.config_file import read_config
from restorekit.errors import DataError, RestoreKitError
from restorekit.pictures.file_errors import suggest_path
from restorekit.train.checkpoint import CONFIG
from restorekit.train.history import read_history
from restorekit.train.loggers.base import flat_config
from restorekit.train.metric_rows import HistoryRow
from restorekit.weights.safetensors_header import read_header
from restorekit.weights.weights_folder import weights_in_run

# Statistics of batch normalisation, which are not trained.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class RunRecord:
    """A run as its folder tells it.

    Attributes:
        folder: the folder.
        config: the values of its configuration by key, such as "train.learning_rate".
        step: the last step that was logged; 0 without one.
        seconds: time of the training steps, without validations; None if nothing was logged.
        parameters: number of weights; None before the first checkpoint.
        validations: the results of each validation by name, and the "step".
    """

    folder: Path
    config: Mapping[str, object]
    step: int = 0
    seconds: float | None = None
    parameters: int | None = None
    validations: Sequence[Mapping[str, float]] = field(default_factory=tuple)


def find_runs(given: Iterable[str | PathLike[str]]) -> list[Path]:
    """The folders of runs: those that are given, and all directly below other folders.

    Raises:
        DataError: a folder is missing or is not the folder of a run, or nothing is given.
    """
    found: list[Path] = []
    for each in given:
        folder = Path(each)
        if not folder.is_dir():
            problem = "is a file, not a folder" if folder.exists() else "does not exist"
            raise DataError(f"run '{folder}' {problem}.{suggest_path(folder, folders=True)}")
        below = [folder] if _is_run(folder) else sorted(filter(_is_run, folder.iterdir()))
        if not below:
            raise DataError(f"'{folder}' is not the folder of a run: it has no {CONFIG}")
        found += below
    if not found:
        raise DataError("no run given")
    return list(dict.fromkeys(found))


def read_run(folder: Path) -> RunRecord:
    """Read the configuration and the metrics of a run.

    Raises:
        ConfigError: its configuration cannot be read.
    """
    config = flat_config(read_config(folder / CONFIG))
    rows = read_history(folder)
    return RunRecord(
        folder,
        config,
        max((row["step"] for row in rows), default=0),
        _seconds(rows, config.get("train.batch_size")),
        _parameters(folder),
        [_numbers(row) for row in rows if row.get("phase") == "validation"],
    )


def _is_run(folder: Path) -> bool:
    return (folder / CONFIG).is_file()


def _seconds(rows: Sequence[HistoryRow], batch_size: object) -> float | None:
    """The time of the steps, from the images per second of each row."""
    if not isinstance(batch_size, int):
        return None
    total, before = 0.0, 0
    for row in rows:
        rate = row.get("images_per_second")
        if isinstance(rate, (int, float)) and rate > 0:
            total += (row["step"] - before) * batch_size / rate
            before = row["step"]
    return total if before else None


def _parameters(folder: Path) -> int | None:
    if (path := weights_in_run(folder)) is None:
        return None
    try:
        shapes = read_header(path).shapes
    except RestoreKitError:  # damaged
        return None
    return sum(math.prod(shape) for k, shape in shapes.items() if not k.endswith(_STATISTICS))


def _numbers(row: Mapping[str, object]) -> dict[str, float]:
    """The numbers of a validation, those of the loss terms and of single noises included."""
    flat = dict(row)
    for name in ("terms", "conditions"):
        inner = flat.pop(name, None)
        if isinstance(inner, Mapping):
            flat |= flat_config(inner, f"{name}.")
    return {
        key: float(value)
        for key, value in flat.items()
        if isinstance(value, (int, float)) and key != "epoch"
    }
