"""The best validation so far: early stopping, and a warning for a run that learns nothing."""

from __future__ import annotations

from restorekit.train.best_criterion import Criterion
from restorekit.train.metric_rows import ValidationRow
from restorekit.train.progress import describe_validation, gains

FEW_STEPS = 20  # no network learns to restore within so few steps


class BestValidation:
    """The best validation of a run.

    Args:
        criterion: decides which of two validations is better.
        patience: validations without a new best after which the run ends; None for no limit.
        every: steps between validations.
        total: steps of the whole run.

    Attributes:
        row: the results of the best validation and its "step"; empty before the first.
    """

    def __init__(self, criterion: Criterion, patience: int | None, every: int, total: int) -> None:
        self.criterion, self.patience = criterion, patience
        self.every, self.total = every, total
        self.row: ValidationRow = {}
        self._judged = False

    def offer(self, step: int, measured: ValidationRow) -> bool:
        """Add a validation; return whether it is the best so far."""
        # Written with "not", so that a score of NaN is never the best.
        if not self.criterion.score(measured) > self.criterion.score(self.row):
            return False
        self.row = {"step": step, **measured}
        return True

    def ends(self, step: int) -> bool:
        """Whether the run ends after a step because validation no longer improves."""
        # Asked after every step, but only one with a validation can end the run.
        if self.patience is None or not self.row or step % self.every:
            return False
        return step - int(self.row["step"]) >= self.patience * self.every

    def warning(self, step: int, measured: ValidationRow) -> str | None:
        """A warning, once, if the network is no better than its input after a tenth of the run."""
        if self._judged or step < max(self.total / 10, FEW_STEPS):
            return None
        self._judged = True
        if gains(self.row):
            return None
        return (
            f"step {step}: {describe_validation(measured)}: the network restores nothing yet; "
            "lower train.learning_rate, raise train.warmup_steps or look at the loss terms"
        )
