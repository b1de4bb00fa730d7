"""Non-local means.

Buades, Coll and Morel, A Non-Local Algorithm for Image Denoising, CVPR 2005,
https://doi.org/10.1109/CVPR.2005.38
"""

from __future__ import annotations

from restorekit.arch.classical.array_filter import Array, ArrayFilter
from restorekit.arch.padding import check_at_most, check_positive
from restorekit.extras import needs

_LARGEST = 31  # pixels; a megapixel takes minutes then


class NLM(ArrayFilter):
    """Weighted mean of pixels with similar surroundings, over all channels together.

    Uses `denoise_nl_means` of scikit-image in its fast mode, which subtracts the expected
    contribution of the noise from the distances. The extra `classical` installs it.

    Reference: https://doi.org/10.1109/CVPR.2005.38

    Args:
        patch_size: Side of the compared patches in pixels, at most 31.
        patch_distance: Greatest distance of the compared patches in pixels, at most 31.
        strength: Cut-off of the distances in units of sigma; larger values smooth more.

    Raises:
        ArgumentError: an argument is not positive, or more than 31 pixels.
        MissingExtraError: scikit-image is not installed.

    Example:
        >>> model = restorekit.create_model("nlm", patch_size=3)
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
        >>> bool(model(noisy, torch.full((1, 1, 1, 1), 0.1)).std() < noisy.std())
        True
    """

    name = "nlm"
    smallest = 8

    def __init__(self, patch_size: int = 5, patch_distance: int = 6, strength: float = 0.6) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.patch_distance = patch_distance
        self.strength = strength
        check_positive(
            "nlm", patch_size=patch_size, patch_distance=patch_distance, strength=strength
        )
        check_at_most(_LARGEST, "nlm", patch_size=patch_size, patch_distance=patch_distance)
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
