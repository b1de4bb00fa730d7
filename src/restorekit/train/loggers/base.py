"""The optional base class of loggers: the training hooks as begin, write and end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Logger:
    """Sends the metrics of a run elsewhere.

    A subclass defines `begin`, `write` and `end`. It takes the folder of the run and its own
    arguments, and imports what it needs when it is made, so that a missing package is reported
    before the run starts. Nothing is written before `begin`.

    Args:
        folder: the folder of the run.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._has_begun = False

    def begin(self, trainer: Any) -> None:
        """Called when the run starts or resumes. `trainer.plan.resolved()` is its configuration."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Called with the metrics of a step, such as "train/loss" and "validation/psnr"."""

    def end(self, error: BaseException | None) -> None:
        """Called when the run ends or is stopped; with the error of a run that fails."""

    def restorekit_train_start(self, trainer: Any) -> None:
        """Begin."""
        self.begin(trainer)
        self._has_begun = True

    def restorekit_step_end(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Write the training metrics."""
        if self._has_begun:
            self.write(step, flat_metrics("train", metrics))

    def restorekit_validation_end(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Write the validation metrics."""
        if self._has_begun:
            self.write(step, flat_metrics("validation", metrics))

    def restorekit_train_end(self, error: BaseException | None = None) -> None:
        """End."""
        if self._has_begun:
            self.end(error)


def flat_metrics(phase: str, metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of a row as numbers by name: "train/loss", "validation/gaussian:25/psnr"."""
    flat = {k: v for k, v in metrics.items() if not isinstance(v, Mapping)} | metrics["terms"]
    for name, row in metrics.get("conditions", {}).items():
        flat |= {f"{name}/{metric}": value for metric, value in row.items()}
    return {f"{phase}/{name}": value for name, value in flat.items()}


def flat_config(config: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """A configuration as values by key: "model.name", "train.learning_rate"."""
    flat: dict[str, object] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flat_config(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
