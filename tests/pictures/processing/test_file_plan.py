"""Planning the output of each picture file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from restorekit.errors import ImageFileError
from restorekit.pictures.processing import file_plan
from restorekit.pictures.processing.file_plan import plan_in_place, plan_next_to, plan_outputs


def test_one_file_goes_to_a_file_or_into_a_folder(photos: Path, tmp_path: Path) -> None:
    """A path with a suffix is a file; an existing folder or a path with a final "/" is a folder."""
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
    """Relative paths below the input folder are kept."""
    out = tmp_path / "out"
    assert plan_outputs([photos], out) == [
        (photos / "a.png", out / "a.png"),
        (photos / "sub" / "b.tif", out / "sub" / "b.tif"),
    ]
    assert not out.exists()


def test_files_and_folders_together(photos: Path, tmp_path: Path) -> None:
    """Several inputs are written to one folder; a file that is named twice is one job."""
    pairs = plan_outputs([photos / "a.png", str(photos / "sub"), photos], tmp_path / "out")
    assert pairs == [
        (photos / "a.png", tmp_path / "out" / "a.png"),
        (photos / "sub" / "b.tif", tmp_path / "out" / "b.tif"),
        (photos / "sub" / "b.tif", tmp_path / "out" / "sub" / "b.tif"),
    ]


def test_two_inputs_for_one_output_are_refused(photos: Path, tmp_path: Path) -> None:
    """The message names both files and the output."""
    other = tmp_path / "other" / "a.png"
    other.parent.mkdir()
    Image.new("L", (2, 2)).save(other)
    with pytest.raises(ImageFileError) as caught:
        plan_outputs([photos / "a.png", other], tmp_path / "out")
    for path in (photos / "a.png", other, tmp_path / "out" / "a.png"):
        assert str(path) in str(caught.value)


def test_an_output_folder_inside_the_input_is_not_read(photos: Path) -> None:
    """Running the same command again does not restore its own results."""
    first = plan_outputs([photos], photos / "clean")
    (photos / "clean" / "sub").mkdir(parents=True)
    for source, target in first:
        target.write_bytes(source.read_bytes())
    assert plan_outputs([photos], photos / "clean") == first


@pytest.mark.parametrize(
    ("inputs", "output", "fault"),
    [
        ([], "out", "no picture given"),
        (["b.png"], "out.png", r"b\.png' does not exist\. Did you mean 'a\.png'\?"),
        (["a.png", "b.png"], "out/", r"b\.png' does not exist"),
        (["a.png"], "out", r"write '.*out/' for a folder, or '.*out\.png'"),
        (["a.png"], "out.gif", r"suffix '\.gif'"),
        (["a.png", "sub"], "out.png", r"several pictures need an output folder"),
        (["."], "a.png", r"several pictures need an output folder.* is a file"),
        (["empty"], "out", r"no picture in folder"),
    ],
)
def test_impossible_plans(photos: Path, inputs: list[str], output: str, fault: str) -> None:
    """A plan that cannot work is refused beforehand."""
    (photos / "empty").mkdir()
    with pytest.raises(ImageFileError, match=fault) as caught:
        plan_outputs([photos / name for name in inputs], f"{photos}/{output}")
    assert "\n" not in str(caught.value)


def test_without_an_output_the_result_is_next_to_the_picture(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word is added to the name of the picture or folder, also of the current folder."""
    assert plan_next_to(photos / "a.png") == [(photos / "a.png", photos / "a-restored.png")]
    beside = photos.parent / "photos-restored"
    expected = [
        (photos / "a.png", beside / "a.png"),
        (photos / "sub" / "b.tif", beside / "sub" / "b.tif"),
    ]
    assert plan_next_to(photos) == expected
    monkeypatch.chdir(photos)
    assert plan_next_to(".") == expected
    with pytest.raises(ImageFileError, match="does not exist"):
        plan_next_to(photos / "b.png")
    with pytest.raises(ImageFileError, match=r"notes\.txt': it is not a PNG"):
        plan_next_to(photos / "notes.txt")


def test_in_place_each_once(photos: Path) -> None:
    """A picture that is named in addition to its folder is one job."""
    pairs = plan_in_place([photos, photos / "a.png"])
    assert pairs == [
        (path, path.resolve()) for path in (photos / "a.png", photos / "sub" / "b.tif")
    ]


def test_in_place_a_link_stays_a_link(photos: Path) -> None:
    """The linked file is replaced once, whatever names are given."""
    (photos / "link.png").symlink_to(photos / "a.png")
    pairs = plan_in_place([photos / "link.png", photos / "a.png"])
    assert [target for _, target in pairs] == [(photos / "a.png").resolve()]


@pytest.mark.parametrize("given", ["", Path("x")])
def test_an_empty_name_is_not_the_current_folder(given: str | Path, photos: Path) -> None:
    """A shell replaces an unset variable by an empty name."""
    inputs, output = ([given], "out.png") if given == "" else ([photos / "a.png"], "")
    with pytest.raises(ImageFileError, match=r"name of the (picture|output) is empty"):
        plan_outputs(inputs, output)


def test_pipes_are_not_supported(photos: Path) -> None:
    """The message for "-", which is a pipe in other programs, says so."""
    for inputs, output, what in (["-"], "out.png", "picture"), ([photos / "a.png"], "-", "output"):
        with pytest.raises(ImageFileError, match=f"the {what} is '-'.*give a file name"):
            plan_outputs(inputs, output)  # type: ignore[arg-type]
    with pytest.raises(ImageFileError, match="picture is '-'"):
        plan_next_to("-")


def test_broken_links_are_inputs(photos: Path) -> None:
    """They are reported when they are read, and do not stop the other files of a folder."""
    (photos / "gone.png").symlink_to("nowhere.png")
    (photos / "loop.png").symlink_to("loop.png")
    names = ["a.png", "gone.png", "loop.png", "b.tif"]
    assert [source.name for source, _ in plan_outputs([photos], photos / "out")] == names
    assert [source.name for source, _ in plan_in_place([photos])] == names
    with pytest.raises(ImageFileError, match=r"is a link to 'nowhere\.png', which does not exist"):
        plan_next_to(photos / "gone.png")


def test_unread_files_are_counted(photos: Path) -> None:
    """For all input folders together; the message for a folder without pictures lists its files."""
    for name in ("b.heic", "sub/c.heic", "raw/d.nef"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).touch()
    assert plan_outputs([photos], photos / "out").unread == {"HEIC": 2, "NEF": 1, "TXT": 1}
    assert plan_in_place([photos, photos / "sub"]).unread["HEIC"] == 3
    with pytest.raises(ImageFileError, match=r"no picture in folder .*it holds 1 NEF"):
        plan_outputs([photos / "raw"], photos / "out")


def test_names_that_differ_by_case_clash_if_the_disk_ignores_case(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On other disks they are two files."""
    (photos / "A.png").write_bytes((photos / "a.png").read_bytes())
    assert len(plan_outputs([photos], photos / "out")) == 3
    monkeypatch.setattr(file_plan, "_ignores_case", lambda folder: True)
    with pytest.raises(ImageFileError, match="would both be written to"):
        plan_outputs([photos], photos / "out")
