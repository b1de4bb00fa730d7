"""The loop: what a run learns, and on what its result depends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from restorekit import (
    TrainConfig,
    Trainer,
)
from restorekit.seeding import derive_generator
from tests.train.run_results import weights

Make = Callable[..., Trainer]


def test_a_run_learns_to_denoise(tiny: Make) -> None:
    """After a few steps the restored pictures are closer to the clean ones than the noisy ones."""
    model = {"name": "unet", "width": 8, "depth": 2}
    outcome = tiny(model=model, steps=120, learning_rate=3e-3, validate_every=60).fit()
    assert outcome.best["psnr"] > outcome.best["psnr_noisy"] + 1
    assert outcome.best["ssim"] > outcome.best["ssim_noisy"]


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
