"""Checks of what measures a picture: estimators of the noise level, and measurements."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from restorekit.estimate.image_sample import ImageSample
from restorekit.networks.probe_images import probe_picture
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject
from restorekit.train.repeatability import is_repeatable
from restorekit.untrusted.plain_data import to_json_value

SIZES = ((96, 80), (9, 64), (8, 8), (7, 9), (2, 3), (1, 40), (1, 1))
_SIGMA = 25 / 255
_ACCURACY = 0.2


def any_size(subject: Subject) -> None:
    """An estimator has one finite value, at least 0, for each channel of an image of any size."""
    estimator = subject.make()
    for size in SIZES:
        estimate = estimator(0.5 + 0.1 * _noise(2, 3, *size))
        require(estimate.shape == (2, 3), f"shape {tuple(estimate.shape)} for (2, 3, {size})")
        require(estimate.isfinite().all(), f"values that are not finite for {size}")
        require((estimate >= 0).all(), f"values below 0 for {size}")


def constant_image(subject: Subject) -> None:
    """An image of one value has no noise."""
    estimate = subject.make()(torch.full((1, 1, 64, 64), 0.25))
    require(float(estimate.abs().max()) < 1e-4, f"{float(estimate.max()):.4g}")


def white_noise(subject: Subject) -> None:
    """The standard deviation of white noise on a flat image is found within 20 %."""
    estimate = subject.make()(0.5 + _SIGMA * _noise(1, 3, 160, 160))
    error = float((estimate / _SIGMA - 1).abs().max())
    require(error < _ACCURACY, f"{error:.0%} off: {[round(v, 4) for v in estimate[0].tolist()]}")


def deterministic(subject: Subject) -> None:
    """The same image has the same estimate."""
    estimator, image = subject.make(), 0.5 + 0.1 * _noise(1, 3, 96, 80)
    require(is_repeatable(lambda: estimator(image)), "two estimates of one image")


def input_unchanged(subject: Subject) -> None:
    """An estimator leaves its input as it is."""
    image = 0.5 + 0.1 * _noise(1, 3, 96, 80)
    before = image.clone()
    subject.make()(image)
    require(torch.equal(image, before), "the image was changed in place")


def record(subject: Subject) -> None:
    """A measurement is a frozen dataclass of plain values, for a picture of any size."""
    measurement = subject.make()
    for channels, size in ((1, SIZES[0]), (4, SIZES[0]), *((3, each) for each in SIZES)):
        found = measurement(_sample(channels, size))
        is_record = dataclasses.is_dataclass(found) and not isinstance(found, type)
        require(is_record, f"{type(found).__name__}, not a dataclass")
        require(type(found).__dataclass_params__.frozen, f"{type(found).__name__} is not frozen")
        odd = [f.name for f in dataclasses.fields(found) if not _plain(getattr(found, f.name))]
        require(not odd, f"not plain values: {', '.join(odd)}")


def words(subject: Subject) -> None:
    """The property `words`, if there is one, is one line of text."""
    found: Any = subject.make()(_sample(3, SIZES[0]))
    if not hasattr(found, "words"):
        raise NotApplicable("it has none")
    require(isinstance(found.words, str), f"{type(found.words).__name__}")
    require("\n" not in found.words, f"{found.words!r}")


def repeatable(subject: Subject) -> None:
    """The same picture gives the same record."""
    first, second = (subject.make()(_sample(3, (96, 80))) for _ in range(2))
    same = json.dumps(to_json_value(first)) == json.dumps(to_json_value(second))
    require(same, "two records of one picture")


def sample_unchanged(subject: Subject) -> None:
    """A measurement leaves its sample as it is."""
    given = _sample(3, (96, 80))
    before = given.pieces.clone()
    subject.make()(given)
    require(torch.equal(given.pieces, before), "the picture was changed in place")


def _plain(value: Any) -> bool:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return all(_plain(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return all(_plain(each) for each in (*value.keys(), *value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_plain, value))
    return value is None or isinstance(value, (str, int, float))


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(0))


def _sample(channels: int, size: tuple[int, int]) -> ImageSample:
    """An 8-bit picture with some noise."""
    picture = probe_picture(channels, 96, 96)[0, :, : size[0], : size[1]]
    picture = picture + 0.02 * _noise(channels, *size)
    return ImageSample.of(picture.clamp(0, 1).mul(255).round() / 255, steps=255)


ESTIMATOR_CHECKS = (
    *COMMON_CHECKS,
    any_size,
    constant_image,
    white_noise,
    deterministic,
    input_unchanged,
)
MEASUREMENT_CHECKS = (*COMMON_CHECKS, record, words, repeatable, sample_unchanged)
