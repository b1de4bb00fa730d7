"""Files that the page offers for download: those of the library, with depth and metadata."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import restorekit
from restorekit.app.opened_picture import open_picture
from restorekit.app.restored_files import restore_batch, restore_file
from restorekit.app.restoring_settings import RestoringSettings
from restorekit.errors import CheckpointError, RestoreKitError
from restorekit.pictures.read_files import read_pages

MEDIAN = RestoringSettings(model="median", force=True)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def deep_noise(
    height: int = 24, width: int = 32
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Noise of 16 bits that uses the low bits."""
    values = np.random.default_rng(0).normal(30_000, 4_000, (height, width, 3))
    return values.round().astype(np.uint16)


def test_depth_and_metadata_are_kept(tmp_path: Path) -> None:
    """The result of a TIFF has 16 bits, EXIF and profile, and equals that of `denoise_files`."""
    source, results = tmp_path / "deep.tif", tmp_path / "results"
    results.mkdir()
    extra = [(34675, 7, len(PROFILE), PROFILE, True), (315, 2, 0, "A. Photographer", True)]
    tifffile.imwrite(source, deep_noise(), photometric="rgb", extratags=extra)
    restored = restore_file(open_picture(source), MEDIAN, results)
    assert restored.path == results / "deep-restored.tif"
    expected = tmp_path / "expected.tif"
    restorekit.denoise_files(source, expected, "median", force=True)
    assert restored.path.read_bytes() == expected.read_bytes()
    with tifffile.TiffFile(restored.path) as file:
        page = file.pages.first
        assert page.dtype == np.uint16
        assert page.tags[34675].value == PROFILE
        assert page.tags[315].value == "A. Photographer"
    assert np.any(restored.picture.pixels % 257)
    assert "median" in restored.words


def test_every_page_is_restored(tmp_path: Path) -> None:
    """The first page is shown, and the file for download has all of them."""
    pages = np.stack([deep_noise()[..., 0], deep_noise()[::-1, :, 0]])
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack")
    opened = open_picture(tmp_path / "stack.tif")
    restored = restore_file(opened, MEDIAN, tmp_path)
    assert ("pages", "2; the first one is shown, all are restored") in opened.rows
    assert len(read_pages(restored.path)) == 2
    assert restored.words.startswith("2 pages.")


def test_a_file_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    """It is that of the library; no result is written."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    opened = open_picture(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(RestoreKitError) as caught:
        restore_file(opened, MEDIAN, tmp_path)
    assert "a.png" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_batch_becomes_an_archive(tmp_path: Path) -> None:
    """It has the results of the library; a damaged file does not stop the others."""
    sources = [tmp_path / name for name in ("a.png", "bad.png", "c.png")]
    for source in sources:
        Image.fromarray((deep_noise() >> 8).astype(np.uint8)).save(source)
    sources[1].write_bytes(b"no picture")
    seen: list[str] = []
    results = tmp_path / "results"
    results.mkdir()
    batch = restore_batch(sources, MEDIAN, results, lambda done: seen.append(done.source.name))
    assert seen == ["a.png", "bad.png", "c.png"]
    assert batch.failed == 1
    assert [name for name, _ in batch.rows] == seen
    assert batch.rows[1][1].startswith("Failed: ")
    restorekit.denoise_files(sources[0], tmp_path / "expected.png", "median", force=True)
    assert batch.archive is not None
    with zipfile.ZipFile(batch.archive) as archive:
        assert archive.namelist() == ["a.png", "c.png"]
        assert archive.read("a.png") == (tmp_path / "expected.png").read_bytes()
    # The results are in the archive only.
    assert [path.name for path in results.rglob("*.png")] == []


def test_a_batch_without_results_has_no_archive(tmp_path: Path) -> None:
    """There is nothing to download if every file fails."""
    (tmp_path / "bad.png").write_bytes(b"no picture")
    batch = restore_batch([tmp_path / "bad.png"], MEDIAN, tmp_path / "results")
    assert (batch.archive, batch.failed) == (None, 1)


def test_weights_that_cannot_be_loaded_are_an_error(tmp_path: Path) -> None:
    """A file that is not weights is refused by the library; nothing in it is executed."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    settings = RestoringSettings(model=str(tmp_path / "weights.pth"))
    with pytest.raises(CheckpointError):
        restore_file(open_picture(tmp_path / "a.png"), settings, tmp_path)
