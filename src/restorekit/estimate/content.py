"""What kind of picture a sample is."""

from __future__ import annotations

from dataclasses import dataclass

from restorekit.estimate.image_sample import ImageSample


@dataclass(frozen=True)
class Content:
    """What kind of picture it is.

    Attributes:
        black: share of the values that are black or below.
        white: share of the values that are white or above.
    """

    black: float
    white: float

    @property
    def words(self) -> str:
        """The finding in plain words."""
        return f"{self.black:.1%} of the values are black, {self.white:.1%} white"


class MeasureContent:
    """Measures what kind of picture it is; the result is a `Content`.

    Example:
        >>> from restorekit.estimate.image_sample import ImageSample
        >>> restorekit.create_measurement("content")(ImageSample.of(torch.ones(3, 32, 32)))
        Content(black=0.0, white=1.0)
    """

    def __call__(self, sample: ImageSample) -> Content:
        """Measure a sample."""
        values = sample.pieces
        return Content(float((values <= 0).float().mean()), float((values >= 1).float().mean()))
