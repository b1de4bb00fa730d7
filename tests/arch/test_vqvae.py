"""The properties of the autoencoder with a discrete latent."""

from __future__ import annotations

import numpy as np
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
    """The encoder gets the gradient of the decoder's input."""
    model, seen = VQVAE(width=4, codes=8), []
    model.decoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    restoration = model(torch.rand(1, 3, 16, 16))
    encoded = restoration.extras["encoded"]
    loss = restoration.image.square().mean()
    of_encoded, of_passed = torch.autograd.grad(loss, (encoded, seen[0]), retain_graph=True)
    assert torch.equal(of_encoded, of_passed)


@torch.no_grad()
def test_codes_are_running_means_of_their_vectors() -> None:
    """By loops over the vectors, in NumPy."""
    model = VQVAE(width=4, latent_channels=3, codes=4).double()
    model(torch.rand(2, 3, 16, 16).double())  # chooses the codes
    noisy, before = torch.rand(2, 3, 16, 16).double(), model.codebook.numpy().copy()
    shares = model.shares.numpy().copy()
    vectors = model.eval()(noisy).extras["encoded"].movedim(1, -1).reshape(-1, 3).numpy()
    nearest = [int(np.argmin(np.linalg.norm(before - each, axis=1))) for each in vectors]
    model.train()(noisy)
    for number in range(4):
        own = vectors[np.array(nearest) == number]
        share = 0.99 * shares[number] + 0.01 * len(own) / len(vectors)
        if share < 0.1 / 4:
            continue
        total = 0.99 * shares[number] * before[number] + 0.01 * own.sum(axis=0) / len(vectors)
        np.testing.assert_allclose(model.codebook[number].numpy(), total / share, rtol=1e-12)
        np.testing.assert_allclose(model.shares[number].item(), share, rtol=1e-12)


@torch.no_grad()
def test_codes_that_are_rarely_used_become_vectors_of_the_batch() -> None:
    """Codes far away from all vectors serve for nothing, so they are replaced, others are not."""
    model, noisy = VQVAE(width=4, latent_channels=3, codes=6).double(), torch.rand(2, 3, 16, 16)
    model(noisy.double())
    model.shares.fill_(1 / 6)
    model.codebook[3:] = 1e3
    steps = 0
    while (model.codebook[3:] > 999).all():
        model(noisy.double())
        steps += 1
    assert 0.99**steps < 0.1 <= 0.99 ** (steps - 1)
    vectors = model.eval()(noisy.double()).extras["encoded"].movedim(1, -1).reshape(-1, 3)
    assert (model.codebook[3:, None] == vectors).all(dim=2).any(dim=1).all()


@torch.no_grad()
def test_evaluation_moves_no_code() -> None:
    """Neither the codes nor their shares."""
    model = VQVAE(width=4, codes=8)
    model(torch.rand(1, 3, 16, 16))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.eval()(torch.rand(1, 3, 16, 16))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_learns_with_its_loss() -> None:
    """In a few steps most of the noise is gone, the codes fit, and most of them are used."""
    coarse = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    clean = functional.interpolate(coarse, size=32, mode="bicubic").clamp(0, 1)
    noisy = clean + 0.1 * torch.randn(clean.shape)
    model = VQVAE(1, width=8, depth=2, latent_channels=8, codes=32)
    codebook = create_loss("codebook", commitment=0.25)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(100):
        restoration = model(noisy)
        loss = functional.mse_loss(restoration.image, clean) + codebook(restoration, clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert functional.mse_loss(model(noisy).image, clean) < functional.mse_loss(noisy, clean) / 3
    spread = restoration.extras["encoded"].var(dim=(0, 2, 3)).mean()
    assert codebook(restoration, clean) < 1.25 * spread / 4
    assert len(model.codes_of(noisy).unique()) > 16


@pytest.mark.parametrize(
    ("argument", "minimum"),
    [("channels", 1), ("width", 1), ("depth", 1), ("latent_channels", 1), ("codes", 2)],
)
def test_arguments_below_their_minimum_are_refused(argument: str, minimum: int) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least {minimum}"):
        create_model("vqvae", **{argument: minimum - 1})
