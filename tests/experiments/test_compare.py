"""`compare_runs` and `restorekit compare`: groups, statistics, table, JSON and plot."""

from __future__ import annotations

import contextlib
import io
import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import restorekit
from restorekit.cli.main import main
from restorekit.errors import ConfigError, DataError, ImageFileError


def write_run(folder: Path, psnrs: list[float | None], **train: object) -> Path:
    """A folder as a run leaves it, with a validation every ten steps."""
    folder.mkdir(parents=True)
    config = {
        "model": {"name": "unet", "width": 8},
        "device": folder.name,  # where it ran does not count
        "save_weight_path": str(folder),
        "train": {"batch_size": 4, "learning_rate": 0.001, "seed": 0, **train},
    }
    (folder / "config.json").write_text(json.dumps(config))
    rows: list[dict[str, Any]] = []
    for number, psnr in enumerate(psnrs, 1):
        step = 10 * number
        base = {"step": step, "loss": 1 / number, "terms": {"l1": 1 / number}}
        rows.append({**base, "phase": "train", "images_per_second": 20.0})
        rows.append({**base, "phase": "validation", "psnr": psnr, "psnr_noisy": 20.0})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def said(*words: object) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main([str(word) for word in words]) == 0
    return out.getvalue()


def test_best_and_last_in_the_direction_of_each_metric(tmp_path: Path) -> None:
    """PSNR rises, losses fall; a value that is not finite does not count."""
    (group,) = restorekit.compare_runs(write_run(tmp_path / "a", [28.0, None, 31.0, 30.0])).groups
    assert group.best["psnr"].mean == 31.0
    assert group.last["psnr"].mean == 30.0
    assert group.best["loss"].mean == group.best["terms.l1"].mean == 1 / 4
    assert "psnr_noisy" not in group.best
    assert group.steps is not None
    assert group.steps.mean == 40
    # 40 steps of 4 images at 20 images per second.
    assert group.seconds is not None
    assert group.seconds.mean == pytest.approx(8.0)


def test_runs_that_differ_in_the_seed_are_averaged(tmp_path: Path) -> None:
    """Device and folder do not count either; other keys make another group and a column."""
    for seed, psnr in enumerate((30.0, 31.0, 33.0)):
        write_run(tmp_path / f"seed{seed}", [psnr], seed=seed)
    write_run(tmp_path / "fast", [25.0], learning_rate=0.1)
    compared = restorekit.compare_runs(tmp_path)
    assert compared.settings == ("train.learning_rate",)
    fast, seeds = compared.groups
    assert (fast.name, fast.settings) == ("fast", {"train.learning_rate": 0.1})
    assert [run.folder.name for run in seeds.runs] == ["seed0", "seed1", "seed2"]
    value = seeds.best["psnr"]
    assert value.mean == pytest.approx(statistics.fmean([30, 31, 33]))
    assert value.std == pytest.approx(statistics.stdev([30, 31, 33]))
    assert fast.best["psnr"].std is None


def test_parameters_are_those_of_the_network(tmp_path: Path) -> None:
    """Statistics of batch normalisation are not weights that are trained."""
    model = restorekit.create_model("dncnn", depth=4, width=4)
    folder = write_run(tmp_path / "a", [30.0])
    restorekit.save_model(model, folder / "last.safetensors")
    (group,) = restorekit.compare_runs(folder).groups
    assert group.parameters == sum(weight.numel() for weight in model.parameters())


def test_the_table_the_json_and_the_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    write_run(tmp_path / "a", [29.0, 28.0])
    write_run(tmp_path / "b", [30.0, 31.0], learning_rate=0.01, ema=None)
    narrow = said("compare", tmp_path).splitlines()
    assert max(map(len, narrow)) <= 80
    assert " ".join(narrow).split().count("run") == 2
    monkeypatch.setenv("COLUMNS", "200")
    plot = tmp_path / "curves.png"
    head, first, second = said("compare", tmp_path, "--plot", plot).splitlines()
    assert head.split()[:3] == ["run", "psnr", "loss"]
    assert head.split()[-2:] == ["train.learning_rate", "train.ema"]
    assert first.split()[:3] == ["a", "29.00", "(28.00)"]
    assert second.split()[:3] == ["b", "31.00", "(31.00)"]
    assert first.split()[-2:] == ["0.001", "-"]
    assert second.split()[-2:] == ["0.01", "null"]
    with Image.open(plot) as drawn:
        assert drawn.width > drawn.height > 100
    found = json.loads(said("compare", tmp_path / "a", tmp_path / "b", "--json"))
    assert [group["best"]["psnr"] for group in found["groups"]] == [
        {"mean": 29.0, "std": None},
        {"mean": 31.0, "std": None},
    ]
    assert found["groups"][0]["settings"] == {"train.learning_rate": 0.001, "train.ema": None}


def test_a_run_without_a_validation_is_shown(tmp_path: Path) -> None:
    """It may just have begun; its last line may be incomplete."""
    write_run(tmp_path / "new", [])
    write_run(tmp_path / "old", [30.0])
    with (tmp_path / "old" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 20, "pha')
    rows = restorekit.compare_runs(tmp_path).rows()
    assert rows[1][0] == "new and 1 more"
    new = restorekit.compare_runs(tmp_path / "new").rows()[1]
    assert new == ("new", "0", "-", "-")


def test_lines_that_are_not_of_a_run_are_left_out(tmp_path: Path) -> None:
    """A step that is not an integer, and an unknown phase."""
    folder = write_run(tmp_path / "a", [30.0])
    wrong: list[Any] = [{"step": "20"}, {"step": None}, {"step": True}, {"step": 20, "phase": []}]
    with (folder / "metrics.jsonl").open("a") as file:
        file.writelines(
            json.dumps({"phase": "validation", "psnr": 99.0, **each}) + "\n" for each in wrong
        )
        file.write('{"step": 20, "phase": "test", "psnr": 99.0}\n[1]\n')
    (group,) = restorekit.compare_runs(folder).groups
    assert group.best["psnr"].mean == 30.0
    assert group.steps is not None
    assert group.steps.mean == 10


def test_a_folder_without_a_configuration_is_not_a_run(tmp_path: Path) -> None:
    """Other programs write a metrics.jsonl too."""
    write_run(tmp_path / "run", [30.0])
    (write_run(tmp_path / "other", [30.0]) / "config.json").unlink()
    assert [row[0] for row in restorekit.compare_runs(tmp_path).rows()[1:]] == ["run"]
    with pytest.raises(DataError, match=r"other' is not the folder of a run: it has no config"):
        restorekit.compare_runs(tmp_path / "other")


def test_mistakes_are_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", [30.0])
    with pytest.raises(DataError, match=r"run '.*rnu' does not exist\. Did you mean 'run'"):
        restorekit.compare_runs(tmp_path / "rnu")
    with pytest.raises(DataError, match="no run given"):
        restorekit.compare_runs([])
    with pytest.raises(ImageFileError, match=r"cannot draw '.*\.jpg'"):
        restorekit.compare_runs(folder, plot=tmp_path / "a.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"not the folder of a run: it has no config\.json"):
        restorekit.compare_runs(tmp_path / "empty")
    (folder / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"config\.json:1:2: not valid JSON"):
        restorekit.compare_runs(folder)
