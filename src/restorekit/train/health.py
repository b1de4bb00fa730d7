"""Numbers that go wrong: steps that are skipped, and when to give up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from restorekit.errors import DivergenceError


class Health:
    """Counts the steps whose loss or gradient is not finite.

    Args:
        limit: how many in a row end the run.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.skipped = 0
        self.in_a_row = 0

    def good(self) -> None:
        """A step went well."""
        self.in_a_row = 0

    def bad(
        self, step: int, values: Mapping[str, float], rate: float, checkpoint: Path | None
    ) -> None:
        """Count a step that was skipped.

        Args:
            step: its number.
            values: each loss term and their sum.
            rate: the learning rate.
            checkpoint: where to go back to.

        Raises:
            DivergenceError: it was one too many in a row.
        """
        self.skipped += 1
        self.in_a_row += 1
        if self.in_a_row >= self.limit:
            terms = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
            last = f"the last good checkpoint is {checkpoint}" if checkpoint else "none was saved"
            raise DivergenceError(
                f"step {step}: {self.in_a_row} steps in a row had no finite loss and gradient "
                f"({terms}; learning rate {rate:.3g}); {last}; lower train.learning_rate or set "
                "train.clip_norm"
            )

    def check_end(self, step: int) -> None:
        """Raise an error at the end of a run in which all steps were skipped.

        Raises:
            DivergenceError: no step so far had a finite loss and gradient.
        """
        # A short run can end before the limit is reached.
        if step and self.in_a_row >= step:
            raise DivergenceError(
                f"none of the {step} steps had a finite loss and gradient; look at the noise and "
                "the loss terms, or lower train.learning_rate"
            )

    def state_dict(self) -> dict[str, int]:
        """The counts."""
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Take up the counts of an earlier part of the run."""
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]
