"""Sweeps: the runs of a grid of settings, shared by any number of processes."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from restorekit.config.config_file import read_config
from restorekit.config.train_config import TrainConfig
from restorekit.distributed import Launch
from restorekit.errors import ArgumentError, ConfigError, RestoreKitError
from restorekit.experiments.compare_runs import compare_runs
from restorekit.experiments.comparison import RunComparison
from restorekit.experiments.sweep_grid import Point, grid_points
from restorekit.progress_bar import Progress
from restorekit.storage.atomic import atomic_path
from restorekit.train.checkpoint import CONFIG
from restorekit.train.config_changes import PLACES, find_changes
from restorekit.train.folder_lock import FolderInUseError, is_in_use
from restorekit.train.run_folder import TrainOutcome
from restorekit.train.trainer import Trainer

LOGGER = logging.getLogger(__name__)
_BASE = "sweep.json"  # in the folder of the sweep: what its runs have in common
_FINISHED = "finished.json"  # in the folder of a run


@dataclass(frozen=True)
class SweepOutcome:
    """The result of a sweep.

    Attributes:
        folder: the folder of the runs.
        comparison: the runs side by side, also those of other processes; None without any.
        busy: the runs that other processes work on.
        failed: the error of each run that failed, by its name.
        exit_code: 0; 2 if a run failed; 143 or 130 after SIGTERM or SIGINT.

    Example:
        >>> from pathlib import Path
        >>> restorekit.SweepOutcome(Path("runs"), None).exit_code
        0
    """

    folder: Path
    comparison: RunComparison | None
    busy: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    exit_code: int = 0


def sweep(
    config: Mapping[str, object] | str | PathLike[str],
    settings: Mapping[str, Sequence[object]],
    folder: str | PathLike[str] | None = None,
    *,
    progress: Progress = False,
    report: Callable[[str], None] | None = None,
) -> SweepOutcome:
    """Train a run for each combination of settings.

    Each run has a folder below that of the sweep, named by its settings. Finished runs are skipped
    and interrupted ones resumed, so the same call can be repeated, and further values can be
    added. Any number of processes, also on several machines with a common disk, may work on one
    sweep: each takes the next run that no other process works on.

    Args:
        config: the configuration that the runs have in common, or its file.
        settings: the values of each setting by its key, such as {"train.learning_rate": [1e-4,
            3e-4]}.
        folder: the folder of the sweep; None for `save_weight_path` of the configuration.
        progress: as for `Trainer`.
        report: called with a line for each run that starts, is skipped or fails; None for the
            logger of this module.

    Raises:
        ConfigError: a configuration is invalid, which is found before the first run; or the folder
            holds a sweep of another configuration.
        ArgumentError: a setting has no values, or several processes are to train one run together.

    Example:
        >>> from PIL import Image
        >>> Image.fromarray(image).save("a.png")
        >>> Image.fromarray(255 - image).save("b.png")
        >>> config = {
        ...     "model": {"name": "dncnn", "depth": 2, "width": 4},
        ...     "noise": {"name": "gaussian", "std": 0.1},
        ...     "dataset": {"name": "folder", "path": ".", "patch_size": 16},
        ...     "train": {"steps": 1, "batch_size": 1},
        ... }
        >>> outcome = restorekit.sweep(config, {"train.learning_rate": [1e-3, 1e-4]}, "runs")
        >>> [group.name for group in outcome.comparison.groups]
        ['learning_rate=0.001', 'learning_rate=0.0001']
    """
    if Launch.of_environment().world > 1:
        raise ArgumentError("a sweep under torchrun is not supported; start it several times")
    say = report or LOGGER.info
    data = dict(config) if isinstance(config, Mapping) else read_config(Path(config))
    source = "config" if isinstance(config, Mapping) else str(config)
    place = Path(folder or str(data.get("save_weight_path", "Saved_Models")))
    points = grid_points(data, settings)
    # All of them first, so that a mistake in the last one is not found after days.
    chosen = [
        (point, TrainConfig.from_dict(_in_folder(point, place), source=source)) for point in points
    ]
    _check_base(place, _as_json(data, source), settings)
    failed: dict[str, str] = {}
    busy: list[str] = []
    code = 0
    for number, (point, run) in enumerate(chosen, 1):
        label = f"run {number} of {len(chosen)}, {point.name}"
        try:
            code = _train(run, place / point.name, label, say, progress)
        except FolderInUseError:
            busy.append(point.name)
            say(f"{label}: another process works on it")
        except RestoreKitError as error:
            failed[point.name] = str(error)
            say(f"{label}: failed: {error}")
        if code:
            break
    # Some may have ended since they were looked at.
    busy = [p.name for p, run in chosen if p.name in busy and not _is_finished(place / p.name, run)]
    made = [place / p.name for p in points if (place / p.name / CONFIG).is_file()]
    comparison = compare_runs(made) if made else None
    return SweepOutcome(place, comparison, tuple(busy), failed, code or (2 if failed else 0))


def _train(
    config: TrainConfig,
    folder: Path,
    label: str,
    say: Callable[[str], None],
    progress: Progress,
) -> int:
    """Train a run that is not finished; the exit code of its end.

    Raises:
        FolderInUseError: another process trains it.
    """
    # Before the data is read; `fit` checks it again.
    if is_in_use(folder):
        raise FolderInUseError(f"{folder} is in use")
    if _is_finished(folder, config):
        say(f"{label}: finished")
        return 0
    say(label)
    trainer = Trainer(config)
    outcome = trainer.fit(resume=True, progress=progress)
    if outcome.step == trainer.total_steps or trainer.best.ends(outcome.step):
        _mark_finished(outcome, config)
    return outcome.exit_code


def _in_folder(point: Point, folder: Path) -> dict[str, object]:
    return {**point.config, "save_weight_path": str(folder / point.name)}


def _check_base(
    folder: Path, data: Mapping[str, object], settings: Mapping[str, Sequence[object]]
) -> None:
    """Record what the runs have in common; a sweep of something else there is an error."""
    base = {key: value for key, value in data.items() if key not in PLACES}
    path = folder / _BASE
    if path.is_file():
        before = read_config(path)
        changed = [c for c in find_changes(before, base) if c.key not in settings]
        if changed or before.keys() != base.keys():
            keys = [c.key for c in changed] or sorted(before.keys() ^ base.keys())
            raise ConfigError(
                [
                    f"{folder}: there is a sweep of another configuration ({', '.join(keys)} "
                    "differ); choose another folder"
                ]
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(base, indent=2) + "\n", encoding="utf-8")


def _as_json(data: Mapping[str, object], source: str) -> dict[str, object]:
    """A configuration as a file has it; a mapping from Python may hold paths."""
    try:
        found: dict[str, object] = json.loads(json.dumps(data, default=os.fspath))
    except (TypeError, ValueError) as error:
        raise ConfigError([f"{source}: it cannot be stored as JSON: {error}"]) from error
    return found


def _length(config: TrainConfig) -> list[int | None]:
    return [config.train.steps, config.train.epochs]


def _is_finished(folder: Path, config: TrainConfig) -> bool:
    path = folder / _FINISHED
    if not path.is_file():
        return False
    return read_config(path).get("length") == _length(config)


def _mark_finished(outcome: TrainOutcome, config: TrainConfig) -> None:
    # With the length, so that a run whose steps are increased is continued.
    marks = {"step": outcome.step, "length": _length(config)}
    with atomic_path(outcome.folder / _FINISHED) as temporary:
        temporary.write_text(json.dumps(marks) + "\n", encoding="utf-8")
