"""The convolutional denoising autoencoder."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from restorekit import create_model


@pytest.mark.parametrize("depth", [1, 3])
def test_the_code_is_smaller_by_each_halving(depth: int) -> None:
    """Height and width are divided by 2^depth, rounded up."""
    model = create_model("autoencoder", width=4, depth=depth)
    scale = 2**depth
    assert model.encode(torch.rand(2, 3, 2 * scale, 3 * scale - 1)).shape == (2, 4, 2, 3)


@torch.no_grad()
def test_images_of_equal_codes_are_restored_alike() -> None:
    """There is no way around the code."""
    torch.manual_seed(0)
    model, code = create_model("autoencoder", preset="tiny").eval(), torch.rand(1, 8, 4, 4)
    model.encoder.forward = lambda _: code  # type: ignore[method-assign]
    one, two = model(torch.rand(1, 3, 16, 16)), model(torch.rand(1, 3, 16, 16))
    assert torch.equal(one, two)


def test_learns_to_remove_noise_of_smooth_images() -> None:
    """What passes through the code has less than half of the error."""
    torch.manual_seed(0)
    coarse = torch.rand(4, 1, 3, 3)
    clean = functional.interpolate(coarse, size=16, mode="bicubic").clamp(0, 1)
    model = create_model("autoencoder", channels=1, width=8)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(80):
        loss = functional.mse_loss(model(clean + 0.2 * torch.randn(clean.shape)), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2**2 / 2
