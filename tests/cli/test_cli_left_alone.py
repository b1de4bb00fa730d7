"""denoise: pictures that are left unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw


@pytest.fixture
def page() -> Image.Image:
    """A page of one bit with text."""
    image = Image.new("1", (120, 60), 1)
    ImageDraw.Draw(image).text((8, 8), "ink on paper", fill=0)
    return image


def bits(path: Path) -> np.ndarray:
    """The pixels of a file with one bit per pixel, as Pillow reads it."""
    with Image.open(path) as image:
        assert image.mode == "1"
        return np.asarray(image)


def test_a_page_is_copied(run: Any, page: Image.Image, tmp_path: Path) -> None:
    """The output is a copy of the file, including data that restorekit does not know."""
    page.save(tmp_path / "page.png", compress_level=1)
    outcome = run("denoise", tmp_path / "page.png", "-o", tmp_path / "out.png")
    assert outcome.code == 0
    assert "left as it is: it has one or two values" in outcome.err
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "page.png").read_bytes()


def test_in_place_a_page_is_not_touched(run: Any, page: Image.Image, tmp_path: Path) -> None:
    """Its modification time stays, too."""
    page.save(tmp_path / "page.png")
    before = (tmp_path / "page.png").stat()
    assert run("denoise", "--in-place", tmp_path / "page.png").code == 0
    after = (tmp_path / "page.png").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("source", ["png", "tif", "bmp"])
@pytest.mark.parametrize("target", ["png", "tif", "bmp"])
def test_one_bit_stays_one_bit(
    run: Any, page: Image.Image, tmp_path: Path, source: str, target: str
) -> None:
    """Between formats, and if a page is restored with --force."""
    page.save(given := tmp_path / f"page.{source}")
    for number, words in enumerate(((), ("--force", "-m", "median"))):
        made = tmp_path / f"out{number}.{target}"
        assert run("denoise", given, "-o", made, *words).code == 0
        found = bits(made)
        assert found.shape == (60, 120)
        assert np.array_equal(found, np.asarray(page)) == (not words)


def test_a_stack_is_copied_if_all_its_pages_are_left_alone(run: Any, tmp_path: Path) -> None:
    """Otherwise each page is written, those that are left alone with unchanged pixels."""
    text = np.full((2, 40, 50), 255, np.uint8)
    text[:, 10:30:4, 5:40] = 0
    tifffile.imwrite(tmp_path / "a.tif", text, photometric="minisblack", description="scan 7")
    noisy = np.random.default_rng(0).normal(128, 30, (40, 50)).clip(1, 254).astype(np.uint8)
    mixed = np.stack([text[0], noisy])
    tifffile.imwrite(tmp_path / "b.tif", mixed, photometric="minisblack")
    assert run("denoise", tmp_path / "a.tif", tmp_path / "b.tif", "-o", tmp_path / "out").code == 0
    assert (tmp_path / "out/a.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "out/b.tif") as tiff:
        first, second = (page.asarray() for page in tiff.pages)
    assert np.array_equal(first, text[0])
    assert not np.array_equal(second, noisy)


def test_json_says_why(run: Any, page: Image.Image, tmp_path: Path) -> None:
    """The status of the file is "left_alone", and the entry of each page has the reason."""
    page.save(tmp_path / "page.png")
    outcome = run("denoise", tmp_path / "page.png", "-o", tmp_path / "out.png", "--json")
    file = json.loads(outcome.out)
    assert file["status"] == "left_alone"
    (told,) = file["pages"]
    assert told["left_alone"] == "two-valued"
    assert told["residual"]["verdict"] == "none removed"


def test_status_of_a_stack_and_of_a_second_run(run: Any, tmp_path: Path) -> None:
    """A stack counts as restored if one page was changed; a second run skips both kinds."""
    text = np.full((40, 50), 255, np.uint8)
    text[10:30:4, 5:40] = 0
    noisy = np.random.default_rng(0).normal(128, 30, (40, 50)).clip(1, 254).astype(np.uint8)
    for name, pages in (("page.tif", [text, text]), ("mixed.tif", [text, noisy])):
        tifffile.imwrite(tmp_path / name, np.stack(pages), photometric="minisblack")
    call = ("denoise", tmp_path / "page.tif", tmp_path / "mixed.tif", "-o", tmp_path / "out")
    for words, expected in (
        ((), ["left_alone", "restored"]),
        ((), ["skipped", "skipped"]),
        (("--overwrite", "--depth", "16"), ["left_alone", "restored"]),
        (("--overwrite", "--force"), ["restored", "restored"]),
    ):
        lines = run(*call, "--json", *words).out.splitlines()
        assert [json.loads(line)["status"] for line in lines] == expected


def test_another_depth_is_written(run: Any, page: Image.Image, tmp_path: Path) -> None:
    """The requested depth is applied to the unchanged values."""
    page.convert("L").save(tmp_path / "page.png")
    assert (
        run("denoise", tmp_path / "page.png", "-o", tmp_path / "o.png", "--depth", "16").code == 0
    )
    expected = np.asarray(page).astype(np.uint16) * 65535
    with Image.open(tmp_path / "o.png") as image:
        assert np.array_equal(np.asarray(image, np.uint16), expected)
