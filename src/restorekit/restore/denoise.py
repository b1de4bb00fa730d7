"""Restoring one image in one call."""

from __future__ import annotations

from typing import Any, Unpack, overload

from PIL import Image

from restorekit.networks.loading import ModelLike
from restorekit.restore.denoise_options import DEFAULT_MODEL, DenoiseKeywords, show_options
from restorekit.restore.denoiser import Denoiser, ImageSource, ImageT

# The options that could be given by position before they became keywords, in this order.
_BY_POSITION = (
    *("sigma", "strength", "keep_detail", "ensemble", "tile", "precision", "device", "black"),
    *("white", "alpha", "force", "noise_map", "runtime"),
)


@overload
def denoise(
    image: ImageT, model: ModelLike = ..., **options: Unpack[DenoiseKeywords]
) -> ImageT: ...
@overload
def denoise(
    image: ImageSource, model: ModelLike = ..., **options: Unpack[DenoiseKeywords]
) -> Image.Image: ...
@show_options(DenoiseKeywords)
def denoise(
    image: Any,
    model: ModelLike = DEFAULT_MODEL,
    *values: Any,
    **options: Unpack[DenoiseKeywords],
) -> object:
    """Restore one image. For several images use a `Denoiser`, which loads the network once.

    An image without noise worth removing, a page or line art is returned unchanged, unless `force`
    is True. The reason is logged on level INFO, and is the field `left_alone` of what
    `Denoiser.restore` returns.

    Args:
        image: a PIL image, a path, the bytes of a picture file, a stream of them, an array or a
            tensor; see `Denoiser`.
        model: the name of bundled weights, a weights file, the folder of a run, or a module.
        **options: the keywords of `Denoiser`.

    Returns:
        The restored image, of the same kind, size, type and range as `image`; a PIL image for a
        path or bytes.

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
    by_position: dict[str, Any] = dict(zip(_BY_POSITION[: len(values)], values, strict=True))
    return Denoiser(model, **by_position, **options)(image)
