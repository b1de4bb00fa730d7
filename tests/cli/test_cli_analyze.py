"""`restorekit analyze`, and `restorekit.analyze_files` which it calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import restorekit

RAMP = np.linspace(30, 220, 60 * 80).reshape(60, 80).round().astype(np.uint8)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], -1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A colour PNG, a JPEG, a TIFF of two pages of 16 bits, a damaged PNG and a text."""
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    Image.fromarray(COLOUR).save(tmp_path / "b.jpg", quality=83)
    pages = np.stack([RAMP, RAMP.T.reshape(RAMP.shape)]).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "c.tif", pages, photometric="minisblack")
    (tmp_path / "d.png").write_bytes((tmp_path / "a.png").read_bytes()[:100])
    (tmp_path / "notes.txt").write_text("notes")
    return tmp_path


def test_words_for_people(run: Any, folder: Path) -> None:
    """A heading for each picture, and an aligned line for each measurement."""
    outcome = run("analyze", folder / "a.png", folder / "c.tif")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    headings = [line for line in lines if not line.startswith(" ")]
    assert headings == [
        str(folder / "a.png"),
        *(f"{folder / 'c.tif'}, page {n}" for n in (1, 2)),
    ]
    block = lines[1 : lines.index(headings[1])]
    labels = [line.split("  ")[1] for line in block]
    assert labels == ["picture", *(n.replace("_", " ") for n in restorekit.list_measurements())]
    assert "80 x 60 pixels, colour" in block[0]
    width = 2 + max(map(len, labels)) + 2
    assert all(line[width - 1] == " " and line[width] != " " for line in block)


def test_json_for_scripts(run: Any, folder: Path) -> None:
    """One object for each file, with what the library returns for each page."""
    outcome = run("analyze", folder / "b.jpg", folder / "c.tif", "--json")
    jpeg, stack = map(json.loads, outcome.out.splitlines())
    assert jpeg == {
        "input": str(folder / "b.jpg"),
        "pages": [restorekit.analyze(folder / "b.jpg").to_dict()],
    }
    assert (jpeg["pages"][0]["jpeg"]["quality"], jpeg["pages"][0]["jpeg"]["source"]) == (83, "file")
    assert [page["channels"] for page in stack["pages"]] == [1, 1]


def test_a_damaged_file_stops_no_other(run: Any, folder: Path) -> None:
    """It has one line on stderr, or an error in the JSON; the exit code is 2."""
    outcome = run("analyze", folder)
    assert outcome.code == 2
    assert outcome.out.count("  picture") == 4
    unread, error = outcome.err.splitlines()
    assert unread == "not read: 1 TXT"
    assert error.startswith(f"error: cannot read '{folder / 'd.png'}': it is damaged")
    outcome = run("analyze", folder, "--json")
    assert outcome.code == 2
    data = [json.loads(line) for line in outcome.out.splitlines()]
    assert [("error" in item, len(item["pages"])) for item in data] == [
        (False, 1),
        (False, 1),
        (False, 2),
        (True, 0),
    ]


def test_mistakes(refused: Any, tmp_path: Path) -> None:
    """One line each, and the exit code 2."""
    assert "does not exist" in refused("analyze", tmp_path / "missing.png")
    assert "no picture in folder" in refused("analyze", tmp_path)
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    assert "--white is a number" in refused("analyze", tmp_path / "a.png", "--white", "bright")
    message = refused("analyze", tmp_path / "a.png", "--white", "0", "--black", "9")
    assert "white must be greater than black" in message


def test_the_range_can_be_given(run: Any, tmp_path: Path) -> None:
    """A guessed range is reported; a given one is used."""
    tifffile.imwrite(tmp_path / "counts.tif", np.full((40, 40), 300, np.int32))
    guessed = run("analyze", tmp_path / "counts.tif")
    assert "were taken from the values" in guessed.err
    words = ("analyze", tmp_path / "counts.tif", "--black", 0, "--white", 300, "--json")
    outcome = run(*words)
    assert outcome.err == ""
    assert json.loads(outcome.out)["pages"][0]["content"]["white"] == 1


def test_nothing_is_written(run: Any, folder: Path) -> None:
    """The folder holds the same files afterwards."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run("analyze", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_function(folder: Path) -> None:
    """Results in order, with errors; a file that is given twice is analyzed once."""
    seen: list[restorekit.FileAnalysis] = []
    found = restorekit.analyze_files([folder, folder / "a.png"], on_file=seen.append)
    assert [result.source.name for result in found] == ["a.png", "b.jpg", "c.tif", "d.png"]
    assert tuple(seen) == found.results
    assert [result.source.name for result in found.failed] == ["d.png"]
    assert isinstance(found.failed[0].error, restorekit.ImageFileError)
    assert found.results[0].pages[0] == restorekit.analyze(COLOUR)
    assert dict(found.unread) == {"TXT": 1}


def test_the_analysis_is_part_of_the_report(run: Any, folder: Path) -> None:
    """Of `restorekit denoise`, in HTML, in PNG and in JSON."""
    words = ("denoise", folder / "b.jpg", "-m", "median", "-o", folder / "out.png")
    report = folder / "report.html"
    pages = json.loads(run(*words, "--json", "--report", report).out)["pages"]
    assert pages[0]["analysis"] == restorekit.analyze(folder / "b.jpg").to_dict()
    page = report.read_text(encoding="utf-8")
    assert "quality 83 (from the file)" in page
    assert run(*words, "--report", folder / "report.png").code == 0
