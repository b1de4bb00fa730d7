"""Non-local means.

Buades, Coll and Morel, A Non-Local Algorithm for Image Denoising, CVPR 2005,
https://doi.org/10.1109/CVPR.2005.38
"""

from __future__ import annotations

from restorekit.arch.classical.base import Array, Classical
from restorekit.errors import ArgumentError
from restorekit.extras import needs

_LARGEST = 31  # pixels; a megapixel takes minutes


class NLM(Classical):
    """Each pixel becomes the mean of those whose surroundings look alike, all channels together.

    scikit-image's denoise_nl_means in its fast form, which takes the noise's share off the
    distances; the extra `classical` brings it.

    Reference: https://doi.org/10.1109/CVPR.2005.38

    Args:
        patch_size: Side in pixels of the patches that are compared, at most 31.
        patch_distance: How many pixels away, at most, they are sought; at most 31.
        strength: Cut-off of the distances in units of sigma; more smooths more.

    Raises:
        ArgumentError: an argument is not positive, or more than 31 pixels.
        MissingExtraError: scikit-image is not installed.
    """

    name = "nlm"
    smallest = 8

    def __init__(self, patch_size: int = 5, patch_distance: int = 6, strength: float = 0.6) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.patch_distance = patch_distance
        self.strength = strength
        for argument in ("patch_size", "patch_distance", "strength"):
            if (value := getattr(self, argument)) <= 0:
                raise ArgumentError(f"model 'nlm': argument '{argument}' is positive, not {value}")
            if argument != "strength" and value > _LARGEST:
                raise ArgumentError(
                    f"model 'nlm': argument '{argument}' must be at most {_LARGEST}, not {value}"
                )
        needs("skimage.restoration", "classical", "model 'nlm'")

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C)."""
        skimage = needs("skimage.restoration", "classical", "model 'nlm'")
        restored: Array = skimage.denoise_nl_means(
            image,
            patch_size=self.patch_size,
            patch_distance=self.patch_distance,
            h=self.strength * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=-1,
        )
        return restored
