"""The contents of a report: its pictures, and which parts of a photograph they show."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restorekit.report.findings import as_unit
from restorekit.sampling import evenly_spread

Array = NDArray[Any]
Bytes = NDArray[np.uint8]

SIDE = 224
_OVERVIEW = 960
_STEPS = 12  # steps along each axis of the grid of candidate crops
_STRONGEST_GAIN = 32


@dataclass(frozen=True)
class Crop:
    """A part of a picture, 8-bit: before, after, and the residual amplified around mid-gray."""

    label: str
    left: int
    top: int
    before: Bytes
    after: Bytes
    residual: Bytes


@dataclass(frozen=True)
class ReportContents:
    """The contents of a report, independent of its format.

    Attributes:
        title: the heading, for example the name of a file.
        verdict: the verdict on the residual, one sentence.
        rows: the table, pairs of a label and a value.
        overviews: reduced versions of the whole picture, before and after.
        crops: parts of the picture at full size.
        gain: factor by which the residual of the crops is amplified.
    """

    title: str
    verdict: str
    rows: list[tuple[str, str]]
    overviews: tuple[Bytes, Bytes]
    crops: list[Crop]
    gain: int


def gain_for(std: float) -> int:
    """The gain, 1 to 32, that makes a residual of the given standard deviation visible."""
    return int(np.clip(round(0.15 / std) if std > 0 else 1, 1, _STRONGEST_GAIN))


def informative_crops(before: Array, after: Array, gain: int) -> list[Crop]:
    """The flattest part of a picture, where noise is visible, and the one with the most detail.

    Args:
        before: (H, W, C).
        after: the restored picture, in which the parts are selected.
        gain: factor by which the residual is amplified.

    Returns:
        Two crops of 224x224 pixels, or smaller for small pictures; one if both are the same.
    """
    places = _places(*before.shape[:2])
    scored = [(_detail(after[y : y + SIDE, x : x + SIDE]), y, x) for y, x in places]
    # Saturated and constant parts are used only if there are no others.
    candidates = [each for each in scored if each[0] > 0] or scored
    detailed, flat = max(candidates), min(candidates)
    chosen = [("detail", detailed)] if flat == detailed else [("flat", flat), ("detail", detailed)]
    return [_crop(label, before, after, y, x, gain) for label, (_, y, x) in chosen]


def overview(picture: Array, longest: int = _OVERVIEW) -> Bytes:
    """Reduce a picture to at most `longest` pixels on its longer side."""
    # Subsampled to twice the size first: filtering 400 megapixels would take long.
    step = max(1, max(picture.shape[:2]) // (2 * longest))
    small = Image.fromarray(_shown(as_unit(picture[::step, ::step])))
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.asarray(small)


def encode(pixels: Bytes, kind: Literal["PNG", "JPEG"]) -> bytes:
    """Encode pixels as a picture file."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if kind == "PNG":
        # Noise and residual must be shown exactly; JPEG would remove or add some.
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _places(height: int, width: int) -> list[tuple[int, int]]:
    tops, lefts = (sorted(set(evenly_spread(length, SIDE, _STEPS))) for length in (height, width))
    return [(y, x) for y in tops for x in lefts]


def _detail(part: Array) -> float:
    """Mean absolute difference of neighbouring pixels; 0 if most pixels are saturated."""
    # Every second pixel is enough for a comparison of parts.
    gray = as_unit(part[::2, ::2]).mean(axis=2)
    if ((gray <= 0) | (gray >= 1)).mean() > 0.5:
        return 0.0
    down, right = np.abs(np.diff(gray, axis=0)), np.abs(np.diff(gray, axis=1))
    return float(sum(each.mean() for each in (down, right) if each.size))


def _crop(label: str, before: Array, after: Array, y: int, x: int, gain: int) -> Crop:
    one, other = (as_unit(each[y : y + SIDE, x : x + SIDE]) for each in (before, after))
    return Crop(label, x, y, _shown(one), _shown(other), _shown((one - other) * gain + 0.5))


def _shown(unit: NDArray[np.float32]) -> Bytes:
    """Convert values in [0, 1] to 8 bits, (H, W, 3) or (H, W)."""
    pixels = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels
