"""A folder of pictures as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from restorekit.data.patches import PatchDataset
from restorekit.errors import DataError
from restorekit.pictures.file_formats import SUFFIXES
from restorekit.pictures.picture_files import find_images

# What a training run draws, beside its METRICS: results, no pictures to train on.
RUN_PICTURES = ("validation.png", "loss_map.png")
METRICS = "metrics.jsonl"


class Folder(PatchDataset):
    """Every picture below a folder, whole or as random patches.

    Gives float32 (C, H, W) in [0, 1]. Transparency is left out, EXIF orientation applied. A side
    shorter than the patch is continued by mirror images.

    Args:
        path: The folder; pictures in its subfolders count too. Hidden files and the pictures
            that training runs have drawn do not.
        patch_size: The side of a patch in pixels; null for whole pictures, which only fit in one
            batch where they are all of one size.
        patches_per_image: How many patches of each picture make an epoch.
        channels: 3 for colour, 1 for gray, whatever the files hold.
        cache_megabytes: How much memory each reading process may use to keep decoded pictures.
        halved_colour: The share of random patches whose colour is brought to half the resolution,
            as most JPEGs hold it (4:2:0) and most cameras see it. A network that has only learned
            from full colour leaves colour noise in such pictures.

    Raises:
        DataError: there is no such folder, or no picture in it; on reading, a damaged file.
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
        found = find_images(Path(path).expanduser())
        paths = [each for each in found if not _is_of_a_run(each)]
        if not paths:
            raise DataError(f"no picture in folder '{path}' ({', '.join(SUFFIXES)})")
        super().__init__(
            paths, patch_size, patches_per_image, channels, cache_megabytes, halved_colour
        )


def _is_of_a_run(path: Path) -> bool:
    return path.name in RUN_PICTURES and (path.parent / METRICS).is_file()
