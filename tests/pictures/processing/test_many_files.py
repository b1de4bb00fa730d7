"""Processing many picture files: pages, depth, resuming and errors."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorekit.errors import ImageFileError, InputError
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.file_plan import plan_next_to, plan_outputs
from restorekit.pictures.processing.many_files import FileOutcome, process_files
from restorekit.pictures.processing.one_file import (
    PagePlace,
    WriteOptions,
    one_at_a_time,
)
from restorekit.pictures.write_files import write_pages
from tests.file_processing import process_file
from tests.pictures.processing.inversion import invert, never, pixel

# One file


def test_file_is_restored_with_its_metadata(tmp_path: Path) -> None:
    """The restored pixels are written, upright, with the EXIF of the source."""
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "a camera", 6
    Image.new("RGB", (8, 6), (10, 20, 30)).save(tmp_path / "a.png", exif=exif)
    process_file(tmp_path / "a.png", tmp_path / "new" / "b.webp", invert)
    with Image.open(tmp_path / "new" / "b.webp") as restored:
        assert restored.size == (6, 8)
        assert restored.getpixel((0, 0)) == (245, 235, 225)
        assert restored.getexif()[0x0110] == "a camera"


@pytest.mark.parametrize("factor", [1, 2])
def test_metadata_states_the_size_of_the_result(tmp_path: Path, factor: int) -> None:
    """A number of micrometres per pixel follows a change of the size; a note with the size goes."""
    kept = {"metadata": {"axes": "YX"}, "resolution": (100, 50), "resolutionunit": 1}
    pixels = np.zeros((4, 5), np.uint8)
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, **kept)

    @one_at_a_time
    def enlarge(picture: Picture, place: PagePlace) -> Picture:
        return replace(picture, pixels=picture.pixels.repeat(factor, 0).repeat(factor, 1))

    process_files(plan_outputs([tmp_path / "a.ome.tif"], tmp_path / "b.tif"), enlarge)
    with tifffile.TiffFile(tmp_path / "b.tif") as result:
        assert result.pages[0].shape == (4 * factor, 5 * factor)
        assert result.is_ome == (factor == 1)
        assert result.pages[0].get_resolution() == (100 * factor, 50 * factor)


def test_every_page_is_restored_in_its_place(tmp_path: Path) -> None:
    """Each page of a scan is processed at its own depth, and with its position."""
    pages = [np.full((4, 5), 100, np.uint8), np.full((3, 3), 1000, np.uint16)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in pages:
            tiff.write(page, photometric="minisblack", metadata=None)
    seen: list[PagePlace] = []

    @one_at_a_time
    def add_page(picture: Picture, place: PagePlace) -> Picture:
        seen.append(place)
        return replace(
            picture, pixels=picture.pixels + np.array(place.page + 1, picture.pixels.dtype)
        )

    source, target = tmp_path / "a.tif", tmp_path / "b.tif"
    process_file(source, target, add_page)
    assert seen == [PagePlace(0, source, target, page, 2) for page in range(2)]
    with tifffile.TiffFile(target) as tiff:
        for number, (page, given) in enumerate(zip(tiff.pages, pages, strict=True)):
            assert np.array_equal(page.asarray(), given + given.dtype.type(number + 1))


def test_several_pages_need_a_format_for_them(tmp_path: Path) -> None:
    """Other formats are refused beforehand."""
    write_pages([Picture(np.zeros((2, 2, 1), np.uint8))] * 2, tmp_path / "a.tif")
    with pytest.raises(ImageFileError, match=r"one page, not 2; use \.tif"):
        process_file(tmp_path / "a.tif", tmp_path / "b.png", never)


# Overwriting


def test_input_is_not_overwritten_unless_asked(photos: Path, tmp_path: Path) -> None:
    """Neither by its name nor through a symbolic or hard link, unless this is allowed."""
    source, link, twin = photos / "a.png", tmp_path / "link.png", tmp_path / "twin.png"
    link.symlink_to(source)
    twin.hardlink_to(source)
    before = source.read_bytes()
    for target in (source, photos / "sub" / ".." / "a.png", link, twin):
        with pytest.raises(ImageFileError, match="would be overwritten"):
            process_file(source, target, invert)
    assert source.read_bytes() == before
    process_file(source, source, invert, WriteOptions(overwrite_input=True))
    assert pixel(source) == (245, 235, 225)


def test_a_write_protected_file_is_not_replaced(photos: Path) -> None:
    """Neither in place nor by another result; this is checked beforehand."""
    protected = photos / "a.png"
    protected.chmod(0o444)
    before = protected.read_bytes()
    for source in (protected, photos / "sub" / "b.tif"):
        with pytest.raises(ImageFileError, match=r"cannot write .*a\.png': it is write-protected"):
            process_file(source, protected, never, WriteOptions(overwrite_input=True))
    assert protected.read_bytes() == before


def test_permissions_of_a_replaced_file_stay(photos: Path) -> None:
    """A private picture stays private."""
    (photos / "a.png").chmod(0o600)
    process_file(photos / "a.png", photos / "a.png", invert, WriteOptions(overwrite_input=True))
    assert (photos / "a.png").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o600), (0o640, 0o640), (0o444, 0o644)])
def test_a_result_is_not_more_public_than_its_input(photos: Path, mode: int, expected: int) -> None:
    """As with `cp`; its owner can write to it."""
    (photos / "a.png").chmod(mode)
    process_file(photos / "a.png", photos / "b.png", invert)
    (photos / "c.png").touch()
    public = (photos / "c.png").stat().st_mode & 0o777
    assert (photos / "b.png").stat().st_mode & 0o777 == expected & public


def test_no_result_overwrites_another_input(photos: Path) -> None:
    """Such a result is refused, even if overwriting is allowed."""
    Image.new("L", (2, 2)).save(photos / "sub" / "a.png")
    before = (photos / "a.png").read_bytes()
    plan = [(photos / "sub" / "a.png", photos / "a.png"), (photos / "a.png", photos / "c.png")]
    summary = process_files(plan, invert, WriteOptions(overwrite_input=True))
    ((failed, error),) = summary.failures
    assert (failed, summary.restored) == (photos / "sub" / "a.png", 1)
    assert "would overwrite input" in str(error)
    assert (photos / "a.png").read_bytes() == before
    assert (photos / "c.png").exists()


def test_unknown_suffix_is_refused_beforehand(photos: Path) -> None:
    """The network does not run for a file that cannot be written."""
    with pytest.raises(ImageFileError, match=r"\.gif"):
        process_file(photos / "a.png", photos / "a.gif", never)
    with pytest.raises(ImageFileError, match="format holds 8-bit channels, not 16"):
        process_file(photos / "a.png", photos / "a.jpg", never, WriteOptions(depth=16))


@pytest.mark.parametrize("at_once", [0, 10**6])
def test_channels_that_the_format_lacks_are_refused_beforehand(
    tmp_path: Path, at_once: int
) -> None:
    """Near infrared to PNG, transparency to JPEG: the network does not run for them."""
    infrared = np.zeros((8, 8, 4), np.uint8)
    unspecified = ["unspecified"]
    tifffile.imwrite(tmp_path / "a.tif", infrared, photometric="rgb", extrasamples=unspecified)
    Image.new("RGBA", (8, 8), (1, 2, 3, 100)).save(tmp_path / "a.png")
    plan = [(tmp_path / "a.tif", tmp_path / "b.png"), (tmp_path / "a.png", tmp_path / "b.jpg")]
    summary = process_files(plan, never, at_once=at_once)
    messages = [str(error) for _, error in summary.failures]
    assert "the picture has 4 channels; use one of: .tif" in messages[0]
    assert "no transparency and the picture does" in messages[1]


def test_a_reading_error_is_reported_as_such(tmp_path: Path) -> None:
    """It is not reported as a writing error."""
    Image.new("P", (2, 2)).save(tmp_path / "a.gif")
    with pytest.raises(ImageFileError, match=r"is a GIF.*convert it"):
        plan_next_to(tmp_path / "a.gif")
    Image.new("L", (2, 2)).save(tmp_path / "a.jpeg2", format="JPEG")
    with pytest.raises(ImageFileError, match=r"with suffix '\.jpeg2'"):
        plan_next_to(tmp_path / "a.jpeg2")


# Several files


def test_bad_files_do_not_stop_the_others(photos: Path, tmp_path: Path) -> None:
    """A damaged file and one that the denoiser refuses are reported at the end."""
    (photos / "broken.png").write_bytes(b"\x89PNG")

    @one_at_a_time
    def refuse_gray(picture: Picture, place: PagePlace) -> Picture:
        if picture.pixels.shape[2] == 1:
            raise InputError("gray")
        return replace(picture, pixels=255 - picture.pixels)

    seen: list[tuple[str, str]] = []

    def report(done: FileOutcome) -> None:
        seen.append((done.place.source.name, done.status))

    out = tmp_path / "out"
    summary = process_files(plan_outputs([photos], out), refuse_gray, report=report)
    assert [(path.name, type(error)) for path, error in summary.failures] == [
        ("broken.png", ImageFileError),
        ("b.tif", InputError),
    ]
    assert seen == [("a.png", "restored"), ("broken.png", "failed"), ("b.tif", "failed")]
    assert [path.name for path in out.rglob("*")] == ["a.png"]


def test_finished_files_are_skipped(photos: Path, tmp_path: Path) -> None:
    """After an interruption, only missing results and those older than the input are made."""
    plan, resume = plan_outputs([photos], tmp_path / "out"), WriteOptions(resume=True)
    process_files(plan[:1], invert, resume)
    seen: list[str] = []
    summary = process_files(plan, invert, resume, report=lambda done: seen.append(done.status))
    assert (summary.skipped, summary.restored, seen) == (1, 1, ["skipped", "restored"])
    assert process_files(plan, never, resume).skipped == 2
    later = plan[0][1].stat().st_mtime_ns + 10**9
    os.utime(plan[0][0], ns=(later, later))
    assert process_files(plan, invert, resume).restored == 1
    assert process_files(plan, invert).restored == 2


def test_files_left_alone_are_counted_separately(photos: Path, tmp_path: Path) -> None:
    """Their results are written, and count as finished in a second run."""
    plan = plan_outputs([photos], tmp_path / "out")

    @one_at_a_time
    def leave_gray(picture: Picture, place: PagePlace) -> Picture:
        return replace(picture, left_alone=picture.pixels.shape[2] == 1)

    summary = process_files(plan, leave_gray)
    assert (summary.restored, summary.left_alone) == (1, 1)
    assert process_files(plan, never, WriteOptions(resume=True)).skipped == 2


def test_in_place_nothing_counts_as_finished(photos: Path) -> None:
    """A file does not count as its own result."""
    plan = [(photos / "a.png", photos / "a.png")]
    assert (
        process_files(plan, invert, WriteOptions(overwrite_input=True, resume=True)).restored == 1
    )
