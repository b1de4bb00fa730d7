"""A run's metrics as event files for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restorekit.errors import MissingExtraError


class TensorBoard:
    """Writes scalars as they are logged; its methods are the training hooks.

    Args:
        folder: where the event files go.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError(
                "train.tensorboard needs TensorBoard; pip install 'restorekit[tensorboard]'"
            ) from error
        self._writer: Any = SummaryWriter(str(folder))

    def restorekit_step_end(
        self, trainer: object, step: int, metrics: Mapping[str, object]
    ) -> None:
        """Write the training metrics."""
        self._write("train", step, metrics)

    def restorekit_validation_end(
        self, trainer: object, step: int, metrics: Mapping[str, object]
    ) -> None:
        """Write the validation metrics."""
        self._write("validation", step, metrics)

    def restorekit_train_end(self, trainer: object, outcome: object) -> None:
        """Close the files."""
        self._writer.close()

    def _write(self, phase: str, step: int, metrics: Mapping[str, Any]) -> None:
        flat = {k: v for k, v in metrics.items() if not isinstance(v, Mapping)} | metrics["terms"]
        for name, row in metrics.get("conditions", {}).items():
            flat |= {f"{name}/{metric}": value for metric, value in row.items()}
        for name, value in flat.items():
            self._writer.add_scalar(f"{phase}/{name}", value, step)
