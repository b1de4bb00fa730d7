"""What the best validation so far measured, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restorekit.train.best_criterion import Criterion
from restorekit.train.progress import describe_psnr, gains

FEW_STEPS = 20  # in which no network learns to restore


class BestValidation:
    """The best validation of a run.

    Args:
        criterion: what decides.
        patience: validations without a new best after which the run ends; None for any number.
        every: steps between validations.
        total: steps of the whole run.

    Attributes:
        row: what it measured, and its "step"; empty before the first.
    """

    def __init__(self, criterion: Criterion, patience: int | None, every: int, total: int) -> None:
        self.criterion, self.patience = criterion, patience
        self.every, self.total = every, total
        self.row: dict[str, Any] = {}
        self._judged = False

    def offer(self, step: int, measured: Mapping[str, Any]) -> bool:
        """Take in a validation; whether it is the best so far."""
        if not self.criterion.score(measured) > self.criterion.score(self.row):
            return False
        self.row = {"step": step, **measured}
        return True

    def ends(self, step: int) -> bool:
        """Whether the run ends after a step, for want of a better validation."""
        if self.patience is None or not self.row or step % self.every:
            return False
        return step - int(self.row["step"]) >= self.patience * self.every

    def warning(self, step: int, measured: Mapping[str, Any]) -> str | None:
        """What to say, once, when a tenth of the run has brought no more than the noisy images."""
        if self._judged or step < max(self.total / 10, FEW_STEPS):
            return None
        self._judged = True
        if gains(self.row):
            return None
        return (
            f"warning: step {step}: {describe_psnr(measured)}: the network restores nothing yet; "
            "lower train.learning_rate, raise train.warmup_steps or look at the loss terms"
        )
