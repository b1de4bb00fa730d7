"""Raw files of cameras are recognised, although they hold a small picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

Refusal = Callable[[Path], str]

PREVIEW = np.full((8, 10, 3), 99, np.uint8)
SENSOR = np.full((64, 80), 999, np.uint16)


def write_raw(path: Path, kind: str = "cfa", tags: Any = ()) -> None:
    """A file with an unmarked preview as its first page, and the sensor data below it."""
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(PREVIEW, photometric="rgb", subifds=1, extratags=tags, metadata=None)
        values = SENSOR if kind == "cfa" else np.dstack([SENSOR] * 3)
        tiff.write(values, photometric=kind, metadata=None)


def test_dng_is_recognised_by_its_version(refusal: Refusal, tmp_path: Path) -> None:
    """Also if its name is different, and only the preview could be read."""
    tags = [(50706, "B", 4, b"\x01\x04\x00\x00", True)]
    write_raw(tmp_path / "a.tif", "linear_raw", tags)
    tifffile.imwrite(tmp_path / "b.dng", PREVIEW, photometric="rgb", extratags=tags)
    for name in ("a.tif", "b.dng"):
        message = refusal(tmp_path / name)
        assert "camera's raw file (DNG), which cannot be developed yet" in message
        assert "export a 16-bit TIFF" in message


@pytest.mark.parametrize("suffix", [".nef", ".ARW", ".pef", ".srw", ".3fr", ".iiq"])
def test_kind_is_recognised_by_the_suffix(refusal: Refusal, tmp_path: Path, suffix: str) -> None:
    """These formats are a TIFF inside."""
    write_raw(tmp_path / f"a{suffix}")
    assert f"raw file ({suffix[1:].upper()})" in refusal(tmp_path / f"a{suffix}")


def test_values_of_a_sensor_are_recognised(refusal: Refusal, tmp_path: Path) -> None:
    """With any name, in a page or in a directory below it."""
    write_raw(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", SENSOR, photometric="cfa")
    for name in ("a.tif", "b.tif"):
        assert "camera's raw file" in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "CR2"),
        (b"\x00\x00\x00\x18ftypcrx ", "CR3"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"IIRO\x08\x00\x00\x00", "ORF"),
        (b"IIU\x00\x18\x00\x00\x00", "RW2"),
        (b"II\x1a\x00\x00\x00HEAPCCDR", "CRW"),
        (b"\x00MRM\x00\x00", "MRW"),
        (b"FOVb\x00\x00", "X3F"),
    ],
)
def test_kind_is_recognised_by_the_first_bytes(
    refusal: Refusal, tmp_path: Path, head: bytes, kind: str
) -> None:
    """The name of the file does not matter."""
    directory = b"\x01\x00" + bytes(12) + bytes(4)
    (tmp_path / "a.tif").write_bytes(head.ljust(16, b"\x00") + directory + bytes(40))
    assert f"raw file ({kind})" in refusal(tmp_path / "a.tif")
