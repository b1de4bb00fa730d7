"""Wavelet shrinkage.

Chang, Yu and Vetterli, Adaptive Wavelet Thresholding for Image Denoising and Compression, IEEE TIP
2000, https://doi.org/10.1109/83.862633
"""

from __future__ import annotations

from restorekit.arch.classical.base import Array, Classical
from restorekit.errors import ArgumentError, did_you_mean
from restorekit.extras import needs


class Wavelet(Classical):
    """BayesShrink: soft thresholds of wavelet coefficients, colour in luminance and chrominance.

    scikit-image's denoise_wavelet; the extra `classical` brings it and PyWavelets.

    Reference: https://doi.org/10.1109/83.862633

    Args:
        wavelet: A discrete wavelet of PyWavelets by name.

    Raises:
        ArgumentError: there is no such wavelet.
        MissingExtraError: scikit-image or PyWavelets is not installed.
    """

    name = "wavelet"
    smallest = 32  # fewer pixels have no scale that is free of the border

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
