"""Pictures cut into patches, at random for training and in the centre for validation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset

from restorekit.data.colour import halve_colour
from restorekit.errors import ArgumentError, DataError, ImageFileError, InputError
from restorekit.memory import available_memory, format_size
from restorekit.mirroring import continued
from restorekit.pictures.tensors import read_tensor, to_float
from restorekit.seeding import derive_generator, draw_integer
from restorekit.symmetry import ALL_SYMMETRIES

MOST_PATCHES = 10_000_000  # in an epoch, whose order is kept in memory
_R2 = (0.7548776662466927, 0.5698402909980532)


def random_patch(image: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random square of an image, flipped and turned at random.

    A side of the image shorter than `size` is continued by mirror images, so that one small
    picture does not end a training run.

    Args:
        image: (C, H, W), of any type.
        size: the side of the patch in pixels.
        generator: where the place and the symmetry are drawn from.

    Returns:
        (C, size, size), each place equally likely and each of the 8 symmetries of the square.
    """
    return random_symmetry(random_crop(image, size, generator), generator)


def random_crop(image: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random square of (C, H, W) as (C, size, size); small images are continued by mirroring."""
    image = mirror_to(image, size)
    top = draw_integer(image.shape[1] - size + 1, generator)
    left = draw_integer(image.shape[2] - size + 1, generator)
    return image[:, top : top + size, left : left + size]


def center_patch(image: Tensor, size: int) -> Tensor:
    """The square in the middle of (C, H, W) as (C, size, size); small images are mirrored."""
    image = mirror_to(image, size)
    top, left = (image.shape[1] - size) // 2, (image.shape[2] - size) // 2
    return image[:, top : top + size, left : left + size]


def random_symmetry(image: Tensor, generator: torch.Generator) -> Tensor:
    """One of the symmetries that keep the shape of (C, H, W): all 8 for a square, else 4."""
    square = image.shape[1] == image.shape[2]
    return ALL_SYMMETRIES[draw_integer(8 if square else 4, generator)].apply(image)


def mirror_to(image: Tensor, size: int) -> Tensor:
    """(C, H, W) continued to the right and below by mirror images to at least `size` each way.

    Raises:
        InputError: it has another shape, or no pixels.
    """
    if image.ndim != 3 or not image.numel():
        raise InputError(f"an image to cut is (C, H, W), not {tuple(image.shape)}")
    return continued(continued(image, 1, size), 2, size)


class PatchDataset(Dataset[Tensor]):
    """Picture files cut into patches; base of the datasets that know where the files are.

    `dataset[index]` is always the same: the centre patch of a picture or, where each picture gives
    several, one at a place that depends on the index alone. `sample(index, generator)` is a random
    patch of the same picture. Both are float32 (C, H, W) in [0, 1].

    Decoded pictures stay in memory up to a budget, since decoding is what takes the time: those of
    8 bits as uint8, deeper ones as float32.
    Each process that reads has a memory of its own; it does not travel to workers by pickling.

    Args:
        paths: the files.
        patch_size: the side of a patch in pixels; None for whole pictures.
        patches_per_image: how many patches of each picture make an epoch.
        channels: 3 for colour (gray is repeated), 1 for gray (0.299 R + 0.587 G + 0.114 B).
        cache_megabytes: the budget for decoded pictures in this process; 0 reads each time.
        halved_colour: the share of random patches whose colour is brought to half the resolution.

    Raises:
        ArgumentError: a number is out of its range, or patches would not fit the memory.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        patch_size: int | None,
        patches_per_image: int,
        channels: Literal[1, 3],
        cache_megabytes: int,
        halved_colour: float = 0.0,
    ) -> None:
        self.paths = tuple(paths)
        _check_least("patch_size", 1, patch_size)
        _check_least("patches_per_image", 1, patches_per_image)
        _check_least("cache_megabytes", 0, cache_megabytes)
        if patch_size is None and patches_per_image != 1:
            raise ArgumentError("patches_per_image needs a patch_size; whole pictures come once")
        if not 0 <= halved_colour <= 1:
            raise ArgumentError(f"halved_colour must be within 0 and 1, not {halved_colour}")
        if halved_colour and channels == 1:
            raise ArgumentError("halved_colour is for 3 channels; gray pictures have no colour")
        _check_size(len(self.paths), patch_size, patches_per_image, channels)
        self.halved_colour = halved_colour
        self.patch_size = patch_size
        self.patches_per_image = patches_per_image
        self.channels = channels
        self._room = self._budget = cache_megabytes * 1_000_000
        self._cache: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.paths) * self.patches_per_image

    def __getitem__(self, index: int) -> Tensor:
        picture, patch = self._place(index)
        image = self._pixels(picture)
        if self.patch_size is None:
            return to_float(image)
        if patch == 0:
            return to_float(center_patch(image, self.patch_size))
        place = derive_generator(0, "fixed patch", picture, patch)
        return to_float(random_crop(image, self.patch_size, place))

    def sample(self, index: int, generator: torch.Generator) -> Tensor:
        """A random patch of the picture behind `index`, flipped and turned at random.

        Whole pictures keep their shape: one that is not square is not turned by 90 degrees.

        Raises:
            DataError: the file is damaged or gone.
        """
        image = self._pixels(self._place(index)[0])
        if self.patch_size is None:
            image = random_symmetry(image, generator)
        else:
            image = random_patch(image, self.patch_size, generator)
        return self._with_colour(to_float(image), generator)

    def views(self, index: int, count: int) -> list[Tensor]:
        """Fixed patches of the picture behind `index`, spread over it, the first in the middle.

        Args:
            index: as for `[index]`.
            count: how many. A picture that is no larger than so many patches comes whole instead.

        Raises:
            DataError: the file is damaged or gone.
        """
        image, size = self._pixels(self._place(index)[0]), self.patch_size
        height, width = image.shape[1:]
        if size is None or height * width <= count * size**2:
            return [to_float(image)]
        image = mirror_to(image, size)
        free = image.shape[1] - size, image.shape[2] - size
        # The additive recurrence R2, whose points keep away from each other.
        corners = (
            [
                int((0.5 + number * step) % 1 * (room + 1))
                for room, step in zip(free, _R2, strict=True)
            ]
            for number in range(count)
        )
        return [to_float(image[:, top : top + size, left : left + size]) for top, left in corners]

    def identify(self, index: int) -> Path:
        """The file behind `index`, by a path that is the same whichever way led there."""
        return self.paths[self._place(index)[0]].resolve()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}, "_room": self._budget}

    def _place(self, index: int) -> tuple[int, int]:
        """Which picture, and the how many-th of its patches; IndexError past the end."""
        return divmod(range(len(self))[index], self.patches_per_image)

    def _with_colour(self, image: Tensor, generator: torch.Generator) -> Tensor:
        if not self.halved_colour:
            return image
        chance = torch.rand((), generator=generator, device=generator.device)
        top, left = draw_integer(2, generator), draw_integer(2, generator)
        return halve_colour(image, top, left) if chance < self.halved_colour else image

    def _pixels(self, picture: int) -> Tensor:
        if picture in self._cache:
            return self._cache[picture]
        try:
            pixels = read_tensor(self.paths[picture], self.channels)
        except ImageFileError as error:
            raise DataError(str(error)) from error
        if pixels.nbytes <= self._room:
            self._room -= pixels.nbytes
            self._cache[picture] = pixels
        return pixels


def _check_size(pictures: int, side: int | None, patches: int, channels: int) -> None:
    """Refuse patches that do not fit the memory, and more of them than can be put in order."""
    free = available_memory(torch.device("cpu"))
    if side is not None and (size := 4 * channels * side**2) > free:
        raise ArgumentError(
            f"patch_size {side:,}: a patch takes {format_size(size)}, more than the "
            f"{format_size(free)} of memory that are free"
        )
    if pictures * patches > MOST_PATCHES:
        raise ArgumentError(
            f"patches_per_image {patches:,}: {pictures * patches:,} patches; an epoch has at most "
            f"{MOST_PATCHES:,}"
        )


def _check_least(name: str, least: int, value: int | None) -> None:
    if value is not None and value < least:
        raise ArgumentError(f"{name} must be at least {least}, not {value}")
