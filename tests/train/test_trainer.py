"""The loop: what it learns, writes, resumes and refuses."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from restorekit import (
    ConfigError,
    DataError,
    DivergenceError,
    InputError,
    RestoreKitError,
    TrainConfig,
    Trainer,
    load_model,
)
from restorekit.seeding import derive_generator
from restorekit.train.metric_rows import HistoryRow, TrainingRow, ValidationRow
from restorekit.weights import WeightsCard, read_card

Make = Callable[..., Trainer]


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path, name: str = "last") -> dict[str, Tensor]:
    return load_model(folder / f"{name}.safetensors").state_dict()


def test_a_run_learns_to_denoise(tiny: Make) -> None:
    """After a few steps the restored pictures are closer to the clean ones than the noisy ones."""
    model = {"name": "unet", "width": 8, "depth": 2}
    outcome = tiny(model=model, steps=120, learning_rate=3e-3, validate_every=60).fit()
    assert outcome.best["psnr"] > outcome.best["psnr_noisy"] + 1
    assert outcome.best["ssim"] > outcome.best["ssim_noisy"]


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
    assert card["objective"] == {"name": "supervised"}
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


def test_the_first_step_is_what_a_hand_written_loop_computes(tiny: Make) -> None:
    """One step of plain SGD equals the same step written with torch only."""
    trainer = tiny(
        optimizer={"name": "sgd", "fused": False}, learning_rate=0.5, schedule="constant"
    )
    model = load_model_like(trainer)
    clean = torch.stack([trainer.plan.dataset[i] for i in range(4)])
    trainer.step(1, clean)

    noisy = torch.cat(
        [
            image + 0.1 * torch.randn(image.shape, generator=derive_generator(0, "noise", 1, i))
            for i, image in enumerate(clean.split(1))  # type: ignore[no-untyped-call]
        ]
    )
    (model(noisy) - clean).abs().mean().backward()
    for mine, theirs in zip(model.parameters(), trainer.model.parameters(), strict=True):
        assert mine.grad is not None
        torch.testing.assert_close(mine.detach() - 0.5 * mine.grad, theirs.detach())


def load_model_like(trainer: Trainer) -> nn.Module:
    import copy

    return copy.deepcopy(trainer.model)


def test_accumulation_changes_memory_not_the_result(tiny: Make, tmp_path: Path) -> None:
    """A batch in parts gives the same weights as at once."""
    tiny(save_weight_path=tmp_path / "whole").fit()
    tiny(save_weight_path=tmp_path / "parts", accumulate=4).fit()
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_seed_gives_the_same_weights(tiny: Make, tmp_path: Path, workers: int) -> None:
    """Two runs with one seed agree to the bit, for any number of workers; another seed differs."""
    tiny(save_weight_path=tmp_path / "a").fit()
    torch.rand(3)  # ambient randomness plays no part
    tiny(save_weight_path=tmp_path / "b", num_workers=workers).fit()
    tiny(save_weight_path=tmp_path / "c", seed=1).fit()
    a, b, c = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


def test_a_run_leaves_the_ambient_generator_alone(tiny: Make) -> None:
    """Training in another program does not change its random numbers."""
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    tiny().fit()
    assert torch.equal(torch.rand(4), expected)


def test_the_moving_average_is_what_is_saved(tiny: Make) -> None:
    """With `ema` the saved weights are the average, which lags behind those of the model."""
    trainer = tiny(ema=0.9, steps=20)
    saved = weights(trainer.fit().folder)
    own = trainer.model.state_dict()
    assert any(not torch.equal(saved[name], own[name]) for name in own)


def test_training_starts_from_given_weights(tiny: Make, tmp_path: Path) -> None:
    """`load_weight_path` fills the model before the first step."""
    first = weights(tiny().fit().folder)
    second = tiny(save_weight_path=tmp_path / "b", load_weight_path=tmp_path / "run", seed=3)
    assert all(torch.equal(first[k], v) for k, v in second.model.state_dict().items())


def test_bfloat16_training_follows_float32(tiny: Make, tmp_path: Path) -> None:
    """Mixed precision changes the loss only by rounding."""
    full = tiny(save_weight_path=tmp_path / "a").fit()
    half = tiny(save_weight_path=tmp_path / "b", precision="bfloat16").fit()
    assert half.best["loss"] == pytest.approx(full.best["loss"], rel=0.05)


def test_a_compiled_run_is_the_same_run(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compile` changes neither the training nor the saved files."""
    # The backend that needs no C++ compiler; the wrapping and the tracing are the same.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    tiny(save_weight_path=tmp_path / "plain").fit()
    trainer = tiny(save_weight_path=tmp_path / "compiled", compile=True)
    trainer.fit()
    assert hasattr(trainer.model, "_orig_mod")
    plain, compiled = weights(tmp_path / "plain"), weights(tmp_path / "compiled")
    for name, tensor in plain.items():
        torch.testing.assert_close(compiled[name], tensor)


def test_a_damaged_picture_is_one_line_from_a_worker_too(tiny: Make, tmp_path: Path) -> None:
    """The error of a worker is passed on unchanged."""
    Image.new("RGB", (40, 40)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    for workers in (0, 2):
        trainer = tiny(
            dataset={"name": "folder", "path": tmp_path, "patch_size": 16},
            num_workers=workers,
            validation_split=0,
        )
        with pytest.raises(DataError, match=r"bad\.png") as caught:
            trainer.fit()
        assert "\n" not in str(caught.value)


def test_metrics_are_json_whatever_is_measured(tiny: Make) -> None:
    """An image without noise has an infinite PSNR, and the file is still strict JSON."""
    outcome = tiny(noise={"name": "salt_and_pepper", "amount": 0.0}).fit()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for line in (outcome.folder / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    assert outcome.best["psnr_noisy"] == 100


def test_from_a_configuration_file(tmp_path: Path) -> None:
    """A file with a folder of pictures trains through the registry alone."""
    for index in range(4):
        Image.new("RGB", (40, 30), (60 * index, 90, 120)).save(tmp_path / f"{index}.png")
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps(
            {
                "model": {"name": "unet", "width": 4, "depth": 1},
                "noise": "classic_mixture",
                "loss": {"l1": 1, "ssim": 0.1},
                "dataset": {"name": "folder", "path": str(tmp_path), "patch_size": 16},
                "save_weight_path": str(tmp_path / "run"),
                "train": {"epochs": 2, "batch_size": 2, "validation_split": 0.25},
            }
        )
    )
    outcome = Trainer(TrainConfig.from_file(path, ["train.seed=4"])).fit()
    assert outcome.step == 3  # 3 pictures twice, in batches of 2
    assert TrainConfig.from_file(outcome.folder / "config.json").train.seed == 4


def test_unequal_images_are_refused_in_one_line(tiny: Make, blobs: Any) -> None:
    """The message says what to do about it."""

    class Uneven(type(blobs)):  # type: ignore[misc]
        def __getitem__(self, index: int) -> Tensor:
            return torch.rand(3, 20 + index, 20)

    with pytest.raises(DataError, match=r"different shapes in one batch.*patch_size"):
        tiny(dataset=Uneven()).fit()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "lbfgs"}, "use another"),
        ({"optimizer": "adamm"}, "unknown optimizer 'adamm'. Did you mean 'adam'?"),
        ({"optimizer": {"name": "sgd", "momentun": 0.9}}, "momentun"),
        ({"stepz": 4}, "Trainer has no argument 'stepz'. Did you mean 'steps'?"),
        ({"datset": []}, "Trainer has no argument 'datset'. Did you mean 'dataset'?"),
        ({"batchsize": 2}, "Trainer has no argument 'batchsize'. Did you mean 'batch_size'?"),
        ({"losses": "l1"}, "give loss alone; losses is its former name"),
        ({"epochs": 2}, "give steps or epochs, not both"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"device": "cuda:99"}, "not available"),
        ({"loss": []}, "at least one loss term"),
        ({"loss": [{"weight": 1}]}, "has no name"),
        ({"loss": {"l1": "x"}}, "the weight of loss 'l1' is a number, not 'x'"),
        ({"noise": 3}, "noise is a module or a function, not int"),
        ({"model": len}, "a model is a torch.nn.Module"),
        ({"model": "unte"}, "Did you mean 'unet'?"),
        ({"model": None}, "a run needs a model"),
        ({"dataset": None}, "a run needs a dataset"),
        ({"training_images": 99}, "the dataset has 12 images"),
        ({"steps": True}, "train.steps: input should be a number, not True"),
        ({"betas": [True, 0.9]}, "train.betas: input should be a number, not [True, 0.9]"),
        ({"learning_rate": math.inf}, "train.learning_rate: input should be a finite number"),
        ({"steps": None, "epochs": 0}, "train.epochs: input should be greater than or equal to 1"),
        ({"loss": {"l1": math.nan}}, "the weight of loss 'l1' is nan; it must be finite"),
        ({"loss": {"l1": 0, "mse": 0}}, "at least one loss term whose weight is not 0"),
        ({"noise": {"name": "gaussian", "std": True}}, "argument 'std': input should be a number"),
        ({"model": nn.Conv2d}, "the model is the class Conv2d; give Conv2d(...)"),
        ({"noise": nn.Identity}, "noise is the class Identity; give Identity(...)"),
        ({"loss": [nn.L1Loss]}, "is the class L1Loss; give L1Loss(...)"),
        ({"model": nn.ReLU()}, "model ReLU has no weights that can be trained"),
        ({"save_weight_path": __file__}, "is a file, not a folder"),
        ({"model": "median"}, "model Median has no weights that can be trained"),
    ],
)
def test_mistakes_give_one_line(tiny: Make, changes: dict[str, Any], message: str) -> None:
    """The message says what is wrong and suggests a correction."""
    with pytest.raises(RestoreKitError) as caught:
        tiny(**changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda r, t: (r.image - t).abs(), "gives (4, 3, 24, 24), not a tensor of one number"),
        (lambda r, t: 0.5, "gives float, not a tensor of one number"),
        (lambda r, t: t.mean(), "do not depend on the network's output"),
    ],
)
def test_a_loss_that_cannot_be_learnt_from_is_refused(tiny: Make, loss: Any, message: str) -> None:
    """A map of errors, a plain number, and a value without a gradient."""
    with pytest.raises(RestoreKitError) as caught:
        tiny(loss=[loss]).fit()
    assert message in str(caught.value)


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


def test_a_run_without_a_good_step_is_an_error(tiny: Make) -> None:
    """Even if it has fewer steps than `max_nonfinite`."""
    with pytest.raises(DivergenceError, match="none of the 6 steps had a finite loss"):
        tiny(noise=lambda clean: clean / 0).fit()


def test_a_network_that_restores_nothing_is_reported(
    tiny: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, after a tenth of the run, with both figures; not for a network that learns."""
    tiny(learning_rate=1e-9, validate_every=4, steps=28).fit()
    lines = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    caplog.clear()
    assert len(lines) == 1
    assert re.search(r"step 20: PSNR \d+\.\d\d dB, noisy \d+\.\d\d", lines[0])
    model = {"name": "unet", "width": 8, "depth": 2}
    tiny(model=model, steps=60, learning_rate=3e-3, validate_every=60).fit()
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_pictures_of_the_user_in_the_runs_folder_stay_there(tiny: Make) -> None:
    """Only the files of a run are moved aside."""
    folder = tiny().fit().folder
    Image.new("RGB", (40, 40)).save(folder / "holiday.png")
    (folder / "other.safetensors").write_bytes(b"another network")
    tiny().fit()
    assert (folder / "holiday.png").is_file()
    assert (folder / "other.safetensors").is_file()
    assert (folder / "previous-1" / "best.safetensors").is_file()


def test_kl_divergence_needs_a_vae(tiny: Make) -> None:
    """The message says that the extras of the loss term are missing."""
    with pytest.raises(InputError, match="kl_divergence"):
        tiny(loss={"kl_divergence": 1.0}).fit()


def test_settings_can_be_wrong_in_several_ways_at_once(tiny: Make) -> None:
    """Every fault is reported, in a line each."""
    with pytest.raises(ConfigError) as caught:
        tiny(batch_size=0, learning_rate="fast", precision="bf16")
    assert len(caught.value.problems) == 3
