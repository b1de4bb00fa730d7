"""Damaged and hostile TIFFs are refused before anything is decoded or allocated."""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from restorekit.pictures.codecs.tiff_layout import TiffLayout
from restorekit.pictures.read_files import read_pages

Refusal = Callable[[Path], str]

SIDE = 4
GRAY = (SIDE, SIDE)
# Code: type and value. The pixels are at 8.
ENTRIES = {
    256: (3, SIDE), 257: (3, SIDE), 258: (3, 8), 259: (3, 1), 262: (3, 1), 273: (4, 8),
    277: (3, 1), 278: (3, SIDE), 279: (4, SIDE * SIDE),
}  # fmt: skip


def made(pages: int, last: int = 0, changes: Mapping[int, tuple[int, ...]] | None = None) -> bytes:
    """A TIFF of so many pages that share their pixels.

    `last` is which page follows the last one; `changes` replaces entries by (type, value) or (type,
    count, value).
    """
    entries = [(code, *entry) for code, entry in sorted((ENTRIES | dict(changes or {})).items())]
    size, start = 2 + 12 * len(entries) + 4, 8 + SIDE * SIDE
    packed = b"".join(
        struct.pack("<HHII", code, kind, *([1] if len(rest) == 1 else []), *rest)
        for code, kind, *rest in entries
    )
    data = struct.pack("<4sI", b"II*\x00", start) + bytes(range(SIDE * SIDE))
    for page in range(1, pages + 1):
        following = start + size * page if page < pages else last and start + size * (last - 1)
        data += struct.pack("<H", len(entries)) + packed + struct.pack("<I", following)
    return data


def test_pages_are_found(tmp_path: Path) -> None:
    """All pages of the chain, with their entries."""
    layout = TiffLayout(io.BytesIO(made(3)))
    assert len(layout.pages) == 3
    assert [layout.value(page, 256) for page in layout.pages] == [SIDE] * 3
    (tmp_path / "a.tif").write_bytes(made(3))
    assert len(read_pages(tmp_path / "a.tif")) == 3


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_every_form_of_directory(tmp_path: Path, byteorder: Any, bigtiff: bool) -> None:
    """Files of tifffile are read, for both byte orders and both sizes of offsets."""
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=byteorder, bigtiff=bigtiff) as tiff:
        for width in (5, 6):
            tiff.write(np.zeros((70, width), np.uint8), rowsperstrip=16, photometric="minisblack")
    with (tmp_path / "a.tif").open("rb") as file:
        layout = TiffLayout(file)
        assert [layout.value(page, 256) for page in layout.pages] == [5, 6]
        assert layout.values(layout.pages[1].entries[279]) == (96, 96, 96, 96, 36)


@pytest.mark.parametrize(("pages", "last"), [(1, 1), (3, 1), (3000, 1500)])
def test_loop_is_refused(refusal: Refusal, tmp_path: Path, pages: int, last: int) -> None:
    """To any earlier page."""
    (tmp_path / "a.tif").write_bytes(made(pages, last))
    assert "its pages form a loop" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "changes",
    [
        {273: (4, 2**31, 8)},  # as many strips
        {279: (4, 2**31, 8)},
        {273: (4, 2**31)},  # a strip far beyond the end
        {279: (4, 2**31)},  # one that is longer than the file
        {256: (4, 2**31)},  # a width
        {256: (4, 20000), 257: (4, 20000), 278: (4, 20000), 259: (3, 8)},  # of 16 bytes, deflated
        {256: (4, 20000), 257: (4, 20000), 322: (4, 1, 16), 323: (4, 1, 16), 324: (4, 8)},  # tiles
        {258: (3, 2**31, 8)},
        {277: (3, 60000)},
        {65000: (7, 2**31, 8)},  # an unknown tag of two gigabytes
        {256: (3, 0)},
        {259: (3, 60000)},  # an unknown compression
    ],
)
def test_claims_beyond_the_file_are_refused(
    refusal: Refusal, tmp_path: Path, changes: Mapping[int, tuple[int, ...]], monkeypatch: Any
) -> None:
    """No memory of that size is allocated."""
    (tmp_path / "a.tif").write_bytes(made(1, changes=changes))
    make = np.empty

    def make_small(shape: Any, *args: Any, **kwargs: Any) -> Any:
        assert np.prod(shape, dtype=float) < 1e7, "room was made"
        return make(shape, *args, **kwargs)

    monkeypatch.setattr(np, "empty", make_small)
    refusal(tmp_path / "a.tif")


def test_what_tifffile_logs_is_not_printed(tmp_path: Path, capfd: Any) -> None:
    """It is reported with what was left out, and the logging of the process is unchanged."""
    (tmp_path / "a.tif").write_bytes(
        made(1, changes={306: (2, 20, 10**6)})
    )  # a date beyond the end
    logger = logging.getLogger("tifffile")
    before = (list(logger.handlers), logger.level, logger.propagate)
    (page,) = read_pages(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")
    assert (list(logger.handlers), logger.level, logger.propagate) == before
    assert any(name.startswith("damaged parts") for name in page.metadata.left_out)
