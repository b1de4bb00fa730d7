"""denoise_files and add_noise_files: what the command line does, in one call."""

from __future__ import annotations

import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import restorekit
from restorekit import ArgumentError, FileResult, ImageFileError, add_noise_files, denoise_files
from restorekit.cli import main

MODEL = "median"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three noisy pictures, one of them in a subfolder, and a file of text."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name in ("a.png", "b.png", "deep/c.png"):
        noisy = generator.normal(128, 20, (24, 32, 3)).clip(0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(folder / name)
    (folder / "notes.txt").write_text("notes")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_are_those_of_the_command_and_nothing_is_printed(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same call in Python writes the same bytes; what happened is in the results."""
    outcome = denoise_files(photos, tmp_path / "python", MODEL, depth=16)
    assert capsys.readouterr() == ("", "")
    words = ["denoise", str(photos), "-o", str(tmp_path / "cli"), "-m", MODEL, "--depth", "16"]
    assert main.main(words) == 0
    assert contents(tmp_path / "python") == contents(tmp_path / "cli")
    assert [r.target.name for r in outcome.results] == ["a.png", "b.png", "c.png"]
    assert all(result.status == "restored" for result in outcome.results)
    assert [page.model for page in outcome.results[0].pages] == [MODEL]
    assert outcome.results[0].pages[0].image is None
    assert sum(outcome.unread.values()) == 1


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("denoise", "a.png"), "denoise_files.denoise_files"),
        (("noise", "a.png", "-o", "b.png", "-n", "gaussian"), "noise_files.add_noise_files"),
    ],
)
def test_the_command_is_the_call(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], name: str
) -> None:
    """It passes every parameter, so that none is out of reach of the command line."""
    module, _, function = name.partition(".")
    known = inspect.signature(getattr(restorekit, function)).parameters
    seen: dict[str, Any] = {}

    def call(*arguments: Any, **keywords: Any) -> restorekit.FilesOutcome:
        seen.update({**dict(zip(known, arguments, strict=False)), **keywords})
        return restorekit.FilesOutcome(())

    monkeypatch.setattr(f"restorekit.operations.{module}.{function}", call)
    assert main.main(list(words)) == 0
    assert set(seen) == set(known)


def test_denoise_and_denoise_files_take_what_a_denoiser_takes() -> None:
    """One name for one thing; only arrays have the option `alpha`, files always keep it."""
    own = set(inspect.signature(restorekit.Denoiser).parameters)
    assert set(inspect.signature(restorekit.denoise).parameters) == own | {"image"}
    assert own - {"alpha"} <= set(inspect.signature(denoise_files).parameters)


def test_a_callback_gets_each_result_and_a_failure_stops_nothing(
    photos: Path, tmp_path: Path
) -> None:
    """In order, with the number of files; the error is in the result, which can be pickled."""
    (photos / "b.png").write_bytes(b"junk")
    seen: list[FileResult] = []
    outcome = denoise_files(photos, tmp_path / "out", MODEL, on_file=seen.append)
    assert tuple(seen) == tuple(outcome) == outcome.results
    assert len(outcome) == len(seen)
    assert [(r.number, r.total, r.status) for r in seen] == [
        (0, 3, "restored"),
        (1, 3, "failed"),
        (2, 3, "restored"),
    ]
    (failed,) = outcome.failed
    assert isinstance(failed.error, ImageFileError)
    assert "b.png" in str(failed.error)
    again = pickle.loads(pickle.dumps(outcome))
    assert [str(r.error) for r in again.results] == [str(r.error) for r in outcome.results]


@pytest.mark.parametrize(
    ("several", "overwrite", "expected"),
    [
        (True, None, "skipped"),
        (True, True, "restored"),
        (False, None, "restored"),
        (False, False, "skipped"),
    ],
)
def test_finished_files(
    photos: Path, tmp_path: Path, several: bool, overwrite: bool | None, expected: str
) -> None:
    """Skipped among several, restored again if alone, unless `overwrite` says otherwise."""
    given = photos if several else photos / "a.png"
    out = tmp_path / "out"
    denoise_files(given, f"{out}/", MODEL)
    outcome = denoise_files(given, f"{out}/", MODEL, overwrite=overwrite)
    assert {result.status for result in outcome.results} == {expected}
    assert len(outcome.skipped) == (len(outcome.results) if expected == "skipped" else 0)


def test_shares_cover_all_files_once(photos: Path, tmp_path: Path) -> None:
    """Two calls with their rank do what one call does."""
    parts = [denoise_files(photos, tmp_path / "out", MODEL, share=(r, 2)) for r in range(2)]
    assert [[result.number for result in part.results] for part in parts] == [[0, 2], [1]]
    denoise_files(photos, tmp_path / "whole", MODEL)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_reports_and_summaries(photos: Path, tmp_path: Path) -> None:
    """A report is written and the change is measured where that is requested."""
    outcome = denoise_files(
        photos / "a.png",
        tmp_path / "a.png",
        MODEL,
        report=tmp_path / "a.html",
        summarize=True,
    )
    assert (tmp_path / "a.html").stat().st_size > 1000
    ((measured,),) = [result.summaries for result in outcome.results]
    assert measured["noise_before"][0] == pytest.approx(20, rel=0.3)
    assert measured["noise_after"][0] < measured["noise_before"][0]


def test_in_place_and_next_to_the_input(photos: Path) -> None:
    """Without an output there is a new file; in place the input is replaced."""
    before = (photos / "a.png").read_bytes()
    (made,) = denoise_files(photos / "a.png", model=MODEL).results
    assert (made.target, made.source.read_bytes()) == (photos / "a-restored.png", before)
    denoise_files(photos / "a.png", model=MODEL, in_place=True)
    assert (photos / "a.png").read_bytes() == made.target.read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_place": True, "output": "x.png"}, "give an output or restore in place, not both"),
        ({"depth": 12}, "depth is 8, 16 or 'float', or None, not 12"),
        ({"quality": 101}, "quality is 1 to 100, not 101"),
        ({"black": 1, "white": 0}, "white must be greater than black"),
        ({"report": "x.pdf"}, "report 'x.pdf' is neither"),
        ({"share": (2, 2)}, r"share is \(rank, world\)"),
        ({"strength": 2}, "strength"),
    ],
)
def test_a_mistake_is_an_error_before_a_network_is_loaded(
    photos: Path, options: dict[str, Any], message: str
) -> None:
    """In one line; the weights, which do not exist, are not reached."""
    with pytest.raises(ArgumentError, match=message):
        denoise_files(photos / "a.png", **{"model": "none.safetensors", **options})


def test_noise_is_that_of_the_seed(photos: Path, tmp_path: Path) -> None:
    """By name with arguments or as an object; another seed gives other noise."""
    spec = {"name": "gaussian", "std": 0.1}
    for name, noise, seed in (
        ("spec", spec, 1),
        ("made", restorekit.create_noise("gaussian", std=0.1), 1),
        ("other", spec, 2),
    ):
        outcome = add_noise_files(photos, tmp_path / name, noise, seed=seed)
        assert not outcome.failed
    assert contents(tmp_path / "spec") == contents(tmp_path / "made")
    assert contents(tmp_path / "spec") != contents(tmp_path / "other")


def test_benchmark_writes_the_files_of_the_command(photos: Path, tmp_path: Path) -> None:
    """JSON, a table and a plot; a path that cannot be written is refused before the work."""
    paths = {"json": tmp_path / "a.json", "markdown": tmp_path / "a.md", "plot": tmp_path / "a.png"}
    results = restorekit.benchmark(["median"], photos, "gaussian:25", **paths)
    assert json.loads(paths["json"].read_text())["models"].keys() == results.models.keys()
    assert "| gaussian:25 | median |" in paths["markdown"].read_text()
    assert paths["plot"].read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ImageFileError, match="cannot draw"):
        restorekit.benchmark(["none"], photos, "gaussian:25", plot="a.gif")
