"""Impulse noise: some pixels lose their value completely."""

from __future__ import annotations

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
        batch, channels, height, width = clean.shape
        chance = draw.uniform(batch, channels if self.per_channel else 1, height, width)
        return with_impulses(clean, chance, amount, self.salt)


def with_impulses(clean: Tensor, chance: Tensor, amount: Tensor, salt: float) -> Tensor:
    """The batch with impulses.

    Args:
        clean: (B, C, H, W).
        chance: numbers uniform in [0, 1), (B, 1 or C, H, W); a pixel is hit where they are below
            `amount`, and white where they are below `amount * salt`.
        amount: probability that a pixel is hit, (B, 1, 1, 1).
        salt: share of white among the pixels hit.
    """
    return clean.masked_fill(chance < amount, 0.0).masked_fill(chance < amount * salt, 1.0)
