"""Gaussian noise whose neighbouring pixels are correlated, by a kernel or a power spectrum.

`coarse` blurs any noise by a Gaussian window.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.noise.base import Noise
from restorekit.noise.filters import constant
from restorekit.noise.parameters import Draws, as_interval
from restorekit.records import Degraded

_LARGEST_KERNEL = 63  # rows and columns
_MOST_SHIFTS = 32  # numbers of a kernel that are added one by one
Kernel = tuple[tuple[float, ...], ...]


class Correlated(Noise):
    """Gaussian noise filtered by a kernel: noisy = clean + std * (kernel * n), n ~ N(0, 1).

    The kernel is scaled so that std is the standard deviation of the result, which has the
    kernel's autocorrelation everywhere, up to the border. Does not clip by default.

    Args:
        std: Standard deviation on the images' scale of [0, 1], or a (low, high) range from which
            each sample draws its own.
        kernel: Rows of numbers. [[1, 1]] makes horizontal pairs.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: std is outside [0, 1], low > high, or the kernel has rows of unequal length,
            more than 63 rows or columns, or nothing but zeros.

    Example:
        >>> noise = restorekit.create_noise("correlated", std=0.1, kernel=[[1, 1]])
        >>> noisy = noise(torch.zeros(1, 1, 64, 64)).noisy
        >>> correlation = torch.corrcoef(
        ...     torch.stack([noisy[..., 1:].flatten(), noisy[..., :-1].flatten()])
        ... )
        >>> bool(0.4 < correlation[0, 1] < 0.6)
        True
    """

    def __init__(
        self,
        std: float | tuple[float, float] = 0.1,
        kernel: Sequence[Sequence[float]] = ((1, 2, 1), (2, 4, 2), (1, 2, 1)),
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.std = as_interval(std, "std", "on the scale of the images")
        self.kernel = _unit_kernel(kernel)
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a standard deviation drawn for each sample."""
        batch, channels, height, width = clean.shape
        white = draw.normal(
            batch * channels, 1, height + len(self.kernel) - 1, width + len(self.kernel[0]) - 1
        )
        noise = _filtered(white, self.kernel).view(clean.shape)
        std = draw.parameter(self.std)
        return Degraded(clean + noise.mul_(std), std)


class Colored(Noise):
    """Gaussian noise whose power spectrum falls with the frequency f as f^-exponent.

    Exponent 0 is white noise, 1 pink and 2 brown noise. The mean of each channel stays. std is the
    standard deviation of the result over many samples. The noise goes on periodically beyond the
    border. Does not clip by default.

    Args:
        std: Standard deviation on the images' scale of [0, 1], or a (low, high) range from which
            each sample draws its own.
        exponent: Exponent of the spectrum, or a range. Below 0, high frequencies are stronger
            (blue noise).
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: std is outside [0, 1], exponent outside [-2, 4], or low > high.

    Example:
        >>> noise = restorekit.create_noise("colored", std=(0.02, 0.1), exponent=1)
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        std: float | tuple[float, float] = 0.1,
        exponent: float | tuple[float, float] = (0.0, 2.0),
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.std = as_interval(std, "std", "on the scale of the images")
        self.exponent = as_interval(exponent, "exponent", "an exponent", least=-2.0, most=4.0)
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with noise of a spectrum drawn for each sample."""
        std, exponent = draw.parameter(self.std), draw.parameter(self.exponent)
        size = (clean.shape[2], clean.shape[3])
        spectrum = torch.fft.rfft2(draw.normal(*clean.shape))
        noise = torch.fft.irfft2(spectrum * (std * _amplitude(size, exponent)), s=size)
        return Degraded(clean + noise, std)


def _filtered(image: Tensor, kernel: Kernel) -> Tensor:
    """A batch (N, 1, H, W) filtered by a kernel, without the border."""
    places = [(i, j) for i, row in enumerate(kernel) for j, weight in enumerate(row) if weight]
    if len(places) > _MOST_SHIFTS:
        return functional.conv2d(image, constant(kernel, image)[None, None])
    height, width = image.shape[2] - len(kernel) + 1, image.shape[3] - len(kernel[0]) + 1
    # Several times as fast as the convolution of a single channel.
    filtered = image.new_zeros(len(image), 1, height, width)
    for i, j in places:
        filtered.add_(image[..., i : i + height, j : j + width], alpha=kernel[i][j])
    return filtered


def _unit_kernel(kernel: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """The kernel with a sum of squares of 1."""
    rows = [[float(value) for value in row] for row in kernel]
    width = len(rows[0]) if rows else 0
    if not width or any(len(row) != width for row in rows):
        raise ValueError(f"kernel needs rows of equal length, not {[len(row) for row in rows]}")
    if max(len(rows), width) > _LARGEST_KERNEL:
        raise ValueError(f"kernel has {len(rows)}x{width} numbers; at most 63x63 are possible")
    size = sum(value * value for row in rows for value in row) ** 0.5
    if not 0.0 < size < float("inf"):
        raise ValueError("kernel needs a number other than 0, and finite ones")
    return tuple(tuple(value / size for value in row) for row in rows)


def _amplitude(size: tuple[int, int], exponent: Tensor) -> Tensor:
    """The filter of each sample, (B, 1, H, W // 2 + 1).

    Its mean square over all frequencies is 1. The mean of a channel, frequency 0, is left out.
    """
    height, width = size
    rows = torch.fft.fftfreq(height, device=exponent.device)[:, None]
    squared = rows**2 + torch.fft.fftfreq(width, device=exponent.device) ** 2
    power = squared.clamp(min=1e-12) ** (-exponent / 2)
    power = torch.where(squared > 0, power, 0.0)
    mean = power.mean((2, 3), keepdim=True).clamp(min=1e-12)  # 0 for a single pixel
    return (power / mean).sqrt()[..., : width // 2 + 1]
