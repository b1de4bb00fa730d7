"""Training runs that are stopped within a step."""

from __future__ import annotations

from torch import Tensor

from restorekit import Trainer
from restorekit.train.mixed_batches import ImageBatch


def stop_after(trainer: Trainer, last: int) -> None:
    """Let the step after the last one raise KeyboardInterrupt."""
    original = trainer.step

    def interrupted(step: int, images: ImageBatch) -> dict[str, Tensor]:
        if step > last:
            raise KeyboardInterrupt
        return original(step, images)

    trainer.step = interrupted  # type: ignore[method-assign]
