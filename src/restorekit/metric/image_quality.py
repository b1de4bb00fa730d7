"""PSNR and SSIM of a restored image against the clean one, one value per image.

Convention: data range 1. The restored image is first clamped to [0, 1], as writing it to a file
would. Colour images are measured over all channels, except by `psnr_y`, and no border is cropped.
"""

from __future__ import annotations

import pytorch_msssim
import torch
from torch import Tensor

from restorekit.errors import InputError
from restorekit.metric.base import Metric

_WINDOW_SIZE, _WINDOW_SIGMA = 11, 1.5
_LARGEST_PSNR = 100.0  # dB; equal images have an infinite one
_LUMA = (65.481, 128.553, 24.966)  # of ITU-R BT.601, from 16 to 235 of 255


class PSNR(Metric):
    """Peak signal-to-noise ratio, 10 log10(1 / MSE), of each image over all its values, in dB.

    Infinite where the images are equal. Higher is better.

    Args:
        clamp: False measures the restored image without clamping it to [0, 1].

    Example:
        >>> restorekit.create_metric("psnr")(batch - 0.1, batch)
        tensor([20., 20.])
    """

    name = "psnr"
    largest = _LARGEST_PSNR

    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The PSNR of each image, (B,)."""
        error = (restored - target).square().flatten(1).mean(dim=1)
        return -10.0 * error.log10()


class PSNRY(PSNR):
    """PSNR of the luma of colour images, in dB; of gray images the PSNR.

    The luma Y is that of ITU-R BT.601 with its range of 16 to 235, and the peak is 255: the
    convention of tables for super-resolution and compression. Higher is better.

    Args:
        clamp: False measures the restored image without clamping it to [0, 1].

    Example:
        >>> restorekit.create_metric("psnr_y")(batch - 0.1, batch)
        tensor([21.3219, 21.3219])
    """

    name = "psnr_y"

    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The PSNR of each image's luma, (B,)."""
        return super().measure(_luma(restored), _luma(target))


class SSIM(Metric):
    """Structural similarity of each image, at most 1. Higher is better.

    Gaussian window of 11 pixels and standard deviation 1.5, population variance, only windows
    wholly inside the image, the mean of the channels: what scikit-image's structural_similarity
    gives with gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.

    Args:
        clamp: False measures the restored image without clamping it to [0, 1].

    Example:
        >>> restorekit.create_metric("ssim")(batch, batch)
        tensor([1., 1.])
    """

    name = "ssim"
    least_side = _WINDOW_SIZE

    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The SSIM of each image, (B,)."""
        values: Tensor = pytorch_msssim.ssim(restored, target, **_OPTIONS)
        return values


class MSSSIM(Metric):
    """Multi-scale structural similarity of each image, at most 1. Higher is better.

    Five scales, each with the window of `ssim`, so that a side has at least 161 pixels.

    Args:
        clamp: False measures the restored image without clamping it to [0, 1].

    Example:
        >>> large = torch.nn.functional.interpolate(batch, size=176)
        >>> restorekit.create_metric("ms_ssim")(large, large)
        tensor([1., 1.])
    """

    name = "ms_ssim"
    # Halved four times, a side must still have one whole window; the library only asserts this.
    least_side = (_WINDOW_SIZE - 1) * 16 + 1

    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The MS-SSIM of each image, (B,)."""
        values: Tensor = pytorch_msssim.ms_ssim(restored, target, **_OPTIONS)
        return values


_OPTIONS = {
    # The default of pytorch-msssim is 255, which would make every value nearly 1.
    "data_range": 1.0,
    "size_average": False,
    "win_size": _WINDOW_SIZE,
    "win_sigma": _WINDOW_SIGMA,
}


def psnr(restored: Tensor, target: Tensor, *, clamp: bool = True) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(1 / MSE), of each image over all its values.

    Args:
        restored: (B, C, H, W); clamped to [0, 1] here.
        target: (B, C, H, W) in [0, 1].
        clamp: False measures `restored` as it is.

    Returns:
        (B,) in dB; infinite where the images are equal.

    Raises:
        InputError: the shapes differ or are not (B, C, H, W).

    Example:
        >>> target = torch.full((2, 3, 16, 16), 0.5)
        >>> restorekit.psnr(target + 0.1, target)
        tensor([20.0000, 20.0000])
    """
    values: Tensor = PSNR(clamp)(restored, target)
    return values


def psnr_y(restored: Tensor, target: Tensor) -> Tensor:
    """PSNR of the luma (ITU-R BT.601, 16 to 235 of 255) of each image; of gray images the PSNR.

    Args:
        restored: (B, 3, H, W) or (B, 1, H, W); clamped to [0, 1] here.
        target: of that shape, in [0, 1].

    Returns:
        (B,) in dB; infinite where the lumas are equal.

    Raises:
        InputError: the shapes differ, or the images have neither one nor three channels.

    Example:
        >>> target = torch.full((1, 1, 16, 16), 0.5)
        >>> psnr_y(target + 0.01, target).round()
        tensor([40.])
    """
    values: Tensor = PSNRY()(restored, target)
    return values


def ssim(restored: Tensor, target: Tensor) -> Tensor:
    """Structural similarity of each image (https://doi.org/10.1109/TIP.2003.819861).

    Args:
        restored: (B, C, H, W); clamped to [0, 1] here.
        target: (B, C, H, W) in [0, 1].

    Returns:
        (B,), at most 1. The class `SSIM` states the window.

    Raises:
        InputError: the shapes differ or are not (B, C, H, W), or a side is below 11 pixels.

    Example:
        >>> restorekit.ssim(batch, batch)
        tensor([1., 1.])
        >>> bool((restorekit.ssim(batch.flip(-1), batch) < 1).all())
        True
    """
    values: Tensor = SSIM()(restored, target)
    return values


def ms_ssim(restored: Tensor, target: Tensor) -> Tensor:
    """Multi-scale structural similarity of each image (https://doi.org/10.1109/ACSSC.2003.1292216).

    Args:
        restored: (B, C, H, W); clamped to [0, 1] here.
        target: (B, C, H, W) in [0, 1].

    Returns:
        (B,), at most 1.

    Raises:
        InputError: the shapes differ or are not (B, C, H, W), or a side is below 161 pixels.
    """
    values: Tensor = MSSSIM()(restored, target)
    return values


def _luma(images: Tensor) -> Tensor:
    """The luma (B, 1, H, W) of images; gray ones are their own."""
    channels = images.shape[1]
    if channels == 1:
        return images
    if channels != 3:
        raise InputError(f"psnr_y needs images of one or three channels, got {channels}")
    weights = torch.tensor(_LUMA, dtype=images.dtype, device=images.device) / 255
    return torch.einsum("c,bchw->bhw", weights, images)[:, None] + 16 / 255
