"""The JPEG codec of kornia against libjpeg."""

from __future__ import annotations

import pytest
import torch
from skimage import data

from restorekit.errors import InputError
from restorekit.noise.compression import JPEG
from restorekit.noise.differentiable_jpeg import DifferentiableJPEG
from tests.noise.correlations import seeded


def astronaut(side: int) -> torch.Tensor:
    return torch.from_numpy(data.astronaut()[:side, :side].copy()).movedim(-1, 0)[None] / 255.0


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_the_picture_is_nearly_that_of_libjpeg(quality):
    """With the blocks at the same place it is nearer to libjpeg's than that is to the clean."""
    clean = astronaut(64)
    exact, near = (
        noise(clean, seeded()).noisy
        for noise in (JPEG(quality, halved_colour=1.0), DifferentiableJPEG(quality))
    )
    lost = float((exact - clean).square().mean())
    assert 0 < float((near - exact).square().mean()) < 0.5 * lost


def test_gradients_are_those_of_the_codec():
    """A pixel depends on those of its blocks and of their neighbours, and on no others."""
    clean = astronaut(64).requires_grad_()
    DifferentiableJPEG(50)(clean, seeded()).noisy[0, :, 20, 20].sum().backward()
    influence = clean.grad.abs().sum((0, 1))
    assert (influence > 0).sum() > 16
    assert influence[44:].max() == influence[:, 44:].max() == 0


def test_blocks_begin_anywhere():
    ramp = torch.linspace(0.2, 0.8, 64).expand(32, 1, 64, 64)
    noisy = DifferentiableJPEG(10)(ramp, seeded()).noisy
    steps = (noisy[:, 0, 32, 1:] - noisy[:, 0, 32, :-1]).abs().argmax(1) % 8
    assert len(set(steps.tolist())) > 4


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 9)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size(size, channels):
    clean = torch.rand(2, channels, *size, generator=seeded())
    noisy = DifferentiableJPEG(95)(clean, seeded()).noisy
    assert noisy.shape == clean.shape
    assert float((noisy - clean).square().mean()) < 0.1


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="quality"):
        DifferentiableJPEG((40, 101))
    with pytest.raises(InputError, match="1 or 3 channels"):
        DifferentiableJPEG()(torch.rand(1, 4, 8, 8))
