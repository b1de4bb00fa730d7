"""Restoring one image in one call."""

from __future__ import annotations

from os import PathLike
from typing import Any, overload

import torch
from PIL import Image

from restorekit.networks.loading import ModelLike
from restorekit.restore.denoiser import DEFAULT_MODEL, Denoiser, ImageT, RangeEnd
from restorekit.restore.noise_level import Sigma
from restorekit.restore.tiles.tile_size import TileSize


@overload
def denoise(
    image: ImageT,
    model: ModelLike = ...,
    sigma: Sigma | None = ...,
    strength: float = ...,
    keep_detail: float = ...,
    ensemble: bool = ...,
    tile: TileSize = ...,
    precision: str = ...,
    device: str | torch.device = ...,
    black: RangeEnd = ...,
    white: RangeEnd = ...,
    alpha: bool = ...,
    force: bool = ...,
    noise_map: bool = ...,
    runtime: str = ...,
) -> ImageT: ...
@overload
def denoise(
    image: str | PathLike[str],
    model: ModelLike = ...,
    sigma: Sigma | None = ...,
    strength: float = ...,
    keep_detail: float = ...,
    ensemble: bool = ...,
    tile: TileSize = ...,
    precision: str = ...,
    device: str | torch.device = ...,
    black: RangeEnd = ...,
    white: RangeEnd = ...,
    alpha: bool = ...,
    force: bool = ...,
    noise_map: bool = ...,
    runtime: str = ...,
) -> Image.Image: ...
def denoise(
    image: Any,
    model: ModelLike = DEFAULT_MODEL,
    sigma: Sigma | None = None,
    strength: float = 1.0,
    keep_detail: float = 0.0,
    ensemble: bool = False,
    tile: TileSize = "auto",
    precision: str = "auto",
    device: str | torch.device = "auto",
    black: RangeEnd = "auto",
    white: RangeEnd = "auto",
    alpha: bool = True,
    force: bool = False,
    noise_map: bool = False,
    runtime: str = "torch",
) -> object:
    """Restore one image. For several images use a `Denoiser`, which loads the network once.

    Args:
        image: a PIL image, a path, an array or a tensor; see `Denoiser`.
        model: the name of bundled weights, a weights file, the folder of a run, or a module.
        **options: the other keywords are those of `Denoiser`.

    Returns:
        The restored image, of the same kind, size, type and range as `image`; a PIL image for a
        path.

    Raises:
        InputError: the image has an unsupported kind, shape, type or range of values.
        ImageFileError: the file cannot be read.
        ArgumentError: an option has an invalid value.
        CheckpointError: the weights cannot be loaded.

    Example:
        >>> noisy = (image + 25 * np.random.default_rng(0).standard_normal(image.shape))
        >>> noisy = noisy.clip(0, 255).astype(np.uint8)
        >>> restored = restorekit.denoise(noisy)
        >>> restored.shape, restored.dtype
        ((32, 32, 3), dtype('uint8'))
    """
    denoiser = Denoiser(
        model,
        sigma=sigma,
        strength=strength,
        keep_detail=keep_detail,
        ensemble=ensemble,
        tile=tile,
        precision=precision,
        device=device,
        black=black,
        white=white,
        alpha=alpha,
        force=force,
        noise_map=noise_map,
        runtime=runtime,
    )
    return denoiser(image)
