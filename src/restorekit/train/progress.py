"""How a run reports itself: lines to the logger of this module."""

from __future__ import annotations

import logging
import math
import time
from types import TracebackType
from typing import Self

from restorekit.train.metric_rows import TrainingRow, ValidationRow

LOGGER = logging.getLogger(__name__)


def describe_validation(row: ValidationRow) -> str:
    """A validation's PSNR, restored and noisy, as "PSNR 28.10 dB, noisy 20.30".

    Without clean images, the held-out loss and the estimated noise, in levels of 8 bits.
    """
    if "psnr" not in row:
        loss = f"held-out loss {row['loss']:.5f}, " if math.isfinite(row["loss"]) else ""
        return f"{loss}noise left {255 * row['noise_left']:.1f} of {255 * row['noise']:.1f}"
    return f"PSNR {row['psnr']:.2f} dB, noisy {row['psnr_noisy']:.2f}"


def gains(row: ValidationRow) -> bool:
    """Whether a validation found the restored images better, or with less noise."""
    if row and "psnr" not in row:
        return row["noise_left"] < row["noise"]
    return bool(row) and row["psnr"] > row["psnr_noisy"]


class RunProgress:
    """Steps done, time left, images per second, the loss and the last validation's PSNR.

    Args:
        total: steps of the whole run.
        shown: whether anything is reported; one process of several does.
        every: seconds between the lines.
    """

    def __init__(self, total: int, shown: bool = True, every: float = 30.0) -> None:
        self.total, self.shown, self.every, self.start = total, shown, every, 0
        self.began = self.reported = time.monotonic()
        self.validated: ValidationRow = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to end."""

    def begin(self, start: int) -> None:
        """Count from here: steps done before this process began take no time."""
        self.start, self.began = start, time.monotonic()

    def update(self, step: int, row: TrainingRow) -> None:
        """Report what was logged at a step, if the last line is long enough ago."""
        now = time.monotonic()
        if now - self.reported < self.every and step != self.total:
            return
        self.reported = now
        # From the steps of this process alone: an earlier part may have run on another machine.
        left = (now - self.began) / max(step - self.start, 1) * (self.total - step)
        self.say(f"step {step}/{self.total}  {self.figures(row)}  {left:.0f} s left")

    def figures(self, row: TrainingRow) -> str:
        """The figures of a step in one line."""
        figures = f"{row['images_per_second']:.0f} images/s  loss {row['loss']:.4f}"
        return f"{figures}  {describe_validation(self.validated)}" if self.validated else figures

    def say(self, line: str) -> None:
        """Report an event of the run."""
        if self.shown:
            LOGGER.info(line)

    def warn(self, line: str) -> None:
        """Report what needs attention."""
        if self.shown:
            LOGGER.warning(line)
