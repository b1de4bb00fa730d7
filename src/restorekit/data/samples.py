"""Sample photographs that need no download: those in the wheel of scikit-image."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from restorekit.data.file_dataset import FileDataset, Scene
from restorekit.errors import ArgumentError, DataError, MissingExtraError, did_you_mean

# The photographs that are public domain or CC0 according to the documentation of scikit-image
# (https://scikit-image.org/docs/stable/api/skimage.data.html). Excluded are `coins`, `ihc`, `moon`
# and `motorcycle` (no licence stated), `rocket` (its source now names another licence), and
# pictures that are not sharp photographs (`cell`, `clock_motion`, `page`, ...).
PICTURES = {
    "astronaut": ("astronaut.png", "public domain, NASA"),
    "brick": ("brick.png", "CC0, CC0Textures"),
    "camera": ("camera.png", "CC0, Lav Varshney"),
    "chelsea": ("chelsea.png", "CC0, Stefan van der Walt"),
    "coffee": ("coffee.png", "CC0, Rachel Michetti"),
    "grass": ("grass.png", "CC0, linolafett"),
    "gravel": ("gravel.png", "CC0, CC0Textures"),
    "hubble_deep_field": ("hubble_deep_field.jpg", "public domain, NASA"),
    "retina": ("retina.jpg", "CC0, Mikael Häggström"),
}


class Samples(FileDataset):
    """Nine public-domain and CC0 photographs of scikit-image, of 0.1 to 2 megapixels.

    Items are float32 (C, H, W) in [0, 1]. The pictures are astronaut, chelsea, coffee,
    hubble_deep_field and retina in colour, and brick, camera, grass and gravel in gray. They are
    enough for experiments, but not to train a good denoiser. Needs the extra `samples`; nothing is
    downloaded.

    Args:
        patch_size: The side of a patch in pixels; null for whole pictures.
        patches_per_image: Patches of each picture per epoch.
        channels: 3 for colour (gray pictures are repeated), 1 for gray.
        pictures: Names of the pictures to use; null for all.
        exclude: Names of pictures to leave out, for example those used for validation.

    Raises:
        ArgumentError: a name is unknown, or no picture is left.
        MissingExtraError: scikit-image is not installed.

    Example:
        >>> dataset = restorekit.create_dataset("samples", patch_size=32, exclude=["retina"])
        >>> len(dataset), dataset[0].shape
        (8, torch.Size([3, 32, 32]))
    """

    def __init__(
        self,
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 3,
        pictures: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
    ) -> None:
        names = _selected(PICTURES if pictures is None else pictures, exclude)
        scenes = [Scene(sample_path(name)) for name in names]
        super().__init__(scenes, patch_size, patches_per_image, channels, cache_megabytes=64)


def sample_path(name: str) -> Path:
    """The file of a sample photograph.

    Raises:
        ArgumentError: the name is unknown.
        MissingExtraError: scikit-image is not installed.
        DataError: the installed scikit-image does not have the file.

    Example:
        >>> sample_path("astronaut").name
        'astronaut.png'
    """
    _selected([name], ())
    file = PICTURES[name][0]
    try:
        path = Path(str(importlib.resources.files("skimage") / "data" / file))
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "the sample photographs are part of scikit-image; pip install 'restorekit[samples]'"
        ) from error
    if not path.is_file():
        raise DataError(f"sample '{name}': the installed scikit-image has no file '{path}'")
    return path


def _selected(
    pictures: Sequence[str] | dict[str, tuple[str, str]], exclude: Sequence[str]
) -> list[str]:
    for name in (*pictures, *exclude):
        if name not in PICTURES:
            raise ArgumentError(
                f"unknown sample picture '{name}'.{did_you_mean(name, PICTURES)} "
                f"Available: {', '.join(PICTURES)}"
            )
    selected = [name for name in pictures if name not in exclude]
    if not selected:
        raise ArgumentError("'exclude' removes all sample pictures; list fewer of them there")
    return selected
