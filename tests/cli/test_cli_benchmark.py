"""`restorekit benchmark`: what is printed and written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from restorekit.errors import InputError
from restorekit.evaluate.benchmark_results import read_json
from restorekit.restore.denoiser import Denoiser


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two small photographs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        pixels = data.chelsea()[60:108, 100 + 40 * number : 148 + 40 * number]
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_a_table_and_its_files(run: Any, photos: Path, weights: Path, tmp_path: Path) -> None:
    """A header, a row for each model and noise, then the protocol; three files on request."""
    files = {name: tmp_path / "out" / f"r.{name}" for name in ("json", "md", "png")}
    outcome = run(
        "benchmark",
        f"net={weights}",
        "median:size=5",
        *("--data", photos, "--noise", "gaussian:15,50", "--clip", "--seed", 3),
        *("--json", files["json"], "--markdown", files["md"], "--plot", files["png"]),
    )
    assert outcome.code == 0
    head, *lines = outcome.out.splitlines()
    assert head.split()[:2] == ["noise", "model"]
    assert [line.split()[:2] for line in lines[:4]] == [
        ["gaussian:15", "net"],
        ["gaussian:15", "median:size=5"],
        ["gaussian:50", "net"],
        ["gaussian:50", "median:size=5"],
    ]
    assert lines[5].startswith("protocol 2: ")
    assert "seed 3" in lines[5]
    assert "input clipped" in lines[5]
    written = json.loads(files["json"].read_text())
    assert written["protocol"]["clip"] is True
    assert [row["model"] for row in written["rows"]] == ["net", "median:size=5"] * 2
    for row, line in zip(written["rows"], lines, strict=False):
        assert f"{row['means']['psnr']:.2f}" in line
    assert files["md"].read_text().count("| gaussian:") == 4
    with Image.open(files["png"]) as plot:
        assert plot.format == "PNG"


def test_pairs(run: Any, photos: Path, tmp_path: Path) -> None:
    """Real noise needs no --noise."""
    folder = tmp_path / "pairs"
    for name, shift in (("gt", 0), ("noisy", 5)):
        (folder / name).mkdir(parents=True)
        clean = np.asarray(Image.open(photos / "0.png")) // 2
        Image.fromarray(clean + np.uint8(shift)).save(folder / name / f"1_{name}.png")
    outcome = run("benchmark", "median", "--data", folder, "--pairs")
    assert outcome.code == 0
    assert outcome.out.splitlines()[1].startswith("real ")


def test_pairs_by_patterns_or_by_a_list(
    run: Any, refused: Callable[..., str], photos: Path, tmp_path: Path
) -> None:
    """File names do not matter. Files without a partner are listed below the table."""
    (tmp_path / "list.csv").write_text("clean,noisy\n0.png,1.png\n")
    Image.new("RGB", (48, 48)).save(photos / "2.png")
    call = ("benchmark", "median", "--data", photos)
    by_list = run(*call, "--pairs-csv", tmp_path / "list.csv")
    by_pattern = run(*call, "--pairs-pattern", "0.png", "1.png")
    for outcome in (by_list, by_pattern):
        assert outcome.code == 0
        assert ", 1 pictures, " in outcome.out
        assert "; in no pair: '2.png'\n" in outcome.out
    line = refused(*call, "--pairs-csv", tmp_path / "list.csv", "--pairs-pattern", "a", "b")
    assert line == "--pairs-pattern and --pairs-csv: give one of them"


def test_a_long_path_does_not_break_the_table(
    run: Any, photos: Path, weights: Path, tmp_path: Path
) -> None:
    """Labels are cut to different ones; each is written out below, with the file's checksum."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    one, two = folder / "one.safetensors", folder / "two.safetensors"
    for path in (one, two):
        path.write_bytes(weights.read_bytes())
    outcome = run(
        *("benchmark", "median", one, two, "--data", photos, "--limit", 1),
        *(
            "--noise",
            "gaussian:25",
            "--noise",
            '{"name": "gaussian", "std": 0.12345678}',
        ),
    )
    assert outcome.code == 0
    head, *lines = outcome.out.splitlines()
    rows = lines[:6]
    assert max(map(len, (head, *rows))) < 160
    ends = {row.index(" of 1") for row in rows}
    assert len(ends) == 1  # the columns stand below each other
    below = "\n".join(lines[6:])
    for path in (one, two):
        assert f": {path}\n" in below
        assert hashlib.sha256(path.read_bytes()).hexdigest()[:16] in below


def test_only_the_row_of_a_failing_model_is_missing(
    run: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line on stderr; the table and the files have the other rows, and the exit code is 2."""

    def refuse(self: Any, noisy: Any, sigma: Any = None) -> Any:
        raise InputError("no")

    monkeypatch.setattr("restorekit.arch.classical.tv.TV.forward", refuse)
    file = tmp_path / "r.json"
    call = ("--data", photos, "--noise", "gaussian:25", "--json", file)
    outcome = run("benchmark", "tv", "median", *call)
    assert outcome.code == 2
    line = "tv under gaussian:25 is not measured: it fails on '0.png' (48x48 pixels): no; "
    assert outcome.err.startswith(f"error: {line}")
    assert [row.split()[1] for row in outcome.out.splitlines()[:2]] == ["model", "median"]
    assert [each.model for each in read_json(file).rows] == ["median"]
    assert [each.model for each in read_json(file).refusals] == ["tv"]


def test_an_interrupted_table_has_its_protocol(
    run: Any, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows so far are printed and written, with the protocol and the notes."""

    def interrupt(self: Any, noisy: Any, sigma: Any = None) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("restorekit.arch.classical.tv.TV.forward", interrupt)
    file = tmp_path / "r.md"
    call = ("--data", photos, "--noise", "gaussian:25", "--markdown", file)
    outcome = run("benchmark", "median", "tv", *call)
    assert outcome.code == 130
    lines = outcome.out.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ["model", "median"]
    assert lines[3].startswith("protocol 2: ")
    assert "| median |" in file.read_text()
    assert "- protocol 2: " in file.read_text()


def test_mistakes_are_reported_before_the_work(
    refused: Callable[..., str], photos: Path, tmp_path: Path
) -> None:
    """Each gives one line, and nothing is printed before it."""
    call = ("benchmark", "median", "--data", photos, "--noise")
    assert refused(*call, "gausian:25").startswith("unknown noise 'gausian'. Did you mean 'gauss")
    line = refused(*call, "gaussian:x")
    assert line == "noise 'gaussian:x': x is not a number of 8-bit levels (1/255)"
    assert "--plot" not in refused(*call, "gaussian:25", "--plot", tmp_path / "plot.jpg")
    assert refused("benchmark", "median", "--data", photos).startswith("give noises, or pairs")
    line = refused("benchmark", "unet", "--data", photos, "--noise", "gaussian:25")
    assert line.startswith("'unet' is an architecture without trained weights")
    line = refused("benchmark", "a=median", "a=median", "--data", photos, "--noise", "gaussian:25")
    assert line == "two models are called 'a'; write OTHER=MODEL for one"
    line = refused(*call, "gaussian:25", "--speed-size", "0")
    assert line == "speed_size must be at least 1 pixel, not 0"
    missing = ("--data", tmp_path / "none", "--noise", "gaussian:25")
    assert refused("benchmark", "median", *missing).startswith(f"folder '{tmp_path / 'none'}' does")


def test_a_model_without_weights_denoises_pictures(run: Any, photos: Path, tmp_path: Path) -> None:
    """`restorekit denoise -m median:size=5` gives the same result as `Denoiser` in Python."""
    out = tmp_path / "clean.png"
    call = ("denoise", photos / "0.png", "-m", "median:size=5", "--force", "-o", out)
    assert run(*call).code == 0
    with Image.open(photos / "0.png") as image, Image.open(out) as restored:
        expected = Denoiser("median:size=5", force=True)(image)
        assert np.array_equal(np.asarray(restored), np.asarray(expected))
        assert not np.array_equal(np.asarray(restored), np.asarray(image))
