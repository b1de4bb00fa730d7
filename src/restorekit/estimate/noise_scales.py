"""The level of the noise at several scales, for each channel, and for luma and chroma."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from restorekit.estimate.doubled_pixels import averaged_squares, doubled_grid
from restorekit.estimate.image_sample import ImageSample
from restorekit.estimate.noise_spectrum import (
    DOUBTFUL,
    SCALES,
    BlurredNoise,
    channel_shares,
    luma_and_chroma,
)
from restorekit.estimate.patch_components import weak_noise
from restorekit.estimate.white_noise import weak_gray_level, white_levels

# Noise of a shorter length in pixels counts as white below this confidence, and luma next to white
# chroma below another one.
_FINE, _SURE, _SURE_OF_LUMA = 0.75, 0.7, 0.6
_TEXTURE = 1.25  # factor above the level of chroma
# Weak white noise is below the first level, is as flat as the second number says (noise that was
# blurred by half a pixel measures 0.6), and makes most of what is found in chroma.
_WEAK, _FLAT, _MOST = 6 / 255, 0.65, 0.7
# Noise that channels share has at least this confidence, and this factor more luma than chroma.
_SURE_OF_SHARED, _SHARED = 0.5, 4.0


@dataclass(frozen=True)
class NoiseScales:
    """Standard deviations of the noise on the [0, 1] scale, at 1x, 2x, 4x and 8x.

    At scale s, squares of s x s pixels are averaged. White noise then has 1/s of its level, and
    coarse noise has more. Luma is (R + G + B) / sqrt(3), and chroma is the root mean square of
    (R - B) / sqrt(2) and (R - 2 G + B) / sqrt(6): independent noise of equal level in all channels
    has the same level in luma and in chroma.

    Attributes:
        channels: the levels of each channel at each scale.
        luma: the levels of luma; those of the channel of a gray picture.
        chroma: the levels of chroma; empty unless the picture has three channels.
        confidence: of luma, from 0 to 1. Below about 0.4 texture hides the noise, and the level is
            too high.
        chroma_confidence: of chroma.
        grid: the top and left, 0 or 1, of squares of 2x2 pixels in which the noise has one value,
            as after enlarging without interpolation. The levels are those of averages over such
            squares. None without squares.
    """

    channels: tuple[tuple[float, ...], ...]
    luma: tuple[float, ...]
    chroma: tuple[float, ...]
    confidence: float
    chroma_confidence: float
    grid: tuple[int, int] | None = None

    @property
    def overall(self) -> tuple[float, ...]:
        """Root mean square over the channels, at each scale."""
        return tuple(map(_root_mean_square, zip(*self.channels, strict=True)))

    @property
    def words(self) -> str:
        """The finding in plain words."""
        levels = ", ".join(f"{255 * level:.1f}" for level in self.overall)
        scales = ", ".join(f"{scale}x" for scale in SCALES)
        squares = "" if self.grid is None else ", equal in squares of 2x2 pixels"
        doubt = ", texture hides the noise" if self.confidence < DOUBTFUL else ""
        sure = f"confidence {self.confidence:.2f}{doubt}"
        return f"level {levels} of 255 at {scales}{squares} ({sure})"


class MeasureNoiseScales:
    """Measures the level of the noise at several scales; the result is a `NoiseScales`.

    The levels are those of white noise, blurred by a Gaussian, that explains the spectra of the
    flattest blocks at all scales. They include noise of up to about 6 pixels, which looks like
    texture at a single scale. The level of white noise is measured by the estimator "block_dct",
    and that of weak white noise from the principal components of patches in colour pictures, and
    from the very flattest blocks in gray ones.

    Example:
        >>> from restorekit.estimate.image_sample import ImageSample
        >>> noisy = 0.5 + 0.1 * torch.randn(3, 128, 128)
        >>> found = restorekit.create_measurement("noise_scales")(ImageSample.of(noisy))
        >>> [round(level, 2) for level in found.overall[:2]]
        [0.1, 0.05]
    """

    def __call__(self, sample: ImageSample) -> NoiseScales:
        """Measure a sample."""
        if (grid := doubled_grid(sample.pieces)) is None:
            return self._measure(sample)
        pieces = averaged_squares(sample.pieces, grid)
        return _enlarged(self._measure(replace(sample, pieces=pieces)), grid)

    def _measure(self, sample: ImageSample) -> NoiseScales:
        luma, chroma = luma_and_chroma(sample)
        levels = _channel_levels(sample, luma, chroma)
        if (weak := _weak_levels(sample, luma, chroma)) is not None:
            levels = tuple(tuple(level / scale for scale in SCALES) for level in weak)
        return NoiseScales(
            levels,
            _luma_levels(levels, luma, chroma),
            () if chroma is None else chroma.levels,
            luma.confidence,
            0.0 if chroma is None else chroma.confidence,
        )


def _enlarged(small: NoiseScales, grid: tuple[int, int]) -> NoiseScales:
    """The noise of pixels that were repeated, of that of the pixels before."""

    def shifted(levels: tuple[float, ...]) -> tuple[float, ...]:
        return (*levels[:1], *levels[:-1])

    return replace(
        small,
        channels=tuple(map(shifted, small.channels)),
        luma=shifted(small.luma),
        chroma=shifted(small.chroma),
        grid=grid,
    )


def _weak_levels(
    sample: ImageSample, luma: BlurredNoise, chroma: BlurredNoise | None
) -> tuple[float, ...] | None:
    """The levels of the channels if the picture has weak white noise; None otherwise.

    Texture hides weak noise in single channels, and seldom in the differences of channels.
    """
    if luma.confidence > _SURE:
        return None
    if sample.pieces.shape[1] == 1:
        level = weak_gray_level(sample)
        return None if level is None or level > _WEAK else (level,)
    if chroma is None or chroma.length > _FINE or chroma.level > _WEAK:
        return None
    is_coarse = luma.length and luma.confidence > _SURE_OF_SHARED
    if is_coarse and luma.level > _SHARED * chroma.level:
        return None
    weak = weak_noise(sample)
    if weak is None or weak.flatness < _FLAT:
        return None
    return weak.levels if _root_mean_square(weak.levels) > _MOST * chroma.level else None


def _channel_levels(
    sample: ImageSample, luma: BlurredNoise, chroma: BlurredNoise | None
) -> tuple[tuple[float, ...], ...]:
    """The levels of each channel at each scale."""
    planes = [luma] if chroma is None else [luma, chroma, chroma]
    overall = [
        _root_mean_square(levels) for levels in zip(*(x.levels for x in planes), strict=True)
    ]
    white = white_levels(sample)
    typical = _root_mean_square(white)
    shares: Sequence[float] = [level / typical if typical else 1.0 for level in white]
    if _is_white(luma, chroma):
        # The estimator for white noise takes texture that fills a picture for noise.
        is_texture = chroma is not None and luma.is_doubtful and typical > _TEXTURE * overall[0]
        overall = [(overall[0] if is_texture else typical) / scale for scale in SCALES]
    elif chroma is not None:  # coarse noise has no high frequencies to compare
        shares = channel_shares(sample.pieces, chroma)
    return tuple(tuple(share * level for level in overall) for share in shares)


def _root_mean_square(levels: Sequence[float]) -> float:
    return math.sqrt(sum(level**2 for level in levels) / len(levels))


def _is_white(luma: BlurredNoise, chroma: BlurredNoise | None) -> bool:
    """Whether the noise counts as white. Texture makes weak white noise look a little coarse."""
    if chroma is None:
        return luma.length < _FINE and (not luma.length or luma.confidence < _SURE)
    if chroma.length and not (chroma.length < _FINE and chroma.confidence < _SURE):
        return False
    return not luma.length or luma.confidence < _SURE_OF_LUMA


def _luma_levels(
    channels: tuple[tuple[float, ...], ...], luma: BlurredNoise, chroma: BlurredNoise | None
) -> tuple[float, ...]:
    """The levels of luma, no higher than those of the channels permit."""
    if chroma is None:
        return channels[0] if len(channels) == 1 else luma.levels
    highest = [
        sum(level**2 for level in levels) - 2 * other**2
        for levels, other in zip(zip(*channels, strict=True), chroma.levels, strict=True)
    ]
    return tuple(
        min(level, math.sqrt(max(most, 0.0)))
        for level, most in zip(luma.levels, highest, strict=True)
    )
