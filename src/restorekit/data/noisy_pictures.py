"""The pictures of another dataset, taken as noisy ones."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from torch.utils.data import Dataset

from restorekit.components.kinds import datasets as registered
from restorekit.errors import ArgumentError
from restorekit.records import NoisyImages


class NoisyPictures(Dataset[NoisyImages]):
    """The pictures of another dataset, which have real noise themselves.

    Items are a `NoisyImages` without a clean image. The noise model of the run is not applied to
    them. They are for objectives that learn from noisy pictures alone.

    Args:
        dataset: The dataset with the noisy pictures: a name, {"name": ..., argument: ...} or, in
            Python, any dataset.

    Raises:
        ArgumentError: it has no length or indices.

    Example:
        >>> dataset = restorekit.create_dataset("noisy", dataset={"name": "samples"})
        >>> dataset[0].noisy.shape, dataset[0].clean
        (torch.Size([3, 64, 64]), None)
    """

    def __init__(self, dataset: str | Mapping[str, Any] | Dataset[Any]) -> None:
        self.dataset: Any = registered.build(dataset)
        if not (hasattr(self.dataset, "__getitem__") and hasattr(self.dataset, "__len__")):
            raise ArgumentError(f"{type(self.dataset).__name__} has no len() and [index]")

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> NoisyImages:
        return _as_noisy(self.dataset[index])

    def __getattr__(self, name: str) -> Any:
        # What a dataset may have besides `len` and `[index]`, where the inner one has it.
        if name in ("patches_per_image", "patch_size", "channels"):
            return getattr(self.dataset, name)
        if name in ("sample", "views", "identify") and hasattr(self.dataset, name):
            return getattr(self, f"_{name}")
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")

    def _sample(self, index: int, generator: torch.Generator) -> NoisyImages:
        return _as_noisy(self.dataset.sample(index, generator))

    def _views(self, index: int, count: int) -> list[NoisyImages]:
        return [_as_noisy(view) for view in self.dataset.views(index, count)]

    def _identify(self, index: int) -> Hashable:
        key: Hashable = self.dataset.identify(index)
        return key


def _as_noisy(item: Any) -> NoisyImages:
    if isinstance(item, NoisyImages):
        return item
    return NoisyImages(item[0] if isinstance(item, (tuple, list)) and item else item)
