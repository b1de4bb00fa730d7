"""Helpers of noise models: checks of arguments and batches, and random numbers."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from restorekit.errors import InputError

ParameterRange = tuple[float, float]


def as_interval(
    value: float | tuple[float, float],
    name: str,
    unit: str,
    *,
    least: float = 0.0,
    most: float = 1.0,
) -> ParameterRange:
    """A fixed number or a (low, high) range as an interval within limits.

    Args:
        value: the number, or the two ends.
        name: what it is called in the message of an error.
        unit: what it is measured in, for that message too.
        least: the smallest value allowed.
        most: the largest value allowed.

    Raises:
        ValueError: an end is outside of the limits, or low > high.
    """
    low, high = value if isinstance(value, (tuple, list)) else (value, value)
    for end in (low, high):
        # bool is a subclass of int, and a configuration may have `true` by mistake.
        if isinstance(end, bool):
            raise ValueError(f"{name} must be a number, {unit}, not {end}")
        if not least <= end <= most:
            raise ValueError(f"{name} must be between {least:g} and {most:g}, {unit}, not {end}")
    if low > high:
        raise ValueError(f"{name} is a range (low, high): {low} > {high}; swap them")
    return float(low), float(high)


def as_probability(value: float, name: str) -> float:
    """A probability.

    Raises:
        ValueError: it is outside [0, 1].
    """
    return as_interval(value, name, "a probability")[0]


def check_clean_batch(clean: Tensor, generator: Generator | None) -> None:
    """Raise an error for a batch that no noise model can use.

    Raises:
        InputError: `clean` is not a floating point (B, C, H, W) batch, or `generator` is on
            another kind of device.
    """
    if clean.ndim != 4 or 0 in clean.shape:
        raise InputError(f"a noise needs a batch (B, C, H, W), got shape {tuple(clean.shape)}")
    if not clean.is_floating_point():
        raise InputError(f"a noise needs floating point images in [0, 1], got {clean.dtype}")
    if generator is not None and generator.device.type != clean.device.type:
        raise InputError(
            f"the generator is on {generator.device} and the images on {clean.device}; make it "
            f"with torch.Generator('{clean.device}')"
        )


class Draws:
    """Random numbers for a batch, on its device and always in float32.

    Args:
        clean: the batch (B, C, H, W).
        generator: their source, on the device of `clean`; torch's own if None.
    """

    def __init__(self, clean: Tensor, generator: Generator | None) -> None:
        self.count, self.device, self.generator = len(clean), clean.device, generator

    def uniform(self, *shape: int) -> Tensor:
        """Numbers uniform in [0, 1)."""
        return torch.rand(shape, generator=self.generator, device=self.device, dtype=torch.float32)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(shape, generator=self.generator, device=self.device, dtype=torch.float32)

    def parameter(self, interval: ParameterRange, each: int = 1) -> Tensor:
        """A value for each sample, uniform in an interval, (B, 1, 1, 1).

        Args:
            interval: as from `as_interval`; nothing is drawn where its ends are equal.
            each: how many values a sample gets, (B, each, 1, 1).
        """
        low, high = interval
        shape = (self.count, each, 1, 1)
        # A fixed value draws nothing, so that the pixels' random numbers do not depend on its
        # spelling.
        if low == high:
            return torch.full(shape, low, device=self.device, dtype=torch.float32)
        return self.uniform(*shape).mul_(high - low).add_(low)

    def logarithmic(self, interval: ParameterRange) -> Tensor:
        """A value for each sample, uniform in the logarithm, (B, 1, 1, 1).

        Args:
            interval: as from `as_interval`, above 0.
        """
        low, high = interval
        return self.parameter((math.log(low), math.log(high))).exp_()

    def chance(self, probability: float) -> Tensor:
        """True for a sample with that probability, (B, 1, 1, 1)."""
        return self.uniform(self.count, 1, 1, 1) < probability


def in_place_of(clean: Tensor, noisy: Tensor) -> Tensor:
    """A noisy batch with the gradient of the clean one that it was made of.

    Args:
        clean: the clean batch.
        noisy: the noisy one, without a gradient.
    """
    return clean + (noisy - clean).detach() if clean.requires_grad else noisy
