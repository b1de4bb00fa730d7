"""Total variation and the VAE's divergence against numpy and torch.distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from restorekit.errors import InputError
from restorekit.loss.regularizers import KLDivergence, TotalVariation
from restorekit.records import Restoration


def latent(*shape: int) -> dict[str, torch.Tensor]:
    """Some mean and log-variance."""
    generator = torch.Generator().manual_seed(0)
    return {
        "mean": torch.randn(shape, generator=generator),
        "log_variance": 2 * torch.randn(shape, generator=generator),
    }


def test_total_variation_is_the_mean_difference_along_each_axis(batch):
    """Mean absolute difference of vertical plus that of horizontal neighbours."""
    image = batch.double().numpy()
    expected = sum(np.abs(np.diff(image, axis=axis)).mean() for axis in (2, 3))
    value = TotalVariation()(Restoration(batch), torch.zeros_like(batch))
    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [8, 64])
def test_total_variation_does_not_grow_with_the_image(size):
    """A slope of 0.01 a pixel is 0.01, however large the image; a flat image is 0."""
    ramp = (0.01 * torch.arange(size)).view(1, 1, size, 1).expand(2, 3, size, size)
    loss = TotalVariation()
    assert loss(Restoration(ramp), ramp).item() == pytest.approx(0.01, rel=1e-4)
    assert loss(Restoration(torch.ones_like(ramp)), ramp) == 0


@pytest.mark.parametrize("shape", [(4, 16), (2, 8, 3, 5), (1, 1)])
def test_the_divergence_is_torch_s(shape):
    """Summed over the latent's dimensions, averaged over the batch."""
    extras = latent(*shape)
    normal = Normal(extras["mean"].double(), (0.5 * extras["log_variance"].double()).exp())
    per_sample = kl_divergence(normal, Normal(0.0, 1.0)).flatten(1).sum(dim=1)
    image = torch.zeros(shape[0], 1, 4, 4)
    value = KLDivergence()(Restoration(image, extras), image)
    assert value.item() == pytest.approx(per_sample.mean().item(), rel=1e-5)


def test_the_divergence_does_not_grow_with_the_batch():
    """Every sample twice gives the same value: the batch is averaged, not summed."""
    extras = latent(3, 8)
    image = torch.zeros(3, 1, 4, 4)
    twice = {name: torch.cat([value, value]) for name, value in extras.items()}
    once = KLDivergence()(Restoration(image, extras), image)
    torch.testing.assert_close(KLDivergence()(Restoration(image, twice), image), once)


def test_the_divergence_of_the_prior_is_0_and_near_it_exact():
    """For mean 0 and a log-variance v near 0 it is v^2 / 4, which 1 + v - exp(v) cannot hold."""
    image, zero = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1)
    loss = KLDivergence()
    assert loss(Restoration(image, {"mean": zero, "log_variance": zero}), image) == 0
    near = loss(Restoration(image, {"mean": zero, "log_variance": zero + 0.003}), image)
    assert near.item() == pytest.approx(0.003**2 / 4, rel=5e-3)


@pytest.mark.parametrize(
    ("extras", "message"),
    [
        ({}, "kl_divergence needs the extra 'mean' of a VAE; this model's extras: none"),
        ({"mean": torch.zeros(1, 2)}, "needs the extra 'log_variance' .* extras: mean"),
        (
            {"mean": torch.zeros(1, 2), "log_variance": torch.zeros(1, 3)},
            r"'mean' has shape \(1, 2\) and 'log_variance' \(1, 3\)",
        ),
    ],
)
def test_a_model_without_a_latent_is_named(extras, message):
    """A missing extra is a wrong pairing of model and loss, said so."""
    image = torch.zeros(1, 1, 4, 4)
    with pytest.raises(InputError, match=message):
        KLDivergence()(Restoration(image, extras), image)
