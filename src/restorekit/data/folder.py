"""A folder of pictures as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from restorekit.data.patches import PatchDataset
from restorekit.errors import DataError
from restorekit.pictures.file_formats import suffixes
from restorekit.pictures.read_files import find_images

# The pictures that a training run draws, next to its METRICS. They are results, not training data.
RUN_PICTURES = ("validation.png", "loss_map.png")
METRICS = "metrics.jsonl"


class Folder(PatchDataset):
    """All pictures of a folder and its subfolders, whole or as random patches.

    Items are float32 (C, H, W) in [0, 1]. Transparency is dropped and the EXIF orientation is
    applied. Pictures smaller than a patch are extended by mirroring.

    Args:
        path: The folder, which is searched with its subfolders. Hidden files and the pictures that
            training runs have drawn are skipped.
        patch_size: The side of a patch in pixels; null for whole pictures, which form batches only
            if they have equal sizes.
        patches_per_image: Patches of each picture per epoch.
        channels: 3 for colour, 1 for gray; files of the other kind are converted.
        cache_megabytes: Memory for decoded pictures, for each data-loading process.
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
        path: str,
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 3,
        cache_megabytes: int = 2048,
        halved_colour: float = 0.0,
    ) -> None:
        images = find_images(Path(path).expanduser())
        paths = [image for image in images if not _was_drawn_by_a_run(image)]
        if not paths:
            raise DataError(f"no picture in folder '{path}' ({', '.join(suffixes())})")
        super().__init__(
            paths, patch_size, patches_per_image, channels, cache_megabytes, halved_colour
        )


def _was_drawn_by_a_run(path: Path) -> bool:
    return path.name in RUN_PICTURES and (path.parent / METRICS).is_file()
