"""Picture files through a function: planning, overwriting, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageOps

from restorekit.data.files import read_image
from restorekit.errors import ImageFileError, InputError, RestoreKitError
from restorekit.restore.batch import plan_outputs, restore_file, restore_files


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """`photos/` with two pictures, one of them in a folder below."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (8, 6), (10, 20, 30)).save(folder / "a.png")
    Image.new("L", (6, 8), 40).save(folder / "sub" / "b.tif")
    (folder / "notes.txt").write_text("no picture")
    return folder


def invert(image: Image.Image) -> Image.Image:
    """Stands for a denoiser: a function from picture to picture."""
    inverted = ImageOps.invert(image)
    inverted.info.clear()  # a function need not know of metadata
    return inverted


# Planning


def test_one_file_goes_to_a_file_or_into_a_folder(photos: Path, tmp_path: Path) -> None:
    """A path with a suffix is the file; a folder, or a path that ends in "/", takes it in."""
    source = photos / "a.png"
    (tmp_path / "there.png").mkdir()
    for output, expected in [
        (tmp_path / "out.jpg", tmp_path / "out.jpg"),
        (tmp_path / "new" / "out.jpg", tmp_path / "new" / "out.jpg"),
        (f"{tmp_path}/new/", tmp_path / "new" / "a.png"),
        (f"{tmp_path}/new.png/", tmp_path / "new.png" / "a.png"),
        (tmp_path / "there.png", tmp_path / "there.png" / "a.png"),
    ]:
        assert plan_outputs([source], output) == [(source, expected)]


def test_folder_keeps_its_structure(photos: Path, tmp_path: Path) -> None:
    """What is below an input folder lies at the same place below the output folder."""
    out = tmp_path / "out"
    assert plan_outputs([photos], out) == [
        (photos / "a.png", out / "a.png"),
        (photos / "sub" / "b.tif", out / "sub" / "b.tif"),
    ]
    assert not out.exists()


def test_files_and_folders_together(photos: Path, tmp_path: Path) -> None:
    """Several inputs go into one folder; a file named twice is one job."""
    plan = plan_outputs([photos / "a.png", str(photos / "sub"), photos], tmp_path / "out")
    assert plan == [
        (photos / "a.png", tmp_path / "out" / "a.png"),
        (photos / "sub" / "b.tif", tmp_path / "out" / "b.tif"),
        (photos / "sub" / "b.tif", tmp_path / "out" / "sub" / "b.tif"),
    ]


def test_two_inputs_for_one_output_are_refused(photos: Path, tmp_path: Path) -> None:
    """Both files and the one place they would share are named."""
    other = tmp_path / "other" / "a.png"
    other.parent.mkdir()
    Image.new("L", (2, 2)).save(other)
    with pytest.raises(ImageFileError) as caught:
        plan_outputs([photos / "a.png", other], tmp_path / "out")
    for path in (photos / "a.png", other, tmp_path / "out" / "a.png"):
        assert str(path) in str(caught.value)


def test_output_folder_inside_the_input_is_no_input(photos: Path) -> None:
    """Running the same command again does not restore its own results."""
    first = plan_outputs([photos], photos / "clean")
    assert restore_files(first, invert) == []
    assert plan_outputs([photos], photos / "clean") == first


@pytest.mark.parametrize(
    ("inputs", "output", "fault"),
    [
        ([], "out", "no picture given"),
        (["b.png"], "out.png", r"b\.png' does not exist\. Did you mean 'a\.png'\?"),
        (["a.png", "b.png"], "out/", r"b\.png' does not exist"),
        (["a.png"], "out", r"write '.*out/' for a folder, or '.*out\.png'"),
        (["a.png"], "out.gif", r"suffix '\.gif'"),
        (["a.png", "sub"], "out.png", r"several pictures need a folder"),
        (["."], "a.png", r"several pictures need a folder .* is a file"),
        (["empty"], "out", r"no picture in folder"),
    ],
)
def test_plans_that_cannot_be(photos: Path, inputs: list[str], output: str, fault: str) -> None:
    """A plan that cannot work is refused before any work, in one line."""
    (photos / "empty").mkdir()
    with pytest.raises(ImageFileError, match=fault) as caught:
        plan_outputs([photos / name for name in inputs], f"{photos}/{output}")
    assert "\n" not in str(caught.value)


# Restoring


def test_file_is_restored_with_its_metadata(tmp_path: Path) -> None:
    """The restored pixels are written, upright, with the EXIF of the source."""
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "a camera", 6
    Image.new("RGB", (8, 6), (10, 20, 30)).save(tmp_path / "a.png", exif=exif)
    restore_file(tmp_path / "a.png", tmp_path / "new" / "b.webp", invert)
    restored = read_image(tmp_path / "new" / "b.webp")
    assert restored.size == (6, 8)
    assert restored.getpixel((0, 0)) == (245, 235, 225)
    assert restored.getexif()[0x0110] == "a camera"


def test_input_is_not_overwritten_unless_told(photos: Path, tmp_path: Path) -> None:
    """Neither under its own name nor through a link of either kind; with leave, it is."""
    source, link, twin = photos / "a.png", tmp_path / "link.png", tmp_path / "twin.png"
    link.symlink_to(source)
    twin.hardlink_to(source)
    before = source.read_bytes()
    for target in (source, photos / "sub" / ".." / "a.png", link, twin):
        with pytest.raises(ImageFileError, match="would be overwritten"):
            restore_file(source, target, invert)
    assert source.read_bytes() == before
    restore_file(source, source, invert, overwrite_input=True)
    assert read_image(source).getpixel((0, 0)) == (245, 235, 225)


def test_no_result_overwrites_another_input(photos: Path) -> None:
    """A result whose place is another input's is refused, even with leave to overwrite."""
    Image.new("L", (2, 2)).save(photos / "sub" / "a.png")
    before = (photos / "a.png").read_bytes()
    plan = [(photos / "sub" / "a.png", photos / "a.png"), (photos / "a.png", photos / "c.png")]
    ((failed, error),) = restore_files(plan, invert, overwrite_input=True)
    assert failed == photos / "sub" / "a.png"
    assert "would overwrite input" in str(error)
    assert (photos / "a.png").read_bytes() == before
    assert (photos / "c.png").exists()


def test_unknown_suffix_is_refused_before_the_work(photos: Path) -> None:
    """The network does not run for a file that cannot be written."""

    def never(image: Image.Image) -> Image.Image:
        raise AssertionError("called")

    with pytest.raises(ImageFileError, match=r"\.gif"):
        restore_file(photos / "a.png", photos / "a.gif", never)


def test_bad_files_do_not_stop_the_others(photos: Path, tmp_path: Path) -> None:
    """A damaged file and one the denoiser refuses are reported at the end; the rest is done."""
    (photos / "broken.png").write_bytes(b"\x89PNG")

    def refuse_gray(image: Image.Image) -> Image.Image:
        if image.mode == "L":
            raise InputError("gray")
        return invert(image)

    seen: list[tuple[str, bool]] = []

    def report(path: Path, error: RestoreKitError | None) -> None:
        seen.append((path.name, error is None))

    out = tmp_path / "out"
    failures = restore_files(plan_outputs([photos], out), refuse_gray, report=report)
    assert [(path.name, type(error)) for path, error in failures] == [
        ("broken.png", ImageFileError),
        ("b.tif", InputError),
    ]
    assert seen == [("a.png", True), ("broken.png", False), ("b.tif", False)]
    assert [path.name for path in out.rglob("*")] == ["a.png"]
