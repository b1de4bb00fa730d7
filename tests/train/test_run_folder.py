"""The files of a run: weights, metrics, pictures and the configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from restorekit import InputError, RestoreKitError, Trainer
from restorekit.train.metric_rows import HistoryRow, TrainingRow, ValidationRow
from restorekit.weights import WeightsCard, read_card
from tests.train.run_results import rows

Make = Callable[..., Trainer]


def test_the_rows_of_a_run_have_the_declared_keys(tiny: Make) -> None:
    """They include the default metrics; a training row has every key."""
    outcome = tiny(loss={"l1": 1.0, "mse": 0.5}).fit()
    assert outcome.best.keys() <= ValidationRow.__annotations__.keys()
    declared = {
        "train": HistoryRow.__annotations__.keys() | TrainingRow.__annotations__.keys(),
        "validation": HistoryRow.__annotations__.keys() | ValidationRow.__annotations__.keys(),
    }
    found = rows(outcome.folder)
    assert {row["phase"] for row in found} == declared.keys()
    assert all(row.keys() <= declared[row["phase"]] for row in found)
    assert all(row.keys() == declared["train"] for row in found if row["phase"] == "train")


def test_a_run_leaves_everything_that_is_promised(tiny: Make) -> None:
    """The folder has the weights, metrics, loss map and the resolved configuration."""
    trainer = tiny(loss={"l1": 1.0, "total_variation": 0.05})
    outcome = trainer.fit()
    names = {path.name for path in outcome.folder.iterdir()}
    assert names == {
        "best.safetensors",
        "last.safetensors",
        "training_state.pt",
        "training_state.previous.pt",
        "metrics.jsonl",
        "loss_map.png",
        "validation.png",
        "config.json",
    }
    with Image.open(outcome.folder / "loss_map.png") as picture:
        assert picture.width > 3 * picture.height / 2  # a panel for the total and for each term
    resolved = json.loads((outcome.folder / "config.json").read_text())
    assert resolved["train"]["steps"] == 6
    assert resolved["train"]["betas"] == [0.9, 0.999]
    card = read_card(outcome.folder / "best.safetensors")
    assert card.keys() <= WeightsCard.__annotations__.keys()
    assert card["model"]["name"] == "dncnn"
    given = {"depth": 3, "width": 8, "batch_norm": False}
    assert card["model"]["arguments"] == {"channels": 3, **given}
    assert card["model"]["provider"] == "restorekit"
    assert card["noise"] == {"name": "gaussian", "std": 0.1, "clip": False}
    assert card["objective"]["name"] == "supervised"
    assert card["metrics"]["psnr"] == outcome.best["psnr"]


def test_metrics_name_every_term_in_both_phases(tiny: Make) -> None:
    """Each record has the total and each term, and the total is their weighted sum."""
    outcome = tiny(loss={"l1": 1.0, "total_variation": 0.05}).fit()
    found = rows(outcome.folder)
    assert [r["step"] for r in found if r["phase"] == "train"] == [1, 2, 3, 4, 5, 6]
    assert [r["step"] for r in found if r["phase"] == "validation"] == [3, 6]
    for row in found:
        total = row["terms"]["l1"] + 0.05 * row["terms"]["total_variation"]
        assert row["loss"] == pytest.approx(total, rel=1e-5)


def test_metrics_are_json_whatever_is_measured(tiny: Make) -> None:
    """An image without noise has an infinite PSNR, and the file is still strict JSON."""
    outcome = tiny(noise={"name": "salt_and_pepper", "amount": 0.0}).fit()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for line in (outcome.folder / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    assert outcome.best["psnr_noisy"] == 100


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_pictures_of_any_number_of_channels_are_validated(
    tiny: Make, blobs: Any, channels: int
) -> None:
    """The validation picture shows three channels if there are as many, else one."""

    class Channels(type(blobs)):  # type: ignore[misc]
        def __getitem__(self, index: int) -> Tensor:
            image: Tensor = super().__getitem__(index)
            return torch.cat([image, image])[:channels]

    model = {"name": "dncnn", "depth": 3, "width": 8, "batch_norm": False, "channels": channels}
    outcome = tiny(dataset=Channels(), model=model).fit()
    with Image.open(outcome.folder / "validation.png") as picture:
        assert picture.mode == "RGB"


def test_pictures_of_the_user_in_the_runs_folder_stay_there(tiny: Make) -> None:
    """Only the files of a run are moved aside."""
    folder = tiny().fit().folder
    Image.new("RGB", (40, 40)).save(folder / "holiday.png")
    (folder / "other.safetensors").write_bytes(b"another network")
    tiny().fit()
    assert (folder / "holiday.png").is_file()
    assert (folder / "other.safetensors").is_file()
    assert (folder / "previous-1" / "best.safetensors").is_file()


def fails(*_: object) -> Tensor:
    raise InputError("this fails")


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"name": "dncnn", "depth": 3, "width": 8, "channels": 5}},
        {"model": {"name": "ffdnet", "preset": "tiny", "channels": 1}},
        {"noise": fails},
        {"loss": [fails]},
        {"loss": {"kl_divergence": 1.0}},
        {"dataset": [torch.rand(3, 20, 20), torch.rand(3, 24, 24)], "validation_split": 0},
        {"validation_noise": fails},
        {"validation_dataset": [torch.rand(1, 24, 24)]},
        {"validation_metric": "niqe"},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_a_run_that_cannot_begin_changes_nothing(
    tiny: Make, tmp_path: Path, changes: dict[str, Any]
) -> None:
    """The earlier run stays as it is, and a new folder is not made."""
    earlier = tiny(steps=1).fit().folder
    before = {path.name: path.read_bytes() for path in earlier.iterdir()}
    for folder in (earlier, tmp_path / "new"):
        with pytest.raises(RestoreKitError):
            tiny(**changes, save_weight_path=folder).fit()
    assert {path.name: path.read_bytes() for path in earlier.iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_trying_the_first_step_changes_no_weights_or_statistics(tiny: Make) -> None:
    """Running means of batch normalisation too: the first step begins where the network did."""
    trainer = tiny(model={"name": "dncnn", "depth": 3, "width": 8, "batch_norm": True})
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    trainer._rehearse(0)
    after = trainer.model.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert all(weight.grad is None for weight in trainer.model.parameters())
