"""Finding pairs in a folder: layouts of published sets, and files without a partner."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restorekit.data.pairs import find_pairs
from restorekit.errors import DataError

LAYOUTS = {
    "folders": [("gt/a.png", "noisy/a.png"), ("gt/b.png", "noisy/b.png")],
    "folders in capitals": [("GT/a.png", "NOISY/a.png"), ("GT/b.png", "NOISY/b.png")],
    "folders and endings": [("gt/01_gt.png", "noisy/01_noise.png")],
    "an ending on one side": [("gt/01.png", "noisy/01_noisy.png")],
    "input and target": [("target/1.png", "input/1.png")],
    "SIDD": [
        ("0001_S6/0001_GT_SRGB_010.PNG", "0001_S6/0001_NOISY_SRGB_010.PNG"),
        ("0001_S6/0001_GT_SRGB_011.PNG", "0001_S6/0001_NOISY_SRGB_011.PNG"),
        ("0002_S6/0002_GT_SRGB_010.PNG", "0002_S6/0002_NOISY_SRGB_010.PNG"),
    ],
    "PolyU": [
        ("Canon5D2_5_160_3200_chair_10_mean.JPG", "Canon5D2_5_160_3200_chair_10_real.JPG"),
        ("Canon5D2_5_160_3200_chair_11_mean.JPG", "Canon5D2_5_160_3200_chair_11_real.JPG"),
    ],
    "a folder for each scene": [("s1/gt.png", "s1/noisy.png"), ("s2/gt.png", "s2/noisy.png")],
    "roles within scenes": [("s1/gt/1.png", "s1/noisy/1.png"), ("s2/gt/1.png", "s2/noisy/1.png")],
    "a flat folder": [("a_clean.png", "a_noisy.png"), ("b_clean.png", "b_noisy.png")],
    "words before the name": [("clean-a.png", "noisy-a.png"), ("gt1.png", "noisy1.png")],
    "words in the name": [
        ("clean_room_gt.png", "clean_room_noisy.png"),
        ("real_gt.png", "real_noisy.png"),
    ],
    "other suffixes": [("gt/a.png", "noisy/a.jpg")],
    "letters around a word": [("gt/target2x_meander.png", "noisy/target2x_meander.png")],
}
PATTERNS = ("gt/{scene}.png", "shots/{scene}_*.png")


def fill(folder: Path, *names: str) -> Path:
    """A folder with pictures of these names, and a text file for any other suffix."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in (".png", ".jpg", ".tif"):
            Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
        else:
            path.write_text("text")
    return folder


def paired(folder: Path, rule: object = None) -> list[tuple[str, str]]:
    """The pairs, by their paths relative to the folder."""
    found = find_pairs(folder, rule).pairs
    return [tuple(path.relative_to(folder).as_posix() for path in pair) for pair in found]


def refusal(folder: Path, rule: object = None) -> str:
    """The message for a folder that is refused, with relative paths."""
    with pytest.raises(DataError) as caught:
        find_pairs(folder, rule)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_published_sets_are_understood(layout: str, tmp_path: Path) -> None:
    """Every file is in exactly the pair that it belongs to."""
    expected = LAYOUTS[layout]
    fill(tmp_path, *(name for pair in expected for name in pair))
    assert paired(tmp_path) == sorted(expected)
    assert find_pairs(tmp_path).unused == ()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("gt/a.png", "gt/a_gt.png", "noisy/a.png"), ("gt/a.png", "gt/a_gt.png", "noisy/a.png")),
        (
            ("gt/a.png", "noisy/a_noisy.png", "noisy/a_real.png"),
            ("gt/a.png", "noisy/a_noisy.png", "noisy/a_real.png"),
        ),
        (("gt/a.png", "gt/a.tif", "noisy/a.png"), ("gt/a.png", "gt/a.tif", "noisy/a.png")),
        (("a_gt.png", "a-gt.png", "a_noisy.png"), ("a_gt.png", "a_noisy.png")),
    ],
)
def test_an_ambiguous_file_is_named(
    names: tuple[str, ...], told: tuple[str, ...], tmp_path: Path
) -> None:
    """No picture is left out silently, so the user must state the pairs."""
    line = refusal(fill(tmp_path, *names))
    assert "could be paired with" in line
    assert all(f"'{name}'" in line for name in told)


@pytest.mark.parametrize(
    ("lonely", "lacks"), [("gt/c.png", "noisy"), ("noisy/c.png", "clean"), ("x_gt.png", "noisy")]
)
def test_a_file_without_a_partner_is_named(lonely: str, lacks: str, tmp_path: Path) -> None:
    """The message says which partner is missing."""
    line = refusal(fill(tmp_path, "gt/a.png", "noisy/a.png", lonely))
    assert line == f"'{lonely}' has no counterpart; no {lacks} picture has a matching name"


def test_other_files_are_listed(tmp_path: Path) -> None:
    """Pictures that are neither clean nor noisy by name, and other files by kind."""
    fill(tmp_path, "gt/a.png", "noisy/a.png", "restored/a.png", "gt/readme.txt", ".hidden.png")
    found = find_pairs(tmp_path)
    assert found.unused == (tmp_path / "restored" / "a.png",)
    assert dict(found.others) == {"TXT": 1}


def test_a_folder_that_cannot_be_listed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its pictures would be missing silently."""
    fill(tmp_path, "gt/a.png", "noisy/a.png", "locked/b.png")
    listing = os.scandir

    def scandir(path: str) -> object:  # root may list anything, so it is refused here
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert refusal(tmp_path) == "folder 'locked' cannot be read, so its pictures would be missed"


def test_no_pairs_at_all(tmp_path: Path) -> None:
    """The message says how pairs are named."""
    line = refusal(fill(tmp_path, "a.png", "b.png"))
    assert "has no pairs of a clean and a noisy picture; name them '..._gt' and '" in line


def test_a_path_full_of_words_takes_no_time(tmp_path: Path) -> None:
    """Trying all combinations of words would take forever."""
    deep = "/".join(["gt"] * 60)
    fill(tmp_path, f"{deep}/a.png", f"{deep[:-2]}noisy/a.png")
    assert len(paired(tmp_path)) == 1


class TestPatterns:
    def test_a_clean_picture_may_have_several_noisy_ones(self, tmp_path: Path) -> None:
        """A field has the same text in both; a star matches anything."""
        names = ("gt/a.png", "gt/b.png", "shots/a_1.png", "shots/a_2.png", "shots/b_1.png")
        assert paired(fill(tmp_path, *names, "other.png"), PATTERNS) == [
            ("gt/a.png", "shots/a_1.png"),
            ("gt/a.png", "shots/a_2.png"),
            ("gt/b.png", "shots/b_1.png"),
        ]
        assert [path.name for path in find_pairs(tmp_path, PATTERNS).unused] == ["other.png"]

    def test_the_more_specific_pattern_is_used(self, tmp_path: Path) -> None:
        """Although the other one matches as well."""
        fill(tmp_path, "a.png", "a_dark.png")
        assert paired(tmp_path, ("{x}.png", "{x}_dark.png")) == [("a.png", "a_dark.png")]

    def test_words_within_words(self, tmp_path: Path) -> None:
        """Words that are parts of other words are not mistaken."""
        fill(tmp_path, "01/xReference.png", "01/yNoisy.png")
        found = paired(tmp_path, ("{scene}/*Reference.png", "{scene}/*Noisy.png"))
        assert found == [("01/xReference.png", "01/yNoisy.png")]

    @pytest.mark.parametrize(
        ("names", "rule", "told"),
        [
            (("gt/a.png",), PATTERNS, "'gt/a.png' has no counterpart by the patterns"),
            (("shots/a_1.png",), PATTERNS, "'shots/a_1.png' has no counterpart by the patterns"),
            (("a.png",), PATTERNS, "the patterns are 'gt/{scene}.png' and"),
            (
                ("a.png", "a.tif", "an.png"),
                ("{x}.*", "{x}n.png"),
                "'a.png' and 'a.tif' are both the clean picture of the same pair",
            ),
            (
                ("a.png",),
                ("{x}.png", "{y}.png"),
                "pattern '{y}.png': field {x} of '{x}.png' is missing",
            ),
            (("a.png",), ("{x}.png", "{x}.png"), "'a.png' matches both patterns"),
            (("a.png",), ("{1}.png", "{1}n.png"), "'1' is not a valid name of a field"),
        ],
    )
    def test_mistakes(
        self, names: tuple[str, ...], rule: tuple[str, str], told: str, tmp_path: Path
    ) -> None:
        """Each message is one line that names the file or the pattern."""
        assert told in refusal(fill(tmp_path, *names), rule)


class TestCsv:
    def test_it_defines_the_pairs(self, tmp_path: Path) -> None:
        """By paths below the folder. Other pictures are unused; the list itself does not count."""
        fill(tmp_path, "x.png", "y.png", "z.png", "w.png")
        (tmp_path / "list.csv").write_text("noisy,clean,camera\ny.png,x.png,A\nz.png,x.png,B\n")
        rule = tmp_path / "list.csv"
        assert paired(tmp_path, rule) == [("x.png", "y.png"), ("x.png", "z.png")]
        assert [path.name for path in find_pairs(tmp_path, str(rule)).unused] == ["w.png"]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("a,b\nx.png,y.png\n", "list.csv: its first line has no column 'clean'"),
            ("clean,noisy\n", "list.csv' lists none"),
            ("clean,noisy\nx.png,q.png\n", "list.csv: line 2: 'q.png' does not exist"),
            ("clean,noisy\nx.png,\n", "list.csv: line 2: the clean or the noisy path is missing"),
            ("clean,noisy\nx.png,x.png\n", "list.csv: line 2: 'x.png' is paired with itself"),
            ("clean,noisy\nx.png,y.png\nx.png,y.png\n", "line 3: 'y.png' is listed twice"),
        ],
    )
    def test_mistakes(self, text: str, told: str, tmp_path: Path) -> None:
        """Each message is one line that names the line of the file."""
        fill(tmp_path, "x.png", "y.png")
        (tmp_path / "list.csv").write_text(text)
        assert told in refusal(tmp_path, tmp_path / "list.csv")

    def test_a_list_that_is_not_a_text_file(self, tmp_path: Path) -> None:
        """The message names a missing or binary file."""
        fill(tmp_path, "x.png")
        assert "none.csv: cannot be read as a CSV file of pairs" in refusal(
            tmp_path, tmp_path / "none.csv"
        )
        assert "x.png: cannot be read as a CSV file of pairs" in refusal(
            tmp_path, tmp_path / "x.png"
        )
