"""Several datasets as one, with weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from torch.utils.data import ConcatDataset, Dataset, Subset

from restorekit.components.kinds import datasets as registered
from restorekit.data.patches import MOST_PATCHES
from restorekit.errors import ArgumentError, DataError


class Mixture(ConcatDataset[Any]):
    """Several datasets as one. Some can have clean images, and others images with real noise.

    The weights are the shares of the datasets in an epoch, and on average in each batch. An epoch
    has every item at least once: the items of datasets that are small for their weight are
    repeated, each time with another random patch. Which item an index stands for depends on the
    lengths and the weights only.

    Args:
        datasets: The datasets: names, {"name": ..., argument: ...} or, in Python, any datasets.
        weights: How often each is drawn from relative to the others. Null draws each item once.

    Raises:
        ArgumentError: there is no dataset, one has no length or indices, there is not one positive
            weight for each, or an epoch would be too long.
        DataError: a dataset is empty.

    Example:
        >>> mixture = restorekit.create_dataset(
        ...     "mixture",
        ...     datasets=[{"name": "samples", "pictures": ["brick"]}, {"name": "samples"}],
        ...     weights=[1, 1],
        ... )
        >>> len(mixture), mixture[0].shape
        (18, torch.Size([3, 64, 64]))
    """

    def __init__(
        self,
        datasets: Sequence[str | Mapping[str, Any] | Dataset[Any]],
        weights: Sequence[float] | None = None,
    ) -> None:
        if isinstance(datasets, (str, Mapping)) or not datasets:
            raise ArgumentError("'datasets' must be a list with at least one dataset")
        made = [registered.build(each) for each in datasets]
        for each in made:
            if not (hasattr(each, "__getitem__") and hasattr(each, "__len__")):
                raise ArgumentError(f"{type(each).__name__} has no len() and [index]")
            if not len(each):
                raise DataError(f"dataset {type(each).__name__} of the mixture is empty")
        lengths = list(map(len, made))
        counts = lengths if weights is None else _repeated(lengths, weights)
        # torch's classes, which the training run resolves to the datasets that read the pictures.
        super().__init__(
            [
                Subset(each, _Cycle(length, count))
                for each, length, count in zip(made, lengths, counts, strict=True)
            ]
        )


def _repeated(lengths: Sequence[int], weights: Sequence[float]) -> list[int]:
    """How many items of each dataset are in an epoch."""
    if len(weights) != len(lengths):
        raise ArgumentError(f"{len(weights)} weights for {len(lengths)} datasets")
    for weight in weights:
        if not 0 < weight < float("inf"):  # false for NaN too
            raise ArgumentError(f"a weight is a number above 0, not {weight}")
    epochs = max(length / weight for length, weight in zip(lengths, weights, strict=True))
    counts = [round(weight * epochs) for weight in weights]
    if sum(counts) > MOST_PATCHES:
        raise ArgumentError(
            f"an epoch in which each item comes at least once would have {sum(counts):,} items; at "
            f"most {MOST_PATCHES:,}; give the largest dataset a larger weight"
        )
    return [max(pair) for pair in zip(counts, lengths, strict=True)]


class _Cycle(Sequence[int]):
    """The indices 0, 1, ... of a dataset, repeated up to a length."""

    def __init__(self, period: int, length: int) -> None:
        self.period, self.length = period, length

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        place = range(self.length)[index]
        if isinstance(place, range):
            return [each % self.period for each in place]
        return place % self.period
