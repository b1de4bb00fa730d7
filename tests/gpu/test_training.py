"""The Trainer on the GPU: it learns, resumes exactly, and leaves weights that the CPU can use."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restorekit import Trainer, load_model
from tests.stopped_runs import stop_after

pytestmark = pytest.mark.gpu

Make = Callable[..., Trainer]


def pictures() -> list[Tensor]:
    """Smooth colour pictures, each of its own seed."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(12, 3, 4, 4, generator=generator)
    return list(functional.interpolate(coarse, size=24, mode="bilinear"))


@pytest.fixture
def tiny(tmp_path: Path, device: torch.device) -> Make:
    """A Trainer of a tiny network on the device, any of whose parts can be replaced."""

    def make(folder: str = "run", **changes: Any) -> Trainer:
        parts: dict[str, Any] = {
            "model": {"name": "dncnn", "depth": 3, "width": 8, "batch_norm": False},
            "noise": "classic_mixture",
            "loss": {"l1": 1.0, "ssim": 0.1},
            "dataset": pictures(),
            "device": str(device),
            "save_weight_path": tmp_path / folder,
            "precision": "float32",
            "learning_rate": 1e-2,
            "steps": 8,
            "batch_size": 4,
            "validate_every": 4,
            "log_every": 1,
        }
        return Trainer(**{**parts, **changes})

    return make


class Losses:
    """A callback that notes the loss of each step."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def restorekit_step_end(self, trainer: Trainer, step: int, metrics: dict[str, Any]) -> None:
        self.values.append(metrics["loss"])


def weights(folder: Path) -> dict[str, Tensor]:
    return load_model(folder / "last.safetensors", "cpu").state_dict()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_loss_is_finite_and_falls(tiny: Make, precision: str, device: torch.device) -> None:
    """In every precision; the weights and what the optimizer keeps are on the device."""
    seen = Losses()
    trainer = tiny(
        callbacks=[seen],
        steps=60,
        precision=precision,
        noise={"name": "gaussian", "std": 0.3},
        loss={"l1": 1.0},
        learning_rate=3e-3,
        validate_every=60,
    )
    trainer.fit()
    assert len(seen.values) == 60
    assert all(map(math.isfinite, seen.values))
    assert sum(seen.values[-10:]) < 0.8 * sum(seen.values[:10])
    moments = [state["exp_avg"] for state in trainer.optimizer.state.values()]
    for tensor in (*trainer.model.parameters(), *moments):
        assert tensor.device.type == device.type


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_resumed_run_ends_as_the_uninterrupted_one(
    tiny: Make, tmp_path: Path, precision: str
) -> None:
    """Interrupted after 6 of 8 steps and resumed from step 4: the same weights to the bit."""
    settings: dict[str, Any] = {"precision": precision, "ema": 0.9, "accumulate": 2}
    tiny("whole", **settings).fit()
    interrupted = tiny("halves", **settings)
    stop_after(interrupted, 6)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit()
    assert tiny("halves", **settings).fit(resume=True).step == 8
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "halves")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_vae_draws_the_same_after_resuming(tiny: Make, tmp_path: Path) -> None:
    """What a network draws for itself on the device is derived from the step, too."""
    settings: dict[str, Any] = {
        "model": {"name": "vae", "width": 4, "depth": 2, "latent_channels": 2},
        "loss": {"l1": 1.0, "kl_divergence": 1e-4},
    }
    tiny("whole", **settings).fit()
    interrupted = tiny("halves", **settings)
    stop_after(interrupted, 6)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit()
    tiny("halves", **settings).fit(resume=True)
    first, second = weights(tmp_path / "whole"), weights(tmp_path / "halves")
    for name in first:
        # Some operations of its backward pass add in no fixed order on a GPU.
        torch.testing.assert_close(first[name], second[name], rtol=1e-3, atol=1e-4)


def test_random_state_of_the_device_is_left_alone(tiny: Make, device: torch.device) -> None:
    """A run seeds the device's generator for itself; afterwards it is as before."""
    torch.zeros(1, device=device)
    module = torch if device.type == "cpu" else torch.cuda
    before = module.get_rng_state()
    tiny(steps=2).fit()
    assert torch.equal(module.get_rng_state(), before)
