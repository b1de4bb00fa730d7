"""Runs that are refused, or that end with an error: the messages."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    Trainer,
)

Make = Callable[..., Trainer]


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


def test_settings_can_be_wrong_in_several_ways_at_once(tiny: Make) -> None:
    """Every fault is reported, in a line each."""
    with pytest.raises(ConfigError) as caught:
        tiny(batch_size=0, learning_rate="fast", precision="bf16")
    assert len(caught.value.problems) == 3


def test_kl_divergence_needs_a_vae(tiny: Make) -> None:
    """The message says that the extras of the loss term are missing."""
    with pytest.raises(InputError, match="kl_divergence"):
        tiny(loss={"kl_divergence": 1.0}).fit()


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


def test_unequal_images_are_refused_in_one_line(tiny: Make, blobs: Any) -> None:
    """The message says what to do about it."""

    class Uneven(type(blobs)):  # type: ignore[misc]
        def __getitem__(self, index: int) -> Tensor:
            return torch.rand(3, 20 + index, 20)

    with pytest.raises(DataError, match=r"different shapes in one batch.*patch_size"):
        tiny(dataset=Uneven()).fit()


def test_a_damaged_picture_is_one_line_from_a_worker_too(tiny: Make, tmp_path: Path) -> None:
    """The error of a worker is passed on unchanged."""
    Image.new("RGB", (40, 40)).save(tmp_path / "good.png")
    # Not the first picture, which is read before the training already.
    (tmp_path / "worse.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    for workers in (0, 2):
        trainer = tiny(
            dataset={"name": "folder", "path": tmp_path, "patch_size": 16},
            num_workers=workers,
            validation_split=0,
        )
        with pytest.raises(DataError, match=r"worse\.png") as caught:
            trainer.fit()
        assert "\n" not in str(caught.value)


def test_a_run_without_a_good_step_is_an_error(tiny: Make) -> None:
    """Even if it has fewer steps than `max_nonfinite`."""
    with pytest.raises(DivergenceError, match="none of the 6 steps had a finite loss"):
        tiny(noise=lambda clean: clean / 0).fit()
