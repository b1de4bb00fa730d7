"""Checks of training objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import conv2d

from restorekit.errors import InputError
from restorekit.objective.base import ComputesRisk, takes_noisy
from restorekit.records import NoisyImages, Restoration, TaskBatch, as_restoration
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject
from restorekit.train.repeatability import is_repeatable

_PLACES = (3, 4, 5, 6)


def task_batch(subject: Subject) -> None:
    """`make_batch` returns inputs and targets, finite and one for each image."""
    images = _images()
    made = _made(subject, images)
    require(isinstance(made, TaskBatch), f"{type(made).__name__}, not a TaskBatch")
    for name, value in (("input", made.input), ("target", made.target)):
        require(len(value) == len(images), f"{len(value)} values of `{name}` for {len(images)}")
        require(value.ndim == 4, f"`{name}` has shape {tuple(value.shape)}")
        require(value.isfinite().all(), f"`{name}` has values that are not finite")


def level(subject: Subject) -> None:
    """A known noise level broadcasts to the inputs, and so does the mask to the targets."""
    made = _made(subject, _images())
    shape = (len(made.input), 1, *made.input.shape[2:])
    if made.sigma is not None:
        found = tuple(torch.broadcast_shapes(made.sigma.shape, shape))
        require(found == shape, f"sigma has shape {tuple(made.sigma.shape)}")
    if made.mask is not None:
        found = tuple(torch.broadcast_shapes(made.mask.shape, made.target.shape))
        require(found == tuple(made.target.shape), f"mask has shape {tuple(made.mask.shape)}")
        require(made.mask.dtype == torch.bool, f"mask is {made.mask.dtype}")


def repeatable(subject: Subject) -> None:
    """Equal arguments give equal results: random numbers are derived from seed, step and place."""
    images = _images()

    def make() -> Tensor:
        made = _made(subject, images)
        return torch.cat([made.input.flatten(), made.target.flatten()])

    require(is_repeatable(make), "another batch for equal arguments")


def places(subject: Subject) -> None:
    """A sample depends on its place in the batch of all processes, not on the part it is in."""
    images = _images()
    whole = _made(subject, images)
    parts = [_made(subject, images[:1], _PLACES[:1]), _made(subject, images[1:], _PLACES[1:])]
    for name in ("input", "target"):
        joined = torch.cat([getattr(part, name) for part in parts])
        near = torch.allclose(joined, getattr(whole, name), atol=1e-6)
        require(near, f"`{name}` is another one if the batch is computed in parts")


def noisy_images(subject: Subject) -> None:
    """An objective with `takes_noisy` makes a batch of images with real noise, or says in an
    `InputError` what it needs."""
    objective = subject.make()
    if not takes_noisy(objective):
        raise NotApplicable("without `takes_noisy` it learns from clean images")
    clean = _images()
    images = NoisyImages(clean + 0.1, clean=clean, second=clean - 0.1)
    try:
        made = objective.make_batch(images, 1, 2, _PLACES)
    except InputError:
        return
    require(isinstance(made, TaskBatch), f"{type(made).__name__}, not a TaskBatch")
    require(len(made.input) == len(clean), f"{len(made.input)} inputs for {len(clean)}")


def risk(subject: Subject) -> None:
    """A risk of its own is a mapping of finite numbers with gradients, means over the samples."""
    if not isinstance(subject.make(), ComputesRisk):
        raise NotApplicable("without `risk` the run's loss terms are used")
    images = _images()
    whole = _risks(subject, images, _PLACES)
    halves = [_risks(subject, images[:2], _PLACES[:2]), _risks(subject, images[2:], _PLACES[2:])]
    require(whole, "no term")
    for name, value in whole.items():
        is_number = isinstance(value, Tensor) and value.numel() == 1
        require(is_number, f"'{name}' is not a tensor of one number")
        require(value.isfinite().all(), f"'{name}' is {float(value.detach())}")
        mean = (halves[0][name] + halves[1][name]) / 2
        near = torch.allclose(value, mean, rtol=1e-4, atol=1e-6)
        require(near, f"'{name}' is not the mean of those of the two halves of a batch")
    require(sum(whole.values()).requires_grad, "no term depends on the network")


def input_unchanged(subject: Subject) -> None:
    """An objective leaves the clean images as they are."""
    images = _images()
    before = images.clone()
    _made(subject, images)
    require(torch.equal(images, before), "the clean images were changed in place")


def _images() -> Tensor:
    return torch.rand(4, 3, 16, 24, generator=Generator().manual_seed(0))


def _made(subject: Subject, images: Tensor, places: Sequence[int] = _PLACES) -> TaskBatch:
    made: TaskBatch = subject.make().make_batch(images, 1, 2, places)
    return made


def _risks(subject: Subject, images: Tensor, places: Sequence[int]) -> Any:
    """The terms of the risk with a small network that is linear in each pixel's neighbourhood."""
    objective = subject.make()
    batch = objective.make_batch(images, 1, 2, places)
    channels = images.shape[1]
    kernel = torch.full((channels, 1, 3, 3), 1 / 9, requires_grad=True)

    def restore(noisy: Tensor, sigma: Tensor | None = None, *, exact: bool = False) -> Restoration:
        del sigma, exact
        image = conv2d(noisy, kernel, padding=1, groups=channels)
        return Restoration(image, {"blind_mean": image})

    def compare(restored: Restoration | Tensor, target: Tensor) -> Tensor:
        return (as_restoration(restored).image - target).square().mean()

    return objective.risk(restore, batch, compare)


OBJECTIVE_CHECKS = (
    *COMMON_CHECKS,
    task_batch,
    level,
    repeatable,
    places,
    noisy_images,
    risk,
    input_unchanged,
)
