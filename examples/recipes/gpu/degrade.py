"""The noise of the bundled networks, generated for a whole batch on its device.

Every function takes clean windows (B, 3, H, W) in [0, 1] and a generator, and returns the clean
target batch, the noisy batch and the noise level (B, 1, H, W), all on the same grid.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jpeg import jpeg
from torch import Generator, Tensor

from restorekit.luma import luma
from restorekit.noise.blotches import chroma_field
from restorekit.noise.demosaicing import Demosaicing, demosaiced
from restorekit.noise.filtered_noise import coarser, sharpened, smoothed_where_flat
from restorekit.noise.filters import blur
from restorekit.noise.grain import film_grain
from restorekit.noise.impulse import with_impulses
from restorekit.noise.parameters import Draws
from restorekit.noise.resizing import resized
from restorekit.noise.sensor import (
    mixed_colours,
    read_variance,
    sensor_noise,
    to_light,
    to_picture,
    white_balance,
)

_DEMOSAICING: dict[Demosaicing, float] = {
    "none": 0.15, "bilinear": 0.35, "malvar": 0.4, "nearest": 0.1
}  # fmt: skip


class Batch(NamedTuple):
    """A training batch. Each tensor is (B, C, H, W); `level` has one channel."""

    clean: Tensor
    noisy: Tensor
    level: Tensor


def white(clean: Tensor, generator: Generator) -> Batch:
    """Gaussian and uniform noise of 0 to 75 (8-bit levels), some of it clipped and in 8 bits."""
    draw = Draws(clean, generator)
    kind = draw.parameter((0.0, 1.0))
    std = torch.where(kind < 0.45, draw.parameter((0.03, 0.21)), draw.parameter((0.0, 0.2941)))
    is_uniform = (kind >= 0.65) & (kind < 0.8)
    std = torch.where(is_uniform, draw.parameter((0.0, 0.25)) / 3**0.5, std)
    level = std * _slope(draw, clean)
    flat = draw.uniform(*clean.shape)
    unit = torch.where(is_uniform, (flat * 2 - 1) * 3**0.5, draw.normal(*clean.shape))
    noisy = clean + unit * level
    clipped = noisy.clamp(0, 1)
    clipped = torch.where(draw.chance(0.5), (clipped * 255).round() / 255, clipped)
    return Batch(clean, torch.where(kind >= 0.65, clipped, noisy), level)


def gray_white(clean: Tensor, generator: Generator) -> Batch:
    """The same for gray pictures with one channel."""
    return white(luma(clean), generator)


def impulse(clean: Tensor, generator: Generator) -> Batch:
    """Salt-and-pepper noise of up to 30 %, in all channels or in each, or uniform noise."""
    draw = Draws(clean, generator)
    kind = draw.parameter((0.0, 1.0))
    chance = draw.uniform(*clean.shape)
    chance = torch.where(kind < 0.45, chance[:, :1], chance)
    specks = with_impulses(clean, chance, draw.parameter((0.0, 0.3)), 0.5)
    spread = draw.uniform(*clean.shape) * 2 - 1
    uniform = (clean + spread * draw.parameter((0.0, 0.25))).clamp_(0, 1)
    noisy = torch.where(kind < 0.6, specks, uniform)
    return Batch(clean, noisy, torch.zeros_like(clean[:, :1]))


def photograph(clean: Tensor, generator: Generator, scale: float = 1.0) -> Batch:
    """Noise of cameras, scanners and phones, with at most 8 bits and in part JPEG compression.

    Args:
        clean: windows without noise, at the resolution of the sensor.
        generator: source of random numbers.
        scale: factor by which the noisy picture is resized; its sides become multiples of 16.
    """
    draw = Draws(clean, generator)
    gray = draw.chance(0.2)
    clean = torch.where(gray, luma(clean), clean)
    # Microscopes and telescopes store dim pictures that are proportional to the light.
    is_linear = draw.parameter((0.0, 1.0)) < torch.where(gray, 0.5, 0.06)
    clean = torch.where(is_linear, clean * draw.parameter((0.1, 1.0)), clean)
    noisy = _with_common_noise(_developed(clean, gray, is_linear, draw), clean, gray, draw)
    plain = clean + draw.normal(*clean.shape) * draw.parameter((0.0, 0.25))
    plain = torch.where(gray, luma(plain), plain)
    is_plain, is_clean = draw.chance(0.2), draw.chance(0.06)
    noisy = torch.where(is_clean, clean, torch.where(is_plain, plain, noisy)).clamp_(0, 1)
    if scale != 1.0:
        side = round(clean.shape[-1] * scale / 16) * 16
        clean, noisy = (scaled(image, side) for image in (clean, noisy))
    noisy = torch.where(draw.chance(0.75), (noisy * 255).round() / 255, noisy)
    quality = torch.where(
        draw.chance(0.75), draw.parameter((70.0, 99.0)), draw.parameter((30.0, 95.0))
    )
    compressed = jpeg(noisy, quality.flatten().round(), draw.chance(0.6).flatten())
    is_compressed = draw.parameter((0.0, 1.0)) < torch.where(is_plain, 0.25, 0.6)
    noisy = torch.where(is_compressed | is_clean, compressed, noisy)
    return Batch(clean, noisy, _given_level(clean, noisy, draw))


def _developed(clean: Tensor, gray: Tensor, is_linear: Tensor, draw: Draws) -> Tensor:
    """The picture with noise of the sensor after the processing of a camera."""
    gamma = torch.where(is_linear, 1.0, draw.parameter((1.8, 2.6)))
    light = to_light(clean, gamma)
    shot = draw.logarithmic((2e-5, 1e-2))
    gains = torch.where(gray, 1.0, white_balance(2.4, draw))
    raw = sensor_noise(light, shot, read_variance(shot, draw), gains, draw)
    has_gray_sensor = gray & draw.chance(0.7)
    # Not the luma of three, which is weaker than the noise of one.
    noise = torch.where(has_gray_sensor, raw[:, 1:2], demosaiced(raw, _DEMOSAICING, draw))
    noise = mixed_colours(noise, draw.parameter((0.0, 0.6)))
    noise = torch.where(gray, luma(noise), noise)
    return to_picture(light + _processed(noise, clean, draw), gamma)


def _processed(noise: Tensor, clean: Tensor, draw: Draws) -> Tensor:
    """Make noise coarse, of up to about four pixels, as cameras and programs do."""
    kind = draw.parameter((0.0, 1.0))
    radius = torch.where(kind < 0.7, draw.parameter((0.3, 1.0)), draw.logarithmic((0.8, 4.0)))
    radius = torch.where(kind < 0.4, 0.0, radius)
    kept = torch.where(radius > 0.8, draw.parameter((0.3, 1.0)), 0.0)
    noise = coarser(noise, radius, 10, kept)
    smoothed = smoothed_where_flat(
        noise, clean, draw.parameter((1.0, 2.5)), draw.parameter((0.005, 0.05)), reach=7
    )
    noise = torch.where(draw.chance(0.25), smoothed, noise)
    amount = draw.parameter((0.0, 1.2)) * draw.chance(0.3)
    return sharpened(noise, amount, draw.parameter((0.6, 1.0)), reach=3)


def _with_common_noise(noisy: Tensor, clean: Tensor, gray: Tensor, draw: Draws) -> Tensor:
    """Add blotches of colour to some samples, and film grain to some."""
    size = (clean.shape[2], clean.shape[3])
    blotches = chroma_field(draw, size, draw.parameter((1.5, 6.0)), reach=12)
    blotches = blotches * draw.logarithmic((0.002, 0.024))
    std, radius = draw.logarithmic((0.004, 0.06)), draw.parameter((0.4, 2.5))
    grain = film_grain(clean, std, radius, 7, draw)
    return noisy + blotches * (draw.chance(0.3) & ~gray) + grain * draw.chance(0.12)


def measured_level(clean: Tensor, noisy: Tensor) -> Tensor:
    """The root mean square of each sample's noise, as a map (B, 1, H, W) of one number."""
    square = (noisy - clean).square().mean((1, 2, 3), keepdim=True)
    return square.sqrt().expand_as(clean[:, :1])


def _given_level(clean: Tensor, noisy: Tensor, draw: Draws) -> Tensor:
    """The level given to the network: one number, a map, or 0 for an unknown level."""
    square = (noisy - clean).square().mean(1, keepdim=True)
    number = measured_level(clean, noisy)
    local = blur(square, clean.new_full((len(clean), 1, 1, 1), 6.0), reach=12).sqrt()
    kind = draw.parameter((0.0, 1.0))
    level = torch.where(kind < 0.35, local, number) * draw.parameter((0.87, 1.13))
    return torch.where(kind > 0.65, torch.zeros_like(level), level)


def _slope(draw: Draws, clean: Tensor) -> Tensor:
    """Factors (B, 1, H, W) of about 1. For a tenth of the samples they vary across the window."""
    height, width = clean.shape[-2:]
    down = torch.linspace(-1, 1, height, device=clean.device)[:, None]
    right = torch.linspace(-1, 1, width, device=clean.device)
    across = draw.parameter((-0.5, 0.5)) * down + draw.parameter((-0.5, 0.5)) * right
    return 1 + across * draw.chance(0.1)


def scaled(image: Tensor, side: int) -> Tensor:
    """Resize a batch to squares of that side."""
    return resized(image, (side, side)).clamp_(0, 1)
