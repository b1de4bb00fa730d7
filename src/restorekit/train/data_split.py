"""Split the pictures into those for training and those for validation, without overlap."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

import torch

from restorekit.config.component_specs import VALIDATION
from restorekit.errors import DataError
from restorekit.seeding import derive_generator
from restorekit.train.dataset_items import describe_dataset
from restorekit.train.dataset_pictures import by_picture

FEWEST_PICTURES = 4  # to validate on, if the dataset is large enough
PictureGroups = Mapping[Hashable, list[range]]


class HeldOutSet(NamedTuple):
    """A validation set: a dataset and, for each picture of it that is used, its indices."""

    dataset: object
    pictures: list[list[int]]


class DataSplit(NamedTuple):
    """The pictures of a run.

    Attributes:
        training: the indices to train on.
        pictures: the identities of the pictures behind them.
        sets: the validation sets by name.
    """

    training: list[int]
    pictures: list[Hashable]
    sets: dict[str, HeldOutSet]


def split_dataset(
    dataset: object,
    sets: Mapping[str, object],
    *,
    share: float,
    training: int | None,
    most: int,
    seed: int,
) -> DataSplit:
    """Split the pictures of a run; all items of one picture are on the same side.

    Args:
        dataset: what to train on; see `restorekit.train.dataset_pictures` for what it can say of
            itself.
        sets: datasets to validate on; without any, pictures of `dataset` are held out.
        share: of the pictures, to hold out, from 0 to 1. Unless it is 0, they are 4 at least where
            more than half of the pictures are left to train on.
        training: how many pictures to train on; None for all the others.
        most: the most pictures of each set to validate on; from larger sets, evenly spaced ones.
        seed: seed of the random choice.

    Raises:
        DataError: a dataset is empty, has fewer pictures than `training`, or a picture to validate
            on is one to train on.
    """
    groups, *others = by_picture(dataset, *sets.values())
    for each, found in zip((dataset, *sets.values()), (groups, *others), strict=True):
        if not found:
            raise DataError(f"{describe_dataset(each)} is empty")
    chosen, rest = split(groups, 0.0 if sets else share, training, seed)
    held = {VALIDATION: HeldOutSet(dataset, _indices(rest, groups, most))} if not sets else {}
    for (name, each), theirs in zip(sets.items(), others, strict=True):
        if common := theirs.keys() & set(chosen):
            raise DataError(_leak(each, theirs, common))
        held[name] = HeldOutSet(each, _indices(list(theirs), theirs, most))
    return DataSplit([i for key in chosen for part in groups[key] for i in part], chosen, held)


def split(
    groups: PictureGroups, share: float, training: int | None, seed: int
) -> tuple[list[Hashable], list[Hashable]]:
    """The pictures to train on and those to validate on, as `split_dataset` says."""
    count = len(groups)
    # Most of a small dataset is left for training, and one picture in any case.
    least = max(1, min(FEWEST_PICTURES, (count - 1) // 2)) if share else 0
    held_out = min(max(round(count * share), least), count - 1)
    kept = training or count - held_out
    if kept > count:
        raise DataError(f"train.training_images is {kept}, but the dataset has {count} images")
    order = torch.randperm(count, generator=derive_generator(seed, "split")).tolist()
    keys = list(groups)
    # Sorted, so that neighbouring files are read in order; each epoch is shuffled anyway.
    return [keys[p] for p in sorted(order[:kept])], [keys[p] for p in sorted(order[kept:])]


def _indices(keys: list[Hashable], groups: PictureGroups, most: int) -> list[list[int]]:
    # Evenly spaced instead of the first ones: neighbours in a folder are often of one scene.
    stride = max(len(keys) // most, 1)
    return [[i for part in groups[key] for i in part] for key in keys[::stride][:most]]


def _leak(dataset: object, groups: PictureGroups, common: Iterable[Hashable]) -> str:
    """The message for pictures that are in both training and validation."""
    shared = [key for key in groups if key in set(common)]
    first = shared[0] if hasattr(shared[0], "name") else f"that of index {groups[shared[0]][0][0]}"
    return (
        f"{len(shared)} of the {len(groups)} pictures of the validation set, "
        f"{describe_dataset(dataset)}, are trained on too (the first is {first}); "
        "leave them out on one side, or leave "
        "validation_dataset out: then pictures are held out"
    )
