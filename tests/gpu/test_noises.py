"""Every registered noise on the GPU: device, reproducibility and statistics."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restorekit.components.kinds import noises
from restorekit.records import as_degraded

pytestmark = pytest.mark.gpu

REQUIRED = {
    "noises": ["gaussian", "salt_and_pepper"],
    "noise": "gaussian",
    "augmentation": "RandomSaltAndPepperNoise",
}
SAMPLES = 256


@pytest.fixture(params=noises.names())
def noise(request: pytest.FixtureRequest) -> nn.Module:
    """Each noise with its defaults, and values for its required arguments."""
    needed = [a.name for a in noises.describe(request.param).arguments if a.required]
    made: nn.Module = noises.create(request.param, **{name: REQUIRED[name] for name in needed})
    return made


def clean(count: int, device: torch.device | str) -> Tensor:
    """Equal numbers on every device."""
    return torch.rand(count, 3, 24, 32, generator=seeded("cpu")).to(device)


def seeded(device: torch.device | str, seed: int = 7) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def errors(noise: nn.Module, device: torch.device | str, seed: int) -> list[Tensor]:
    """The mean and the root mean square of the noise of each sample, (SAMPLES,) each."""
    batch = clean(SAMPLES, device)
    added = (as_degraded(noise(batch, seeded(device, seed))).noisy - batch).double().cpu()
    return [added.mean((1, 2, 3)), added.square().mean((1, 2, 3)).sqrt()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_output_is_on_the_device(
    noise: nn.Module, device: torch.device, dtype: torch.dtype
) -> None:
    """The noisy batch and sigma are on the device of the clean batch, in its dtype, and finite."""
    batch = clean(6, device).to(dtype)
    degraded = as_degraded(noise.to(device)(batch, seeded(device)))
    assert degraded.noisy.device == batch.device
    assert degraded.noisy.shape == batch.shape
    assert degraded.noisy.dtype == dtype
    assert bool(degraded.noisy.isfinite().all())
    if degraded.sigma is not None:
        assert degraded.sigma.device == batch.device
        assert bool((degraded.sigma >= 0).all())


def test_generator_of_the_device_decides_everything(noise: nn.Module, device: torch.device) -> None:
    """The same seed gives the same noise to the bit, another seed another."""
    batch = clean(8, device)
    first, again, other = (
        as_degraded(noise(batch, seeded(device, seed))).noisy for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_statistics_are_those_of_the_cpu(noise: nn.Module, device: torch.device) -> None:
    """Mean and root mean square of the noise agree within five standard errors."""
    pairs: Any = zip(errors(noise, "cpu", 1), errors(noise, device, 2), strict=True)
    for here, there in pairs:
        error = ((here.var() + there.var()) / SAMPLES).sqrt()
        assert abs(float(here.mean() - there.mean())) < 5 * float(error)


@pytest.mark.parametrize(
    "arguments",
    [
        {"augmentation": "RandomMotionBlur", "kernel_size": [3, 9], "angle": 45, "direction": 0.5},
        {"augmentation": "RandomGaussianBlur", "kernel_size": 5, "sigma": [0.5, 2.0]},
        {"augmentation": "RandomPlasmaShadow"},
        {"augmentation": "ColorJitter", "hue": 0.1, "contrast": 0.2},
        {"augmentation": "RandomErasing"},
        {"augmentation": "RandomRain", "number_of_drops": [10, 20], "drop_height": [3, 6]},
    ],
)
def test_augmentations_of_kornia_follow_the_generator(
    arguments: dict[str, Any], device: torch.device
) -> None:
    """Also those that draw on the CPU; no generator of the process is used."""
    noise = noises.create("kornia", **arguments)
    batch = clean(4, device)
    before = torch.get_rng_state()
    first, again = (as_degraded(noise(batch, seeded(device, 1))).noisy for _ in range(2))
    assert torch.equal(first, again)
    assert first.device == batch.device
    assert torch.equal(torch.get_rng_state(), before)
    if device.type == "cuda":
        on_device = torch.cuda.get_rng_state(device)
        noise(batch, seeded(device, 1))
        assert torch.equal(torch.cuda.get_rng_state(device), on_device)
