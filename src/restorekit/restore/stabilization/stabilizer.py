"""Pieces of images on a scale where their noise has a constant level, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

import torch
from torch import Tensor

from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.noise_curve import NoiseCurve
from restorekit.restore.stabilization.anscombe import Anscombe, anscombe

Source = Literal["given", "trustworthy", "measured"]

_VALUES = 200_000  # of an image that determine its range
_TAILS = 0.001  # share of the values at each end that may lie outside the range
_MARGIN = 1.25  # width of the scale relative to the range
# Largest level that the network gets. Networks are trained with noise of up to 50/255.
_MOST = 50 / 255


@dataclass(frozen=True)
class ImageStabilizer:
    """The transform of one image. All channels share the scale, and so have the same noise level.

    Attributes:
        channels: the transform of each channel.
        low: transformed value that is 0 for the network.
        span: difference to the transformed value that is 1.
        curve: the noise curve of the mean over the channels.
        source: where the curve is from: given by the user, measured and trustworthy, or measured
            only.
    """

    channels: tuple[Anscombe, ...]
    low: float
    span: float
    curve: NoiseCurve
    source: Source

    @classmethod
    def of(
        cls, curves: Sequence[NoiseCurve], sample: ImageSample, source: Source = "given"
    ) -> ImageStabilizer:
        """Make the transform of an image.

        Args:
            curves: the noise curve of each channel; their gains are above 0.
            sample: a sample of the image, which determines the scale.
            source: see the attributes.
        """
        channels = tuple(map(anscombe, curves))
        values = sample.pieces.movedim(1, 0).flatten(1)
        values = values[:, :: max(1, values.numel() // _VALUES)]
        planes = zip(channels, _exact(values), strict=True)
        transformed = torch.cat([channel.forward(plane) for channel, plane in planes])
        ordered = transformed.sort().values
        tail = int(_TAILS * (len(ordered) - 1))
        low, high = float(ordered[tail]), float(ordered[len(ordered) - 1 - tail])
        span = max(_MARGIN * (high - low), 1 / _MOST)
        mean = NoiseCurve(fmean(c.gain for c in curves), fmean(c.variance for c in curves))
        return cls(channels, (low + high - span) / 2, span, mean, source)

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise on the scale of the network."""
        return 1 / self.span

    def forward(self, image: Tensor) -> Tensor:
        """Transform a piece (C, H, W) to the scale of the network."""
        planes = zip(self.channels, _exact(image), strict=True)
        transformed = torch.stack([channel.forward(plane) for channel, plane in planes])
        return ((transformed - self.low) / self.span).to(image.dtype)

    def inverse(self, restored: Tensor) -> Tensor:
        """The inverse of `forward` for a restored piece."""
        planes = zip(self.channels, _exact(restored) * self.span + self.low, strict=True)
        signals = torch.stack([channel.inverse(plane) for channel, plane in planes])
        return signals.to(restored.dtype)


@dataclass(frozen=True)
class Stabilizer:
    """The transforms of a batch of images.

    Attributes:
        images: the transform of each image; None for those that are not transformed.
    """

    images: tuple[ImageStabilizer | None, ...]

    def of(self, samples: slice) -> Stabilizer:
        """The transforms of some images of the batch."""
        return Stabilizer(self.images[samples])

    def sigma(self, untransformed: Tensor) -> Tensor:
        """Standard deviation of the noise that the network gets, (B, C or 1, 1, 1).

        Args:
            untransformed: that of images that are not transformed, of the same shape.
        """
        levels = untransformed.clone()
        for level, image in zip(levels, self.images, strict=True):
            if image is not None:
                level.fill_(image.sigma)
        return levels

    def around(self, run: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
        """Run a network on the transformed images (B, C, H, W), and invert the transform."""
        given = [
            piece if image is None else image.forward(piece)
            for image, piece in zip(self.images, noisy, strict=True)
        ]
        restored = run(torch.stack(given))
        made = [
            piece if image is None else image.inverse(piece)
            for image, piece in zip(self.images, restored, strict=True)
        ]
        return torch.stack(made)


def _exact(values: Tensor) -> Tensor:
    """Values in double precision, if the device has it: counts may be large and close together."""
    return values if values.device.type == "mps" else values.double()
