"""BM3D, block matching and 3D filtering.

Dabov, Foi, Katkovnik and Egiazarian, Image Denoising by Sparse 3-D Transform-Domain Collaborative
Filtering, IEEE TIP 2007, https://doi.org/10.1109/TIP.2007.901238
"""

from __future__ import annotations

from typing import Any, Literal

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
            "vn" for much noise, "high" for quality. "paper" is the normal profile as published:
            the package's own has other thresholds by now, and gives 0.1 dB more in colour.

    Raises:
        MissingExtraError: bm3d is not installed.
    """

    name = "bm3d"
    smallest = 16  # two blocks

    def __init__(self, profile: Literal["np", "refilter", "vn", "high", "paper"] = "np") -> None:
        super().__init__()
        needs("bm3d", "bm3d", "model 'bm3d'")
        self.profile = profile

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C); three channels together, any others each on its own."""
        package = needs("bm3d", "bm3d", "model 'bm3d'")
        given, profile = image.astype(np.float64), self._profile_of(package)
        if image.shape[2] == 3:
            with np.errstate(invalid="ignore", divide="ignore"):
                restored: Array = package.bm3d_rgb(given, sigma, profile=profile)
            if np.isfinite(restored).all():  # it is not where the image has no colour
                return restored
        channels = [package.bm3d(x, sigma, profile=profile) for x in np.moveaxis(given, 2, 0)]
        return np.stack([channel.reshape(image.shape[:2]) for channel in channels], axis=2)

    def _profile_of(self, package: Any) -> Any:
        """The profile as the package takes it: by name, or made."""
        if self.profile != "paper":
            return self.profile
        made = package.BM3DProfile()
        made.lambda_thr3d = 2.7  # of sigma; the package has 3
        made.mu2 = 1.0  # of the variance in Wiener's filter; the package has 0.4
        made.gamma = 0.0
        return made
