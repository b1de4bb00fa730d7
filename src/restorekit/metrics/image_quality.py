"""Measures of a restored image against the clean one, one value per image.

Convention: data range 1; the restored image is clamped to [0, 1] first, as writing it to a file
would; colour images are measured over all channels, with no conversion to luminance and no
cropped border.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytorch_msssim
import torch
from torch import Tensor

from restorekit.errors import InputError

_WINDOW_SIZE, _WINDOW_SIGMA = 11, 1.5


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
    """
    restored, target = _prepare(restored, target, clamp)
    error = (restored - target).square().flatten(1).mean(dim=1)
    return -10.0 * error.log10()


def ssim(restored: Tensor, target: Tensor) -> Tensor:
    """Structural similarity of each image (https://doi.org/10.1109/TIP.2003.819861).

    Gaussian window of 11 pixels and standard deviation 1.5, population variance, only windows
    wholly inside the image, the mean of the channels: what scikit-image's structural_similarity
    gives with gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.

    Args:
        restored: (B, C, H, W); clamped to [0, 1] here.
        target: (B, C, H, W) in [0, 1].

    Returns:
        (B,), at most 1.

    Raises:
        InputError: the shapes differ or are not (B, C, H, W), or a side is below 11 pixels.
    """
    restored, target = _prepare(restored, target)
    _check_side("ssim", restored)
    with torch.autocast(restored.device.type, enabled=False):
        values: Tensor = pytorch_msssim.ssim(
            restored,
            target,
            data_range=1.0,
            size_average=False,
            win_size=_WINDOW_SIZE,
            win_sigma=_WINDOW_SIGMA,
        )
    return values


def ms_ssim(restored: Tensor, target: Tensor) -> Tensor:
    """Multi-scale structural similarity of each image (https://doi.org/10.1109/ACSSC.2003.1292216).

    Five scales, each with the window of `ssim`.

    Args:
        restored: (B, C, H, W); clamped to [0, 1] here.
        target: (B, C, H, W) in [0, 1].

    Returns:
        (B,), at most 1.

    Raises:
        InputError: the shapes differ or are not (B, C, H, W), or a side is below 161 pixels.
    """
    restored, target = _prepare(restored, target)
    _check_side("ms_ssim", restored)
    with torch.autocast(restored.device.type, enabled=False):
        values: Tensor = pytorch_msssim.ms_ssim(
            restored,
            target,
            data_range=1.0,
            size_average=False,
            win_size=_WINDOW_SIZE,
            win_sigma=_WINDOW_SIGMA,
        )
    return values


# Every metric by name; higher is better for all.
METRICS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "psnr": psnr,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
}
# The smallest side of an image that a metric can measure.
LEAST_SIDE = {"psnr": 1, "ssim": _WINDOW_SIZE, "ms_ssim": (_WINDOW_SIZE - 1) * 16 + 1}


def _check_side(name: str, images: Tensor) -> None:
    height, width = images.shape[-2:]
    if min(height, width) < (least := LEAST_SIDE[name]):
        raise InputError(
            f"{name} needs images of at least {least}x{least} pixels, got {height}x{width}"
        )


def _prepare(restored: Tensor, target: Tensor, clamp: bool = True) -> tuple[Tensor, Tensor]:
    """Both images in at least float32; in float64 where cuDNN would filter float32 in TF32."""
    if restored.ndim != 4 or restored.shape != target.shape:
        raise InputError(
            "a metric needs two batches of one shape (B, C, H, W), "
            f"got {tuple(restored.shape)} and {tuple(target.shape)}"
        )
    least = torch.float64 if restored.is_cuda else torch.float32
    dtype = torch.promote_types(torch.promote_types(restored.dtype, target.dtype), least)
    restored = restored.to(dtype)
    return restored.clamp(0.0, 1.0) if clamp else restored, target.to(dtype)
