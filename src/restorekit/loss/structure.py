"""Losses that compare local structure: SSIM, at one scale and at five.

Convention: data range 1, Gaussian window, population (not sample) variance, only windows that lie
completely inside the image, channels separately, mean over windows, channels and batch.
"""

from __future__ import annotations

import pytorch_msssim
import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.loss.base import ImageLoss

_HALVINGS = 4  # between the five scales of MS-SSIM


class _WindowedLoss(ImageLoss):
    """Base class of SSIM and MS-SSIM: holds the Gaussian window, computed once."""

    def __init__(self, window_size: int = 11, window_sigma: float = 1.5) -> None:
        super().__init__()
        self.window: Tensor
        self.register_buffer("window", _window(window_size, window_sigma), persistent=False)
        self.window_size = window_size

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        return f"window_size={self.window_size}"


class SSIM(_WindowedLoss):
    """1 - structural similarity (https://doi.org/10.1109/TIP.2003.819861), between 0 and 2.

    Args:
        window_size: Side of the Gaussian window in pixels, odd, at most the shorter side of the
            images.
        window_sigma: Standard deviation of the Gaussian window in pixels, from 0.1 to 1000.

    Raises:
        ValueError: window_size is even or below 3, or window_sigma is out of range.

    Example:
        >>> loss = restorekit.create_loss("ssim")
        >>> float(loss(restorekit.Restoration(batch), batch))
        0.0
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """1 - SSIM, the mean over the batch.

        Raises:
            InputError: the images are smaller than the window.
        """
        _check_size(restored, "ssim", self.window_size, halvings=0)
        x, y, window = _precise(restored, target, self.window)
        similarity: Tensor = pytorch_msssim.ssim(x, y, data_range=1.0, win=window)
        return 1.0 - similarity.float()


class MSSSIM(_WindowedLoss):
    """1 - multiscale structural similarity (https://doi.org/10.1109/ACSSC.2003.1292216), in [0, 1].

    Five scales with the weights of the paper. As usual, a negative correlation at a scale counts as
    0. A channel with such a scale has no gradient, so combine this loss with a pixel loss when
    training from scratch.

    Args:
        window_size: Side of the Gaussian window in pixels, odd; images need more than
            16 * (window_size - 1) pixels a side: 161 for 11, 65 for 5, 33 for 3.
        window_sigma: Standard deviation of the Gaussian window in pixels, from 0.1 to 1000.

    Raises:
        ValueError: window_size is even or below 3, or window_sigma is out of range.

    Example:
        >>> loss = restorekit.create_loss("ms_ssim", window_size=3)
        >>> large = batch.repeat(1, 1, 2, 2)
        >>> float(loss(restorekit.Restoration(large), large))
        0.0
    """

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """1 - MS-SSIM, the mean over the batch.

        Raises:
            InputError: the images are too small to be halved four times.
        """
        _check_size(restored, "ms_ssim", self.window_size, halvings=_HALVINGS)
        x, y, window = _precise(restored, target, self.window)
        similarity: Tensor = pytorch_msssim.ms_ssim(x, y, data_range=1.0, win=window)
        return 1.0 - similarity.float()


def _window(size: int, sigma: float) -> Tensor:
    """The Gaussian window along one axis, (1, 1, 1, size); its sum is 1."""
    if size < 3 or size % 2 == 0:
        raise ValueError(f"window_size must be odd and at least 3, not {size}")
    # Below, all the weight is on the central pixel; above, the window is constant.
    if not 0.1 <= sigma <= 1000.0:
        raise ValueError(f"window_sigma must be from 0.1 to 1000 pixels, not {sigma}")
    offsets = torch.arange(size, dtype=torch.float64) - size // 2
    weights = torch.exp(-offsets.square() / (2.0 * sigma**2))
    return (weights / weights.sum()).float().view(1, 1, 1, size)


def _check_size(image: Tensor, name: str, window_size: int, halvings: int) -> None:
    height, width = image.shape[-2:]
    side, scale = min(height, width), 2**halvings
    least = _least_side(window_size, scale)
    if side >= least:
        return
    fitting = [w for w in range(3, window_size, 2) if _least_side(w, scale) <= side]
    advice = f"use window_size {fitting[-1]} or" if fitting else "use"
    raise InputError(
        f"{name} with window_size {window_size} needs images of at least {least}x{least} pixels, "
        f"got {height}x{width}; {advice} larger patches"
    )


def _least_side(window_size: int, scale: int) -> int:
    return (window_size - 1) * scale + 1


def _precise(restored: Tensor, target: Tensor, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The images in a dtype for accurate filtering, and the window for each of their channels.

    The local variance is a small difference of two means. By default cuDNN filters float32 in TF32,
    whose 10-bit mantissa is too short for that, so float64 is used on CUDA devices.
    """
    if restored.is_cuda:
        restored, target = restored.double(), target.double()
    return restored, target, window.to(restored).expand(restored.shape[1], -1, -1, -1)
