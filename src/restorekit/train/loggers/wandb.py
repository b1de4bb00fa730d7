"""A run's configuration and metrics for Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from restorekit.extras import needs
from restorekit.train.loggers.base import Logger


class WandB(Logger):
    """A run of Weights & Biases, kept in the folder of the run until `wandb sync` uploads it.

    A run that is resumed becomes a further run of the same group, whose steps go on.

    Args:
        project: the project.
        name: the name of the run; that of its folder if null.
        mode: "offline" sends nothing; "online" uploads while the run goes on, which needs an
            account.

    Raises:
        MissingExtraError: wandb is not installed.

    Example:
        >>> restorekit.loggers.describe("wandb").arguments[0].default
        'restorekit'
    """

    def __init__(
        self,
        folder: str | Path,
        project: str = "restorekit",
        name: str | None = None,
        mode: Literal["offline", "online"] = "offline",
    ) -> None:
        super().__init__(folder)
        self._wandb = needs("wandb", "wandb", "logger 'wandb'")
        self._settings = {"project": project, "name": name or self.folder.name, "mode": mode}
        self._run: Any = None

    def begin(self, trainer: Any) -> None:
        """Begin a run with the configuration."""
        self._run = self._wandb.init(
            **self._settings,
            group=self.folder.name,
            dir=str(self.folder),
            config=trainer.plan.resolved(),
            settings=self._wandb.Settings(silent=True),
        )

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Log values."""
        self._run.log(dict(values), step=step)

    def end(self, error: BaseException | None) -> None:
        """Finish the run; it is marked as failed after an error."""
        self._run.finish(exit_code=0 if error is None else 1)
