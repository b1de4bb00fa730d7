"""Deblurring, enlarging and filling images with any denoiser as the prior."""

from __future__ import annotations

from os import PathLike, fsdecode
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restorekit.errors import ArgumentError
from restorekit.former_names import warn_former
from restorekit.networks.loading import ModelLike
from restorekit.pictures.tensors import read_image, state_size
from restorekit.restore.image_types import OpenedImage, open_image
from restorekit.restore.plug_and_play.kernels import Blur, read_kernel
from restorekit.restore.plug_and_play.prior import DEFAULT_MODEL, LEAST_SIGMA, make_prior
from restorekit.restore.plug_and_play.problems import (
    LARGEST_FACTOR,
    Blurred,
    Incomplete,
    Problem,
    Reduced,
    check_level,
)
from restorekit.restore.tiles.tile_size import TileSize, check_tile


def deblur(
    image: Any,
    blur: Blur,
    *,
    sigma: float | None = None,
    model: ModelLike = DEFAULT_MODEL,
    device: str = "auto",
    tile: TileSize = "auto",
    prior: ModelLike | None = None,
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
            angle=30)", or in short "gaussian:1.5" and "motion:9,30") or a module, whose arguments
            are fixed numbers; or the image of a point, in its middle: an array or tensor (h, w), or
            the `Path` of a picture.
        sigma: standard deviation of the noise on the scale of [0, 1]; None to estimate that of each
            image. At least 1/255 is assumed.
        model: a denoiser that uses sigma, which serves as the prior: the name of weights, a file, a
            run, a module, or a model without weights ("nlm").
        device: as for `Denoiser`.
        tile: largest side in pixels of the parts in which a large image is solved; "off" or None
            solves it whole. "auto" solves it whole if enough memory is free. The parts overlap, so
            that seams are invisible.
        prior: the former name of `model`.

    Returns:
        The sharp image, of the same kind, size, type and range.

    Raises:
        ArgumentError: `blur` is not a blur, `sigma` is out of range, or `model` does not use sigma.
        InputError: the image is unsupported or smaller than the blur, or too little memory is free.

    Example:
        >>> sharp = restorekit.deblur(image, "blur(radius=1)", model="tv")
        >>> sharp.shape, sharp.dtype
        ((32, 32, 3), dtype('uint8'))
    """
    problem = deblurring(blur, sigma, _present_model(model, prior), device, tile)
    return _solved(open_image(image, None), problem)


def upscale(
    image: Any,
    scale: int,
    *,
    sigma: float = LEAST_SIGMA,
    model: ModelLike = DEFAULT_MODEL,
    device: str = "auto",
    tile: TileSize = "auto",
    prior: ModelLike | None = None,
) -> Any:
    """Enlarge an image, and sharpen what was lost when it was made smaller.

    The image is taken for one that bicubic resizing with antialiasing made smaller, as of PIL. See
    `deblur` for the method. The denoiser is applied eight times to the large image.

    Args:
        image: as for `deblur`. An alpha channel is enlarged by repeating pixels.
        scale: by which height and width are multiplied, from 2 to 4.
        sigma: standard deviation of the noise on the scale of [0, 1], which is not estimated, since
            estimators take detail of single pixels for noise. At least 1/255 is assumed.
        model, device, tile, prior: as for `deblur`.

    Returns:
        The large image, of the same kind, type and range.

    Raises:
        ArgumentError: `scale` is out of range, or `model` does not use sigma.
        InputError: the image is unsupported.

    Example:
        >>> large = restorekit.upscale(image, 2, model="tv")
        >>> large.shape
        (64, 64, 3)
    """
    problem = enlarging(scale, sigma, _present_model(model, prior), device, tile)
    # The same kind of image in the new size, every pixel repeated.
    return _solved(open_image(repeated(image, scale), None), problem)


def inpaint(
    image: Any,
    missing: Any,
    *,
    sigma: float = LEAST_SIGMA,
    model: ModelLike = DEFAULT_MODEL,
    device: str = "auto",
    tile: TileSize = "auto",
    prior: ModelLike | None = None,
) -> Any:
    """Fill missing pixels: scratches, text, lost samples. All others stay as they are.

    See `deblur` for the method; the denoiser is applied 16 times. It continues edges and textures
    into gaps of a few pixels, and cannot invent what large areas showed.

    Args:
        image: as for `deblur`.
        missing: (H, W), an array, tensor or PIL image that is not 0 where a pixel is missing. These
            pixels may be NaN. Others that are NaN are not used, and stay so.
        sigma: standard deviation of the noise on the scale of [0, 1]; at least 1/255 is assumed.
        model, device, tile, prior: as for `deblur`.

    Returns:
        The filled image, of the same kind, size, type and range.

    Raises:
        ArgumentError: `model` does not use sigma.
        InputError: `missing` has another size than the image, no pixel is known, or the image is
            unsupported.

    Example:
        >>> missing = np.zeros((32, 32), bool)
        >>> missing[10:12] = True
        >>> filled = restorekit.inpaint(image, missing, model="tv")
        >>> bool((filled[~missing] == image[~missing]).all())
        True
    """
    problem = filling(missing, sigma, _present_model(model, prior), device, tile)
    return _solved(open_image(image, None), problem)


def enlarging(
    factor: object, sigma: float, model: ModelLike, device: str, tile: TileSize = "auto"
) -> Reduced:
    """The problem of `upscale`, its arguments checked.

    Raises:
        ArgumentError: as for `upscale`.
    """
    if isinstance(factor, bool) or factor not in range(2, LARGEST_FACTOR + 1):
        raise ArgumentError(f"scale is a whole number from 2 to {LARGEST_FACTOR}, not {factor!r}")
    return Reduced(
        int(str(factor)), check_level(sigma), make_prior(model, device), check_tile(tile)
    )


def deblurring(
    blur: Blur, sigma: float | None, model: ModelLike, device: str, tile: TileSize = "auto"
) -> Blurred:
    """The problem of `deblur`, its arguments checked.

    Raises:
        ArgumentError: as for `deblur`.
    """
    level = None if sigma is None else check_level(sigma)
    return Blurred(read_kernel(blur), level, make_prior(model, device), check_tile(tile))


def filling(
    missing: Any, sigma: float, model: ModelLike, device: str, tile: TileSize = "auto"
) -> Incomplete:
    """The problem of `inpaint`, its arguments checked.

    Raises:
        ArgumentError: as for `inpaint`.
    """
    gaps = torch.as_tensor(np.asarray(missing) != 0)
    return Incomplete(gaps, check_level(sigma), make_prior(model, device), check_tile(tile))


def _solved(opened: OpenedImage, problem: Problem) -> Any:
    problem.solve(opened.canvas)
    return opened.finish()


def _present_model(model: ModelLike, prior: ModelLike | None) -> ModelLike:
    """The argument `model`, which was called `prior`.

    Warns:
        DeprecationWarning: the former name is used.
    """
    if prior is None:
        return model
    warn_former("prior=", "model=", stacklevel=4)
    return prior


def repeated(image: Any, scale: int) -> Any:
    """An image in which every pixel is a square of equal ones, with metadata of its size."""
    if isinstance(image, (str, PathLike)):
        image = read_image(fsdecode(image))
    if isinstance(image, Image.Image):
        size = (image.width * scale, image.height * scale)
        large = image.resize(size, Image.Resampling.NEAREST)
        state_size(image, large)
        return large
    if isinstance(image, Tensor):
        return image.repeat_interleave(scale, -2).repeat_interleave(scale, -1)
    first = 1 if np.ndim(image) == 4 else 0
    return np.repeat(np.repeat(image, scale, first), scale, first + 1)
