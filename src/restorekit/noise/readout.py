"""Noise of the electronics that read a sensor: stripes (banding) and quantization."""

from __future__ import annotations

import math

from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws, as_interval, in_place_of
from restorekit.records import Degraded


class Stripes(Noise):
    """Normal noise that is the same along each row, and along each column; also called banding.

    noisy = clean + rows * r + columns * c, where r ~ N(0, 1) is one number a row and c ~ N(0, 1)
    one a column, as the amplifiers and converters of a sensor's rows and columns leave it (EMVA
    Standard 1288). Does not clip by default. Sigma is sqrt(rows^2 + columns^2).

    Args:
        rows: Standard deviation between rows on the images' scale of [0, 1], or a (low, high) range
            from which each sample draws its own.
        columns: Standard deviation between columns, or a range.
        per_channel: Whether every channel has stripes of its own.
        clip: Whether noisy values are clipped to [0, 1], as those of an image file are.

    Raises:
        ValueError: rows or columns is outside [0, 1], or low > high.

    Example:
        >>> flat = torch.full((1, 1, 32, 32), 0.5)
        >>> noisy = restorekit.create_noise("stripes", rows=0.1, columns=0)(flat).noisy
        >>> torch.equal(noisy[..., 0], noisy[..., 31])
        True
    """

    def __init__(
        self,
        rows: float | tuple[float, float] = (0.0, 0.04),
        columns: float | tuple[float, float] = (0.0, 0.04),
        per_channel: bool = False,
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.rows = as_interval(rows, "rows", "on the scale of the images")
        self.columns = as_interval(columns, "columns", "on the scale of the images")
        self.per_channel = per_channel
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with stripes of standard deviations drawn for each sample."""
        batch, channels, height, width = clean.shape
        channels = channels if self.per_channel else 1
        rows, columns = draw.parameter(self.rows), draw.parameter(self.columns)
        across = draw.normal(batch, channels, height, 1) * rows
        down = draw.normal(batch, channels, 1, width) * columns
        return Degraded(clean + (across + down), rows.hypot(columns))


class Quantization(Noise):
    """Values rounded to few levels, of which black is the first.

    The levels are 1 / (2^bits - 1) apart. Clips to [0, 1]. Gradients pass as though nothing had
    happened. Sigma is the distance / sqrt(12), which holds where the picture covers several levels
    (Widrow and Kollar, Quantization Noise, 2008, https://doi.org/10.1017/CBO9780511754661).

    Args:
        bits: Bits of a value, or a (low, high) range from which each sample draws its own. It need
            not be whole; 2.585 bits are 6 levels.
        dither: Whether uniform noise of one level is added before, which makes the mean the clean
            value.

    Raises:
        ValueError: bits is outside [1, 16], or low > high.

    Example:
        >>> noisy = restorekit.create_noise("quantization", bits=2)(batch).noisy
        >>> noisy.unique()
        tensor([0.3333, 0.6667])
    """

    clip = True

    def __init__(
        self, bits: float | tuple[float, float] = (3.0, 8.0), dither: bool = False
    ) -> None:
        super().__init__()
        self.bits = as_interval(bits, "bits", "bits of a value", least=1.0, most=16.0)
        self.dither = dither

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch on levels of a distance drawn for each sample."""
        steps = draw.parameter(self.bits).exp2_() - 1
        scaled = clean.detach().float() * steps
        if self.dither:
            scaled += draw.uniform(*clean.shape) - 0.5
        return Degraded(in_place_of(clean, scaled.round_().div_(steps)), 1 / steps / math.sqrt(12))
