"""The images and the noise of each step, derived from the seed, the step and the place.

Position p of the run is image p mod n in the permutation of epoch p // n. A run can therefore start
at any step without replaying earlier ones, and a batch may cross the end of an epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from restorekit.errors import RestoreKitError
from restorekit.records import Images
from restorekit.seeding import derive_generator
from restorekit.train.data_workers import check_shared_memory, ignore_signals, share_memory
from restorekit.train.dataset_items import read_sample
from restorekit.train.mixed_batches import ImageBatch, map_batch, stack

Draw = tuple[int, int]  # (epoch, index)


class DrawSampler(Sampler[list[Draw]]):
    """For each step, the draws at the given places in the global batch.

    Args:
        indices: the indices to draw from.
        batch_size: the size of the global batch.
        places: the places to draw for.
        steps: the steps, from 0.
        seed: the seed of the run.
        blocks: of each index, the part of the data that is read as a whole, such as a shard; None
            if single items are read.
    """

    def __init__(
        self,
        indices: Sequence[int],
        batch_size: int,
        places: range,
        steps: range,
        seed: int,
        blocks: Sequence[int] | None = None,
    ) -> None:
        self.indices, self.batch_size, self.seed = list(indices), batch_size, seed
        self.places, self.steps = places, steps
        self.blocks = None if blocks is None else torch.tensor(blocks)

    def __iter__(self) -> Iterator[list[Draw]]:
        count, epoch, order = len(self.indices), -1, torch.empty(0)
        for step in self.steps:
            draws = []
            for place in self.places:
                # Derived from the step alone, so that a resumed run draws what an unbroken one
                # would.
                position = step * self.batch_size + place
                # A permutation of a large dataset takes long, so it is made once an epoch.
                if position // count != epoch:
                    epoch = position // count
                    order = self._order(derive_generator(self.seed, "epoch", epoch))
                draws.append((epoch, self.indices[int(order[position % count])]))
            yield draws

    def __len__(self) -> int:
        return len(self.steps)

    def _order(self, generator: torch.Generator) -> Tensor:
        order = torch.randperm(len(self.indices), generator=generator)
        if self.blocks is None:
            return order
        return order_by_block(order, self.blocks, self.batch_size, generator)


class DrawnDataset(Dataset[Images | RestoreKitError]):
    """A dataset indexed by draw: a random patch if the dataset has `sample`, else the item."""

    def __init__(self, dataset: object, seed: int) -> None:
        self.dataset, self.seed = dataset, seed

    def __getitem__(self, draw: Draw) -> Images | RestoreKitError:
        epoch, index = draw
        try:
            generator = derive_generator(self.seed, "sample", epoch, index)
            return read_sample(self.dataset, index, generator)
        except RestoreKitError as error:
            return error  # if raised in a worker, its message would contain a traceback


def order_by_block(order: Tensor, blocks: Tensor, lanes: int, generator: torch.Generator) -> Tensor:
    """A shuffled epoch in which each place of the batch goes through blocks one after the other.

    The blocks are shuffled too, and their items divided among the places. So the processes of a
    run, which have places of their own, read different blocks, whatever their number.

    Args:
        order: the positions of the epoch, shuffled.
        blocks: the block of each position.
        lanes: the number of places.
        generator: shuffles the blocks.
    """
    shuffled = torch.randperm(int(blocks.max()) + 1, generator=generator)
    stream = order[shuffled[blocks[order]].argsort(stable=True)]
    parts = [part.tolist() for part in stream.tensor_split(min(lanes, len(stream)))]
    columns = (column for column in zip_longest(*parts))
    return torch.tensor([at for column in columns for at in column if at is not None])


def training_batches(
    dataset: object,
    indices: Sequence[int],
    *,
    batch_size: int,
    places: range,
    steps: range,
    seed: int,
    num_workers: int,
    pin_memory: bool,
) -> Iterator[ImageBatch]:
    """The images (n, C, H, W) at n places of the batches of the given steps, in order.

    Raises:
        DataError: an image cannot be read, or has another shape than the others.
    """
    if num_workers:
        check_shared_memory()
    loader: DataLoader[object] = DataLoader(
        DrawnDataset(dataset, seed),
        batch_sampler=DrawSampler(
            indices, batch_size, places, steps, seed, _blocks(dataset, indices)
        ),
        num_workers=num_workers,
        pin_memory=pin_memory,
        collate_fn=_collate,
        worker_init_fn=ignore_signals,
    )
    for images in loader:
        if isinstance(images, RestoreKitError):
            raise images
        yield images


def _blocks(dataset: Any, indices: Sequence[int]) -> list[int] | None:
    return [dataset.block(index) for index in indices] if hasattr(dataset, "block") else None


def _collate(images: Sequence[Images | RestoreKitError]) -> ImageBatch | RestoreKitError:
    # Errors travel as values, because torch turns an exception of a worker into a long traceback.
    fault = next((image for image in images if isinstance(image, RestoreKitError)), None)
    try:
        return fault or map_batch(stack(cast("Sequence[Images]", images)), share_memory)
    except RestoreKitError as error:
        return error
