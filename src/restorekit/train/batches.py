"""Which images a step sees, and with which noise: derived from the seed, the step and the place.

Position p of the run is image p mod n of epoch p // n in that epoch's own permutation, so a run can
begin at any step without replaying what came before, and a batch may cross the end of an epoch.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from restorekit.errors import DataError, RestoreKitError
from restorekit.records import Degraded, degrade
from restorekit.seeding import derive_generator
from restorekit.train.interruption import SIGNALS

Draw = tuple[int, int]  # (epoch, index)


class Draws(Sampler[list[Draw]]):
    """The draws of each of some steps that have the given places in the global batch."""

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
                position = step * self.batch_size + place
                if position // count != epoch:
                    epoch = position // count
                    generator = derive_generator(self.seed, "epoch", epoch)
                    order = torch.randperm(count, generator=generator)
                draws.append((epoch, self.indices[int(order[position % count])]))
            yield draws

    def __len__(self) -> int:
        return len(self.steps)


class Drawn(Dataset[Tensor | RestoreKitError]):
    """A dataset addressed by draw: a random patch where it has them, else the image itself."""

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset, self.seed = dataset, seed
        self.sample: Callable[[int, torch.Generator], Any] | None = getattr(dataset, "sample", None)

    def __getitem__(self, draw: Draw) -> Tensor | RestoreKitError:
        epoch, index = draw
        try:
            if self.sample is None:
                return as_image(self.dataset[index])
            generator = derive_generator(self.seed, "sample", epoch, index)
            return as_image(self.sample(index, generator))
        except RestoreKitError as error:
            return error  # raised in a worker it would arrive with a traceback as its message


def training_batches(
    dataset: Any,
    indices: Sequence[int],
    *,
    batch_size: int,
    places: range,
    steps: range,
    seed: int,
    num_workers: int,
    pin_memory: bool,
) -> Iterator[Tensor]:
    """The clean images (n, C, H, W) at n places of the batches of the given steps, in order.

    Raises:
        DataError: an image cannot be read, or does not fit the others.
    """
    loader: DataLoader[Any] = DataLoader(
        Drawn(dataset, seed),
        batch_sampler=Draws(indices, batch_size, places, steps, seed),
        num_workers=num_workers,
        pin_memory=pin_memory,
        collate_fn=_collate,
        worker_init_fn=_ignore_signals,
    )
    for images in loader:
        if isinstance(images, RestoreKitError):
            raise images
        yield images


def _ignore_signals(_worker: int) -> None:
    """A signal to the whole process group is the main process's to answer."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _collate(images: Sequence[Tensor | RestoreKitError]) -> Tensor | RestoreKitError:
    fault = next((image for image in images if isinstance(image, RestoreKitError)), None)
    try:
        return fault or stack(cast("Sequence[Tensor]", images))
    except RestoreKitError as error:
        return error


def stack(images: Sequence[Tensor]) -> Tensor:
    """Images of one shape as a batch.

    Raises:
        DataError: their shapes differ.
    """
    shapes = sorted({tuple(image.shape) for image in images})
    if len(shapes) > 1:
        raise DataError(
            f"images of different shapes in one batch ({shapes[0]} and {shapes[-1]}); "
            "give the dataset a patch_size, or train with batch_size 1"
        )
    return torch.stack(list(images))


def as_image(item: Any) -> Tensor:
    """What a dataset holds at an index, as a float image (C, H, W); a label beside it is dropped.

    Raises:
        DataError: it is no image.
    """
    image = item[0] if isinstance(item, (tuple, list)) else item
    if not isinstance(image, Tensor) or image.ndim != 3:
        found = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise DataError(f"a dataset gives (C, H, W) tensors in [0, 1], not {found}")
    return image.float() if image.is_floating_point() else image.float() / 255


def split(
    dataset: Any, share: float, training: int | None, seed: int
) -> tuple[list[int], list[int]]:
    """Indices to train on and to validate on; the patches of one picture stay on one side.

    Args:
        dataset: pictures; `patches_per_image` neighbours of it are one picture, 1 if it says none.
        share: of the pictures, to validate on, from 0 to 1.
        training: how many pictures to train on; None for all the others.
        seed: what the choice is derived from.

    Raises:
        DataError: the dataset is empty, or has fewer pictures than `training`.
    """
    group = int(getattr(dataset, "patches_per_image", 1))
    pictures = len(dataset) // group
    if pictures == 0:
        raise DataError("the dataset is empty")
    held_out = min(max(round(pictures * share), bool(share)), pictures - 1)
    kept = training or pictures - held_out
    if kept > pictures:
        raise DataError(f"train.training_images is {kept}, but the dataset has {pictures} images")
    order = torch.randperm(pictures, generator=derive_generator(seed, "split")).tolist()
    train = [p * group + i for p in sorted(order[:kept]) for i in range(group)]
    return train, [p * group for p in sorted(order[kept:])]


def corrupt(
    noise: nn.Module, clean: Tensor, seed: int, purpose: str, step: int, places: Sequence[int]
) -> Degraded:
    """A batch with noise that depends on each sample's place, not on the batch it came in.

    Args:
        noise: the noise model.
        clean: (B, C, H, W) on its device.
        seed, purpose, step: what the noise is derived from, beside the place.
        places: B numbers, each sample's place in the global batch.
    """
    parts = []
    for image, place in zip(clean.chunk(len(clean)), places, strict=True):
        generator = derive_generator(seed, purpose, step, place, device=clean.device)
        parts.append(degrade(noise, image, generator))
    sigmas = [part.sigma for part in parts]
    known = None if any(s is None for s in sigmas) else torch.cat(cast("list[Tensor]", sigmas))
    return Degraded(torch.cat([part.noisy for part in parts]), known)
