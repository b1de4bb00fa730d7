"""Coloured letters on a noisy page, of which a network removes a part.

Networks are trained with photographs, whose colour varies less from pixel to pixel than their
brightness. They take fine edges between colours of similar brightness for noise. On photographs
that is right on average; on a page it costs contrast.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

_SIDE = 8  # of the blocks, in pixels
# A block is paper if its colour differs from that of the page, and its pixels from their mean, by
# at most the first number or the second share of the noise, of which networks leave a part.
_ALIKE, _SMOOTH = (3.5 / 255, 0.25), (2.6 / 255, 0.25)
# The least share of all blocks, and of the smooth ones, that are paper. In photographs, smooth
# blocks have many colours.
_PAPER, _ONE_COLOUR = 0.08, 0.95
# From the first to the second share of colour in the energy of edges, the share of the change that
# is applied falls to the last number.
_LITTLE, _MUCH, _APPLIED = 0.03, 0.07, 0.4


def is_page(restored: Tensor, sigma: float) -> bool:
    """Whether a good part of a colour picture has one colour, as the paper of a page has.

    Args:
        restored: (N, C, H, W), pieces of a restored picture, floats on the [0, 1] scale.
        sigma: level of its noise.
    """
    if restored.shape[1] != 3 or min(restored.shape[-2:]) < _SIDE:
        return False
    means = functional.avg_pool2d(restored, _SIDE)
    squares = functional.avg_pool2d(restored.square(), _SIDE)
    spread = (squares - means.square()).mean(1).clamp_min(0).sqrt().flatten()
    colours = means.movedim(1, -1).flatten(0, -2)
    smooth = spread < max(_SMOOTH[0], _SMOOTH[1] * sigma)
    if not bool(smooth.any()):
        return False
    typical = colours[smooth].median(dim=0).values
    alike = (colours - typical).abs() < max(_ALIKE[0], _ALIKE[1] * sigma)
    paper = (alike.all(1) & smooth).double().sum()
    return bool(paper >= _PAPER * len(smooth) and paper >= _ONE_COLOUR * smooth.sum())


def applied_share(restored: Tensor, sigma: float, radius: int) -> Tensor:
    """The share of a change that is applied around each pixel of a page, (B, 1, H, W).

    Args:
        restored: (B, 3, H, W).
        sigma: level of the noise.
        radius: radius in pixels of the window in which edges are measured.
    """
    power, brightness = _edges(restored), _edges(restored.mean(1, keepdim=True) * 3**0.5)
    side = 2 * radius + 1
    # Without edges, what is left of the noise must not count as colour.
    power, brightness = (
        functional.avg_pool2d(each, side, 1, radius, count_include_pad=False)
        for each in (power, brightness)
    )
    colour = (power - brightness).clamp_min(0) / (power + sigma**2)
    fall = ((colour - _LITTLE) / (_MUCH - _LITTLE)).clamp(0, 1)
    return 1 - (1 - _APPLIED) * fall


def _edges(image: Tensor) -> Tensor:
    """Energy of the differences between neighbours, over all channels, (B, 1, H, W)."""
    padded = functional.pad(image, (0, 1, 0, 1), mode="replicate")
    down, across = padded.diff(dim=2)[..., :-1], padded.diff(dim=3)[..., :-1, :]
    energy: Tensor = (down.square() + across.square()).sum(1, keepdim=True)
    return energy
