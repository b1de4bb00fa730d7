"""Deblurring, enlarging and filling images with any denoiser as the prior."""

from __future__ import annotations

from math import ceil
from os import PathLike, fsdecode
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from restorekit.errors import ArgumentError, InputError
from restorekit.networks.loading import ModelLike
from restorekit.pictures.tensors import read_image
from restorekit.restore.canvas import Canvas
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.image_types import open_image
from restorekit.restore.missing_pixels import from_around
from restorekit.restore.noise_estimation import estimate_sigma
from restorekit.restore.plug_and_play.degradation import Degradation
from restorekit.restore.plug_and_play.kernels import (
    Blur,
    Kernel,
    identity_kernel,
    read_kernel,
    reducing_kernel,
)
from restorekit.restore.plug_and_play.solver import Prior, solve

DEFAULT_PRIOR = "swift-gaussian"
LEAST_SIGMA = 1 / 255  # less is not trusted: the rounding of 8 bits and the kernel have errors
_LARGEST_SCALE = 4
_STEPS = 8
_FILL_STEPS = 16


def deblur(
    image: Any,
    blur: Blur,
    *,
    sigma: float | None = None,
    prior: ModelLike = DEFAULT_PRIOR,
    device: str = "auto",
) -> Any:
    """Sharpen an image whose blur is known.

    The clean image is found that explains the blurred one and that a denoiser takes for free of
    noise, by half-quadratic splitting (Zhang et al., Plug-and-Play Image Restoration with Deep
    Denoiser Prior, IEEE TPAMI 2021, https://arxiv.org/abs/2008.13751). The denoiser is applied
    eight times. What lies beyond the border is unknown, and estimated too.

    A wrong kernel gives ringing at edges. If there is some, use a narrower blur or a larger sigma.

    Args:
        image: a PIL image, a path, an array or a tensor, as for `Denoiser`.
        blur: a degradation by name and arguments ("blur(radius=1.5)", "motion_blur(length=9,
            angle=30)") or a module, whose arguments are fixed numbers; or the image of a point, in
            its middle: an array or tensor (h, w), or the `Path` of a picture.
        sigma: standard deviation of the noise on the scale of [0, 1]; None to estimate one level
            for all images. At least 1/255 is assumed.
        prior: a denoiser that uses sigma: the name of weights, a file, a run, a module, or a model
            without weights ("nlm").
        device: as for `Denoiser`.

    Returns:
        The sharp image, of the same kind, size, type and range.

    Raises:
        ArgumentError: `blur` is not a blur, or `prior` does not use sigma.
        InputError: the image is unsupported.

    Example:
        >>> sharp = restorekit.deblur(image, "blur(radius=1)", prior="tv")
        >>> sharp.shape, sharp.dtype
        ((32, 32, 3), dtype('uint8'))
    """
    kernel, remove = read_kernel(blur), _prior(prior, device)
    opened = open_image(image, None)
    observed = _read(opened.canvas)
    if sigma is None:
        sigma = float(estimate_sigma(observed).square().mean().sqrt())
    _write(opened.canvas, _restored(observed, kernel, 1, sigma, remove))
    return opened.finish()


def upscale(
    image: Any,
    scale: int,
    *,
    sigma: float = LEAST_SIGMA,
    prior: ModelLike = DEFAULT_PRIOR,
    device: str = "auto",
) -> Any:
    """Enlarge an image, and sharpen what was lost when it was made smaller.

    The image is taken for one that bicubic resizing with antialiasing made smaller, as of PIL. See
    `deblur` for the method. The denoiser is applied eight times to the large image.

    Args:
        image: as for `deblur`. An alpha channel is enlarged by repeating pixels.
        scale: by which height and width are multiplied, from 2 to 4.
        sigma: standard deviation of the noise on the scale of [0, 1], which is not estimated, since
            estimators take detail of single pixels for noise. At least 1/255 is assumed.
        prior, device: as for `deblur`.

    Returns:
        The large image, of the same kind, type and range.

    Raises:
        ArgumentError: `scale` is out of range, or `prior` does not use sigma.
        InputError: the image is unsupported.

    Example:
        >>> large = restorekit.upscale(image, 2, prior="tv")
        >>> large.shape
        (64, 64, 3)
    """
    if isinstance(scale, bool) or scale not in range(2, _LARGEST_SCALE + 1):
        raise ArgumentError(f"scale is a whole number from 2 to {_LARGEST_SCALE}, not {scale}")
    remove = _prior(prior, device)
    # A canvas for the result: the same kind of image in the new size, every pixel repeated.
    opened = open_image(_repeated(image, scale), None)
    observed = _read(opened.canvas)[..., ::scale, ::scale]
    _write(opened.canvas, _restored(observed, reducing_kernel(scale), scale, sigma, remove))
    return opened.finish()


def inpaint(
    image: Any,
    missing: Any,
    *,
    sigma: float = LEAST_SIGMA,
    prior: ModelLike = DEFAULT_PRIOR,
    device: str = "auto",
) -> Any:
    """Fill missing pixels: scratches, text, lost samples. All others stay as they are.

    See `deblur` for the method; the denoiser is applied 16 times. It continues edges and textures
    into gaps of a few pixels, and cannot invent what large areas showed.

    Args:
        image: as for `deblur`.
        missing: (H, W), an array, tensor or PIL image that is not 0 where a pixel is missing. These
            pixels may be NaN. Others that are NaN are not used, and stay so.
        sigma: standard deviation of the noise on the scale of [0, 1]; at least 1/255 is assumed.
        prior, device: as for `deblur`.

    Returns:
        The filled image, of the same kind, size, type and range.

    Raises:
        ArgumentError: `prior` does not use sigma.
        InputError: `missing` has another size than the image, no pixel is known, or the image is
            unsupported.

    Example:
        >>> missing = np.zeros((32, 32), bool)
        >>> missing[10:12] = True
        >>> filled = restorekit.inpaint(image, missing, prior="tv")
        >>> bool((filled[~missing] == image[~missing]).all())
        True
    """
    remove = _prior(prior, device)
    opened = open_image(image, None)
    observed = _read(opened.canvas)
    gaps = torch.as_tensor(np.asarray(missing) != 0).to(observed.device)
    if tuple(gaps.shape) != opened.canvas.size:
        raise InputError(
            f"the mask of missing pixels is {tuple(gaps.shape)}, the image {opened.canvas.size}"
        )
    known = ~gaps.expand(1, 1, -1, -1) & ~_fill_those_without_a_value(opened.canvas, gaps)
    if not bool(known.any()):
        raise InputError("all pixels are missing; there is nothing to fill them from")
    guess = from_around(observed * known, known.to(observed).expand_as(observed))
    kernel, level = identity_kernel(), _level(sigma)
    degradation = Degradation(kernel, 1, guess)
    filled = solve(observed, known, degradation, guess, level, remove, _FILL_STEPS, noise=True)
    _write(opened.canvas, torch.where(known, observed, filled))
    return opened.finish()


def _restored(observed: Tensor, kernel: Kernel, scale: int, sigma: float, prior: Prior) -> Tensor:
    """The image that was blurred by a kernel and then reduced by a scale."""
    # So many pixels beyond the border contributed to those within, and are estimated with them.
    border = ceil(kernel.reach / scale)
    sides = (border,) * 4
    wide = functional.pad(observed, sides, "replicate")
    known = functional.pad(torch.ones_like(observed[:1, :1]), sides) > 0
    guess = functional.interpolate(wide, scale_factor=float(scale), mode="bicubic")
    degradation = Degradation(kernel, scale, guess)
    image = solve(wide, known, degradation, guess, _level(sigma), prior, _STEPS)
    return functional.pad(image, (-border * scale,) * 4)


def _prior(model: ModelLike, device: str) -> Prior:
    """A model as a function of a batch on the scale of [0, 1] and its noise level."""
    denoiser = Denoiser(
        model,
        device=device,
        sigma=LEAST_SIGMA,
        black=0.0,
        white=1.0,
        alpha=False,
        force=True,
        impulses="off",
        stabilize="off",
        precision="float32",  # the levels of the last steps are below the rounding of bfloat16
    )
    if not denoiser.uses_sigma:
        raise ArgumentError(
            f"model '{denoiser.name}' does not use sigma; as a prior the strength of a denoiser "
            f"must be set, as that of '{DEFAULT_PRIOR}'"
        )
    return lambda image, sigma: denoiser.with_sigma(sigma)(image)


def _level(sigma: float) -> float:
    """A noise level, at least the smallest that is assumed."""
    if not 0 <= sigma <= 1:
        raise ArgumentError(f"sigma is from 0 to 1, on the scale of black 0 and white 1: {sigma}")
    return max(sigma, LEAST_SIGMA)


def _fill_those_without_a_value(canvas: Canvas, gaps: Tensor) -> Tensor:
    """Let the result have those pixels without a value, such as NaN, that are in the gaps.

    Returns:
        The mask of all pixels without a value, (1, 1, H, W).
    """
    if canvas.kept is None:
        return torch.zeros_like(gaps).expand(1, 1, -1, -1)
    empty, values = canvas.kept
    outside = ~gaps.to(empty.device).expand_as(empty)
    canvas.kept = empty & outside, values[outside[empty]]
    return empty.any(0, keepdim=True).any(1, keepdim=True).to(gaps.device)


def _read(canvas: Canvas) -> Tensor:
    """The whole image in float32."""
    everything = slice(None)
    return canvas.read(everything, everything, everything, torch.float32)


def _write(canvas: Canvas, image: Tensor) -> None:
    canvas.write(slice(None), slice(None), canvas.encode(image.clone()))


def _repeated(image: Any, scale: int) -> Any:
    """An image in which every pixel is a square of equal ones."""
    if isinstance(image, (str, PathLike)):
        image = read_image(fsdecode(image))
    if isinstance(image, Image.Image):
        size = (image.width * scale, image.height * scale)
        return image.resize(size, Image.Resampling.NEAREST)
    if isinstance(image, Tensor):
        return image.repeat_interleave(scale, -2).repeat_interleave(scale, -1)
    first = 1 if np.ndim(image) == 4 else 0
    return np.repeat(np.repeat(image, scale, first), scale, first + 1)
