"""Folders of pictures as a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from restorekit.data.file_dataset import FileDataset, Scene
from restorekit.data.path_patterns import find_files
from restorekit.pictures.file_formats import format_of_suffix, suffixes
from restorekit.pictures.read_files import find_images

# The pictures that a training run draws, next to its METRICS. They are results, not training data.
RUN_PICTURES = ("validation.png", "loss_map.png")
METRICS = "metrics.jsonl"


class Folder(FileDataset):
    """All pictures of folders and their subfolders, whole or as random patches.

    Items are float32 (C, H, W) in [0, 1]. Transparency is dropped and the EXIF orientation is
    applied. Pictures smaller than a patch are extended by mirroring.

    Args:
        path: A folder, which is searched with its subfolders, a picture file, a pattern of such,
            "photos/*/raw" or "photos/**/*.png", or a list of these. Hidden files and the pictures
            that training runs have drawn are skipped. A picture that is found twice counts once.
        patch_size: The side of a patch in pixels; null for whole pictures, which form batches only
            if they have equal sizes.
        patches_per_image: Patches of each picture per epoch.
        channels: 3 for colour, 1 for gray; files of the other kind are converted.
        cache_megabytes: Memory for decoded pictures, which the data-loading processes share; at
            most a quarter of the free memory is used.
        halved_colour: The share of random patches whose colour is reduced to half the resolution,
            as in most JPEG files (4:2:0) and cameras. A network trained on full colour only leaves
            colour noise in such pictures.

    Raises:
        DataError: the folder is missing or has no pictures; when an item is read, a damaged file.

    Example:
        >>> from PIL import Image
        >>> Image.fromarray(image).save("a.png")
        >>> dataset = restorekit.create_dataset("folder", path=".", patch_size=16)
        >>> len(dataset), dataset[0].shape, dataset[0].dtype
        (1, torch.Size([3, 16, 16]), torch.float32)
    """

    def __init__(
        self,
        path: str | Sequence[str],
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 3,
        cache_megabytes: int = 2048,
        halved_colour: float = 0.0,
    ) -> None:
        scenes = [Scene(file) for file in find_pictures(path)]
        super().__init__(
            scenes, patch_size, patches_per_image, channels, cache_megabytes, halved_colour
        )


def find_pictures(path: str | Sequence[str]) -> list[Path]:
    """The pictures of a folder, a file, a pattern or several of these, sorted; each only once.

    Raises:
        DataError: one of them has no picture.
    """
    return find_files(path, _pictures_below, _is_picture, f"picture ({', '.join(suffixes())})")


def _pictures_below(folder: Path) -> Iterator[Path]:
    return (image for image in find_images(folder) if not _was_drawn_by_a_run(image))


def _is_picture(path: Path) -> bool:
    return format_of_suffix(path.suffix) is not None


def _was_drawn_by_a_run(path: Path) -> bool:
    return path.name in RUN_PICTURES and (path.parent / METRICS).is_file()
