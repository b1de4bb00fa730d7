"""The objective of networks that do not see the pixel that they estimate."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Generator, Tensor

from restorekit import InputError, NoisyImages, create_model, create_noise, create_objective
from restorekit.records import Restoration, TaskBatch, restore_batch

NOISE = create_noise("gaussian", std=0.1)
CLEAN = torch.rand(2, 3, 4, 5, generator=Generator().manual_seed(0))


def squared(answer: Any, target: Tensor) -> Tensor:
    """The squared loss."""
    return (getattr(answer, "image", answer) - target).square().mean()


def risk(batch: TaskBatch, **extras: Tensor) -> dict[str, Tensor]:
    """The terms for a network of these extras, which returns the noisy image."""
    objective = create_objective("blind_spot", NOISE)
    found: dict[str, Tensor] = objective.risk(
        lambda noisy, sigma: Restoration(noisy, extras), batch, squared
    )
    return found


def made(images: Any, **arguments: Any) -> TaskBatch:
    """The first batch."""
    objective = create_objective("blind_spot", NOISE, **arguments)
    batch: TaskBatch = objective.make_batch(images, 0, 1, range(2))
    return batch


def test_a_network_without_uncertainty_has_the_loss_of_the_run() -> None:
    """Of its blind estimate, not of its image, which here is the noisy one."""
    batch = made(CLEAN)
    assert float(risk(batch, blind_mean=CLEAN)["blind_spot"]) == pytest.approx(0.01, rel=0.3)


def test_the_likelihood_is_that_of_scipy() -> None:
    """Of the noisy channels of each pixel, whose covariance is that of the estimate plus noise."""
    batch, random = made(CLEAN), Generator().manual_seed(1)
    factor = 0.2 * torch.randn(2, 3, 3, 4, 5, generator=random)
    covariance = torch.einsum("bikhw,bjkhw->bijhw", factor, factor)
    found = risk(batch, blind_mean=CLEAN, blind_covariance=covariance)["likelihood"]
    expected = 0.0
    for image, row, column in torch.cartesian_prod(*map(torch.arange, (2, 4, 5))).tolist():
        own = covariance[image, :, :, row, column] + 0.1**2 * torch.eye(3)
        expected -= multivariate_normal.logpdf(
            batch.target[image, :, row, column], CLEAN[image, :, row, column], own
        )
    assert float(found) == pytest.approx(expected / CLEAN.numel(), rel=1e-4)


def test_true_uncertainty_is_most_likely() -> None:
    """Of an estimate whose error has the standard deviation 0.2."""
    clean = torch.full((2, 1, 64, 64), 0.5)
    batch = made(clean)
    mean = clean + 0.2 * torch.randn(clean.shape, generator=Generator().manual_seed(2))
    scores = {
        deviation: float(
            risk(
                batch,
                blind_mean=mean,
                blind_covariance=torch.full((2, 1, 1, 64, 64), deviation**2),
            )["likelihood"]
        )
        for deviation in (0.0, 0.1, 0.2, 0.4)
    }
    assert min(scores, key=lambda deviation: scores[deviation]) == 0.2


def test_a_network_that_sees_the_pixel_is_refused() -> None:
    """It would learn to copy the noise."""
    with pytest.raises(InputError, match="needs a network with a blind spot"):
        risk(made(CLEAN))


def test_an_unknown_level_is_refused_where_it_is_needed() -> None:
    """With what to do; a network without uncertainty needs none."""
    batch = made(NoisyImages(CLEAN))
    assert set(risk(batch, blind_mean=CLEAN)) == {"blind_spot"}
    with pytest.raises(InputError, match=r"give it sigma, .* or make the model with covariance"):
        risk(batch, blind_mean=CLEAN, blind_covariance=torch.ones(2, 3, 3, 4, 5))
    assert made(NoisyImages(CLEAN), sigma=0.2).sigma is not None


def test_a_blind_spot_network_learns_from_noisy_images_alone() -> None:
    """Smooth images: after 60 steps, half of the noise or more is gone."""
    torch.manual_seed(0)
    model = create_model("ssdn", channels=1, width=8, depth=2)
    objective = create_objective("blind_spot", NOISE)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    clean = torch.nn.functional.interpolate(torch.rand(4, 1, 3, 3), size=32, mode="bicubic")
    for step in range(60):
        batch = objective.make_batch(clean, 0, step, range(4))
        terms = objective.risk(lambda *given: restore_batch(model, *given), batch, squared)
        optimizer.zero_grad()
        sum(terms.values()).backward()
        optimizer.step()
    batch = objective.make_batch(clean, 0, 1000, range(4))
    with torch.no_grad():
        restored = restore_batch(model, batch.input, batch.sigma).image
    assert float(squared(restored, clean)) < 0.25 * float(squared(batch.input, clean))
