"""The noise level of any image, in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from restorekit.errors import warn
from restorekit.pictures.value_ranges import check_range
from restorekit.restore.denoise_options import RangeEnd
from restorekit.restore.image_types import open_image
from restorekit.restore.noise_estimation import DEFAULT, EstimatorSpec
from restorekit.restore.noise_level import estimated_level
from restorekit.restore.pixel_meaning import PixelMeaning


def estimate_noise(
    image: Any,
    estimator: EstimatorSpec = DEFAULT,
    *,
    black: RangeEnd = "auto",
    white: RangeEnd = "auto",
    alpha: bool = True,
) -> Tensor:
    """Estimate the standard deviation of the noise in an image, as `denoise` does.

    Args:
        image: any image that `Denoiser` takes.
        estimator: an estimator by name ("mad", "block_dct:blocks=4096"),
            {"name": ..., argument: ...}, or an object.
        black: the value of black; "auto" finds it.
        white: the value of white.
        alpha: whether the last of two or four channels is alpha, which is not measured.

    Returns:
        The standard deviation for each channel, (C,), or (B, C) for a batch, float32, on a scale
        with black 0 and white 1. Multiply it by 255 for 8-bit levels.

    Raises:
        InputError: the image is invalid.
        ImageFileError: the file cannot be read.
        UnknownNameError: there is no such estimator.

    Warns:
        RestoreWarning: black and white were taken from the values.

    Example:
        >>> noisy = torch.normal(0.5, 0.1, (3, 64, 64), generator=torch.Generator().manual_seed(0))
        >>> [round(sigma, 1) for sigma in restorekit.estimate_noise(noisy).tolist()]
        [0.1, 0.1, 0.1]
    """
    meaning = PixelMeaning(*check_range(black, white), has_alpha=alpha)
    canvas = open_image(image, channels=None, meaning=meaning).canvas
    if canvas.words:
        warn(canvas.words)
    sigma = estimated_level(canvas, estimator).sigma[:, :, 0, 0]
    is_batch = isinstance(image, np.ndarray | Tensor) and image.ndim == 4
    return sigma if is_batch else sigma[0]
