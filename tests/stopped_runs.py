"""Training runs that are stopped within a step."""

from __future__ import annotations

from torch import Tensor

from restorekit import Trainer


def stop_after(trainer: Trainer, step: int) -> None:
    """Let the step after `step` raise KeyboardInterrupt."""
    original = trainer.step

    def interrupted(number: int, clean: Tensor) -> dict[str, Tensor]:
        if number > step:
            raise KeyboardInterrupt
        return original(number, clean)

    trainer.step = interrupted  # type: ignore[method-assign]
