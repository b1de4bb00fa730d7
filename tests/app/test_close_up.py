"""The part of a picture that the page shows at full size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import restorekit
from restorekit.app.close_up import SIDE, ZOOMS, box_at, make_close_up, mark_place
from restorekit.app.opened_picture import OpenedPicture, as_shown, open_picture, reduced
from restorekit.app.restoring_settings import RestoringSettings
from restorekit.pictures.read_files import read_picture

MEDIAN = RestoringSettings(model="median", force=True)
SIDES = st.integers(1, 1000)
SHARES = st.floats(0, 1)


def noisy(height: int, width: int, colours: int = 3) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A ramp with noise."""
    random = np.random.default_rng(0)
    ramp = np.linspace(90, 160, width)[None, :, None]
    values = ramp + random.normal(0, 20, (height, width, colours))
    return values.round().clip(0, 255).astype(np.uint8).squeeze()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedPicture:
    """A colour picture of 60x100 pixels."""
    path = tmp_path_factory.mktemp("opened") / "a.png"
    Image.fromarray(noisy(60, 100)).save(path)
    return open_picture(path)


@given(height=SIDES, width=SIDES, across=SHARES, down=SHARES)
def test_the_part_lies_within_the_picture(
    height: int, width: int, across: float, down: float
) -> None:
    """It has the full side, or all of a smaller picture, wherever a visitor clicks."""
    box = box_at((height, width), (across, down))
    assert (box.height, box.width) == (min(SIDE, height), min(SIDE, width))
    assert 0 <= box.top <= height - box.height
    assert 0 <= box.left <= width - box.width


def test_the_part_is_around_the_place() -> None:
    """The middle of the part is the place that was clicked, away from the edges."""
    box = box_at((2000, 3000), (0.5, 0.4))
    assert (box.top + box.height / 2, box.left + box.width / 2) == (800, 1500)


def test_the_preview_is_what_the_library_gives(opened: OpenedPicture) -> None:
    """A small picture is restored as a whole, as `denoise` does."""
    expected = restorekit.denoise(opened.picture.pixels, "median", force=True)
    part = make_close_up(opened, MEDIAN)
    assert np.array_equal(part.before, opened.picture.pixels)
    assert np.array_equal(part.after, expected)
    assert "median" in part.words


def test_without_strength_nothing_changes(opened: OpenedPicture) -> None:
    """Both sides are equal, and the residual is middle gray."""
    part = make_close_up(opened, RestoringSettings("median", strength=0.0, force=True))
    assert np.array_equal(part.after, part.before)
    assert np.ptp(part.removed) == 0


def test_luma_and_chroma_have_their_own_strength(opened: OpenedPicture) -> None:
    """Without that of colour, only the brightness changes, equally in all channels."""
    settings = RestoringSettings("median", strength_luma=1.0, strength_chroma=0.0, force=True)
    part = make_close_up(opened, settings)
    change = part.after.astype(int) - part.before
    assert np.abs(change).max() > 5
    assert np.ptp(change, axis=2).max() <= 1  # rounding


@pytest.mark.parametrize("zoom", ZOOMS)
def test_a_zoom_repeats_the_pixels_of_the_middle(opened: OpenedPicture, zoom: int) -> None:
    """At 200 % each pixel is a square of four."""
    part = make_close_up(opened, MEDIAN, zoom=zoom)
    height, width = 60 // zoom, 100 // zoom
    top, left = (60 - height) // 2, (100 - width) // 2
    middle = opened.picture.pixels[top : top + height, left : left + width]
    assert np.array_equal(part.before[::zoom, ::zoom], middle)
    assert part.before.shape == (height * zoom, width * zoom, 3)


def test_another_zoom_restores_nothing_again(
    opened: OpenedPicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part is kept until place or settings change."""
    first = make_close_up(opened, MEDIAN)
    monkeypatch.setattr("restorekit.app.close_up.denoiser_for", lambda _: None)
    assert np.array_equal(
        make_close_up(opened, MEDIAN, zoom=2).after[:2, :2],
        first.after[15:16, 25:26].repeat(2, 0).repeat(2, 1),
    )
    with pytest.raises(AttributeError):
        make_close_up(opened, RestoringSettings("median", strength=0.5, force=True))


def test_a_restored_picture_is_shown_itself(opened: OpenedPicture, tmp_path: Path) -> None:
    """After the whole picture has been restored, its part is shown and nothing is computed."""
    Image.new("RGB", (100, 60), (1, 2, 3)).save(tmp_path / "b.png")
    part = make_close_up(opened, MEDIAN, whole=read_picture(tmp_path / "b.png"))
    assert np.array_equal(np.unique(part.after.reshape(-1, 3), axis=0), [[1, 2, 3]])


def test_a_page_is_left_unchanged(tmp_path: Path) -> None:
    """The reason is given, as for the whole picture."""
    page = np.full((64, 64), 255, np.uint8)
    page[20:24, 5:60] = 0
    Image.fromarray(page).save(tmp_path / "page.png")
    part = make_close_up(open_picture(tmp_path / "page.png"), RestoringSettings())
    assert np.array_equal(part.after, part.before)
    assert part.words.startswith("Left unchanged: it has one or two values")


def test_a_channel_without_a_stain_stays_black(tmp_path: Path) -> None:
    """As in the restored file: red and green are restored on their own."""
    path = tmp_path / "stains.png"
    pixels = noisy(96, 96)
    pixels[..., 1] = pixels[..., 1].T
    pixels[..., 2] = 0
    Image.fromarray(pixels).save(path)
    opened = open_picture(path)
    outcome = restorekit.Denoiser().restore(path)
    assert opened.is_split
    assert outcome.choice is not None
    assert opened.choice.model == outcome.choice.model
    assert "channels apart" in dict(opened.rows)["model auto"]
    part = make_close_up(opened, RestoringSettings())
    assert "channels apart" in part.words
    assert not part.after[..., 2].any()
    assert part.after[..., 0].std() < 0.9 * pixels[..., 0].std()


def test_every_depth_is_shown_in_8_bits(tmp_path: Path) -> None:
    """Gray of 16 bits has three equal channels on the screen, within a level of the original."""
    gray = noisy(40, 50, 1)
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    picture = read_picture(tmp_path / "deep.png")
    assert picture.pixels.dtype == np.uint16
    shown = as_shown(picture)
    assert shown.shape == (40, 50, 3)
    assert np.abs(shown.astype(int) - gray[..., None]).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(900, 40), (3, 1700), (50, 60)])
def test_a_reduced_picture_fits(height: int, width: int, tmp_path: Path) -> None:
    """The longer side has at most the given length; small pictures keep their size."""
    Image.new("L", (width, height), 90).save(tmp_path / "a.png")
    shown = reduced(read_picture(tmp_path / "a.png"), 100)
    assert max(shown.shape[:2]) == min(100, max(height, width))
    assert shown.shape[2] == 3
    assert np.unique(shown).tolist() == [90]


def test_the_frame_marks_the_part() -> None:
    """A white line lies where the part of a picture of twice the size begins."""
    view = np.zeros((400, 600, 3), np.uint8)
    marked = mark_place(view, (800, 1200), (0.5, 0.5))
    rows, columns = np.nonzero(marked[..., 0])
    assert abs(rows.min() - (800 - SIDE) // 4) <= 2
    assert abs(columns.max() - (1200 + SIDE) // 4) <= 2


def test_the_analysis_is_in_words(opened: OpenedPicture) -> None:
    """The lines are those of `analyze`, and the last one is the choice of model auto."""
    found = restorekit.analyze(opened.path)
    assert dict(opened.rows[:-1]) == found.words
    assert opened.rows[-1] == ("model auto", opened.choice.words)
