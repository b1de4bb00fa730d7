"""The properties of the ladder variational autoencoder."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from restorekit import create_loss, create_model
from restorekit.arch.lvae import LVAE
from restorekit.errors import ArgumentError, InputError


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def tiny(**arguments: Any) -> LVAE:
    """A network whose latents are wide distributions."""
    model = LVAE(**{"channels": 1, "width": 6, "depth": 3, "latent_channels": 3, **arguments})
    for rung in model.rungs:
        nn.init.constant_(rung.log_variance.bias, -1.0)  # type: ignore[union-attr, arg-type]
    return model.eval()


@torch.no_grad()
def test_kl_divergence_is_the_sum_over_the_latents() -> None:
    """Of the divergences of the posteriors from the priors, by torch.distributions."""
    model, noisy = tiny(samples=0), torch.rand(2, 1, 16, 24)
    restoration = model(noisy)
    expected, above = torch.zeros(2), None
    for rung, seen in zip(reversed(model.rungs), reversed(model._encoded(noisy)), strict=True):
        posterior = rung.posterior(seen, above)  # type: ignore[operator, union-attr]
        mean, deviation = torch.zeros(()), torch.ones(())
        if above is not None:
            mean, log_variance = rung.prior(above).chunk(2, dim=1)  # type: ignore[operator]
            deviation = torch.exp(5 * torch.tanh(log_variance / 10))
        latent = Normal(
            mean + deviation * posterior.mean, deviation * (posterior.log_variance / 2).exp()
        )
        expected += kl_divergence(latent, Normal(mean, deviation)).flatten(1).sum(1)
        above = rung(posterior.mean, above)
    found = create_loss("kl_divergence")(restoration, noisy)
    torch.testing.assert_close(found, expected.mean())


@torch.no_grad()
def test_samples_differ_and_repeat_with_the_generator() -> None:
    """Each image has several restorations."""
    model, noisy = tiny(), torch.rand(2, 1, 17, 20)
    first, again = (model.sample(noisy, 3, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.allclose(first[0], first[1])


@torch.no_grad()
def test_evaluation_is_close_to_the_mean_of_many_samples() -> None:
    """The few fixed samples are much closer to it than one sample is."""
    model, noisy = tiny(samples=8), torch.rand(1, 1, 32, 32)
    drawn = model.sample(noisy, 200)
    mean = drawn.mean(dim=0)
    spread = (drawn[0] - mean).square().mean().sqrt()
    assert float((model(noisy).image - mean).square().mean().sqrt()) < float(spread) / 2


@torch.no_grad()
def test_the_fixed_draws_are_standard_normal() -> None:
    """In antithetic pairs; those of two samples, or of two latents, are not alike."""
    model = LVAE(width=2, depth=2, latent_channels=64, samples=4)
    seen = model._encoded(torch.rand(1, 3, 64, 64))
    draws = [model._draws(seen, number)[0] for number in range(4)]
    assert torch.equal(draws[0], -draws[1])
    assert abs(float(draws[0].mean())) < 0.05
    assert abs(float(draws[0].std()) - 1) < 0.05
    assert abs(float((draws[0] * draws[2]).mean())) < 0.05


def test_training_draws_each_time() -> None:
    """From the default generator, which the Trainer seeds."""
    model, noisy = tiny().train(), torch.rand(1, 1, 16, 16)
    images = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        images.append(model(noisy).image)
    assert not torch.equal(images[0], images[1])
    assert torch.equal(images[0], images[2])


def test_learns_one_image() -> None:
    """The mean of samples removes most of the noise, and is better than one sample."""

    def error(image: Tensor) -> float:
        return float(functional.mse_loss(image, clean.expand_as(image)).detach())

    coarse = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    clean = functional.interpolate(coarse, size=16, mode="bicubic").clamp(0, 1)
    noisy = clean + 0.1 * torch.randn(clean.shape)
    model = LVAE(channels=1, width=8, depth=2, latent_channels=4, blocks=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(100):
        loss = functional.mse_loss(model(noisy).image, clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    assert error(model(noisy).image) < error(noisy) / 3
    assert error(model(noisy).image) < error(model.sample(noisy, 20))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "'channels' must be at least 1, not 0"),
        ({"latent_channels": 0}, "'latent_channels' must be at least 1, not 0"),
        ({"depth": 17}, "'depth' must be at most 16, not 17"),
        ({"samples": -2}, "'samples' must be at least 0, not -2"),
        ({"samples": 3}, "'samples' must be a multiple of 2, not 3"),
    ],
)
def test_impossible_arguments_are_refused(arguments: dict[str, int], message: str) -> None:
    """The message names the argument and what it may be."""
    with pytest.raises(ArgumentError, match=message):
        create_model("lvae", **arguments)


def test_no_samples_are_refused() -> None:
    """At least one restoration is returned."""
    with pytest.raises(InputError, match="count must be at least 1, not 0"):
        tiny().sample(torch.rand(1, 1, 8, 8), 0)
