"""BM3D by the package of its authors.

Dabov, Foi, Katkovnik and Egiazarian, Image Denoising by Sparse 3-D Transform-Domain Collaborative
Filtering, IEEE TIP 2007, https://doi.org/10.1109/TIP.2007.901238
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from restorekit.arch.classical.array_filter import Array, ArrayFilter
from restorekit.extras import needs


class PackagedBM3D(ArrayFilter):
    """BM3D from the package `bm3d`, which the extra `bm3d` installs; about a minute per megapixel.

    Colour images use CBM3D, matched by luminance. The profile "paper" is the normal one as
    published. The one of the package has changed since; it gains 0.1 dB in colour.

    Raises:
        MissingExtraError: bm3d is not installed.
    """

    name = "bm3d"
    smallest = 16  # two blocks

    def __init__(self, profile: Literal["np", "refilter", "vn", "high", "paper"]) -> None:
        super().__init__()
        needs("bm3d", "bm3d", f"model 'bm3d' with profile '{profile}'")
        self.profile = profile

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C): three channels together, other numbers one by one."""
        package = needs("bm3d", "bm3d", "model 'bm3d'")
        precise, profile = image.astype(np.float64), self._package_profile(package)
        if image.shape[2] == 3:
            with np.errstate(invalid="ignore", divide="ignore"):
                restored: Array = package.bm3d_rgb(precise, sigma, profile=profile)
            # Gray images stored as colour give NaN in the chrominance; these take the way below.
            if np.isfinite(restored).all():
                return restored
        channels = [package.bm3d(x, sigma, profile=profile) for x in np.moveaxis(precise, 2, 0)]
        return np.stack([channel.reshape(image.shape[:2]) for channel in channels], axis=2)

    def _package_profile(self, package: Any) -> Any:
        """The profile that the package is called with: a name, or an object for "paper"."""
        if self.profile != "paper":
            return self.profile
        profile = package.BM3DProfile()
        profile.lambda_thr3d = 2.7  # hard threshold in units of sigma; the package uses 3
        profile.mu2 = 1.0  # factor of the variance in the Wiener filter; the package uses 0.4
        profile.gamma = 0.0
        return profile
