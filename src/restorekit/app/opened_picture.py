"""A picture that a visitor has opened, its analysis, and how parts of it look on a screen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from restorekit.pictures.picture import Picture
from restorekit.pictures.pixel_values import to_unit
from restorekit.pictures.read_files import count_pages, iter_pages
from restorekit.report.illustrations import overview
from restorekit.restore.analysis import Analysis, analyze_canvas
from restorekit.restore.choice import Choice, choose
from restorekit.restore.denoise_options import DenoiseOptions
from restorekit.restore.image_job import ImageJob
from restorekit.restore.image_types import open_image
from restorekit.restore.pixel_meaning import PixelMeaning
from restorekit.restore.separate_channels import joined_choice, split_channels

Pixels = NDArray[np.uint8]


class Box(NamedTuple):
    """A part of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class OpenedPicture:
    """A picture file and what is known of its first page.

    Attributes:
        path: the file.
        picture: its first page.
        pages: number of pages; only TIFF files have more than one.
        analysis: the analysis of the first page.
        choice: the network that model "auto" selects.
        is_split: whether its channels are restored one by one.
        previews: the last part that was restored and how, by its place and settings.
    """

    path: Path
    picture: Picture
    pages: int
    analysis: Analysis
    choice: Choice
    is_split: bool
    previews: dict[object, tuple[Picture, str]] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the first page."""
        height, width = self.picture.pixels.shape[:2]
        return height, width

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The findings in words: pairs of a label and a line."""
        rows = list(self.analysis.words.items())
        if self.pages > 1:
            rows.insert(1, ("pages", f"{self.pages}; the first one is shown, all are restored"))
        return [*rows, ("model auto", self.choice.words)]


def open_picture(path: Path) -> OpenedPicture:
    """Read and analyze a picture file.

    Raises:
        ImageFileError: it cannot be read.
        InputError: its values cannot be used.
    """
    picture = next(iter_pages(path))
    image = open_image(picture.pixels, channels=None, meaning=PixelMeaning.of(picture))
    analysis = analyze_canvas(image.canvas)
    job = ImageJob(image, "float32", analysis=analysis)
    parts = [part for _, part in split_channels(job, DenoiseOptions())]
    choices, is_split = [choose(part.analysis or analysis) for part in parts], parts != [job]
    choice = joined_choice(choices) if is_split else choices[0]
    return OpenedPicture(path, picture, count_pages(path), analysis, choice, is_split)


def part_of(picture: Picture, box: Box) -> Picture:
    """A part of a picture, with its range of values."""
    rows = slice(box.top, box.top + box.height)
    columns = slice(box.left, box.left + box.width)
    alpha = None if picture.alpha is None else picture.alpha[rows, columns]
    return replace(picture, pixels=picture.pixels[rows, columns], alpha=alpha)


def as_shown(picture: Picture) -> Pixels:
    """The colours of a picture as a screen shows them, (H, W, 3) of 8 bits."""
    unit = _unit(picture)
    levels: Pixels = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(levels, (*levels.shape[:2], 3)).copy()


def residual(before: Picture, after: Picture, gain: float) -> Pixels:
    """What was removed, amplified around middle gray, (H, W, 3) of 8 bits."""
    removed = (_unit(before) - _unit(after)) * gain + 0.5
    levels: Pixels = np.rint(np.clip(removed, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(levels, (*levels.shape[:2], 3)).copy()


def reduced(picture: Picture, longest: int) -> Pixels:
    """The whole picture with at most `longest` pixels on a side, (H, W, 3) of 8 bits."""
    # Subsampled first, so that there is no float copy of a large picture.
    step = max(1, max(picture.pixels.shape[:2]) // (2 * longest))
    small = overview(_unit(replace(picture, pixels=picture.pixels[::step, ::step])), longest)
    return small if small.ndim == 3 else np.repeat(small[..., None], 3, axis=2)


def _unit(picture: Picture) -> NDArray[np.float32]:
    """The gray or colour channels on the [0, 1] scale; pixels without a value are black."""
    colours = picture.pixels[..., : picture.colours]
    unit: NDArray[np.float32] = to_unit(colours, picture.white, picture.black)
    return np.nan_to_num(unit, posinf=1, neginf=0)
