"""TIFF files that are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorekit.errors import ImageFileError
from restorekit.pictures import picture as pictures
from restorekit.pictures.read_files import count_pages, read_pages, read_picture
from tests.pictures.codecs.tiff_samples import GRAY8, RANDOM

Refusal = Callable[[Path], str]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        (np.zeros((3, 3), np.complex64), "type complex64"),
        (np.zeros((3, 3), np.int64), "type int64"),
    ],
)
def test_kinds_of_pixels_that_are_not_read(
    refusal: Refusal, tmp_path: Path, values: Any, fault: str
) -> None:
    """The message says what the file has."""
    contiguous = {"planarconfig": "contig"} if values.ndim == 3 else {}
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", **contiguous)
    assert fault in refusal(tmp_path / "a.tif")


def test_colour_spaces_that_are_not_read(refusal: Refusal, tmp_path: Path) -> None:
    """Lab and 16-bit CMYK are refused, because they would be read as RGB."""
    for name, photometric, channels in [
        ("lab", "cielab", 3),
        ("ink", "separated", 4),
    ]:
        values = np.zeros((3, 3, channels), np.uint16).squeeze()
        tifffile.imwrite(tmp_path / f"{name}.tif", values, photometric=photometric)
        assert "not gray or colour" in refusal(tmp_path / f"{name}.tif")


def test_a_volume_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    """Its slices are not pages, so only the first one would be read."""
    volume = RANDOM.integers(0, 256, (16, 32, 32), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", volume, volumetric=True, tile=(16, 16, 16))
    assert "it holds a volume" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_truncated_file_is_refused(
    refusal: Refusal, tmp_path: Path, compression: str | None, share: float
) -> None:
    """Wherever the file ends, missing pixels are not invented."""
    values = RANDOM.integers(0, 65536, (64, 64, 3)).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif", values, photometric="rgb", compression=compression, rowsperstrip=8
    )
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: int(share * len(data))])
    refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("by_pillow", [False, True])
def test_no_page_of_a_truncated_file_is_lost_silently(
    tmp_path: Path, by_pillow: bool, bigtiff: bool
) -> None:
    """Wherever it ends, also between two pages, it is refused or has all of its pages."""
    whole, cut = tmp_path / "a.tif", tmp_path / "cut.tif"
    if by_pillow:
        first, *others = (Image.fromarray(GRAY8 + k) for k in range(3))
        first.save(whole, save_all=True, append_images=others, big_tiff=bigtiff)
    else:
        with tifffile.TiffWriter(whole, bigtiff=bigtiff) as tiff:
            for k in range(3):
                tiff.write(GRAY8 + k, photometric="minisblack", metadata=None)
    data = whole.read_bytes()
    assert count_pages(whole) == 3
    for end in range(8, len(data)):
        cut.write_bytes(data[:end])
        try:
            pages = read_pages(cut)
        except ImageFileError:
            continue
        assert [np.array_equal(p.pixels[..., 0], GRAY8 + k) for k, p in enumerate(pages)] == [
            True
        ] * 3, end


def test_bomb_is_refused_before_it_is_decoded(
    refusal: Refusal, tmp_path: Path, monkeypatch: Any
) -> None:
    """The limit applies to the number of pixels, not to the bytes."""
    tifffile.imwrite(tmp_path / "a.tif", GRAY8, photometric="minisblack")
    monkeypatch.setattr(pictures, "MAX_PIXELS", GRAY8.size)
    assert read_picture(tmp_path / "a.tif").pixels.shape == (6, 9, 1)
    monkeypatch.setattr(pictures, "MAX_PIXELS", GRAY8.size - 1)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", None)
    assert "megapixels" in refusal(tmp_path / "a.tif")
