"""The loop: what it learns, writes, resumes and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from restorekit import (
    CheckpointError,
    ConfigError,
    DataError,
    InputError,
    RestoreKitError,
    TrainConfig,
    Trainer,
    load_model,
)
from restorekit.loss.pixel import L1
from restorekit.noise.additive import Gaussian
from restorekit.records import Degraded, Restoration
from restorekit.seeding import derive_generator
from restorekit.train.task import Lesson
from restorekit.weights import read_card

Make = Callable[..., Trainer]


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path, name: str = "last") -> dict[str, Tensor]:
    return load_model(folder / f"{name}.safetensors").state_dict()


def test_a_run_learns_to_denoise(tiny: Make) -> None:
    """After a few steps the restored pictures are nearer the clean ones than the noisy are."""
    model = {"name": "unet", "width": 8, "depth": 2}
    outcome = tiny(model=model, steps=120, learning_rate=3e-3, validate_every=60).fit()
    assert outcome.best["psnr"] > outcome.best["psnr_noisy"] + 1
    assert outcome.best["ssim"] > outcome.best["ssim_noisy"]


def test_a_run_leaves_everything_that_is_promised(tiny: Make) -> None:
    """Weights, metrics, loss map and the resolved configuration are in the folder."""
    trainer = tiny(losses={"l1": 1.0, "total_variation": 0.05})
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
    assert card["model"]["name"] == "dncnn"
    given = {"depth": 3, "width": 8, "batch_norm": False}
    assert card["model"]["arguments"] == {"channels": 3, **given}
    assert card["model"]["provider"] == "restorekit"
    assert card["noise"] == {"name": "gaussian", "std": 0.1, "clip": False}
    assert card["metrics"]["psnr"] == outcome.best["psnr"]


def test_metrics_name_every_term_in_both_phases(tiny: Make) -> None:
    """Each record holds the total and each term, and the total is their weighted sum."""
    outcome = tiny(losses={"l1": 1.0, "total_variation": 0.05}).fit()
    found = rows(outcome.folder)
    assert [r["step"] for r in found if r["phase"] == "train"] == [1, 2, 3, 4, 5, 6]
    assert [r["step"] for r in found if r["phase"] == "validation"] == [3, 6]
    for row in found:
        total = row["terms"]["l1"] + 0.05 * row["terms"]["total_variation"]
        assert row["loss"] == pytest.approx(total, rel=1e-5)


def test_the_first_step_is_what_a_hand_written_loop_computes(tiny: Make) -> None:
    """One step of plain SGD equals the same step written out with torch alone."""
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
    """A batch computed in parts gives the weights of the batch computed at once."""
    tiny(save_weight_path=tmp_path / "whole").fit()
    tiny(save_weight_path=tmp_path / "parts", accumulate=4).fit()
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_seed_gives_the_same_weights(tiny: Make, tmp_path: Path, workers: int) -> None:
    """Two runs of one seed agree to the bit, whatever reads the data; another seed differs."""
    tiny(save_weight_path=tmp_path / "a").fit()
    torch.rand(3)  # ambient randomness plays no part
    tiny(save_weight_path=tmp_path / "b", num_workers=workers).fit()
    tiny(save_weight_path=tmp_path / "c", seed=1).fit()
    a, b, c = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


def test_a_run_leaves_the_ambient_generator_alone(tiny: Make) -> None:
    """Training inside another program does not disturb that program's random numbers."""
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    tiny().fit()
    assert torch.equal(torch.rand(4), expected)


def test_the_moving_average_is_what_is_saved(tiny: Make) -> None:
    """With `ema` the weights to use are the average, which lags behind the model's own."""
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
    """Mixed precision changes the loss by its rounding, not by its meaning."""
    full = tiny(save_weight_path=tmp_path / "a").fit()
    half = tiny(save_weight_path=tmp_path / "b", precision="bfloat16").fit()
    assert half.best["loss"] == pytest.approx(full.best["loss"], rel=0.05)


def test_a_compiled_run_is_the_same_run(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`compile` changes how the network is run, not what it learns nor how it is saved."""
    # The backend that needs no C++ compiler; the wrapping and the tracing are the same.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    tiny(save_weight_path=tmp_path / "plain").fit()
    trainer = tiny(save_weight_path=tmp_path / "compiled", compile=True)
    trainer.fit()
    assert hasattr(trainer.model, "_orig_mod")
    plain, compiled = weights(tmp_path / "plain"), weights(tmp_path / "compiled")
    for name, tensor in plain.items():
        torch.testing.assert_close(compiled[name], tensor)


class LeftHalf:
    """A way of learning in which only the left half of the images counts."""

    def __init__(self, noise: nn.Module) -> None:
        self.noise = noise

    def lesson(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> Lesson:
        """The right half of the target is nonsense, and masked."""
        half = images.shape[-1] // 2
        mask = torch.zeros(1, 1, 1, images.shape[-1], dtype=torch.bool)
        mask[..., :half] = True
        target = torch.where(mask, images, torch.full_like(images, 1e6))
        return Lesson(self.noise(images).noisy, target, mask=mask)


def test_another_way_of_learning_plugs_into_the_loop(tiny: Make) -> None:
    """A task says what is input, what is target and where it counts; the loop stays as it is."""
    trainer = tiny()
    trainer.task = LeftHalf(trainer.plan.noise)
    measured = trainer.step(1, torch.rand(4, 3, 24, 24))
    assert float(measured["l1"]) < 10


class Plain(nn.Module):
    """A user's own network: no registry, no sigma, a bare tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


class Speckle(nn.Module):
    """A user's own noise that takes no generator and returns a bare tensor."""

    def forward(self, clean: Tensor) -> Tensor:
        return clean * (1 + 0.1 * torch.randn_like(clean))


class Squared(nn.Module):
    """A user's own loss."""

    def forward(self, restoration: Restoration, target: Tensor) -> Tensor:
        return (restoration.image - target).square().mean()


def test_a_users_own_objects_train_without_registration(tiny: Make) -> None:
    """Modules are taken as they are, and their weights load into such a module again."""
    losses = [(Squared(), 0.5), "l1", L1()]
    trainer = tiny(model=Plain(), noise=Speckle(), losses=losses)
    assert [term.name for term in trainer.plan.terms] == ["squared", "l1", "l1_2"]
    folder = trainer.fit().folder
    with pytest.raises(CheckpointError, match="Plain, which is not registered"):
        load_model(folder)
    assert isinstance(load_model(folder, model=Plain()), Plain)


def test_plain_functions_are_noises_and_losses(tiny: Make) -> None:
    """A lambda will do to try something; pairs may be lists, as JSON has them."""
    trainer = tiny(
        noise=lambda clean: clean + 0.1,
        losses=[lambda restoration, target: (restoration.image - target).abs().mean(), ["mse", 2]],
    )
    trainer.fit()
    assert [term.weight for term in trainer.plan.terms] == [1.0, 2.0]


@pytest.mark.parametrize("sigma", [0.2, torch.tensor(0.2), torch.tensor([0.2])])
def test_a_noise_may_say_its_sigma_as_a_lone_number(tiny: Make, sigma: Any) -> None:
    """It is one a sample for the model."""
    lesson = tiny(noise=lambda clean: Degraded(clean, sigma)).task.lesson(
        torch.rand(3, 3, 8, 8), 0, 1, range(3)
    )
    assert lesson.sigma is not None
    torch.testing.assert_close(lesson.sigma, torch.full((3, 1, 1, 1), 0.2))


def test_a_damaged_picture_is_one_line_from_a_worker_too(tiny: Make, tmp_path: Path) -> None:
    """The error of a reading process arrives as itself."""
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
    """An image that no noise has touched has no finite PSNR; the file still parses strictly."""
    outcome = tiny(noise={"name": "salt_and_pepper", "amount": 0.0}).fit()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for line in (outcome.folder / "metrics.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    assert outcome.best["psnr_noisy"] == 100


def test_sigma_reaches_a_model_that_takes_it(tiny: Make) -> None:
    """The noise model's per-sample sigma is handed on, on the [0, 1] scale."""
    seen = []

    class Told(Plain):
        def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
            seen.append(sigma)
            return super().forward(x)

    trainer = tiny(model=Told(), noise=Gaussian(std=0.2))
    trainer.step(1, torch.rand(4, 3, 24, 24))
    assert seen[0].shape == (4, 1, 1, 1)
    torch.testing.assert_close(seen[0], torch.full((4, 1, 1, 1), 0.2))


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
        ({"stepz": 4}, "train.stepz: unknown key. Did you mean 'steps'?"),
        ({"epochs": 2}, "give steps or epochs, not both"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"device": "cuda:99"}, "not present here"),
        ({"losses": []}, "at least one loss term"),
        ({"losses": [{"weight": 1}]}, "has no name"),
        ({"losses": {"l1": "x"}}, "the weight of loss 'l1' is a number, not 'x'"),
        ({"noise": 3}, "noise is a module or a function, not int"),
        ({"model": len}, "a model is a torch.nn.Module"),
        ({"config": {"model": "unet"}}, "give a configuration or the parts, not both"),
        ({"model": "unte"}, "Did you mean 'unet'?"),
        ({"model": None}, "a run needs a model"),
        ({"dataset": None}, "a run needs a dataset"),
        ({"training_images": 99}, "the dataset has 12 images"),
    ],
)
def test_mistakes_are_answered_in_one_line(
    tiny: Make, changes: dict[str, Any], message: str
) -> None:
    """What is wrong, and the nearest right thing."""
    with pytest.raises(RestoreKitError) as caught:
        tiny(**changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_kl_divergence_needs_a_vae(tiny: Make) -> None:
    """A loss term that finds no extras says so."""
    with pytest.raises(InputError, match="kl_divergence"):
        tiny(losses={"kl_divergence": 1.0}).fit()


def test_settings_can_be_wrong_in_several_ways_at_once(tiny: Make) -> None:
    """Every fault is found, a line each."""
    with pytest.raises(ConfigError) as caught:
        tiny(batch_size=0, learning_rate="fast", precision="bf16")
    assert len(caught.value.problems) == 3
