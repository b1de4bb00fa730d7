"""The images and the noise of each step, derived from the seed, the step and the place.

Position p of the run is image p mod n in the permutation of epoch p // n. A run can therefore start
at any step without replaying earlier ones, and a batch may cross the end of an epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from restorekit.errors import RestoreKitError
from restorekit.records import Images
from restorekit.seeding import derive_generator
from restorekit.train.data_workers import check_shared_memory, ignore_signals, share_memory
from restorekit.train.dataset_items import read_sample
from restorekit.train.mixed_batches import ImageBatch, map_batch, stack

Draw = tuple[int, int]  # (epoch, index)


class DrawSampler(Sampler[list[Draw]]):
    """For each step, the draws at the given places in the global batch."""

    def __init__(
        self, indices: Sequence[int], batch_size: int, places: range, steps: range, seed: int
    ) -> None:
        self.indices, self.batch_size, self.seed = list(indices), batch_size, seed
        self.places, self.steps = places, steps

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
                    generator = derive_generator(self.seed, "epoch", epoch)
                    order = torch.randperm(count, generator=generator)
                draws.append((epoch, self.indices[int(order[position % count])]))
            yield draws

    def __len__(self) -> int:
        return len(self.steps)


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
        batch_sampler=DrawSampler(indices, batch_size, places, steps, seed),
        num_workers=num_workers,
        pin_memory=pin_memory,
        collate_fn=_collate,
        worker_init_fn=ignore_signals,
    )
    for images in loader:
        if isinstance(images, RestoreKitError):
            raise images
        yield images


def _collate(images: Sequence[Images | RestoreKitError]) -> ImageBatch | RestoreKitError:
    # Errors travel as values, because torch turns an exception of a worker into a long traceback.
    fault = next((image for image in images if isinstance(image, RestoreKitError)), None)
    try:
        return fault or map_batch(stack(cast("Sequence[Images]", images)), share_memory)
    except RestoreKitError as error:
        return error
