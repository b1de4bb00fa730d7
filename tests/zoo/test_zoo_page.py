"""The page docs/zoo.md is current, and how it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from restorekit import list_models
from restorekit.errors import DataError
from restorekit.networks.network import Network
from restorekit.zoo import measure as measuring
from restorekit.zoo import update
from restorekit.zoo.entries import ZooEntry
from restorekit.zoo.measure import Measured
from restorekit.zoo.survey_table import survey_text
from restorekit.zoo.zoo_files import ZooFiles

PAGE = Path(__file__).parents[2] / "docs" / "zoo.md"
FILES = ZooFiles(PAGE)
MEASURED = FILES.read_results()
CHEAP = 20.0  # GMACs; the receptive field of larger networks takes seconds to measure


def test_the_page_is_current() -> None:
    """It has what is recorded, of every network that is registered."""
    written, now = PAGE.read_text("utf-8").splitlines(), update.page_text(FILES).splitlines()
    different = [line for line in now if line not in written]
    assert written == now, f"run `restorekit zoo --write docs/zoo.md`: {different[:3]}"


def test_the_recorded_sizes_are_current() -> None:
    """Counted again, except for those of attention, which have so many operations that it takes
    seconds; `test_zoo_facts.py` shows that attention is counted."""
    recorded = FILES.read_facts()
    for entry in update.page_entries():
        if not {"attention", "transformer"} & set(entry.component.tags) and not entry.preset:
            assert update.counted(entry).gmacs == recorded[entry.label].gmacs, entry.label


def test_differences_to_other_implementations_are_small() -> None:
    """Each record is of a registered model, and below 1e-5 of the range."""
    records = FILES.read_parity()
    assert {each.model for each in records} <= set(list_models())
    assert {each.where for each in records} <= {"test suite", "by hand"}
    assert [each for each in records if not 0 <= each.largest_difference < 1e-5] == []


def test_the_recorded_receptive_fields_are_current() -> None:
    """Those of networks that are quick to run, measured again."""
    measured = [entry for entry in update.page_entries() if entry.label in MEASURED]
    assert measured
    for entry in measured:
        facts = FILES.read_facts()[entry.label]
        if facts.gmacs is not None and facts.gmacs < CHEAP:
            field = measuring.exact_field_of(Network(entry.create()))
            assert field == MEASURED[entry.label].receptive_field, entry.label


def test_receptive_fields_follow_from_the_layers() -> None:
    """A convolution of 3x3 adds a pixel, at half resolution two."""
    assert MEASURED["dncnn"].receptive_field == 17
    assert MEASURED["ffdnet"].receptive_field == 2 * 12


def test_a_network_is_measured_in_a_process_of_its_own() -> None:
    """With its time in both sizes, its memory and the machine."""
    measured = measuring.measure(ZooEntry("dncnn", "tiny"))
    assert measured.error == ""
    assert measured.receptive_field == 4
    assert set(measured.seconds["float32"]) == {"256", "512"}
    assert min(measured.seconds["float32"].values()) > 0
    assert measured.environment["threads"] == 1
    assert measured.complete
    for side in (512, 1024):
        # On Linux, where the peak is known: at least the activations of a layer of 8 channels.
        peak = measured.peak_megabytes[str(side)]
        assert peak is None or peak > 8 * side * side * 4 / 1e6


def test_only_the_memory_that_is_missing_is_measured() -> None:
    """The times stay; so does the memory of the other side."""
    known = Measured(seconds={"float32": {"256": 1.5}}, peak_megabytes={"512": 3.0})
    measured = measuring.measure(ZooEntry("dncnn", "tiny"), known)
    assert measured.seconds == known.seconds
    assert measured.peak_megabytes["512"] == 3.0
    assert measured.complete


def test_a_network_that_fails_has_its_reason() -> None:
    """In one line, from the process that measures it."""
    measured = measuring.measure(ZooEntry("dncnn", "huge"))
    assert "huge" in measured.error
    assert not measured.complete


def test_a_network_that_fails_on_large_images_is_not_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its row has the reason; only what memory was too short for is without a number."""
    known = Measured(seconds={"float32": {"256": 1.5}})
    entry = ZooEntry("dncnn", "tiny")
    monkeypatch.setattr(measuring, "_apart", lambda *_: "it cannot")
    measured = measuring.measure(entry, known)
    assert (measured.error, measured.complete) == ("512x512 pixels: it cannot", False)
    monkeypatch.setattr(measuring, "_apart", lambda *_: measuring._SHORT)
    measured = measuring.measure(entry, known)
    assert measured.peak_megabytes == {"512": None, "1024": None}
    assert measured.complete


def test_recorded_memory_grows_with_the_pixels() -> None:
    """Four times the pixels take at most five times the memory, in all that were measured."""
    peaks = {label: found.peak_megabytes for label, found in MEASURED.items()}
    known = {label: peak for label, peak in peaks.items() if peak.get("1024")}
    assert known
    assert [label for label, peak in known.items() if peak["1024"] > 5 * peak["512"]] == []


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of two networks, whose measuring is only counted."""
    entries = [ZooEntry("dncnn", "tiny"), ZooEntry("ffdnet", "tiny")]
    monkeypatch.setattr(update, "page_entries", lambda: entries)
    counts: dict[str, int] = {}

    def measured(entry: ZooEntry, known: Measured | None) -> Measured:
        assert known is None or not known.complete
        counts[entry.label] = counts.get(entry.label, 0) + 1
        times = {"float32": {"256": float(counts[entry.label]), "512": 7.25}}
        return Measured(receptive_field=5, seconds=times, peak_megabytes={"512": 9, "1024": 36})

    monkeypatch.setattr(update, "measure", measured)
    return tmp_path / "zoo.md"


def rows_of(page: Path) -> dict[str, list[str]]:
    """The cells of the rows of the table of costs by network."""
    lines = page.read_text("utf-8").partition("## Cost")[2].partition("##")[0].splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {row[0]: row[1:] for row in cells}


def test_only_what_is_missing_is_measured(page: Path) -> None:
    """A network that is named is measured again; what is unknown is dropped from the results."""
    update.write_page(page)
    assert rows_of(page)["dncnn:tiny"][2] == "not measured"
    update.measure_missing(page, print)
    update.write_page(page)
    assert rows_of(page)["dncnn:tiny"][2:6] == ["5", "exact", "1", "7.25"]
    assert rows_of(page)["dncnn:tiny"][-2:] == ["9", "36"]
    files = ZooFiles(page)
    files.write_results({**files.read_results(), "former": Measured()})
    update.measure_missing(page, print, [ZooEntry("ffdnet", "tiny")])
    update.write_page(page)
    assert rows_of(page)["dncnn:tiny"][4] == "1"
    assert rows_of(page)["ffdnet:tiny"][4] == "2"
    assert set(files.read_results()) == {"dncnn:tiny", "ffdnet:tiny"}


def test_a_network_that_failed_is_tried_again(page: Path) -> None:
    """Its row has the reason until then."""
    files = ZooFiles(page)
    files.write_results({"dncnn:tiny": Measured(error="no memory"), "ffdnet:tiny": Measured()})
    update.write_page(page)
    assert "no memory" in page.read_text("utf-8")
    update.measure_missing(page, print)
    assert "no memory" not in update.page_text(files)


def test_differences_to_other_implementations_are_shown(page: Path) -> None:
    """Each of them, the largest one of a network, and next to the layouts of the network."""
    line = {"model": "ffdnet", "reference": "acme", "commit_or_version": "1.0", "where": "by hand"}
    lines = [
        {**line, "largest_difference": 2e-7, "sizes": "24x16"},
        {**line, "largest_difference": 3e-8, "sizes": [[3, 5], "7x9"]},
        {**line, "largest_difference": 0, "sizes": "8x8", "reference": "a/b"},
    ]
    ZooFiles(page).parity.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    update.write_page(page)
    text = page.read_text("utf-8")
    assert "| `ffdnet` | acme | 1.0 | 3x5, 7x9 | by hand | 3.0e-08 |" in text
    assert "| [a/b](https://github.com/a/b) | 1.0 | 8x8 | by hand | 0.0e+00 |" in text
    (row,) = [each for each in text.splitlines() if each.startswith("| `ffdnet` | plain")]
    assert "| 2.0e-07 |" in row
    (layout,) = [each for each in text.splitlines() if each.startswith("| `ffdnet_ipol`")]
    assert "acme (by hand)" in layout


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("parity", '{"model": "dncnn"}'),
        ("parity", "[1]"),
        ("results", "[1]"),
        ("results", '{"dncnn": {"colour": 1}}'),
        ("survey", "{"),
        ("survey", "3"),
    ],
)
def test_a_damaged_file_is_named(page: Path, name: str, content: str) -> None:
    """It is not overwritten."""
    file: Path = getattr(ZooFiles(page), name)
    file.write_text(content, "utf-8")
    with pytest.raises(DataError, match=rf"^'{file}'"):
        update.write_page(page)
    assert file.read_text("utf-8") == content


def test_the_survey_is_a_table_with_the_best_first() -> None:
    """Networks that failed are named below; methods without weights have no steps."""
    scores = {"psnr_noisy": 20.0, "psnr": 30.0, "ssim": 0.8}
    tests = {"A": scores, "B": scores}
    better = {"A": scores, "B": {**scores, "psnr": 31.0}}
    trained = {"kind": "trained", "steps": 1234, "minutes": 9.9, "held_out": scores}
    rows = [
        {"network": "median", "kind": "without weights", "parameters": 0, "tests": tests},
        {"network": "net:w32", **trained, "parameters": 1000, "tests": better},
        {"network": "broken", "error": "it fails"},
    ]
    train = {"dataset": {"patch_size": 64}, "train": {"batch_size": 4, "seed": 0}}
    test = {"noise": "gaussian:25", "sets": ["A", "B"], "crop": 256, "limit": 24}
    recipe = {"minutes": 10, "test": test, "train": train}
    recipe["own_arguments"] = {"net": {"stride": 1, "mean": False}}
    recipe["own_objectives"] = {"net": "sure", "other": "blind_spot"}
    recipe["own_patches"] = {"net": {"patch_size": 96, "batch_size": 2}}
    recipe["own_rates"] = {"net": 1e-4}
    text = survey_text({"recipe": recipe, "networks": rows}, ["other", "net"])
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert lines[0].startswith("| `net:w32` |  | 1,000 | 1,234 | 9.9 | 30.00 | 0.800 | 30.00 |")
    assert lines[1].startswith("| `median` | without weights |  |  |  |  |  | 30.00 |")
    assert "`broken` was not measured: it fails." in text
    assert "Not trained yet: `other`." in text
    assert "64 pixels a step (`net` 2 of 96, because they see farther)" in text
    assert "arguments for white noise: `net` (`stride=1`, `mean=False`)." in text
    assert "`net` had the objective `sure`." in text
    assert "`net` had the learning rate 0.0001" in text
    assert "blind_spot" not in text
