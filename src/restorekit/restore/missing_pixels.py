"""Filling pixels without a value, for the network only; the result keeps them as they are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_TO_SIGMA = 0.954  # median |difference| of neighbours per standard deviation: 0.6745 sqrt(2)

# Types that float32 represents exactly, with half the memory of float64.
_NARROW = (torch.uint8, torch.int8, torch.uint16, torch.int16, torch.float16, torch.float32)


def fill_missing(image: Tensor, gaps: Tensor) -> Tensor:
    """Fill missing pixels by interpolation from their surroundings, plus noise of the same level.

    Without noise these would be the smoothest areas, which the noise estimate relies on.

    Args:
        image: (B, C, H, W), of any type.
        gaps: mask (B, C, H, W) of the missing values; must not be all of them.

    Returns:
        A copy, of the same type.
    """
    dtype = torch.float32 if image.dtype in _NARROW else torch.float64
    exact = image.to(dtype)
    smooth = from_around(exact.masked_fill(gaps, 0), (~gaps).to(dtype))
    # The same noise every time, so that restoring an image twice gives the same result.
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(image.shape, generator=generator, dtype=dtype)
    smooth += _noise(exact, gaps) * noise.to(image.device)
    # Extrapolated noise can leave the range of the type, and would wrap around.
    if not image.is_floating_point():
        smooth = smooth.round()
        low, high = (torch.iinfo(image.dtype).min, torch.iinfo(image.dtype).max)
        smooth = smooth.clamp(low, high)
    return torch.where(gaps, smooth, exact).to(image.dtype)


def from_around(values: Tensor, weight: Tensor) -> Tensor:
    """Interpolate where the weight is 0, from means at ever coarser scales (pull-push).

    As in Gortler et al., The Lumigraph, SIGGRAPH 1996, https://doi.org/10.1145/237170.237200.
    """
    if max(values.shape[-2:]) == 1 or bool((weight > 0).all()):
        return values
    held = _halved(weight)
    coarse = _halved(values * weight) / held.clamp(min=1e-12)
    coarse = from_around(coarse, (held > 0).to(weight))
    around = functional.interpolate(coarse, size=values.shape[-2:], mode="bilinear")
    return torch.where(weight > 0, values, around)


def _halved(values: Tensor) -> Tensor:
    return functional.avg_pool2d(values, 2, ceil_mode=True, count_include_pad=False)


def _noise(image: Tensor, gaps: Tensor) -> Tensor:
    """Rough standard deviation of the noise in each channel, (B, C, 1, 1)."""
    steps = image.diff(dim=-1).abs().masked_fill(gaps[..., 1:] | gaps[..., :-1], torch.nan)
    # The median ignores edges, which are few among the differences of neighbours.
    median = steps.flatten(2).nanmedian(-1).values.nan_to_num() if steps.numel() else 0.0
    return (image.new_zeros(image.shape[:2]) + median / _TO_SIGMA)[..., None, None]
