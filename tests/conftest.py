"""Fixtures that several test files share."""

from __future__ import annotations

import signal

import pytest
import torch
from hypothesis import HealthCheck, settings
from torch import Tensor

# How long an example takes says more about the load of the machine than about the test.
settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")

# A shell ignores Ctrl-C for what it starts in the background; tests send it to themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def generator() -> torch.Generator:
    """A generator of known seed."""
    return torch.Generator().manual_seed(1)


@pytest.fixture
def batch(generator: torch.Generator) -> torch.Tensor:
    """A small colour batch in [0, 1]."""
    return torch.rand(2, 3, 24, 40, generator=generator)


ESTIMATED = 0.125


@pytest.fixture
def estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimator that finds 0.125 wherever there is any contrast, and 0 where there is none.

    Its map is that of the local mean, so that a test can tell one place from another.
    """
    from restorekit.restore import noise_estimation

    def estimate_sigma(image: Tensor) -> Tensor:
        return ESTIMATED * (image.std(dim=(2, 3)) > 0).float()

    def noise_map(image: Tensor, _: object = None) -> Tensor:
        return image.mean(dim=1, keepdim=True)

    def sigma_and_impulses(image: Tensor, _: object = None) -> tuple[Tensor, Tensor]:
        sigma = estimate_sigma(image)
        return sigma, torch.zeros_like(sigma, dtype=torch.bool)

    monkeypatch.setattr(noise_estimation, "estimate_sigma", estimate_sigma)
    monkeypatch.setattr(noise_estimation, "sigma_and_impulses", sigma_and_impulses)
    monkeypatch.setattr(noise_estimation, "noise_map", noise_map)
