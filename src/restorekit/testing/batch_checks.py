"""Checks of training objectives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from restorekit.records import TaskBatch
from restorekit.testing.checking import require
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


OBJECTIVE_CHECKS = (*COMMON_CHECKS, task_batch, level, repeatable, places, input_unchanged)
