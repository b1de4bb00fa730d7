"""Photographs that are there without a download: those inside scikit-image's wheel."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from restorekit.data.patches import PatchDataset
from restorekit.errors import ArgumentError, DataError, MissingExtraError, did_you_mean

# The photographs that scikit-image's documentation puts in the public domain or under CC0
# (https://scikit-image.org/docs/stable/api/skimage.data.html). Left out: `coins`, `ihc`, `moon`,
# `motorcycle` (no licence stated), `rocket` (its source has since named another licence), and what
# is no sharp photograph (`cell`, `clock_motion`, `page`, ...).
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


class Samples(PatchDataset):
    """The public-domain and CC0 photographs that scikit-image ships, 9 of 0.1 to 2 megapixels.

    Gives float32 (C, H, W) in [0, 1]: astronaut, chelsea, coffee, hubble_deep_field and retina in
    colour; brick, camera, grass and gravel in gray. Enough to try things out, not to train a good
    denoiser. Needs the extra `samples`; nothing is downloaded.

    Args:
        patch_size: The side of a patch in pixels; null for whole pictures.
        patches_per_image: How many patches of each picture make an epoch.
        channels: 3 for colour (gray ones are repeated), 1 for gray.
        pictures: The names of those to use; null for all.
        exclude: The names of those to leave out, to be validated on say.

    Raises:
        ArgumentError: a name is unknown, or none is left.
        MissingExtraError: scikit-image is not installed.
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
        paths = [sample_path(name) for name in names]
        super().__init__(paths, patch_size, patches_per_image, channels, cache_megabytes=64)


def sample_path(name: str) -> Path:
    """Where the photograph of that name lies.

    Raises:
        ArgumentError: there is none of that name.
        MissingExtraError: scikit-image is not installed.
        DataError: this version of scikit-image does not ship it.
    """
    _selected([name], ())
    file = PICTURES[name][0]
    try:
        path = Path(str(importlib.resources.files("skimage") / "data" / file))
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "the sample photographs come with scikit-image; pip install 'restorekit[samples]'"
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
                f"no sample picture '{name}'.{did_you_mean(name, PICTURES)} "
                f"Available: {', '.join(PICTURES)}"
            )
    left = [name for name in pictures if name not in exclude]
    if not left:
        raise ArgumentError("no sample picture is left; name fewer in 'exclude'")
    return left
