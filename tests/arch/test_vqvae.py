"""The properties of the autoencoder with a discrete latent."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from restorekit import create_loss, create_model
from restorekit.arch.vqvae import VQVAE
from restorekit.errors import ArgumentError


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


@torch.no_grad()
def test_each_vector_becomes_the_nearest_code() -> None:
    """By all distances, in double precision."""
    model, noisy = VQVAE(width=4, latent_channels=6, codes=20).double(), torch.rand(2, 3, 13, 18)
    noisy = noisy.double()
    extras = model(noisy).extras
    vectors = extras["encoded"].permute(0, 2, 3, 1).reshape(-1, 6)
    nearest = torch.cdist(vectors, model.codebook).argmin(dim=1)
    assert torch.equal(model.codes_of(noisy), nearest.reshape(2, 4, 5))
    found = extras["code"].permute(0, 2, 3, 1).reshape(-1, 6)
    assert torch.equal(found, model.codebook[nearest])
    assert len(nearest.unique()) > 3


@torch.no_grad()
def test_the_image_depends_on_the_codes_alone() -> None:
    """A change of the input that changes no code changes nothing."""
    model, noisy = VQVAE(width=4, codes=8).double().eval(), torch.rand(1, 3, 16, 16).double()
    other = noisy + 1e-9
    assert torch.equal(model.codes_of(noisy), model.codes_of(other))
    torch.testing.assert_close(model(other).image, model(noisy).image, rtol=0, atol=1e-14)


def test_the_gradient_passes_the_codes_unchanged() -> None:
    """The encoder gets the gradient of the decoder's input, and the image's loss moves no code."""
    model, seen = VQVAE(width=4, codes=8), []
    model.decoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    restoration = model(torch.rand(1, 3, 16, 16))
    encoded = restoration.extras["encoded"]
    loss = restoration.image.square().mean()
    of_encoded, of_passed = torch.autograd.grad(loss, (encoded, seen[0]), retain_graph=True)
    assert torch.equal(of_encoded, of_passed)
    assert torch.autograd.grad(loss, model.codebook, allow_unused=True) == (None,)


def test_learns_with_its_loss() -> None:
    """In a few steps most of the noise is gone, the codes fit, and several of them are used."""
    coarse = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    clean = functional.interpolate(coarse, size=32, mode="bicubic").clamp(0, 1)
    noisy = clean + 0.1 * torch.randn(clean.shape)
    model, codebook = (
        VQVAE(1, width=8, depth=2, latent_channels=8, codes=32),
        create_loss("codebook"),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    distances = []
    for _ in range(100):
        restoration = model(noisy)
        distances.append(codebook(restoration, clean))
        loss = functional.mse_loss(restoration.image, clean) + distances[-1]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert functional.mse_loss(model(noisy).image, clean) < functional.mse_loss(noisy, clean) / 3
    assert distances[-1] < distances[0] / 3
    assert len(model.codes_of(noisy).unique()) > 4


@pytest.mark.parametrize(
    ("argument", "minimum"),
    [("channels", 1), ("width", 1), ("depth", 1), ("latent_channels", 1), ("codes", 2)],
)
def test_arguments_below_their_minimum_are_refused(argument: str, minimum: int) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least {minimum}"):
        create_model("vqvae", **{argument: minimum - 1})
