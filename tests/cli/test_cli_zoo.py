"""`restorekit zoo`, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from restorekit import ArgumentError, models
from restorekit.zoo import measure as measuring
from restorekit.zoo import update
from restorekit.zoo.entries import ZooEntry, find_entries, without_copies
from restorekit.zoo.measure import Measured

Refused = Callable[..., str]


def test_size_and_year_of_networks(run: Any) -> None:
    """In columns; the multiplications are those that DnCNN has by hand."""
    out = run("zoo", "dncnn", "median").out
    rows = {
        line.split()[0]: line.replace(" (s_color)", "").split()[1:] for line in out.splitlines()
    }
    assert rows["network"] == ["year", "parameters", "GMACs"]
    assert rows["dncnn"] == ["2017", "558,336", "36.5"]
    assert rows["median"] == ["1995"]


def test_json_has_the_description_and_the_exact_numbers(run: Any) -> None:
    """A list with an object for each network and preset."""
    (found,) = json.loads(run("zoo", "swift:large", "--json").out)
    assert (found["model"], found["preset"], found["arguments"]["size"]) == (
        "swift",
        "large",
        "large",
    )
    assert (found["parameters"], found["year"]) == (3_850_224, 2021)
    assert found["weights"] == ["swift-gaussian"]
    assert "measured" not in found


def test_tags_select(run: Any) -> None:
    """All that are given."""
    found = json.loads(
        run("zoo", "swift", "unet", "--tag", "multiscale", "--tag", "residual", "--json").out
    )
    assert "swift" in {each["model"] for each in found}
    assert "unet" not in {each["model"] for each in found}


def test_time_and_memory(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured for each network that can be made."""
    times = {"float32": {"256": 0.25, "512": 0.5}, "bfloat16": {"256": 0.1, "512": 0.2}}
    peaks = {"512": 123, "1024": 456}
    monkeypatch.setattr(measuring, "measure", lambda entry: Measured(4, times, None, peaks))
    (head, row) = run("zoo", "dncnn:tiny", "--time").out.splitlines()
    assert head.split()[:4] == ["network", "year", "parameters", "GMACs"]
    numbers = ["0.25", "0.5", "0.1", "0.2", "123", "456"]
    assert row.split()[2:] == ["1,616", "0.104", "4", "exact", *numbers]
    (found,) = json.loads(run("zoo", "dncnn:tiny", "--time", "--json").out)
    assert found["measured"]["seconds"] == times


def test_the_page_is_written(
    run: Any, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the results next to it. Options that it does not take are refused."""
    monkeypatch.setattr(update, "page_entries", lambda: [ZooEntry("dncnn", "tiny")])
    done = {"512": None, "1024": None}
    monkeypatch.setattr(update, "measure", lambda entry, known: Measured(4, {}, None, done))
    path = tmp_path / "zoo.md"
    assert run("zoo", "--write", path).out == f"{path}\n"
    assert "| dncnn:tiny | 1,616 | 0.104 | not measured |" in path.read_text("utf-8")
    outcome = run("zoo", "--time", "--write", path)
    assert (outcome.out, outcome.err) == (f"{path}\n", "measuring dncnn:tiny\n")
    assert "| dncnn:tiny | 1,616 | 0.104 | 4 | exact |" in path.read_text("utf-8")
    assert run("zoo", "--time", "--write", path).err == ""
    assert run("zoo", "dncnn:tiny", "--time", "--write", path).err == "measuring dncnn:tiny\n"
    assert "writes the whole page" in refused("zoo", "dncnn", "--write", path)
    assert "writes the whole page" in refused("zoo", "--write", path, "--json")
    assert "name a file such as zoo.md" in refused("zoo", "--write", tmp_path / "zoo.txt")


@pytest.mark.parametrize("word", ["dncn", "dncnn:tinny"])
def test_an_unknown_name_is_refused_in_one_line(refused: Refused, word: str) -> None:
    """With the nearest one."""
    assert "Did you mean" in refused("zoo", word)


def test_a_network_that_lacks_a_package_says_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are still listed."""
    monkeypatch.setitem(__import__("sys").modules, "pywt", None)
    outcome = run("zoo", "wavelet", "dncnn:tiny")
    assert "restorekit[classical]" in outcome.err
    assert "1,616" in outcome.out
    assert outcome.code == 0


def test_an_unknown_tag_is_refused(refused: Refused) -> None:
    """With the nearest tag, as `restorekit list` does."""
    told = refused("zoo", "--tag", "atention")
    assert told.startswith("no model has the tag 'atention'. Did you mean 'attention'?")


def test_every_preset_is_named_once() -> None:
    """Those that are the same network share a row."""
    entries = without_copies(find_entries(["dncnn", "nafnet"]))
    named = [(e.model, p) for e in entries for p in (e.preset, *e.other_presets) if p]
    declared = [(m, p) for m in ("dncnn", "nafnet") for p in models.entry(m).component.presets]
    assert sorted(named) == sorted(pair for pair in declared if pair[1] != "tiny")
    sizes = [(e.model, repr(e.arguments)) for e in entries]
    assert len(set(sizes)) == len(sizes)


def test_a_preset_is_named_alike_everywhere() -> None:
    """NAME:PRESET is what the argument `preset` means; a wrong one has the nearest name."""
    by_name, by_argument = models.check("nafnet:w64", {}), models.check("nafnet", {"preset": "w64"})
    assert by_name.arguments == by_argument.arguments
    described = {each.name: each.default for each in models.describe("nafnet:w64").arguments}
    assert described["width"] == 64
    with pytest.raises(ArgumentError, match=r"no preset 'w23'\. Did you mean 'w32'"):
        models.create("nafnet:w23")
    with pytest.raises(ArgumentError, match="two presets, 'w32' and 'w64'"):
        models.create("nafnet:w32", preset="w64")
