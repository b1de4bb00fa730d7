"""Batches of images, which may mix clean images and images with real noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from restorekit.errors import DataError
from restorekit.objective.base import Objective, TaskBatch
from restorekit.records import Images, NoisyImages, map_images
from restorekit.train.dataset_items import shape_of


@dataclass(frozen=True)
class MixedImages:
    """A batch of items of several kinds, for example of clean images and of pairs.

    Attributes:
        parts: the items of each kind as a batch.
        positions: of each part, the positions of its items in the whole batch.
    """

    parts: tuple[Images, ...]
    positions: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return sum(map(len, self.positions))

    def __getitem__(self, part: slice) -> MixedImages:
        kept = range(len(self))[part]
        parts: list[Images] = []
        positions: list[tuple[int, ...]] = []
        for images, places in zip(self.parts, self.positions, strict=True):
            inside = [at for at, place in enumerate(places) if place in kept]
            if inside:
                parts.append(_select(images, inside))
                positions.append(tuple(kept.index(places[at]) for at in inside))
        return MixedImages(tuple(parts), tuple(positions))

    def map(self, function: Callable[[Tensor], Tensor]) -> MixedImages:
        """Apply a function to each of the tensors."""
        parts = tuple(map_images(part, function) for part in self.parts)
        return MixedImages(parts, self.positions)

    def pin_memory(self) -> MixedImages:
        """The same in page-locked memory; torch's data loader calls it."""
        return self.map(lambda image: image.pin_memory())


ImageBatch = Tensor | NoisyImages | MixedImages


def stack(samples: Sequence[Images]) -> ImageBatch:
    """Items of one shape as a batch.

    Raises:
        DataError: their shapes differ.
    """
    shapes = sorted({shape_of(sample) for sample in samples})
    if len(shapes) > 1:
        raise DataError(
            f"images of different shapes in one batch ({shapes[0]} and {shapes[-1]}); "
            "give the dataset a patch_size, or train with batch_size 1"
        )
    kinds: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, sample in enumerate(samples):
        kinds[kind_of(sample)].append(position)
    parts = tuple(_stack_alike([samples[at] for at in places]) for places in kinds.values())
    return parts[0] if len(parts) == 1 else MixedImages(parts, tuple(map(tuple, kinds.values())))


def split_batch(batch: ImageBatch, count: int) -> list[ImageBatch]:
    """A batch in consecutive parts of nearly equal size, the larger ones first."""
    size, larger = divmod(len(batch), count)
    ends = [number * size + min(number, larger) for number in range(count + 1)]
    return [batch[start:end] for start, end in pairwise(ends)]


def map_batch(batch: ImageBatch, function: Callable[[Tensor], Tensor]) -> ImageBatch:
    """Apply a function to each of the tensors of a batch."""
    return batch.map(function) if isinstance(batch, MixedImages) else map_images(batch, function)


def make_task(
    objective: Objective, batch: ImageBatch, seed: int, step: int, places: Sequence[int]
) -> TaskBatch:
    """The inputs and targets of a batch; the objective is called once for each kind of items."""
    if not isinstance(batch, MixedImages):
        return objective.make_batch(batch, seed, step, places)
    made = [
        objective.make_batch(part, seed, step, [places[at] for at in positions])
        for part, positions in zip(batch.parts, batch.positions, strict=True)
    ]
    order = torch.tensor([at for positions in batch.positions for at in positions])
    return _join(made, order.argsort())


def kind_of(sample: Images) -> tuple[str, ...]:
    """The names of the images of a `NoisyImages`; empty for a clean image."""
    return tuple(sample.images) if isinstance(sample, NoisyImages) else ()


def _select(images: Images, places: list[int]) -> Images:
    return map_images(images, lambda image: image[places])


def _stack_alike(samples: Sequence[Images]) -> Images:
    if isinstance(samples[0], Tensor):
        return torch.stack(list(samples))  # type: ignore[arg-type]
    each = [sample.images for sample in samples if isinstance(sample, NoisyImages)]
    return NoisyImages(**{name: torch.stack([one[name] for one in each]) for name in each[0]})


def _join(made: Sequence[TaskBatch], order: Tensor) -> TaskBatch:
    """Parts of a batch as one, in the given order."""
    levels = [_joined_levels([getattr(part, name) for part in made], order) for name in _LEVELS]
    masks = [
        torch.ones_like(part.target, dtype=torch.bool)
        if part.mask is None
        else part.mask.expand_as(part.target)
        for part in made
    ]
    has_mask = any(part.mask is not None for part in made)
    extras = {
        name: torch.cat([part.extras[name] for part in made])[order] for name in made[0].extras
    }
    return TaskBatch(
        torch.cat([part.input for part in made])[order],
        torch.cat([part.target for part in made])[order],
        sigma=levels[0],
        mask=torch.cat(masks)[order] if has_mask else None,
        full_sigma=levels[1],
        extras=extras,
    )


_LEVELS = ("sigma", "full_sigma")


def _joined_levels(levels: Sequence[Tensor | None], order: Tensor) -> Tensor | None:
    """The noise levels of all samples; None if that of one part is unknown."""
    known = [level for level in levels if level is not None]
    if len(known) < len(levels):
        return None
    height, width = (max(level.shape[axis] for level in known) for axis in (-2, -1))
    return torch.cat([level.expand(-1, -1, height, width) for level in known])[order]
