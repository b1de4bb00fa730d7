"""Resuming: an interrupted run ends like an uninterrupted one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from restorekit import CheckpointError, Trainer
from restorekit.train.checkpoint import load_state, read_state, save_state
from tests.stopped_runs import stop_after
from tests.train.run_results import rows, weights

Make = Callable[..., Trainer]


def test_a_resumed_run_ends_as_the_uninterrupted_one(tiny: Make, tmp_path: Path) -> None:
    """Stopped after 3 of 6 steps and resumed: the same weights, best and metrics."""
    settings: dict[str, Any] = {"ema": 0.9, "warmup_steps": 2, "model": "vae"}
    settings["loss"] = {"l1": 1.0, "kl_divergence": 1e-4}
    settings["model"] = {"name": "vae", "width": 4, "depth": 2, "latent_channels": 2}
    whole = tiny(save_weight_path=tmp_path / "whole", **settings).fit()

    interrupted = tiny(save_weight_path=tmp_path / "halves", **settings)
    stop_after(interrupted, 4)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit()
    resumed = tiny(save_weight_path=tmp_path / "halves", **settings).fit(resume=True)

    first, second = weights(whole.folder), weights(resumed.folder)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert resumed.best == whole.best
    timing = ("images_per_second",)
    strip = [{k: v for k, v in row.items() if k not in timing} for row in rows(whole.folder)]
    assert strip == [
        {k: v for k, v in row.items() if k not in timing} for row in rows(resumed.folder)
    ]


def test_resume_without_a_checkpoint_starts_afresh(tiny: Make) -> None:
    """So that a script can always use `--resume`."""
    assert tiny().fit(resume=True).step == 6


def test_a_fresh_run_loses_nothing_of_an_earlier_one(tiny: Make) -> None:
    """The files in the folder are moved to a subfolder with a new number each time."""
    before = weights(tiny().fit().folder)
    tiny(seed=1).fit()
    outcome = tiny(seed=2).fit()
    kept = weights(outcome.folder / "previous-1")
    assert all(torch.equal(before[name], kept[name]) for name in before)
    assert (outcome.folder / "previous-2" / "metrics.jsonl").is_file()


@pytest.mark.parametrize(
    ("model", "fact"),
    [
        ({"name": "dncnn", "depth": 4, "width": 8}, "model.depth is 3 there, not 4;"),
        ({"name": "unet", "width": 8, "depth": 1}, "model.name is dncnn there, not unet;"),
        (torch.nn.Conv2d(3, 3, 3), "model.name is dncnn there, not torch.nn.modules.conv.Conv2d;"),
    ],
)
def test_resume_with_another_model_is_refused(tiny: Make, model: Any, fact: str) -> None:
    """The message names the folder and the first key that differs, and no file is changed."""
    folder = tiny(max_minutes=1e-7).fit().folder
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError) as caught:
        tiny(model=model).fit(resume=True)
    assert str(caught.value).startswith(f"{folder}: the run there does not fit")
    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_resume_without_the_configuration_still_compares_the_weights(tiny: Make) -> None:
    """Without config.json, the training state shows that it belongs to another model."""
    (tiny(max_minutes=1e-7).fit().folder / "config.json").unlink()
    other = {"name": "dncnn", "depth": 4, "width": 8}
    with pytest.raises(CheckpointError, match="does not fit this configuration"):
        tiny(model=other).fit(resume=True)


def test_resume_with_other_settings_lists_them(
    tiny: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """One line has all of them; the run continues, and its config.json is updated."""
    folder = tiny(max_minutes=1e-7).fit().folder
    caplog.clear()
    tiny(max_minutes=1e-7, device="auto").fit(resume=True)
    assert "other settings" not in caplog.text
    tiny(
        learning_rate=0.002,
        noise={"name": "gaussian", "std": [0.0, 0.2]},
        loss={"l1": 0.5, "mse": 1.0},
    ).fit(resume=True)
    (line,) = [line for line in caplog.messages if "other settings" in line]
    assert "resumed with other settings: " in line
    for told in (
        "train.learning_rate 0.001 -> 0.002",
        "train.max_minutes 1e-07 -> null",
        "noise.std 0.1 -> [0.0, 0.2]",
        "loss [l1] -> [l1, mse]",
    ):
        assert told in line
    assert json.loads((folder / "config.json").read_text())["train"]["learning_rate"] == 0.002


def test_resume_falls_back_to_the_newest_whole_state(
    tiny: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged state is named, the previous one is used, and the end is the same."""
    folder = tiny().fit().folder
    expected, metrics = weights(folder), rows(folder)
    flip_a_bit(folder / "training_state.pt")
    tiny().fit(resume=True)
    told = caplog.text
    assert "training_state.pt: not a whole training state" in told
    assert "going on from training_state.previous.pt, step 3" in told
    assert all(torch.equal(expected[k], v) for k, v in weights(folder).items())
    assert [row["loss"] for row in rows(folder)] == [row["loss"] for row in metrics]


@pytest.mark.parametrize("optimizer", ["sgd", "rprop", {"name": "sgd", "momentum": 0.9}])
def test_optimizers_with_little_state_resume_too(
    tiny: Make, tmp_path: Path, optimizer: Any
) -> None:
    """Plain gradient descent has no state."""
    parts = {"optimizer": optimizer, "learning_rate": 1e-2}
    whole = tiny(save_weight_path=tmp_path / "whole", **parts).fit().folder
    tiny(max_minutes=1e-7, **parts).fit()
    resumed = tiny(**parts).fit(resume=True).folder
    expected = weights(whole)
    assert all(torch.equal(expected[k], v) for k, v in weights(resumed).items())


def test_a_save_that_fails_after_a_fallback_leaves_the_whole_state(
    tiny: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The damaged file never replaces the good one."""
    folder = tiny().fit().folder
    flip_a_bit(folder / "training_state.pt")
    state = {"step": 9, "model": {}}
    for survives in range(2):
        with monkeypatch.context() as patch:
            patch.setattr("os.replace", failing_after(survives))
            with pytest.raises(OSError, match="power cut"):
                save_state(folder, state)
        assert load_state(folder, print) is not None
    save_state(folder, state)
    assert read_state(folder / "training_state.pt")["step"] == 9


def failing_after(count: int) -> Callable[[Path, Path], None]:
    """A rename that works a number of times."""
    left, rename = iter(range(count)), os.replace

    def replace(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise OSError("power cut")
        rename(source, target)

    return replace


def test_what_a_killed_process_left_is_removed(tiny: Make) -> None:
    """The next start removes unfinished files, and skips lines of metrics that are not text."""
    folder = tiny().fit().folder
    code = """
import os, sys
from restorekit.storage.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    print(temporary, flush=True)
    os._exit(9)
"""
    command = [sys.executable, "-c", code, str(folder / "training_state.next.pt")]
    left = Path(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip())
    assert left.exists()
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b"\xff\xfe{")
    tiny(steps=8).fit(resume=True)
    assert not left.exists()
    assert [row["step"] for row in rows(folder) if row["phase"] == "train"][-2:] == [7, 8]


def test_no_whole_training_state_is_refused(tiny: Make) -> None:
    """If no training state is intact, the run is refused instead of starting again."""
    folder = tiny().fit().folder
    flip_a_bit(folder / "training_state.pt")
    (folder / "training_state.previous.pt").write_bytes(b"PK half a file")
    with pytest.raises(CheckpointError, match=r"training_state\.pt: not a whole training state"):
        tiny().fit(resume=True)


def flip_a_bit(path: Path) -> None:
    """Damage a file within its tensors."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
        stored = archive.read(largest)
    content = bytearray(path.read_bytes())
    content[content.index(stored) + len(stored) // 2] ^= 1  # not in the padding between members
    path.write_bytes(content)


def test_a_resume_that_does_not_fit_changes_nothing(tiny: Make) -> None:
    """The files of the good run are unchanged."""
    folder = tiny().fit().folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CheckpointError):
        tiny(model={"name": "dncnn", "depth": 5}).fit(resume=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
