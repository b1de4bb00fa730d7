"""Pictures cut into patches, at random for training and in the centre for validation."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset

from restorekit.data.colour import halve_colour
from restorekit.errors import ArgumentError, InputError
from restorekit.memory import available_memory, format_size
from restorekit.mirroring import continued
from restorekit.pictures.tensors import to_float
from restorekit.records import Images, map_images
from restorekit.seeding import derive_generator, draw_integer
from restorekit.symmetry import ALL_SYMMETRIES

MOST_PATCHES = 10_000_000  # in an epoch, since the order of all of them is in memory
# Steps of the additive recurrence R2, 1 / p and 1 / p^2 for the plastic number p.
_R2 = (0.7548776662466927, 0.5698402909980532)


def random_patch(image: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Cut a random square out of an image, and flip and rotate it at random.

    An image smaller than `size` is extended by mirroring, so that one small picture does not stop a
    training run.

    Args:
        image: (C, H, W), of any dtype.
        size: the side of the patch in pixels.
        generator: source of the random position and symmetry.

    Returns:
        (C, size, size). All positions and all 8 symmetries of the square are equally likely.

    Example:
        >>> random_patch(batch[0], 16, torch.Generator().manual_seed(0)).shape
        torch.Size([3, 16, 16])
    """
    return random_symmetry(random_crop(image, size, generator), generator)


def random_crop(image: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random square (C, size, size) of an image (C, H, W); small images are mirrored."""
    image = mirror_to(image, size)
    top = draw_integer(image.shape[1] - size + 1, generator)
    left = draw_integer(image.shape[2] - size + 1, generator)
    return image[:, top : top + size, left : left + size]


def center_patch(image: Tensor, size: int) -> Tensor:
    """The central square (C, size, size) of an image (C, H, W); small images are mirrored."""
    image = mirror_to(image, size)
    top, left = (image.shape[1] - size) // 2, (image.shape[2] - size) // 2
    return image[:, top : top + size, left : left + size]


def random_symmetry(image: Tensor, generator: torch.Generator) -> Tensor:
    """Apply a random symmetry that keeps the shape (C, H, W): one of 8 for a square, else of 4."""
    square = image.shape[1] == image.shape[2]
    return ALL_SYMMETRIES[draw_integer(8 if square else 4, generator)].apply(image)


def mirror_to(image: Tensor, size: int) -> Tensor:
    """Extend an image (C, H, W) by mirroring until height and width are at least `size`.

    It grows to the right and to the bottom. Border pixels are repeated in the mirror image.

    Raises:
        InputError: the image has another shape, or no pixels.
    """
    if image.ndim != 3 or not image.numel():
        raise InputError(f"an image must be (C, H, W) and not empty, not {tuple(image.shape)}")
    return continued(continued(image, 1, size), 2, size)


class PatchDataset(Dataset[Any]):
    """Pictures cut into patches; base class of datasets that find and read the pictures.

    `dataset[index]` is deterministic: the central patch of a picture, or with several patches per
    picture one at a position derived from the index. `sample(index, generator)` is a random patch
    of the same picture. Both are float32 (C, H, W) in [0, 1], or a `NoisyImages` of such, whose
    patches are of the same place and orientation.

    Args:
        pictures: the number of pictures.
        patch_size: the side of a patch in pixels; None for whole pictures.
        patches_per_image: patches of each picture per epoch.
        channels: 3 for colour (gray is repeated), 1 for gray (0.299 R + 0.587 G + 0.114 B).
        halved_colour: the share of random patches whose colour is reduced to half the resolution.

    Raises:
        ArgumentError: a number is out of its range, or patches would not fit in memory.
    """

    def __init__(
        self,
        pictures: int,
        patch_size: int | None,
        patches_per_image: int,
        channels: Literal[1, 3],
        halved_colour: float = 0.0,
    ) -> None:
        check_least("patch_size", 1, patch_size)
        check_least("patches_per_image", 1, patches_per_image)
        if patch_size is None and patches_per_image != 1:
            raise ArgumentError(
                "patches_per_image needs a patch_size; whole pictures are used once per epoch"
            )
        if not 0 <= halved_colour <= 1:
            raise ArgumentError(f"halved_colour must be from 0 to 1, not {halved_colour}")
        if halved_colour and channels == 1:
            raise ArgumentError("halved_colour needs 3 channels; gray pictures have no colour")
        _check_size(pictures, patch_size, patches_per_image, channels)
        self.pictures = pictures
        self.halved_colour = halved_colour
        self.patch_size = patch_size
        self.patches_per_image = patches_per_image
        self.channels = channels

    def __len__(self) -> int:
        return self.pictures * self.patches_per_image

    def __getitem__(self, index: int) -> Images:
        picture, patch = self._locate(index)
        size = self.patch_size
        if size is None:
            return self.cut(picture, to_float)
        if patch == 0:
            return self.cut(picture, lambda image: to_float(center_patch(image, size)))
        generator = derive_generator(0, "fixed patch", picture, patch)
        return self._cut_at_random(
            picture, lambda image: random_crop(image, size, generator), generator
        )

    def sample(self, index: int, generator: torch.Generator) -> Images:
        """A random patch of the picture of item `index`, flipped and rotated at random.

        Whole pictures keep their shape: only square ones are rotated by 90 degrees.

        Raises:
            DataError: the file is damaged or missing.
        """
        size = self.patch_size

        def draw(image: Tensor) -> Tensor:
            if size is None:
                image = random_symmetry(image, generator)
            else:
                image = random_patch(image, size, generator)
            return self._maybe_halve_colour(to_float(image), generator)

        return self._cut_at_random(self._locate(index)[0], draw, generator)

    def views(self, index: int, count: int) -> list[Images]:
        """Fixed patches of the picture of item `index`, spread over it, the first in the centre.

        Args:
            index: the item.
            count: the number of patches. A picture with fewer pixels than these patches together is
                returned whole instead.

        Raises:
            DataError: the file is damaged or missing.
        """
        size = self.patch_size
        cut = self.cut(self._locate(index)[0], lambda image: _spread(image, size, count))
        number = len(cut)
        return [map_images(cut, lambda image, at=at: image[at]) for at in range(number)]  # type: ignore[misc]

    def identify(self, index: int) -> Hashable:
        """Which picture item `index` shows."""
        raise NotImplementedError

    def cut(self, picture: int, cut: Callable[[Tensor], Tensor]) -> Images:
        """Apply a function to each image of a picture.

        Args:
            picture: its number.
            cut: a function of (C, H, W), uint8 or float32, that returns a new tensor. It may be
                called several times and gives the same part of each image.

        Raises:
            DataError: the picture cannot be read.
        """
        raise NotImplementedError

    def _cut_at_random(
        self, picture: int, cut: Callable[[Tensor], Tensor], generator: torch.Generator
    ) -> Images:
        """`cut` with a function that draws from a generator: each image gets the same numbers."""
        state = generator.get_state()

        def repeated(image: Tensor) -> Tensor:
            generator.set_state(state)
            return to_float(cut(image))

        return self.cut(picture, repeated)

    def _locate(self, index: int) -> tuple[int, int]:
        """The number of the picture, and that of the patch in it; IndexError past the end."""
        return divmod(range(len(self))[index], self.patches_per_image)

    def _maybe_halve_colour(self, image: Tensor, generator: torch.Generator) -> Tensor:
        if not self.halved_colour:
            return image
        # All three numbers are drawn in any case, so that the generator's state does not depend on
        # the outcome.
        chance = torch.rand((), generator=generator, device=generator.device)
        top, left = draw_integer(2, generator), draw_integer(2, generator)
        return halve_colour(image, top, left) if chance < self.halved_colour else image


def _spread(image: Tensor, size: int | None, count: int) -> Tensor:
    """At most `count` patches (count, C, size, size) that are spread over an image."""
    height, width = image.shape[1:]
    if size is None or height * width <= count * size**2:
        return to_float(image)[None]
    image = mirror_to(image, size)
    ranges = image.shape[1] - size + 1, image.shape[2] - size + 1
    # A low-discrepancy sequence spreads the patches evenly, whatever their number.
    corners = (
        [int((0.5 + number * step) % 1 * end) for end, step in zip(ranges, _R2, strict=True)]
        for number in range(count)
    )
    patches = [image[:, top : top + size, left : left + size] for top, left in corners]
    return to_float(torch.stack(patches))


def _check_size(pictures: int, side: int | None, patches: int, channels: int) -> None:
    """Raise an error if a patch does not fit in memory, or an epoch has too many patches."""
    free = available_memory(torch.device("cpu"))
    if side is not None and (size := 4 * channels * side**2) > free:
        raise ArgumentError(
            f"patch_size {side:,}: a patch needs {format_size(size)}, more than the "
            f"{format_size(free)} of free memory"
        )
    if pictures * patches > MOST_PATCHES:
        raise ArgumentError(
            f"patches_per_image {patches:,}: {pictures * patches:,} patches; an epoch has at most "
            f"{MOST_PATCHES:,}"
        )


def check_least(name: str, least: int, value: int | None) -> None:
    """Raise an error for a number below the least one that works."""
    if value is not None and value < least:
        raise ArgumentError(f"{name} must be at least {least}, not {value}")
