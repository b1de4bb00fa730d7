"""The properties of the variational autoencoder."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from restorekit import create_model
from restorekit.arch.vae import VAE, reparameterise
from restorekit.errors import ArgumentError


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(128, 128), (64, 96), (37, 50), (1, 1)])
@pytest.mark.parametrize(("depth", "latent_channels"), [(3, 16), (2, 5)])
def test_latent_is_a_map(height: int, width: int, depth: int, latent_channels: int) -> None:
    """Mean and log-variance are the padded size divided by 2^depth."""
    model = VAE(width=4, depth=depth, latent_channels=latent_channels)
    output = model(torch.rand(2, 3, height, width))
    shape = (2, latent_channels, math.ceil(height / 2**depth), math.ceil(width / 2**depth))
    assert output.image.shape == (2, 3, height, width)
    assert {name: x.shape for name, x in output.extras.items()} == {
        "mean": shape,
        "log_variance": shape,
    }


@torch.no_grad()
def test_eval_decodes_the_mean() -> None:
    """In eval mode the image is decode(mean)."""
    model, noisy = VAE(width=4, depth=2).eval(), torch.rand(1, 3, 16, 24)
    output = model(noisy)
    assert torch.equal(output.image, model.decode(output.extras["mean"]))
    assert torch.equal(model.encode(noisy)[0], output.extras["mean"])


@torch.no_grad()
def test_training_samples_from_the_seed() -> None:
    """In training two passes differ, and the seed of torch's generator repeats them."""
    model, noisy = VAE(width=4, depth=2).train(), torch.rand(1, 3, 16, 16)
    images = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        images.append(model(noisy).image)
    assert not torch.equal(images[0], images[1])
    assert torch.equal(images[0], images[2])


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (2.0, 0.5), (-1.0, 3.0)])
def test_draws_have_the_posterior_s_moments(mean: float, deviation: float) -> None:
    """Mean and standard deviation of many draws are correct within 5 standard errors."""
    n = 100_000
    draws = reparameterise(torch.full((n,), mean), torch.full((n,), 2 * math.log(deviation)))
    assert abs(draws.mean().item() - mean) < 5 * deviation / math.sqrt(n)
    assert abs(draws.std().item() - deviation) < 5 * deviation / math.sqrt(2 * n)


def test_draws_pass_exact_gradients() -> None:
    """d sample / d mean = 1, and d sample / d log_variance = half its distance from the mean."""
    mean = torch.randn(50, requires_grad=True)
    log_variance = torch.randn(50, requires_grad=True)
    draws = reparameterise(mean, log_variance)
    draws.sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones(50))
    torch.testing.assert_close(log_variance.grad, (draws - mean).detach() / 2)


@torch.no_grad()
def test_posterior_starts_narrow() -> None:
    """Untrained, its standard deviation is below the spread of the means, which carry the image."""
    mean, log_variance = VAE().encode(torch.rand(2, 3, 64, 64))
    assert (log_variance / 2).exp().mean() < mean.std()


@torch.no_grad()
def test_a_draw_from_the_prior_decodes_to_an_image() -> None:
    """Standard normal latents of any size make finite images around mid-gray."""
    image = VAE(channels=1).eval().decode(torch.randn(2, 16, 5, 7))
    assert image.shape == (2, 1, 40, 56)
    assert bool(image.isfinite().all())
    assert abs(image.mean().item() - 0.5) < 0.25


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_log_variance_cannot_overflow(dtype: torch.dtype) -> None:
    """Its exponential is finite for any input, also in half precision."""
    model = VAE(width=4, depth=1).eval()
    for scale in (1e3, -1e3):
        torch.nn.init.constant_(model.log_variance.bias, scale)
        with torch.no_grad():
            _, log_variance = model.encode(torch.rand(1, 3, 8, 8))
        assert bool(log_variance.to(dtype).exp().isfinite().all())
        assert log_variance.abs().max() > 9


def test_large_log_variance_keeps_its_gradient() -> None:
    """There is a gradient beyond the bound, so that training can return from there."""
    model = VAE(width=4, depth=1)
    torch.nn.init.constant_(model.log_variance.bias, 20.0)
    model.encode(torch.rand(1, 3, 8, 8))[1].sum().backward()
    gradient = model.log_variance.bias.grad
    assert gradient is not None
    assert bool((gradient > 0).all())


def test_learns_one_image() -> None:
    """In a few steps the error of the mean's image falls to a fifth of where it started."""
    coarse = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    clean = functional.interpolate(coarse, size=32, mode="bicubic").clamp(0, 1)
    noisy = clean + 25 / 255 * torch.randn(clean.shape)
    model = VAE(channels=1, width=8, depth=2).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(100):
        loss = functional.mse_loss(model(noisy).image, clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 5


@torch.no_grad()
def test_is_blind() -> None:
    """Sigma is accepted and changes nothing."""
    model, noisy = VAE(width=4, depth=1).eval(), torch.rand(1, 3, 12, 12)
    assert torch.equal(model(noisy, sigma=torch.tensor(0.5)).image, model(noisy).image)


@pytest.mark.parametrize("argument", ["channels", "width", "depth", "latent_channels"])
def test_arguments_below_one_are_refused(argument: str) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least 1, not 0"):
        create_model("vae", **{argument: 0})
