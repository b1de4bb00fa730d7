"""The properties of the U-Net."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from restorekit import create_model
from restorekit.arch.unet import UNet
from restorekit.errors import ArgumentError


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def smooth(channels: int, size: int) -> torch.Tensor:
    """A smooth picture in [0, 1], (1, C, size, size)."""
    coarse = torch.rand(1, channels, 5, 5, generator=torch.Generator().manual_seed(3))
    return functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 1)


@torch.no_grad()
def test_shifting_the_input_shifts_the_output() -> None:
    """Away from the border, a shift by `size_multiple` commutes with the network, but not by 1."""
    model = UNet(channels=1, width=4, depth=2, residual=False).double().eval()
    scene = torch.rand(1, 1, 96, 104, generator=torch.Generator().manual_seed(1)).double()
    here = model(scene[..., :96])
    inner, step = 32, model.size_multiple
    there = model(scene[..., step : step + 96])
    beside = model(scene[..., 1:97])
    rows = slice(inner, -inner)
    expected = here[..., rows, inner + step : -inner]
    torch.testing.assert_close(there[..., rows, inner : -inner - step], expected)
    moved = here[..., rows, inner + 1 : -inner]
    assert not torch.allclose(beside[..., rows, inner : -inner - 1], moved)


@torch.no_grad()
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("channels", [1, 3])
def test_starts_close_to_the_identity(channels: int, seed: int) -> None:
    """Untrained, a residual network changes an image by less than noise of 25/255 does."""
    torch.manual_seed(seed)
    noisy = torch.rand(1, channels, 48, 48, generator=torch.Generator().manual_seed(seed))
    change = UNet(channels)(noisy) - noisy
    assert 0 < change.square().mean().sqrt() < 25 / 255


@torch.no_grad()
def test_without_residual_the_input_is_not_added() -> None:
    """With the same weights the two kinds differ by exactly the input."""
    residual, plain = UNet(width=8, depth=2), UNet(width=8, depth=2, residual=False)
    plain.load_state_dict(residual.state_dict())
    noisy = smooth(3, 20)
    torch.testing.assert_close(residual(noisy), noisy + plain(noisy))


def test_overfits_one_noisy_image() -> None:
    """In a few steps the error on one image falls to a fifth of its noise."""
    model, clean = UNet(channels=1, width=8, depth=2), smooth(1, 32)
    noisy = clean + 25 / 255 * torch.randn(clean.shape)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(100):
        loss = functional.mse_loss(model(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < functional.mse_loss(noisy, clean).item() / 5


@torch.no_grad()
def test_is_blind() -> None:
    """Sigma is accepted and changes nothing."""
    model, noisy = create_model("unet", width=4, depth=1), smooth(3, 12)
    assert torch.equal(model(noisy, sigma=torch.tensor(0.5)), model(noisy))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_size_multiple_is_a_power_of_the_depth(depth: int) -> None:
    """Each scale halves the size once more."""
    assert UNet(width=2, depth=depth).size_multiple == 2**depth


def test_default_is_small() -> None:
    """The default has between one and two million parameters."""
    assert 1_000_000 < sum(p.numel() for p in UNet().parameters()) < 2_000_000


@pytest.mark.parametrize("argument", ["channels", "width", "depth"])
def test_arguments_below_one_are_refused(argument: str) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least 1, not 0"):
        create_model("unet", **{argument: 0})
