"""Trainings that cannot fit in memory are refused before they start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restorekit import Trainer, create_dataset, create_model
from restorekit.errors import ArgumentError, InsufficientMemoryError, RestoreKitError


class Images:
    """A number of images of one size, made on demand."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Tensor:
        return torch.rand(self.shape)


def make(folder: Path, **arguments: Any) -> Trainer:
    """Create a run without starting it."""
    settings = {"model": {"name": "dncnn", "depth": 2, "width": 4}, "noise": "gaussian", "steps": 1}
    return Trainer(**{**settings, "device": "cpu", "save_weight_path": folder, **arguments})


def test_a_batch_that_cannot_fit(tmp_path: Path) -> None:
    """10^9 images of 3x16x16 floats of 4 bytes take 3.072 TB."""
    with pytest.raises(ArgumentError) as caught:
        make(tmp_path, dataset=Images(3, 16, 16), batch_size=10**9)
    message = str(caught.value)
    assert message.startswith("train.batch_size: 1,000,000,000 images of 3x16x16 take at least 3")
    assert "TB on cpu, more than the" in message


@pytest.mark.parametrize("accumulate", [1, 64])
def test_activations_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    """The images alone would fit; with accumulation everything does."""
    monkeypatch.setattr("restorekit.train.memory_check.available_memory", lambda device: 10_000_000)
    model = {"name": "dncnn", "depth": 3, "width": 64, "batch_norm": False}
    images = 64 * 3 * 32 * 32 * 4
    kept = 64 * 32 * 32 * 64 * 4  # of one of the two hidden layers
    assert images < 10_000_000 < kept
    given: dict[str, Any] = {"model": model, "dataset": Images(3, 32, 32), "batch_size": 64}
    if accumulate == 64:
        make(tmp_path, **given, accumulate=accumulate)
        return
    with pytest.raises(ArgumentError, match=r"train\.accumulate"):
        make(tmp_path, **given)


@pytest.mark.parametrize("checkpoint", [False, True])
def test_what_is_computed_again_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: bool
) -> None:
    """With activation checkpointing a batch fits that does not fit otherwise."""
    monkeypatch.setattr("restorekit.train.memory_check.available_memory", lambda device: 10_000_000)
    blocks: dict[str, Any] = {"encoder_blocks": [6], "middle_blocks": 1, "decoder_blocks": [6]}
    model = {"name": "nafnet", "width": 8, **blocks, "checkpoint": checkpoint}
    given: dict[str, Any] = {"model": model, "dataset": Images(3, 32, 32), "batch_size": 32}
    if checkpoint:
        make(tmp_path, **given)
        return
    with pytest.raises(ArgumentError, match=r"train\.batch_size"):
        make(tmp_path, **given)


def test_measuring_changes_nothing_of_a_network(tmp_path: Path) -> None:
    """Neither its running statistics nor its mode."""
    model = create_model("dncnn", depth=3, width=4)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trainer = make(tmp_path, model=model, dataset=Images(3, 16, 16))
    after = trainer.model.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert model.training


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patch_size": 10**5}, "patch_size 100,000: a patch needs 120 GB"),
        ({"patch_size": 10**9}, "patch_size 1,000,000,000: a patch needs"),
        ({"patches_per_image": 10**9}, "an epoch has at most 10,000,000"),
        ({"patches_per_image": 10**30}, "does not fit 64 bits"),
    ],
)
def test_huge_patches(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, int], message: str
) -> None:
    """They are refused before a picture is read."""
    monkeypatch.setattr("restorekit.data.patches.available_memory", lambda device: 10**10)
    with pytest.raises(RestoreKitError, match=message):
        create_dataset("samples", pictures=["camera"], **arguments)


def test_gradients_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients take as much memory as the weights, for images of any size."""
    monkeypatch.setattr("restorekit.train.memory_check.available_memory", lambda device: 1_000_000)
    weights = 64 * 64 * 9 * 8 * 4  # of eight of the hidden layers
    assert weights > 1_000_000
    with pytest.raises(ArgumentError, match=r"a smaller model"):
        make(
            tmp_path,
            model={"name": "dncnn", "depth": 10, "width": 64},
            dataset=Images(3, 8, 8),
            batch_size=1,
        )


@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_allocation_that_fails_in_training_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    """The message names remedies; the run can resume from its checkpoint."""
    settings: dict[str, Any] = {
        "dataset": Images(3, 8, 8),
        "batch_size": batch_size,
        "steps": 4,
        "validation_split": 0,
        "checkpoint_every": 1,
    }
    trainer = make(tmp_path, **settings)
    step = trainer.step

    def fail(number: int, images: Tensor) -> dict[str, Tensor]:
        if number == 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")
        return step(number, images)

    monkeypatch.setattr(trainer, "step", fail)
    with pytest.raises(InsufficientMemoryError) as caught:
        trainer.fit()
    message = str(caught.value)
    assert "\n" not in message
    assert f"train model 'dncnn' with train.batch_size {batch_size}; use a smaller" in message
    assert ("smaller train.batch_size, dataset.patch_size or model" in message) == (batch_size > 1)
    assert f"--resume goes on from {tmp_path}" in message
    resumed = make(tmp_path, **settings)
    assert resumed.results.load(print)["step"] == 2  # type: ignore[index]
    assert resumed.fit(resume=True).step == 4


def test_a_network_that_does_not_fit_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is moved there before the run starts."""

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("restorekit.train.execution.Execution.prepare", fail)
    with pytest.raises(InsufficientMemoryError, match=r"on cpu to train model 'dncnn'"):
        make(tmp_path, dataset=Images(3, 8, 8))
