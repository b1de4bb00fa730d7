"""Total variation denoising.

Chambolle, An Algorithm for Total Variation Minimization and Applications, JMIV 2004,
https://doi.org/10.1023/B:JMIV.0000011325.36760.1e, of the model of Rudin, Osher and Fatemi.
"""

from __future__ import annotations

from restorekit.arch.classical.array_filter import Array, ArrayFilter
from restorekit.arch.padding import check_positive
from restorekit.extras import needs


class TV(ArrayFilter):
    """Minimise total variation plus distance to the noisy image, for each channel separately.

    Uses `denoise_tv_chambolle` of scikit-image, which the extra `classical` installs.

    Reference: https://doi.org/10.1023/B:JMIV.0000011325.36760.1e

    Args:
        strength: Weight of the total variation in units of sigma. The default is best on
            photographs at sigma 25/255; the best value grows slightly with the noise.

    Raises:
        ArgumentError: `strength` is not positive.
        MissingExtraError: scikit-image is not installed.

    Example:
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
        >>> restored = restorekit.create_model("tv")(noisy, torch.full((1, 1, 1, 1), 0.1))
        >>> bool(restored.std() < noisy.std())
        True
    """

    name = "tv"

    def __init__(self, strength: float = 0.7) -> None:
        super().__init__()
        check_positive("tv", strength=strength)
        self.strength = strength
        needs("skimage.restoration", "classical", "model 'tv'")

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C)."""
        skimage = needs("skimage.restoration", "classical", "model 'tv'")
        restored: Array = skimage.denoise_tv_chambolle(
            image, weight=self.strength * sigma, channel_axis=-1
        )
        return restored
