"""denoise: JSON and reports for each picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorekit.restore.denoiser import Denoiser


def test_a_clean_picture_is_reported(run: Any, pictures: Path, engine: Any) -> None:
    """On stderr, with the estimated level; the output is a copy of the file."""
    engine.clean = True
    outcome = run("denoise", pictures / "a.png", "-o", pictures / "b.png")
    assert outcome.err == (
        f"{pictures / 'a.png'}: left as it is: it has no noise worth removing "
        "(noise 0.4 of 255); --force restores it\n"
    )
    assert (outcome.code, outcome.out) == (0, f"{pictures / 'b.png'}\n")
    assert (pictures / "b.png").read_bytes() == (pictures / "a.png").read_bytes()


def test_json_is_one_object_for_each_file(
    run: Any, pictures: Path, engine: Any, reports: Any, tmp_path: Path
) -> None:
    """There is a line for each restored, failed or skipped file, and a summary for each page."""
    (pictures / "b.png").write_bytes(b"junk")
    call = ("denoise", pictures, "-o", tmp_path / "out", "--json")
    outcome = run(*call)
    assert outcome.code == 2
    told = [json.loads(line) for line in outcome.out.splitlines()]
    assert [(Path(entry["input"]).name, entry["status"]) for entry in told] == [
        ("a.png", "restored"),
        ("b.png", "failed"),
        ("gray.png", "restored"),
        ("z.png", "restored"),
    ]
    assert told[0]["output"] == str(tmp_path / "out" / "a.png")
    (page,) = told[0]["pages"]
    assert (page["shape"], page["model"], page["change"]) == ([30, 40, 3], "inverting", 1)
    assert "cannot read" in told[1]["error"]
    again = [json.loads(line)["status"] for line in run(*call).out.splitlines()]
    assert again == ["skipped", "failed", "skipped", "skipped"]


def test_pages_before_a_bad_one_are_not_reported_for_the_next_file(
    run: Any, tmp_path: Path, engine: Any, reports: Any
) -> None:
    """The pages of a file that failed half-way are not attributed to another file."""
    (tmp_path / "in").mkdir()
    with tifffile.TiffWriter(tmp_path / "in" / "a.tif") as tiff:
        for kind in (np.uint8, np.int64):
            tiff.write(np.full((4, 4), 9, kind), photometric="minisblack")
    Image.new("L", (4, 4)).save(tmp_path / "in" / "b.png")
    outcome = run("denoise", tmp_path / "in", "-o", tmp_path / "out", "--json")
    first, second = (json.loads(line) for line in outcome.out.splitlines())
    assert (first["status"], "pages" in first) == ("failed", False)
    assert len(second["pages"]) == 1


def test_pictures_of_a_batch_have_their_own_json(
    run: Any, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small pictures of one size share a batch, but each has its own measurements."""
    folder = tmp_path / "in"
    folder.mkdir()
    for sigma in (5, 20, 40):
        noisy = np.random.default_rng(sigma).normal(128, sigma, (48, 48, 3)).clip(0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(folder / f"{sigma:02}.png")
    call = ("-m", weights, "--precision", "float32", "--json")
    counts: list[int] = []
    restore_all = Denoiser.restore_all
    with monkeypatch.context() as patched:
        patched.setattr(
            Denoiser,
            "restore_all",
            lambda self, *given: counts.append(len(given[0])) or restore_all(self, *given),
        )
        together = run("denoise", folder, "-o", tmp_path / "out", *call).out.splitlines()
    assert (counts, len(together)) == ([3], 3)
    for line, path in zip(together, sorted(folder.iterdir()), strict=True):
        [page] = json.loads(line)["pages"]
        alone = run("denoise", path, "-o", tmp_path / "alone.png", *call).out
        [expected] = json.loads(alone)["pages"]
        assert json.loads(line)["input"] == str(path)
        assert page["noise_before"] == pytest.approx(expected["noise_before"])
        assert page["noise_before"][0] == pytest.approx(int(path.stem), rel=0.15)


def test_report_of_one_picture_is_a_file(
    run: Any, pictures: Path, engine: Any, reports: Any, tmp_path: Path
) -> None:
    """It receives the picture before and after, and the outcome."""
    for name in ("r.html", "deep/r.png"):
        call = ("denoise", pictures / "a.png", "-o", pictures / "b.png")
        assert run(*call, "--report", tmp_path / name).code == 0
        path, before, after, outcome, title = reports.pop()
        assert (path, title) == (tmp_path / name, "a.png")
        assert np.array_equal(before, 255 - after)
        assert outcome.model == "inverting"


def test_reports_of_several_pictures_are_a_folder(
    run: Any, refused: Callable[..., str], pictures: Path, engine: Any, reports: Any, tmp_path: Path
) -> None:
    """They mirror the paths of the pictures, one for each page; a single file is refused."""
    tifffile.imwrite(pictures / "scan.tif", np.zeros((2, 8, 8), np.uint8), photometric="minisblack")
    call = ("denoise", pictures, "-o", tmp_path / "out", "--report")
    assert "reports of 4 pictures need a folder" in refused(*call, tmp_path / "all.html")
    assert run(*call, tmp_path / "told").code == 0
    assert sorted(str(report[0].relative_to(tmp_path / "told")) for report in reports) == [
        "a.png.html",
        "deep/gray.png.html",
        "scan.tif-page1.html",
        "scan.tif-page2.html",
        "z.png.html",
    ]


def test_report_does_not_replace_the_picture(
    refused: Callable[..., str], pictures: Path, engine: Any
) -> None:
    """A report with the name of a picture is refused."""
    for name in ("a.png", "b.png"):
        call = ("denoise", pictures / "a.png", "-o", pictures / "b.png")
        assert "is the picture itself" in refused(*call, "--report", pictures / name)


def test_report_does_not_replace_the_picture_behind_a_link(
    refused: Callable[..., str], pictures: Path, engine: Any, tmp_path: Path
) -> None:
    """Also if the picture is given through a link."""
    (tmp_path / "link.png").symlink_to(pictures / "a.png")
    call = ("denoise", tmp_path / "link.png", "-o", tmp_path / "b.png")
    assert "is the picture itself" in refused(*call, "--report", pictures / "a.png")


def test_report_without_a_name(refused: Callable[..., str], pictures: Path, engine: Any) -> None:
    """An empty name, from an unset variable of a shell, does not mean the current folder."""
    assert "the report has no name" in refused("denoise", pictures / "a.png", "--report", "")


def test_metadata_that_is_left_out_is_named(
    run: Any, tmp_path: Path, engine: Any, reports: Any
) -> None:
    """--verbose lists on stderr what the result lacks, and --json has it in the object."""
    image = Image.new("RGB", (8, 8))
    image.save(tmp_path / "a.jpg", comment=b"a comment", dpi=(300, 300))
    call = ("denoise", tmp_path / "a.jpg", "-o", tmp_path / "b.webp")
    assert run(*call).err == ""
    outcome = run(*call, "--verbose")
    assert outcome.err == f"{tmp_path / 'a.jpg'}: left out: resolution, JPEG comment\n"
    told = json.loads(run(*call, "--json").out)
    assert told["left_out"] == ["resolution", "JPEG comment"]
