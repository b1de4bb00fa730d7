"""The pictures of another dataset, taken as noisy ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from restorekit.components.kinds import datasets as registered
from restorekit.components.kinds import noises
from restorekit.data.patches import PatchDataset
from restorekit.errors import ArgumentError
from restorekit.pictures.tensors import to_float
from restorekit.records import Images, NoisyImages, degrade
from restorekit.seeding import derive_generator


class NoisyPictures(Dataset[NoisyImages]):
    """The pictures of another dataset, which are noisy themselves or are given noise once.

    Items are a `NoisyImages` without a clean image. The noise model of the run is not applied to
    them. They are for objectives that learn from noisy pictures alone.

    Args:
        dataset: The dataset with the noisy pictures: a name, {"name": ..., argument: ...} or, in
            Python, any dataset.
        noise: A noise that is added to each whole picture, always the same one, so that clean
            pictures stand for noisy ones in an experiment. Null for pictures with real noise.
        seed: The seed of that noise.

    Raises:
        ArgumentError: the dataset has no length or indices.

    Example:
        >>> dataset = restorekit.create_dataset("noisy", dataset={"name": "samples"})
        >>> dataset[0].noisy.shape, dataset[0].clean
        (torch.Size([3, 64, 64]), None)
    """

    def __init__(
        self,
        dataset: str | Mapping[str, Any] | Dataset[Any],
        noise: str | Mapping[str, Any] | nn.Module | None = None,
        seed: int = 0,
    ) -> None:
        made: Any = registered.build(dataset)
        if not (hasattr(made, "__getitem__") and hasattr(made, "__len__")):
            raise ArgumentError(f"{type(made).__name__} has no len() and [index]")
        if noise is not None:
            added = _AddedNoise(noises.build(noise), seed)
            made = _Patches(made, added) if isinstance(made, PatchDataset) else _Items(made, added)
        self.dataset: Any = made

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> NoisyImages:
        return _as_noisy(self.dataset[index])

    def __getattr__(self, name: str) -> Any:
        # What a dataset may have besides `len` and `[index]`, where the inner one has it.
        if name in ("patches_per_image", "patch_size", "channels", "block"):
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


class _AddedNoise:
    """A noise that depends on the number of the picture only."""

    def __init__(self, noise: nn.Module, seed: int) -> None:
        self.noise, self.seed = noise, seed

    def add(self, image: Tensor, number: int) -> Tensor:
        """A picture (C, H, W) with its noise, float32."""
        generator = derive_generator(self.seed, "noisy pictures", number)
        with torch.no_grad():
            return degrade(self.noise, to_float(image)[None], generator).noisy[0]


class _Patches(PatchDataset):
    """Patches of the pictures of another dataset of patches, after noise was added to them."""

    def __init__(self, inner: PatchDataset, added: _AddedNoise) -> None:
        super().__init__(inner.pictures, inner.patch_size, inner.patches_per_image, inner.channels)
        self.inner, self.added = inner, added

    def identify(self, index: int) -> Hashable:
        """As the inner dataset."""
        return self.inner.identify(index)

    def cut(self, picture: int, cut: Callable[[Tensor], Tensor]) -> Images:
        """As for `PatchDataset`."""
        return self.inner.cut(picture, lambda image: cut(self.added.add(image, picture)))


class _Items(Dataset[Tensor]):
    """The items of another dataset, after noise was added to them."""

    def __init__(self, inner: Any, added: _AddedNoise) -> None:
        self.inner, self.added = inner, added

    def __len__(self) -> int:
        return len(self.inner)

    def __getitem__(self, index: int) -> Tensor:
        return self.added.add(_as_noisy(self.inner[index]).noisy, range(len(self))[index])

    def __getattr__(self, name: str) -> Any:
        if name in ("identify", "patches_per_image"):
            return getattr(self.inner, name)
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")


def _as_noisy(item: Any) -> NoisyImages:
    if isinstance(item, NoisyImages):
        return item
    return NoisyImages(item[0] if isinstance(item, (tuple, list)) and item else item)
