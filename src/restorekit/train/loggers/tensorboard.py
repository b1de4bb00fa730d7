"""A run's metrics as event files for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restorekit.extras import needs
from restorekit.train.loggers.base import Logger


class TensorBoard(Logger):
    """Event files for TensorBoard in the subfolder `tensorboard` of the run.

    Raises:
        MissingExtraError: tensorboard is not installed.

    Example:
        >>> logger = restorekit.create_logger("tensorboard", "runs/a")
        >>> logger.folder.name
        'a'
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        needs("tensorboard", "tensorboard", "logger 'tensorboard'")
        self._writer: Any = None

    def begin(self, trainer: Any) -> None:
        """Open an event file."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self.folder / "tensorboard"))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def end(self, error: BaseException | None) -> None:
        """Close the file."""
        self._writer.close()
