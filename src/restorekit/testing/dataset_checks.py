"""Checks of datasets."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from torch import Tensor

from restorekit.seeding import derive_generator
from restorekit.testing.checking import NotApplicable, require
from restorekit.testing.common_checks import COMMON_CHECKS
from restorekit.testing.subject import Subject
from restorekit.train.dataset_items import as_sample, shape_of
from restorekit.train.dataset_pictures import check_dataset
from restorekit.train.repeatability import as_one_tensor, is_repeatable


def length_and_indices(subject: Subject) -> None:
    """A dataset has `len` and `[index]`, and `patches_per_image` is a positive integer."""
    dataset = subject.make()
    check_dataset(dataset, "dataset")
    require(len(dataset) > 0, "it is empty")


def images(subject: Subject) -> None:
    """An item is an image (C, H, W), or (noisy, clean): floats in [0, 1], uint8 or uint16."""
    dataset = subject.make()
    for index in {0, len(dataset) - 1}:
        as_sample(dataset[index], f"index {index}")


def repeatable(subject: Subject) -> None:
    """`[index]` gives the same image every time; only `sample` draws random numbers."""
    dataset = subject.make()
    require(is_repeatable(lambda: _read(dataset[0])), "another image at the same index")


def sample(subject: Subject) -> None:
    """`sample(index, generator)` draws every random number from its generator."""
    dataset: Any = subject.make()
    if not hasattr(dataset, "sample"):
        raise NotApplicable("it has no method `sample`")

    def draw() -> Tensor:
        return _read(dataset.sample(0, derive_generator(0, "sample")))

    require(is_repeatable(draw), "another image for the same seed; does it ignore the generator?")


def views(subject: Subject) -> None:
    """`views(index, count)` gives at most that many images, the same ones every time."""
    dataset: Any = subject.make()
    if not hasattr(dataset, "views"):
        raise NotApplicable("it has no method `views`")
    count = len(dataset.views(0, 2))
    require(1 <= count <= 2, f"{count} images for a count of 2")
    require(is_repeatable(lambda: _read(dataset.views(0, 2)[0])), "other images every time")


def pictures(subject: Subject) -> None:
    """`patches_per_image` successive indices belong to one picture, as `identify(index)` says."""
    dataset: Any = subject.make()
    group = getattr(dataset, "patches_per_image", 1)
    require(len(dataset) >= group, f"{len(dataset)} items are fewer than patches_per_image")
    require(len(dataset) % group == 0, f"{len(dataset)} is not a multiple of {group}")
    if not hasattr(dataset, "identify"):
        raise NotApplicable("it has no method `identify`, which tells the picture of an index")
    found = [dataset.identify(index) for index in range(group)]
    require(all(isinstance(each, Hashable) for each in found), f"{found[0]!r} is not hashable")
    require(len(set(found)) == 1, f"indices 0 to {group - 1} are of {len(set(found))} pictures")
    require(dataset.identify(0) == found[0], "another picture every time")


def channels(subject: Subject) -> None:
    """The images of a dataset have one number of channels, so that they make a batch."""
    dataset = subject.make()
    some = range(0, len(dataset), max(len(dataset) // 4, 1))
    counts = {shape_of(as_sample(dataset[index]))[0] for index in some}
    require(len(counts) == 1, f"images of {' and '.join(map(str, sorted(counts)))} channels")


def _read(item: object) -> Tensor:
    """All images of an item."""
    return as_one_tensor(as_sample(item))


DATASET_CHECKS = (
    *COMMON_CHECKS,
    length_and_indices,
    images,
    channels,
    repeatable,
    sample,
    views,
    pictures,
)
