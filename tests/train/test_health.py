"""Losses and gradients that are not finite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from restorekit import CheckpointError, DivergenceError, Restoration, Trainer, load_model

Make = Callable[..., Trainer]


def poison(trainer: Trainer, steps: set[int]) -> None:
    """Replace the images of some steps by NaN."""
    original = trainer.step

    def poisoned(step: int, images: Tensor) -> dict[str, Tensor]:
        return original(step, images * float("nan") if step in steps else images)

    trainer.step = poisoned  # type: ignore[method-assign]


def test_a_bad_step_changes_nothing_and_is_counted(tiny: Make) -> None:
    """Weights, moments and the moving average are as without the step."""
    trainer = tiny(ema=0.9)
    trainer.step(1, torch.rand(4, 3, 24, 24))
    before = [p.clone() for p in trainer.model.parameters()]
    trainer.step(2, torch.full((4, 3, 24, 24), float("inf")))
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))
    assert trainer.health.skipped == 1
    assert all(float(s["step"]) == 1 for s in trainer.optimizer.state.values())


def test_scattered_bad_steps_do_not_end_a_run(tiny: Make) -> None:
    """Only consecutive ones do; the outcome has their number."""
    trainer = tiny(max_nonfinite=2)
    poison(trainer, {2, 4, 6})
    outcome = trainer.fit()
    assert (outcome.step, outcome.skipped) == (6, 3)
    assert all(bool(torch.isfinite(p).all()) for p in load_model(outcome.folder).parameters())


def test_consecutive_bad_steps_end_the_run(tiny: Make, tmp_path: Path) -> None:
    """The message has the step, each term, the learning rate and the last checkpoint."""
    trainer = tiny(max_nonfinite=2, loss={"l1": 1.0, "mse": 0.5}, schedule="constant")
    poison(trainer, {4, 5, 6})
    with pytest.raises(DivergenceError) as caught:
        trainer.fit()
    message = str(caught.value)
    state = tmp_path / "run" / "training_state.pt"
    for part in ("step 5", "l1 nan", "mse nan", "learning rate 0.001", str(state)):
        assert part in message
    assert "\n" not in message
    assert all(bool(torch.isfinite(p).all()) for p in load_model(tmp_path / "run").parameters())


def test_counts_go_on_after_a_resume(tiny: Make) -> None:
    """The count of bad steps continues after a run that was stopped among them."""
    trainer = tiny(max_minutes=1e-6, max_nonfinite=3)
    poison(trainer, {1})
    assert trainer.fit().skipped == 1
    resumed = tiny(max_nonfinite=3)
    poison(resumed, {2, 3})
    with pytest.raises(DivergenceError):
        resumed.fit(resume=True)


def test_weights_that_are_not_finite_are_not_saved(tiny: Make, tmp_path: Path) -> None:
    """The last good files are kept."""
    trainer = tiny(checkpoint_every=3)
    original = trainer.step

    def broken(step: int, images: Tensor) -> dict[str, Tensor]:
        measured = original(step, images)
        if step == 5:
            nn.init.constant_(next(trainer.model.parameters()), float("nan"))
        return measured

    trainer.step = broken  # type: ignore[method-assign]
    with pytest.raises(CheckpointError, match="is not finite"):
        trainer.fit()
    assert all(bool(torch.isfinite(p).all()) for p in load_model(tmp_path / "run").parameters())
    assert tiny().fit(resume=True).step == 6


class Smoothed(nn.Module):
    """A loss with the value 0 and a gradient of NaN: the root of a product with 0."""

    def forward(self, restoration: Restoration, target: Tensor) -> Tensor:
        return (restoration.image * 0).abs().sqrt().mean()


class Endless(nn.Module):
    """An infinite loss with a finite gradient."""

    def forward(self, restoration: Restoration, target: Tensor) -> Tensor:
        return (restoration.image - target).abs().mean() + float("inf")


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("loss", [Smoothed, Endless])
def test_loss_and_gradient_both_have_to_be_finite(
    tiny: Make, precision: str, loss: type[nn.Module]
) -> None:
    """In float16 too, after the scaler has reached its minimum."""
    trainer = tiny(loss=[loss()], precision=precision, max_nonfinite=3, steps=60)
    with pytest.raises(DivergenceError, match="3 steps in a row"):
        trainer.fit()


def test_running_statistics_forget_a_bad_batch(tiny: Make) -> None:
    """Batch normalisation sees the batch before the step is skipped."""
    trainer = tiny(model={"name": "dncnn", "depth": 3, "width": 8})
    poison(trainer, {2})
    outcome = trainer.fit()
    assert outcome.skipped == 1
    assert all(bool(torch.isfinite(b).all()) for b in load_model(outcome.folder).buffers())


def test_float16_underflow_is_the_scalers_business(tiny: Make) -> None:
    """The scale decreases until the gradients are finite; no step counts as bad."""
    trainer = tiny(precision="float16", steps=30, learning_rate=1e-4)
    outcome = trainer.fit()
    assert trainer.execution.scaler.is_enabled()
    assert outcome.skipped == 0
    assert all(bool(torch.isfinite(p).all()) for p in load_model(outcome.folder).parameters())
