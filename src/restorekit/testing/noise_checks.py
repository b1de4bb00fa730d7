"""Checks of noise models."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from restorekit.records import Degraded, as_degraded, degrade, takes
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject
from restorekit.train.repeatability import is_repeatable, seeded_globals

_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def shape_and_type(subject: Subject) -> None:
    """The noisy batch has the shape, type and device of the clean one, and is finite."""
    noise = subject.make()
    for dtype in _DTYPES:
        for count, channels in ((1, 1), (6, 3)):
            if not _takes(noise, channels):
                continue
            clean = _clean(count, channels).to(dtype)
            made = _degraded(noise, clean)
            found = (tuple(made.noisy.shape), made.noisy.dtype, made.noisy.device.type)
            expected = (tuple(clean.shape), dtype, "cpu")
            require(found == expected, f"{found} for {expected}")
            require(made.noisy.isfinite().all(), f"values that are not finite in {dtype}")


def sigma(subject: Subject) -> None:
    """A known noise level is at least 0 and has one value or map for each sample."""
    noise = subject.make()
    clean = _colour(noise)
    level = _degraded(noise, clean).sigma
    if level is None:
        raise NotApplicable("its level is not known")
    shape = (len(clean), 1, *clean.shape[2:])
    require(
        torch.broadcast_shapes(level.shape, shape) == shape,
        f"shape {tuple(level.shape)}, which does not broadcast to {shape}",
    )
    require(level.isfinite().all() and (level >= 0).all(), f"values {level.flatten()[:4].tolist()}")


def input_unchanged(subject: Subject) -> None:
    """A noise leaves the clean batch as it is; it is the target of the training."""
    noise = subject.make()
    clean = _colour(noise)
    before = clean.clone()
    _degraded(noise, clean)
    require(torch.equal(clean, before), "the clean batch was changed in place")


def generator(subject: Subject) -> None:
    """Every random number comes from `generator`: the same seed gives the same noise."""
    noise = subject.make()
    clean = _colour(noise)
    repeated = is_repeatable(lambda: _degraded(noise, clean).noisy)
    require(repeated, "other noise for the same seed; does it ignore the generator?")
    with seeded_globals(0):
        before = torch.get_rng_state()
        _degraded(noise, clean)
        require(torch.equal(before, torch.get_rng_state()), "it draws from torch's own generator")
    if not takes(noise, "generator"):
        raise NotApplicable("it draws no random numbers")


def samples(subject: Subject) -> None:
    """Each sample of a batch has its own noise."""
    noise = subject.make()
    clean = _colour(noise)
    first, second = (_degraded(noise, clean, seed).noisy for seed in (1, 2))
    if torch.equal(first, second):
        raise NotApplicable("it does not depend on the seed")
    same = _degraded(noise, clean[:1].expand_as(clean)).noisy
    require(len({each.numpy().tobytes() for each in same}) > 1, "equal noise on equal samples")


def _degraded(noise: Any, clean: Tensor, seed: int = 7) -> Degraded:
    return as_degraded(degrade(noise, clean, Generator().manual_seed(seed)))


def _takes(noise: Any, channels: int) -> bool:
    return channels in (getattr(noise, "takes_channels", None) or (channels,))


def _clean(count: int, channels: int) -> Tensor:
    return torch.rand(count, channels, 16, 24, generator=Generator().manual_seed(0))


def _colour(noise: Any) -> Tensor:
    """Eight clean images of three channels, or of one for a noise that does not take three."""
    return _clean(8, 3 if _takes(noise, 3) else 1)


NOISE_CHECKS = (*COMMON_CHECKS, shape_and_type, sigma, input_unchanged, generator, samples)
