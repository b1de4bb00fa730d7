"""What every noise needs: a checked batch, and its parameters drawn for each sample."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from restorekit.errors import InputError

ParameterRange = tuple[float, float]


def as_interval(value: float | tuple[float, float], name: str, unit: str) -> ParameterRange:
    """A fixed number or a (low, high) range as an interval within [0, 1].

    Args:
        value: the number, or the two ends.
        name: what it is called in the message of an error.
        unit: what it is measured in, for that message too.

    Raises:
        ValueError: an end is outside [0, 1], or low > high.
    """
    low, high = value if isinstance(value, (tuple, list)) else (value, value)
    for end in (low, high):
        if isinstance(end, bool):
            raise ValueError(f"{name} must be a number, {unit}, not {end}")
        if not 0.0 <= end <= 1.0:
            raise ValueError(f"{name} must be between 0 and 1, {unit}, not {end}")
    if low > high:
        raise ValueError(f"{name} is a range (low, high): {low} > {high}; swap them")
    return float(low), float(high)


def check_clean_batch(clean: Tensor, generator: Generator | None) -> None:
    """Refuse what no noise can work with.

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


def draw_parameters(interval: ParameterRange, clean: Tensor, generator: Generator | None) -> Tensor:
    """One value a sample, uniform in the interval, (B, 1, 1, 1) in float32."""
    low, high = interval
    shape = (clean.shape[0], 1, 1, 1)
    if low == high:
        return torch.full(shape, low, device=clean.device, dtype=torch.float32)
    return uniform(shape, clean, generator).mul_(high - low).add_(low)


def uniform(shape: tuple[int, ...], clean: Tensor, generator: Generator | None) -> Tensor:
    """Uniform numbers in [0, 1) on the device of `clean`, in float32 whatever its dtype."""
    return torch.rand(shape, generator=generator, device=clean.device, dtype=torch.float32)


def normal(shape: tuple[int, ...], clean: Tensor, generator: Generator | None) -> Tensor:
    """Standard normal numbers on the device of `clean`, in float32 whatever its dtype."""
    return torch.randn(shape, generator=generator, device=clean.device, dtype=torch.float32)
