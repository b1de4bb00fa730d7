"""What the registries make, as types for type checkers.

A component need not inherit from these classes. Registries import this file for types only, since
it imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor
from torch.utils.data import Dataset

from restorekit.records import RecognisedCheckpoint, TaskBatch

Estimator = Callable[[Tensor], Tensor]
Measurement = Callable[..., Any]  # the record depends on the measurement
Schedule = Callable[[float], float]
CheckpointLayout = Callable[[Mapping[str, Tensor]], RecognisedCheckpoint | None]


class ImageDataset(Dataset[Tensor]):
    """Clean images, each (C, H, W) in [0, 1].

    An item may also be `(noisy, clean)` or a `NoisyImages`; type checkers see the usual case.
    """

    def __len__(self) -> int:
        """The number of images."""
        raise NotImplementedError


class ImageMetric(Protocol):
    """A measure of restored images.

    One whose attribute `no_reference` is True gets None for the target where no clean image is
    known.
    """

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher value is the better one."""

    def __call__(self, restored: Tensor, target: Tensor, /) -> Tensor:
        """One value per image, (B,), of two batches (B, C, H, W)."""


class Objective(Protocol):
    """What a network learns: an object with `make_batch`.

    One that also takes `NoisyImages` has an attribute `takes_noisy` that is True.
    """

    def make_batch(self, images: Any, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The inputs and targets of a batch of images; equal arguments give equal results.

        Args:
            images: this process's clean images, (n, C, H, W) in [0, 1]; or a `NoisyImages`, of a
                dataset with real noise.
            seed: the run's seed.
            step: the number of the step, from 1.
            places: the place of each image in the batch of all processes.
        """


class PictureFormat(Protocol):
    """A format of picture files; `restorekit.pictures.base.Format` has the other members."""

    name: str
    suffixes: tuple[str, ...]
    signatures: tuple[bytes, ...]
    alpha: bool
    pages: bool

    def matches(self, head: bytes) -> bool:
        """Whether the first bytes of a file are those of this format."""

    def count_pages(self, path: Path) -> int:
        """Number of pages of a file, without decoding them."""
