"""The noise of the bundled networks, generated for a whole batch on its device.

Every function takes clean windows (B, 3, H, W) in [0, 1] and a generator, and returns the clean
target batch, the noisy batch and the noise level (B, 1, H, W), all on the same grid.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jpeg import constant, jpeg
from torch import Generator, Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)
_CHROMA = ((0.0, 1.402), (-0.344136, -0.714136), (1.772, 0.0))  # of Cb and Cr in R, G, B
_DARKEST = 1e-4
_READ_SLOPE, _READ_OFFSET, _READ_SPREAD = 2.18, 1.20, 0.26  # Brooks et al., CVPR 2019
_BILINEAR_GREEN = ((0.0, 0.25, 0.0), (0.25, 1.0, 0.25), (0.0, 0.25, 0.0))
_BILINEAR_OTHER = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))
# Malvar, He and Cutler, ICASSP 2004: eighths.
_MHC_GREEN = (
    (0, 0, -1, 0, 0),
    (0, 0, 2, 0, 0),
    (-1, 2, 4, 2, -1),
    (0, 0, 2, 0, 0),
    (0, 0, -1, 0, 0),
)
_MHC_ROW = (
    (0, 0, 0.5, 0, 0),
    (0, -1, 0, -1, 0),
    (-1, 4, 5, 4, -1),
    (0, -1, 0, -1, 0),
    (0, 0, 0.5, 0, 0),
)
_MHC_CROSS = (
    (0, 0, -1.5, 0, 0),
    (0, 2, 0, 2, 0),
    (-1.5, 0, 6, 0, -1.5),
    (0, 2, 0, 2, 0),
    (0, 0, -1.5, 0, 0),
)


class Batch(NamedTuple):
    """A training batch. Each tensor is (B, C, H, W); `level` has one channel."""

    clean: Tensor
    noisy: Tensor
    level: Tensor


class Draw:
    """Random numbers, one for each sample of a batch, as (B, 1, 1, 1)."""

    def __init__(self, like: Tensor, generator: Generator) -> None:
        self.like, self.generator, self.count = like, generator, len(like)

    def uniform(self, low: float = 0.0, high: float = 1.0, channels: int = 1) -> Tensor:
        shape = (self.count, channels, 1, 1)
        numbers = torch.rand(shape, device=self.like.device, generator=self.generator)
        return numbers.mul_(high - low).add_(low)

    def logarithmic(self, low: float, high: float) -> Tensor:
        return self.uniform(math.log(low), math.log(high)).exp_()

    def chance(self, probability: float) -> Tensor:
        return self.uniform() < probability

    def normal(self, shape: torch.Size | tuple[int, ...]) -> Tensor:
        return torch.randn(shape, device=self.like.device, generator=self.generator)


def white(clean: Tensor, generator: Generator) -> Batch:
    """Gaussian and uniform noise of 0 to 75 (8-bit levels), some of it clipped and in 8 bits."""
    draw = Draw(clean, generator)
    kind = draw.uniform()
    std = torch.where(kind < 0.45, draw.uniform(0.03, 0.21), draw.uniform(0.0, 0.2941))
    is_uniform = (kind >= 0.65) & (kind < 0.8)
    std = torch.where(is_uniform, draw.uniform(0.0, 0.25) / 3**0.5, std)
    level = std * _slope(draw, clean)
    flat = torch.rand(clean.shape, device=clean.device, generator=generator)
    unit = torch.where(is_uniform, (flat * 2 - 1) * 3**0.5, draw.normal(clean.shape))
    noisy = clean + unit * level
    clipped = noisy.clamp(0, 1)
    clipped = torch.where(draw.chance(0.5), (clipped * 255).round() / 255, clipped)
    return Batch(clean, torch.where(kind >= 0.65, clipped, noisy), level)


def gray_white(clean: Tensor, generator: Generator) -> Batch:
    """The same for gray pictures with one channel."""
    return white(luma(clean), generator)


def impulse(clean: Tensor, generator: Generator) -> Batch:
    """Salt-and-pepper noise of up to 30 %, in all channels or in each, or uniform noise."""
    draw = Draw(clean, generator)
    kind = draw.uniform()
    amount = draw.uniform(0.0, 0.3)
    hit = torch.rand(clean.shape, device=clean.device, generator=generator)
    hit = torch.where(kind < 0.45, hit[:, :1], hit)
    specks = clean.masked_fill(hit < amount, 0.0).masked_fill(hit < amount / 2, 1.0)
    spread = torch.rand(clean.shape, device=clean.device, generator=generator) * 2 - 1
    uniform = (clean + spread * draw.uniform(0.0, 0.25)).clamp_(0, 1)
    noisy = torch.where(kind < 0.6, specks, uniform)
    return Batch(clean, noisy, torch.zeros_like(clean[:, :1]))


def photograph(clean: Tensor, generator: Generator, scale: float = 1.0) -> Batch:
    """Noise of cameras, scanners and phones, with at most 8 bits and in part JPEG compression.

    Args:
        clean: windows without noise, at the resolution of the sensor.
        generator: source of random numbers.
        scale: factor by which the noisy picture is resized; its sides become multiples of 16.
    """
    draw = Draw(clean, generator)
    gray = draw.chance(0.2)
    clean = torch.where(gray, luma(clean), clean)
    # Microscopes and telescopes store dim pictures that are proportional to the light.
    is_linear = draw.uniform() < torch.where(gray, 0.5, 0.06)
    clean = torch.where(is_linear, clean * draw.uniform(0.1, 1.0), clean)
    noisy = _developed(clean, gray, is_linear, draw)
    noisy = noisy + _blotches(clean, draw) * (draw.chance(0.3) & ~gray)
    noisy = noisy + _grain(clean, draw) * draw.chance(0.12)
    plain = clean + draw.normal(clean.shape) * draw.uniform(0.0, 0.25)
    plain = torch.where(gray, luma(plain), plain)
    is_plain, is_clean = draw.chance(0.2), draw.chance(0.06)
    noisy = torch.where(is_clean, clean, torch.where(is_plain, plain, noisy)).clamp_(0, 1)
    if scale != 1.0:
        side = round(clean.shape[-1] * scale / 16) * 16
        clean, noisy = (resized(image, side) for image in (clean, noisy))
    noisy = torch.where(draw.chance(0.75), (noisy * 255).round() / 255, noisy)
    quality = torch.where(draw.chance(0.75), draw.uniform(70, 99), draw.uniform(30, 95))
    compressed = jpeg(noisy, quality.flatten().round(), draw.chance(0.6).flatten())
    is_compressed = draw.uniform() < torch.where(is_plain, 0.25, 0.6)
    noisy = torch.where(is_compressed | is_clean, compressed, noisy)
    return Batch(clean, noisy, _given_level(clean, noisy, draw))


def halved_colour(clean: Tensor) -> Tensor:
    """Reduce colour to half the resolution, as in a 4:2:0 JPEG. H and W must be even."""
    gray = luma(clean)
    coarse = functional.avg_pool2d(clean - gray, 2)
    return functional.interpolate(coarse, scale_factor=2, mode="bilinear") + gray


def luma(image: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, 1, H, W)."""
    return torch.einsum("c,bchw->bhw", constant(LUMA, image), image)[:, None]


def _developed(clean: Tensor, gray: Tensor, is_linear: Tensor, draw: Draw) -> Tensor:
    """Shot and read noise of the sensor after the processing of a camera."""
    gamma = torch.where(
        is_linear, torch.ones_like(is_linear, dtype=clean.dtype), draw.uniform(1.8, 2.6)
    )
    light = clean.clamp(min=_DARKEST) ** gamma
    shot = draw.logarithmic(2e-5, 1e-2)
    read = shot.log() * _READ_SLOPE + _READ_OFFSET + draw.normal(shot.shape) * _READ_SPREAD
    gains = draw.uniform(1.0, 2.4, channels=3)
    gains[:, 1] = 1.0
    gains = torch.where(gray, torch.ones_like(gains), gains)
    # White balance: the sensor value is light / gain, and its noise is multiplied by the gain.
    variance = shot * gains * light + read.exp() * gains.square()
    unfiltered = draw.normal(light.shape) * variance.sqrt()
    has_gray_sensor = gray & draw.chance(0.7)
    # The brightness of three equal noises is weaker than one of them.
    single = unfiltered[:, 1:2].expand_as(unfiltered)
    noise = torch.where(has_gray_sensor, single, _demosaiced(unfiltered, draw))
    noise = noise + draw.uniform(0.0, 0.9) * (noise - noise.mean(1, keepdim=True))
    noise = torch.where(gray, luma(noise), noise)
    noise = _coarser(noise, draw)
    noise = torch.where(draw.chance(0.25), _smoothed(noise, clean, draw), noise)
    sharpening = draw.uniform(0.0, 1.2) * draw.chance(0.3)
    noise = noise + sharpening * (noise - blurred(noise, draw.uniform(0.6, 1.0)))
    return (light + noise).clamp_(_DARKEST**2.2, 1.0) ** (1 / gamma)


def _demosaiced(noise: Tensor, draw: Draw) -> Tensor:
    """Noise after demosaicing (bilinear, Malvar's or nearest), or without it."""
    height, width = noise.shape[-2:]
    rows = torch.arange(height, device=noise.device)[:, None] % 2
    columns = torch.arange(width, device=noise.device)[None] % 2
    red = ((rows == 0) & (columns == 0)).expand(height, width)
    blue = ((rows == 1) & (columns == 1)).expand(height, width)
    green = ~(red | blue)
    sites = torch.stack((red, green, blue)).to(noise)
    mosaic = noise * sites
    kernels = constant((_BILINEAR_OTHER, _BILINEAR_GREEN, _BILINEAR_OTHER), noise)[:, None]
    bilinear = _filtered(mosaic, kernels, groups=3)
    row = constant(_MHC_ROW, noise)
    kernels = torch.stack((constant(_MHC_GREEN, noise), row, row.T, constant(_MHC_CROSS, noise)))[
        :, None
    ]
    plane = mosaic.sum(1, keepdim=True)
    at_green, along, across, cross = _filtered(plane, kernels / 8).split(1, 1)
    in_red_row = (rows == 0).expand(height, width)
    malvar = torch.cat(
        (
            torch.where(
                red, plane, torch.where(blue, cross, torch.where(in_red_row, along, across))
            ),
            torch.where(green, plane, at_green),
            torch.where(
                blue, plane, torch.where(red, cross, torch.where(in_red_row, across, along))
            ),
        ),
        1,
    )
    nearest = functional.interpolate(functional.avg_pool2d(mosaic, 2) * 4, scale_factor=2)
    nearest = nearest * constant((1.0, 0.5, 1.0), noise)[:, None, None]
    kind = draw.uniform()
    coloured = torch.where(kind < 0.5, bilinear, malvar)
    return torch.where(kind < 0.15, noise, torch.where(kind < 0.9, coloured, nearest))


def _coarser(noise: Tensor, draw: Draw) -> Tensor:
    """Coarse grain of up to about four pixels, some with the strength of the fine noise."""
    kind = draw.uniform()
    radius = torch.where(kind < 0.7, draw.uniform(0.3, 1.0), draw.logarithmic(0.8, 4.0))
    radius = torch.where(kind < 0.4, torch.zeros_like(radius), radius)
    coarse = blurred(noise, radius)
    before, after = (x.square().mean((1, 2, 3), keepdim=True).sqrt() for x in (noise, coarse))
    kept = draw.uniform(0.3, 1.0) * before / after.clamp(min=1e-6)
    return torch.where(radius > 0.8, coarse * kept.clamp(min=1.0), coarse)


def _smoothed(noise: Tensor, clean: Tensor, draw: Draw) -> Tensor:
    """Remove fine noise in flat areas, as cameras do. The coarse noise remains."""
    gray = luma(clean)
    slope = (gray - blurred(gray, draw.uniform(1.0, 1.0))).abs()
    slope = blurred(slope, draw.uniform(1.5, 2.5))
    kept = (slope / (slope + draw.uniform(0.005, 0.05))).clamp_(0.1, 1.0)
    coarse = blurred(noise, draw.uniform(1.0, 2.5))
    return coarse + (noise - coarse) * kept


def _blotches(clean: Tensor, draw: Draw) -> Tensor:
    """Coarse noise of the colour only."""
    count, _, height, width = clean.shape
    field = draw.normal((count, 2, height, width))
    field = _normalised(blurred(field, draw.uniform(1.5, 6.0))) * draw.logarithmic(0.002, 0.024)
    return torch.einsum("ij,bjhw->bihw", constant(_CHROMA, clean), field)


def _grain(clean: Tensor, draw: Draw) -> Tensor:
    """Film grain: noise of the brightness only, strongest in the middle tones."""
    gray = luma(clean)
    field = _normalised(blurred(draw.normal(gray.shape), draw.uniform(0.4, 2.5)))
    return field * draw.logarithmic(0.004, 0.06) * (0.3 + 2.8 * gray * (1 - gray))


def measured_level(clean: Tensor, noisy: Tensor) -> Tensor:
    """The root mean square of each sample's noise, as a map (B, 1, H, W) of one number."""
    square = (noisy - clean).square().mean((1, 2, 3), keepdim=True)
    return square.sqrt().expand_as(clean[:, :1])


def _given_level(clean: Tensor, noisy: Tensor, draw: Draw) -> Tensor:
    """The level given to the network: one number, a map, or 0 for an unknown level."""
    square = (noisy - clean).square().mean(1, keepdim=True)
    number = measured_level(clean, noisy)
    radius = torch.full_like(draw.uniform(), 6.0)
    local = blurred(square, radius).sqrt()
    kind = draw.uniform()
    level = torch.where(kind < 0.35, local, number) * draw.uniform(0.87, 1.13)
    return torch.where(kind > 0.65, torch.zeros_like(level), level)


def _slope(draw: Draw, clean: Tensor) -> Tensor:
    """Factors (B, 1, H, W) of about 1. For a tenth of the samples they vary across the window."""
    height, width = clean.shape[-2:]
    down = torch.linspace(-1, 1, height, device=clean.device)[:, None]
    right = torch.linspace(-1, 1, width, device=clean.device)
    across = draw.uniform(-0.5, 0.5) * down + draw.uniform(-0.5, 0.5) * right
    return 1 + across * draw.chance(0.1)


def blurred(image: Tensor, radius: Tensor) -> Tensor:
    """Blur each sample of (B, C, H, W) with a Gaussian of its own radius (B, 1, 1, 1), up to 6."""
    count, channels, height, width = image.shape
    place = torch.arange(-12, 13, device=image.device, dtype=image.dtype)
    window = (-(place**2) / (2 * radius.clamp(min=0.05).view(-1, 1) ** 2)).exp()
    window = (window / window.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    stacked = image.reshape(1, -1, height, width)
    for axis in (2, 3):
        pads = (0, 0, 12, 12) if axis == 2 else (12, 12, 0, 0)
        kernel = window[:, None, :, None] if axis == 2 else window[:, None, None, :]
        stacked = functional.conv2d(
            functional.pad(stacked, pads, "reflect"), kernel, groups=count * channels
        )
    return stacked.view(count, channels, height, width)


def _normalised(field: Tensor) -> Tensor:
    return field / field.square().mean((2, 3), keepdim=True).sqrt().clamp(min=1e-6)


def _filtered(image: Tensor, kernels: Tensor, groups: int = 1) -> Tensor:
    pad = kernels.shape[-1] // 2
    return functional.conv2d(functional.pad(image, (pad,) * 4, "reflect"), kernels, groups=groups)


def resized(image: Tensor, side: int) -> Tensor:
    size = (side, side)
    return functional.interpolate(image, size=size, mode="bicubic", antialias=True).clamp_(0, 1)
