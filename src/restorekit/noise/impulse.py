"""Impulse noise and defective pixels: some pixels lose their value."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws, as_interval


class SaltAndPepper(Noise):
    """A fraction of the pixels set to exactly 1 (salt) or 0 (pepper).

    The other pixels are untouched, so nothing leaves the range of the clean batch and [0, 1].

    Args:
        amount: Probability that a pixel is hit, or a (low, high) range from which each sample
            draws its own.
        salt: Share of white among the pixels hit.
        per_channel: Whether every channel of a pixel is hit on its own, which gives coloured
            specks, instead of all of them together.

    Raises:
        ValueError: amount or salt is outside [0, 1], or low > high.

    Example:
        >>> noisy = restorekit.create_noise("salt_and_pepper", amount=0.1)(batch).noisy
        >>> noisy[noisy != batch].unique()
        tensor([0., 1.])
    """

    def __init__(
        self,
        amount: float | tuple[float, float] = 0.03,
        salt: float = 0.5,
        per_channel: bool = False,
    ) -> None:
        super().__init__()
        self.amount = as_interval(amount, "amount", "a fraction of the pixels")
        self.salt, _ = as_interval(salt, "salt", "a fraction of the pixels hit")
        self.per_channel = per_channel

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with impulses; sigma is unknown, since it depends on the image."""
        amount = draw.parameter(self.amount)
        chance = _drawn(clean, draw, self.per_channel)
        return with_impulses(clean, chance, amount, self.salt)


class RandomImpulse(Noise):
    """A fraction of the pixels replaced by random values, uniform in [0, 1].

    Also called random-valued impulse noise. The other pixels are untouched, so nothing leaves the
    range of the clean batch and [0, 1].

    Args:
        amount: Probability that a pixel is replaced, or a (low, high) range from which each sample
            draws its own.
        per_channel: Whether every channel of a pixel is replaced on its own, instead of all of them
            together, each by a value of its own.

    Raises:
        ValueError: amount is outside [0, 1], or low > high.

    Example:
        >>> noisy = restorekit.create_noise("random_impulse", amount=0.2)(batch).noisy
        >>> bool(0.1 < (noisy != batch).float().mean() < 0.3)
        True
    """

    def __init__(
        self, amount: float | tuple[float, float] = 0.05, per_channel: bool = False
    ) -> None:
        super().__init__()
        self.amount = as_interval(amount, "amount", "a fraction of the pixels")
        self.per_channel = per_channel

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with impulses; sigma is unknown, since it depends on the image."""
        amount = draw.parameter(self.amount)
        # `lerp` is several times as fast as `where`, which branches at each number.
        is_hit = _drawn(clean, draw, self.per_channel) < amount
        values = draw.uniform(*clean.shape).to(clean.dtype)
        return clean.lerp(values, is_hit.to(clean.dtype))


class DefectivePixels(Noise):
    """Hot and dead pixels of a sensor: some get additional light, some have none.

    A hot pixel gets an offset of its own, as by its dark current, and is clipped at 1. A dead pixel
    is 0. The other pixels are untouched.

    Args:
        hot: Probability that a pixel is hot, or a (low, high) range from which each sample draws
            its own.
        dead: Probability that a pixel is dead, or a range.
        offset: Range of the offsets of hot pixels on the images' scale of [0, 1], or one number.
        per_channel: Whether every channel has defects of its own, as on a sensor that measures one
            colour a pixel.

    Raises:
        ValueError: an argument is outside [0, 1], or low > high.

    Example:
        >>> noise = restorekit.create_noise("defective_pixels", hot=0, dead=0.05)
        >>> noisy = noise(batch).noisy
        >>> noisy[noisy != batch].unique()
        tensor([0.])
    """

    def __init__(
        self,
        hot: float | tuple[float, float] = (0.0, 0.01),
        dead: float | tuple[float, float] = (0.0, 0.01),
        offset: float | tuple[float, float] = (0.1, 1.0),
        per_channel: bool = True,
    ) -> None:
        super().__init__()
        self.hot = as_interval(hot, "hot", "a fraction of the pixels")
        self.dead = as_interval(dead, "dead", "a fraction of the pixels")
        self.offset = as_interval(offset, "offset", "on the scale of the images")
        self.per_channel = per_channel

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with defects; sigma is unknown, since it depends on the image."""
        hot, dead = draw.parameter(self.hot), draw.parameter(self.dead)
        chance = _drawn(clean, draw, self.per_channel)
        low, high = self.offset
        offset = draw.uniform(*chance.shape).mul_(high - low).add_(low).to(clean.dtype)
        # From both ends of the range, so that no pixel is hot and dead.
        glowing = clean.lerp((clean + offset).clamp_(max=1.0), (chance < hot).to(clean.dtype))
        return glowing * (chance < 1 - dead).to(clean.dtype)


def _drawn(clean: Tensor, draw: Draws, per_channel: bool) -> Tensor:
    """Numbers uniform in [0, 1) for each pixel, (B, 1, H, W), or each value, (B, C, H, W)."""
    batch, channels, height, width = clean.shape
    return draw.uniform(batch, channels if per_channel else 1, height, width)


def with_impulses(clean: Tensor, chance: Tensor, amount: Tensor, salt: float) -> Tensor:
    """The batch with impulses.

    Args:
        clean: (B, C, H, W).
        chance: numbers uniform in [0, 1), (B, 1 or C, H, W), which are overwritten; a pixel is hit
            where they are below `amount`, and white where they are below `amount * salt`.
        amount: probability that a pixel is hit, (B, 1, 1, 1).
        salt: share of white among the pixels hit.
    """
    # Several times as fast as masks, which branch at each number, and as fresh memory.
    white = torch.lt(chance, amount * salt, out=torch.empty_like(chance)).to(clean.dtype)
    kept = chance.ge_(amount).to(clean.dtype)
    if clean.requires_grad or white.shape != clean.shape:
        return torch.addcmul(white, clean, kept)
    return torch.addcmul(white, clean, kept, out=white)
