"""The data of an image layer through a denoiser; needs no napari."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import restorekit


def restore_layer_data(
    data: Any, *, rgb: bool = False, model: str = "auto", strength: float = 1.0, force: bool = False
) -> NDArray[Any]:
    """Restore each plane of the data of an image layer.

    Args:
        data: (..., H, W), or (..., H, W, C) if `rgb` is set; anything that numpy converts.
        rgb: whether the last axis has colours.
        model: the name of weights, a weights file, or "auto".
        strength: share of the change that is applied, from 0 to 1.
        force: whether pages and clean planes are restored too.

    Returns:
        The restored data, of the same shape and type.

    Raises:
        restorekit.RestoreKitError: the data or an option cannot be used.
    """
    array = np.asarray(data)
    planes = array if rgb else array[..., None]
    if planes.ndim < 3:
        raise restorekit.InputError(f"a layer has at least two axes, not {array.ndim}")
    # As one batch, all planes have the same black and white.
    stack = planes.reshape(-1, *planes.shape[-3:])
    restored: NDArray[Any] = restorekit.denoise(stack, model, strength=strength, force=force)
    return restored.reshape(array.shape)
