"""Processing many picture files: pages, depth, resuming and errors."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorekit.errors import ImageFileError, InputError, RestoreWarning
from restorekit.pictures.picture import Picture
from restorekit.pictures.pixel_values import Depth
from restorekit.pictures.processing.file_plan import plan_next_to, plan_outputs
from restorekit.pictures.processing.many_files import FileOutcome, process_files
from restorekit.pictures.processing.one_file import (
    PagePlace,
    WriteOptions,
    one_at_a_time,
)
from restorekit.pictures.read_files import read_pages
from restorekit.pictures.write_files import write_pages
from tests.file_processing import process_file


@one_at_a_time
def invert(picture: Picture, place: PagePlace) -> Picture:
    """A function from picture to picture, in place of a denoiser."""
    return replace(picture, pixels=255 - picture.pixels)


def pixel(path: Path) -> object:
    with Image.open(path) as image:
        return image.getpixel((0, 0))


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


@one_at_a_time
def never(picture: Picture, place: PagePlace) -> Picture:
    raise AssertionError("called")


@pytest.mark.parametrize(
    ("depth", "name", "worked_in", "written"),
    [
        (None, "b.png", np.uint8, np.uint8),
        (16, "b.png", np.uint16, np.uint16),
        ("float", "b.tif", np.float32, np.float32),
        (8, "b.png", np.uint8, np.uint8),
    ],
)
def test_a_greater_depth_is_set_before_restoring(
    photos: Path, depth: object, name: str, worked_in: type, written: type
) -> None:
    """The denoiser receives the greater depth, so that the result uses it."""
    seen = []

    @one_at_a_time
    def look(picture: Picture, place: PagePlace) -> Picture:
        seen.append(picture.pixels.dtype)
        return picture

    target = photos / name
    process_file(photos / "a.png", target, look, WriteOptions(depth=depth))  # type: ignore[arg-type]
    assert seen == [worked_in]
    assert read_pages(target)[0].pixels.dtype == written


def test_a_smaller_depth_is_set_after_restoring(tmp_path: Path) -> None:
    """A 16-bit picture is restored at 16 bits, also if 8 are written."""
    pixels = np.full((32, 32, 3), 300, np.uint16)
    pixels[16:] = 65535
    write_pages([Picture(pixels)], tmp_path / "a.png")
    seen = []

    @one_at_a_time
    def look(picture: Picture, place: PagePlace) -> Picture:
        seen.append(picture.pixels.dtype)
        return picture

    for name in ("b.jpg", "b.bmp"):
        process_file(tmp_path / "a.png", tmp_path / name, look)
        assert read_pages(tmp_path / name)[0].pixels[0, 0, 0] == 1
    assert seen == [np.uint16, np.uint16]


@pytest.mark.parametrize(
    ("name", "depth", "top"), [("b.jpg", None, 255), ("b.tif", 8, 255), ("b.tif", "float", 1)]
)
def test_twelve_bits_in_sixteen_are_not_written_black(
    tmp_path: Path, name: str, depth: Depth | None, top: float
) -> None:
    """White stays 4095, although restoring lowers the largest values."""
    frame = np.full((16, 16), 1600, np.uint16)
    frame[3, 4] = 4000
    tifffile.imwrite(tmp_path / "a.tif", frame)

    @one_at_a_time
    def flatten(picture: Picture, place: PagePlace) -> Picture:
        return replace(picture, pixels=np.full_like(picture.pixels, picture.pixels[0, 0, 0]))

    process_file(tmp_path / "a.tif", tmp_path / name, flatten, WriteOptions(depth=depth))
    (written,) = read_pages(tmp_path / name)
    assert written.pixels / top == pytest.approx(1600 / 4095, abs=0.5 / 255)


def test_pages_have_one_white(tmp_path: Path) -> None:
    """A dark page of a stack stays darker than a bright one."""
    stack = np.stack([np.full((4, 4), value, np.uint16) for value in (300, 3000)])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    process_file(tmp_path / "a.tif", tmp_path / "b.tif", keep, WriteOptions(depth=8))
    levels = [int(page.pixels[0, 0, 0]) for page in read_pages(tmp_path / "b.tif")]
    assert levels == [round(300 / 4095 * 255), round(3000 / 4095 * 255)]
    process_file(tmp_path / "a.tif", tmp_path / "c.tif", keep)
    assert np.array_equal(tifffile.imread(tmp_path / "c.tif"), stack)


@pytest.mark.parametrize(("name", "depth"), [("b.png", None), ("b.jpg", None), ("b.tif", 16)])
def test_clipping_of_highlights_is_reported(tmp_path: Path, name: str, depth: Depth | None) -> None:
    """A warning per file states the share of pixels and which format keeps them."""
    pages = np.full((1 if name != "b.tif" else 2, 10, 10, 3), 0.5, np.float32)
    pages[:, 0, :3, 1], pages[:, 9, 0] = 2, -0.5
    tifffile.imwrite(tmp_path / "a.tif", pages.squeeze(), photometric="rgb")
    with pytest.warns(RestoreWarning) as told:
        process_file(tmp_path / "a.tif", tmp_path / name, keep, WriteOptions(depth=depth))
    (line,) = [str(each.message) for each in told]
    assert "3 % of the pixels are brighter than white and 1 % of the pixels are darker" in line
    assert f"which '{name}' cannot hold; a .tif with depth float can" in line
    assert (tmp_path / name).exists()


def test_there_is_no_warning_without_a_loss(tmp_path: Path) -> None:
    """Floats in floats, and integers of floats that barely leave [0, 1]. (Warnings are errors.)"""
    values = np.linspace(-0.003, 1.003, 300).astype(np.float32).reshape(10, 10, 3)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    process_file(tmp_path / "a.tif", tmp_path / "b.png", keep)
    tifffile.imwrite(tmp_path / "a.tif", values * 5, photometric="rgb")
    process_file(tmp_path / "a.tif", tmp_path / "b.tif", keep)


@one_at_a_time
def keep(picture: Picture, place: PagePlace) -> Picture:
    return picture


# Overwriting


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_is_not_replaced_by_rgb(tmp_path: Path, suffix: str) -> None:
    """A CMYK file is not overwritten; a result in another file is RGB."""
    source = tmp_path / f"a{suffix}"
    Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(source)
    before = source.read_bytes()
    with pytest.raises(ImageFileError, match=r"holds CMYK pixels.*choose another output"):
        process_file(source, source, never, WriteOptions(overwrite_input=True))
    assert source.read_bytes() == before
    with pytest.warns(RestoreWarning, match=r"holds CMYK pixels, which are converted to RGB"):
        process_file(source, tmp_path / f"b{suffix}", keep, WriteOptions(overwrite_input=True))
    process_file(
        tmp_path / f"b{suffix}", tmp_path / f"b{suffix}", keep, WriteOptions(overwrite_input=True)
    )
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_copied_cmyk_gives_no_warning(tmp_path: Path, suffix: str) -> None:
    """A picture that is left alone stays CMYK; in another format it does not."""
    source = tmp_path / f"a{suffix}"
    Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(source)
    leave = one_at_a_time(lambda picture, place: replace(picture, left_alone=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        process_file(source, tmp_path / f"b{suffix}", leave)
    assert (tmp_path / f"b{suffix}").read_bytes() == source.read_bytes()
    with pytest.warns(RestoreWarning, match="holds CMYK pixels"):
        process_file(source, tmp_path / "b.png", leave)


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


# Small ones together


class Watched:
    """An inversion that records the batches, and refuses one value."""

    def __init__(self, refused: int = -1) -> None:
        self.calls: list[list[str]] = []
        self.refused = refused

    def __call__(self, pictures: Sequence[Picture], places: Sequence[PagePlace]) -> list[Picture]:
        self.calls.append([place.source.stem for place in places])
        if any((picture.pixels == self.refused).any() for picture in pictures):
            raise InputError("refused")
        return [replace(picture, pixels=255 - picture.pixels) for picture in pictures]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """`crops/` with five gray squares of values 0 to 4, a wide picture, and two more squares."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for value in range(8):
        Image.new("L", (9, 4) if value == 5 else (4, 4), value).save(folder / f"{value}.png")
    return folder


def test_small_consecutive_pictures_of_one_size_form_a_batch(crops: Path, tmp_path: Path) -> None:
    """As many as the limit allows, in order, each written to its own file."""
    plan, watched = plan_outputs([crops], tmp_path / "out"), Watched()
    told: list[int] = []
    summary = process_files(
        plan, watched, at_once=3 * 16, report=lambda done: told.append(done.place.number)
    )
    assert watched.calls == [["0", "1", "2"], ["3", "4"], ["5"], ["6", "7"]]
    assert told == list(range(8))
    assert summary.restored == 8
    assert [pixel(target) for _, target in plan] == [255 - value for value in range(8)]


def test_large_pictures_are_processed_alone(crops: Path, tmp_path: Path) -> None:
    """One with more than half of the limit is finished before the next is read."""
    watched = Watched()
    process_files(plan_outputs([crops], tmp_path / "out"), watched, at_once=2 * 16 - 1)
    assert watched.calls == [[str(value)] for value in range(8)]


def test_pages_of_a_file_are_processed_one_by_one(tmp_path: Path) -> None:
    """They are read when needed, since there may be thousands."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 4, 4), np.uint8), photometric="minisblack")
    watched = Watched()
    process_files([(tmp_path / "a.tif", tmp_path / "b.tif")], watched, at_once=1000)
    assert watched.calls == [["a"]] * 3


def test_one_that_cannot_be_restored_fails_alone(crops: Path, tmp_path: Path) -> None:
    """The others of its batch are restored one by one, as are neighbours of a broken file."""
    (crops / "1-broken.png").write_bytes(b"\x89PNG")
    plan, watched = plan_outputs([crops], tmp_path / "out"), Watched(refused=3)
    summary = process_files(plan, watched, at_once=1000)
    assert [path.stem for path, _ in summary.failures] == ["1-broken", "3"]
    one_by_one = [["1"], ["2"], ["3"], ["4"]]
    assert watched.calls == [["0"], ["1", "2", "3", "4"], *one_by_one, ["5"], ["6", "7"]]
    made = sorted(path.stem for path in (tmp_path / "out").iterdir())
    assert made == ["0", "1", "2", "4", "5", "6", "7"]


# Several processes


def test_shares_are_disjoint_and_complete(photos: Path, tmp_path: Path) -> None:
    """Each file belongs to one process, and keeps its number in the whole plan."""
    for name in "cdefg":
        Image.new("L", (3, 3)).save(photos / f"{name}.png")
    plan = plan_outputs([photos], tmp_path / "out")
    places: list[PagePlace] = []
    counts = []
    for rank in range(3):
        summary = process_files(
            plan, invert, rank=rank, world=3, report=lambda done: places.append(done.place)
        )
        counts.append(summary.restored)
    assert counts == [3, 2, 2]
    assert sorted((place.number, place.source) for place in places) == [
        (number, source) for number, (source, _) in enumerate(plan)
    ]
