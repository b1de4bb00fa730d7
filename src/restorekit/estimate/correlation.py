"""The correlation of the noise between neighbouring pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.noise_spectrum import luma_and_chroma


@dataclass(frozen=True)
class Correlation:
    """How coarse the noise is, as the blur of white noise with the same autocorrelation.

    A length is the standard deviation in pixels of a Gaussian, as that of
    `scipy.ndimage.gaussian_filter`. The autocorrelation of noise with that length falls to 1/e at
    twice the length. Lengths below about 0.45 pixels count as 0, which is white noise.

    Attributes:
        luma: lengths along the vertical and the horizontal axis; those of the mean of the channels
            of pictures that do not have three.
        chroma: lengths of the noise of the colour; None unless the picture has three channels.
        confidence: of luma, from 0 to 1. Below about 0.4 texture hides the noise.
        chroma_confidence: of chroma.
    """

    luma: tuple[float, float]
    chroma: tuple[float, float] | None
    confidence: float
    chroma_confidence: float

    @property
    def is_white(self) -> bool:
        """Whether the noise of neighbouring pixels is independent."""
        return not any(self.luma) and not any(self.chroma or ())

    @property
    def words(self) -> str:
        """The finding in plain words."""
        if self.is_white:
            return "none; the noise is white"
        found = [f"{math.sqrt(math.prod(self.luma)):.1f} pixels"]
        if self.chroma is not None:
            found.append(f"{math.sqrt(math.prod(self.chroma)):.1f} in chroma")
        return ", ".join(found) + f" (confidence {self.confidence:.2f})"


class MeasureCorrelation:
    """Measures how coarse the noise is; the result is a `Correlation`.

    Example:
        >>> from restorekit.estimate.image_sample import ImageSample
        >>> noisy = 0.5 + 0.1 * torch.randn(3, 128, 128)
        >>> restorekit.create_measurement("correlation")(ImageSample.of(noisy)).is_white
        True
    """

    def __call__(self, sample: ImageSample) -> Correlation:
        """Measure a sample."""
        luma, chroma = luma_and_chroma(sample)
        return Correlation(
            luma.blur,
            None if chroma is None else chroma.blur,
            luma.confidence,
            0.0 if chroma is None else chroma.confidence,
        )
