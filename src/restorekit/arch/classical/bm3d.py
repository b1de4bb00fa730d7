"""BM3D, block matching and 3D filtering.

Dabov, Foi, Katkovnik and Egiazarian, Image Denoising by Sparse 3-D Transform-Domain Collaborative
Filtering, IEEE TIP 2007, https://doi.org/10.1109/TIP.2007.901238
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from restorekit.arch.classical.base import Array, Classical
from restorekit.extras import needs


class BM3D(Classical):
    """BM3D of its authors' own package; colour images as CBM3D, matched by their luminance.

    The package `bm3d` comes with the extra `bm3d` and not with anything else: its licence allows
    non-commercial use only, unlike that of this library. It takes about a minute per megapixel.

    Reference: https://doi.org/10.1109/TIP.2007.901238

    Args:
        profile: The authors' settings: "np" is the normal profile, "refilter" their newer one,
            "vn" for much noise, "high" for quality.

    Raises:
        MissingExtraError: bm3d is not installed.
    """

    name = "bm3d"
    smallest = 16  # two blocks

    def __init__(self, profile: Literal["np", "refilter", "vn", "high"] = "np") -> None:
        super().__init__()
        needs("bm3d", "bm3d", "model 'bm3d'")
        self.profile = profile

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C); three channels together, any others each on its own."""
        package = needs("bm3d", "bm3d", "model 'bm3d'")
        given = image.astype(np.float64)
        if image.shape[2] == 3:
            with np.errstate(invalid="ignore", divide="ignore"):
                restored: Array = package.bm3d_rgb(given, sigma, profile=self.profile)
            if np.isfinite(restored).all():  # it is not where the image has no colour
                return restored
        channels = [package.bm3d(x, sigma, profile=self.profile) for x in np.moveaxis(given, 2, 0)]
        return np.stack([channel.reshape(image.shape[:2]) for channel in channels], axis=2)
