"""A part of a picture at full size before and after restoring it, for a quick preview."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from restorekit.app.opened_picture import (
    Box,
    OpenedPicture,
    Pixels,
    as_shown,
    part_of,
    residual,
)
from restorekit.app.restoring_settings import RestoringSettings, denoiser_for, version_of
from restorekit.pictures.picture import Picture
from restorekit.report.illustrations import gain_for
from restorekit.restore.denoise_options import AUTOMATIC
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.pixel_meaning import PixelMeaning
from restorekit.restore.safeguard.reason import MEANING

SIDE = 384
ZOOMS = (1, 2, 4)


@dataclass(frozen=True)
class CloseUp:
    """A part of a picture on the screen; the arrays are (H, W, 3) of 8 bits.

    Attributes:
        before: the part as it is in the file.
        after: the part restored.
        removed: the difference, amplified around middle gray.
        words: how it was restored, in one line.
    """

    before: Pixels
    after: Pixels
    removed: Pixels
    words: str


def box_at(size: tuple[int, int], place: tuple[float, float], side: int = SIDE) -> Box:
    """The part of a picture around a place, moved so that it lies within the picture.

    Args:
        size: (H, W) of the picture.
        place: (x, y) of its middle, as shares of width and height from 0 to 1.
        side: its side in pixels; a smaller picture is taken as a whole.
    """
    across, down = place
    height, width = (min(side, length) for length in size)
    top = int(np.clip(round(down * size[0] - height / 2), 0, size[0] - height))
    left = int(np.clip(round(across * size[1] - width / 2), 0, size[1] - width))
    return Box(top, left, height, width)


def make_close_up(
    opened: OpenedPicture,
    settings: RestoringSettings,
    place: tuple[float, float] = (0.5, 0.5),
    zoom: int = 1,
    whole: Picture | None = None,
) -> CloseUp:
    """Restore the part of a picture around a place.

    The part is restored by itself, so that the noise is estimated from fewer pixels than in the
    whole picture. The result can differ slightly.

    Args:
        opened: the picture.
        settings: how it is restored.
        place: (x, y) of the middle, as shares of width and height.
        zoom: 1 for 100 %, 2 for 200 %, 4 for 400 %.
        whole: the picture restored with these settings, if that has been done.
    """
    box = box_at(opened.size, place)
    before = part_of(opened.picture, box)
    if whole is not None:
        after, words = part_of(whole, box), "Part of the restored picture."
    else:
        key = (box, settings, version_of(settings.model))
        if key not in opened.previews:  # another zoom needs no other result
            restored = _restored(before, opened, settings)
            opened.previews.clear()
            opened.previews[key] = restored
        after, words = opened.previews[key]
    middle = _middle(box, zoom)
    before, after = part_of(before, middle), part_of(after, middle)
    change = as_shown(before).astype(np.float32) - as_shown(after)
    gain = gain_for(float(change.std()) / 255)
    return CloseUp(
        _enlarged(as_shown(before), zoom),
        _enlarged(as_shown(after), zoom),
        _enlarged(residual(before, after, gain), zoom),
        f"{words} What was removed is shown {gain} times as strong." if gain > 1 else words,
    )


def mark_place(view: Pixels, size: tuple[int, int], place: tuple[float, float]) -> Pixels:
    """A reduced picture with a frame around the part that the close-up shows.

    Args:
        view: (H, W, 3), the whole picture reduced.
        size: (H, W) of the picture at full size.
        place: as for `make_close_up`.
    """
    box, scale = box_at(size, place), view.shape[0] / size[0]
    corners = [box.left, box.top, box.left + box.width - 1, box.top + box.height - 1]
    image = Image.fromarray(view)
    frame = [round(corner * scale) for corner in corners]
    draw = ImageDraw.Draw(image)
    draw.rectangle(frame, outline="black", width=4)
    draw.rectangle(frame, outline="white", width=2)
    return np.asarray(image)


def describe(outcome: DenoiseOutcome[Any], model: str | None = None) -> str:
    """How a picture was restored, in one sentence.

    Args:
        outcome: the result of a restoration.
        model: the model and why it was chosen; None for that of the outcome.
    """
    if outcome.left_alone is not None:
        return f"Left unchanged: {MEANING[outcome.left_alone]}."
    # Visitors know a weights file by its name; its folder may be none of their business.
    used = model or Path(outcome.model).name
    chosen = outcome.choice.words if outcome.choice is not None else used
    return f"Restored by {chosen}, in {outcome.seconds:.1f} s."


def _restored(
    part: Picture, opened: OpenedPicture, settings: RestoringSettings
) -> tuple[Picture, str]:
    """A part of a picture restored, and how."""
    words = None
    if settings.model == AUTOMATIC:
        # The whole picture decides: a small part often has too little to measure.
        choice = opened.choice
        if choice.left_alone is not None and not settings.force:
            return part, f"Left unchanged: {MEANING[choice.left_alone]}."
        settings, words = settings.with_model(choice.model), choice.words
    denoiser, meaning = denoiser_for(settings), PixelMeaning.of(part)
    if words is None or not opened.is_split:
        outcome = denoiser.restore(part.pixels, meaning=meaning)
        return replace(part, pixels=outcome.image), describe(outcome, words)
    channels = np.split(part.pixels, part.pixels.shape[2], axis=2)
    outcomes = [denoiser.restore(each, meaning=meaning) for each in channels]
    pixels = np.concatenate([outcome.image for outcome in outcomes], axis=2)
    restored = [outcome for outcome in outcomes if outcome.left_alone is None]
    return replace(part, pixels=pixels), describe((restored or outcomes)[0], words)


def _enlarged(view: Pixels, zoom: int) -> Pixels:
    return view.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _middle(box: Box, zoom: int) -> Box:
    height, width = (max(1, length // zoom) for length in (box.height, box.width))
    return Box((box.height - height) // 2, (box.width - width) // 2, height, width)
