"""Wavelet shrinkage.

Chang, Yu and Vetterli, Adaptive Wavelet Thresholding for Image Denoising and Compression, IEEE TIP
2000, https://doi.org/10.1109/83.862633
"""

from __future__ import annotations

from restorekit.arch.classical.base import Array, Classical
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.extras import needs


class Wavelet(Classical):
    """BayesShrink: soft thresholding of wavelet coefficients; colour images in YCbCr.

    Uses `denoise_wavelet` of scikit-image, which the extra `classical` installs with PyWavelets.

    Reference: https://doi.org/10.1109/83.862633

    Args:
        wavelet: Name of a discrete wavelet of PyWavelets.

    Raises:
        ArgumentError: the name is unknown.
        MissingExtraError: scikit-image or PyWavelets is not installed.

    Example:
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 32, 32)
        >>> restored = restorekit.create_model("wavelet")(noisy, torch.full((1, 1, 1, 1), 0.1))
        >>> bool(restored.std() < noisy.std())
        True
    """

    name = "wavelet"
    smallest = 32  # in smaller images the border affects the coefficients of every scale

    def __init__(self, wavelet: str = "db2") -> None:
        super().__init__()
        needs("skimage.restoration", "classical", "model 'wavelet'")
        known = needs("pywt", "classical", "model 'wavelet'").wavelist(kind="discrete")
        if wavelet not in known:
            raise ArgumentError(
                f"model 'wavelet': no discrete wavelet '{wavelet}'.{did_you_mean(wavelet, known)}"
            )
        self.wavelet = wavelet

    def filter(self, image: Array, sigma: float) -> Array:
        """Restore one image, (H, W, C)."""
        skimage = needs("skimage.restoration", "classical", "model 'wavelet'")
        restored: Array = skimage.denoise_wavelet(
            image,
            sigma=sigma,
            wavelet=self.wavelet,
            method="BayesShrink",
            mode="soft",
            convert2ycbcr=image.shape[2] == 3,
            rescale_sigma=True,
            channel_axis=-1,
        )
        return restored
