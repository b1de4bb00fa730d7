"""Validation: images, noises, metrics, and the best weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from restorekit import ConfigError, TrainConfig, Trainer, create_noise
from restorekit.components.kinds import metrics
from restorekit.data.folder import Folder
from restorekit.metric.image_quality import psnr
from restorekit.train.dataset_items import read_views

Make = Callable[..., Trainer]


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["phase"] == "validation"]


def make_photos(folder: Path, count: int, side: int = 100) -> str:
    """A folder of pictures of noise."""
    folder.mkdir()
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return str(folder)


def views(trainer: Trainer) -> dict[str, list[Tensor]]:
    """The images of each validation set."""
    validation = trainer.validation
    return {
        name: [image for _, image in validation._views(held)]
        for name, held in validation.sets.items()
    }


def test_the_floor_is_16_patches_of_4_pictures(tiny: Make, tmp_path: Path) -> None:
    """Also if a tenth of the pictures is less than one; the patches are at different positions."""
    photos = {"name": "folder", "path": make_photos(tmp_path / "photos", 9), "patch_size": 16}
    (images,) = views(tiny(dataset=photos)).values()
    assert len(images) == 16
    assert len({image.numpy().tobytes() for image in images}) == 16
    assert {tuple(image.shape) for image in images} == {(3, 16, 16)}


def test_each_of_many_pictures_gives_two_patches(tiny: Make, tmp_path: Path) -> None:
    """At most `validation_images` pictures are used."""
    photos = {"name": "folder", "path": make_photos(tmp_path / "photos", 30), "patch_size": 16}
    trainer = tiny(dataset=photos, validation_split=0.5, validation_images=12)
    (images,) = views(trainer).values()
    assert len(images) == 24


def test_a_picture_no_larger_than_its_patches_is_used_whole(tmp_path: Path) -> None:
    """It is neither cropped nor mirrored; the first patch of a larger one is its centre."""
    dataset = Folder(make_photos(tmp_path / "photos", 1, side=30), patch_size=16)
    (whole,) = read_views(dataset, [0], 4)
    assert torch.equal(whole, Folder(str(tmp_path / "photos"), patch_size=None)[0])
    three = read_views(dataset, [0], 3)
    assert len(three) == 3
    assert torch.equal(three[0], dataset[0])


def test_every_noise_of_a_mixture_is_on_every_image(tiny: Make, blobs: Any) -> None:
    """The figures of each noise are separate, and the mean uses the weights."""
    parts = [{"name": "gaussian", "std": 0.1}, {"name": "uniform", "amplitude": 0.3}]
    noise = {"name": "one_of", "noises": parts, "weights": [3, 1]}
    outcome = tiny(noise=noise).fit()
    row = rows(outcome.folder)[-1]
    conditions = row["conditions"]
    assert set(conditions) == {"gaussian:25.5", "uniform:76.5"}
    for name, std in (("gaussian:25.5", 0.1), ("uniform:76.5", 0.3 / 3**0.5)):
        # Clamping to [0, 1] takes a little of the noise away.
        assert conditions[name]["psnr_noisy"] == pytest.approx(-20 * np.log10(std), abs=0.5)
    for metric in ("psnr", "psnr_noisy", "ssim"):
        first, second = (conditions[name][metric] for name in ("gaussian:25.5", "uniform:76.5"))
        assert row[metric] == pytest.approx(0.75 * first + 0.25 * second)


def test_chains_and_nested_mixtures_are_expanded() -> None:
    """Each combination occurs once with its probability; noises that are never chosen do not."""
    inner = {"name": "one_of", "noises": ["gaussian", "uniform"]}
    chain = create_noise("chain", noises=[inner, "salt_and_pepper"])
    assert [chance for _, chance in chain.alternatives()] == [0.5, 0.5]
    assert [len(noise.noises) for noise, _ in chain.alternatives()] == [2, 2]
    nested = create_noise("one_of", noises=[inner, "jpeg", "uniform"], weights=[2, 2, 0])
    assert [chance for _, chance in nested.alternatives()] == [0.25, 0.25, 0.5]
    many = create_noise("chain", noises=[inner] * 5)
    assert many.alternatives() == [(many, 1.0)]


@pytest.mark.parametrize(
    "noise",
    [
        "gaussian:15,50",
        ["gaussian:15", {"name": "gaussian", "std": 50 / 255, "clip": False}],
        [create_noise("gaussian", std=15 / 255), "gaussian:50"],
    ],
)
def test_noises_to_validate_under(tiny: Make, noise: Any) -> None:
    """They can differ from the training noise, in any spelling, with a figure for each."""
    outcome = tiny(validation_noise=noise).fit()
    conditions = rows(outcome.folder)[-1]["conditions"]
    assert set(conditions) == {"gaussian:15", "gaussian:50"}
    assert conditions["gaussian:15"]["psnr_noisy"] > conditions["gaussian:50"]["psnr_noisy"] + 8
    again = TrainConfig.from_dict(
        {
            **json.loads((outcome.folder / "config.json").read_text()),
            "dataset": "samples",
        }
    )
    assert again.validation_noise is not None
    assert [spec.arguments["std"] for spec in again.validation_noise] == [15 / 255, 50 / 255]


def test_several_validation_sets(tiny: Make, blobs: Any) -> None:
    """Each has figures under its name; the mean is over the sets."""
    dark = [blobs[index] * 0.1 for index in range(len(blobs))]
    sets = {"plain": list(torch.rand(5, 3, 24, 24)), "dark": dark}
    outcome = tiny(validation_dataset=sets).fit()
    row = rows(outcome.folder)[-1]
    assert set(row["conditions"]) == {"plain/gaussian:25.5", "dark/gaussian:25.5"}
    apart = [each["psnr"] for each in row["conditions"].values()]
    assert row["psnr"] == pytest.approx(sum(apart) / 2)


def test_the_mean_is_that_of_the_images(tiny: Make) -> None:
    """For images of different shapes, in any batches, the PSNR is the mean over the images."""

    class Same(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(()))

        def forward(self, noisy: Tensor) -> Tensor:
            return noisy + self.bias

    images = [torch.rand(3, 20 + n % 3, 24) for n in range(7)]
    trainer = tiny(
        model=Same(), noise=lambda clean: clean + 0.1, validation_dataset=images, batch_size=2
    )
    measured = trainer.validation.measure(trainer.model)
    expected = [float(psnr(image[None] + 0.1, image[None])) for image in images]
    assert measured["psnr"] == measured["psnr_noisy"] == pytest.approx(np.mean(expected), abs=1e-4)


@pytest.mark.parametrize("metric", ["ssim", "loss", "total_variation"])
def test_any_metric_decides(tiny: Make, metric: str) -> None:
    """The best row has the highest SSIM, or the lowest loss or term."""
    losses = {"l1": 1.0, "total_variation": 0.01}
    settings = {"validate_every": 1, "learning_rate": 0.05}
    outcome = tiny(loss=losses, validation_metric=metric, **settings).fit()
    found = rows(outcome.folder)
    value = {
        "ssim": lambda row: row["ssim"],
        "loss": lambda row: -row["loss"],
        "total_variation": lambda row: -row["terms"]["total_variation"],
    }[metric]
    assert outcome.best["step"] == max(found, key=value)["step"]


def test_ms_ssim_decides_if_pictures_are_large_enough(tiny: Make) -> None:
    """Small ones and an unknown metric are refused before the first step."""
    with pytest.raises(ConfigError, match="ms_ssim needs images of at least 161x161 pixels"):
        tiny(validation_metric="ms_ssim").fit()
    with pytest.raises(ConfigError, match=r"is none of brisque, lpips, .*psnr_y, ssim, loss, l1"):
        tiny(validation_metric="vmaf")
    large = [torch.rand(3, 161, 170)]
    outcome = tiny(validation_metric="ms_ssim", validation_dataset=large, steps=1).fit()
    assert 0 < outcome.best["ms_ssim_noisy"] < 1


def test_a_run_ends_early_without_improvement(
    tiny: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a number of validations without a new best; a resumed run has ended already."""
    settings = {"early_stopping": 2, "validate_every": 1, "steps": 40, "learning_rate": 1.0}
    trainer = tiny(**settings, optimizer="sgd", loss=[lambda r, t: -(r.image - t).abs().mean()])
    with caplog.at_level("INFO"):
        outcome = trainer.fit()
    assert outcome.step == outcome.best["step"] + 2 < 40
    assert f"no better validation since step {outcome.best['step']}" in caplog.text
    again = tiny(**settings, optimizer="sgd", loss=[lambda r, t: -(r.image - t).abs().mean()])
    assert again.fit(resume=True).step == outcome.step
    assert rows(outcome.folder)[-1]["step"] == outcome.step


@pytest.fixture
def error_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric whose lower values are better, registered as by a plugin."""
    metrics.names()
    monkeypatch.setattr(metrics, "_entries", dict(metrics._entries))

    @metrics.register("mean_error")
    class MeanError:
        """Mean absolute error."""

        higher_is_better = False

        def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
            return (restored - target).abs().flatten(1).mean(1)


@pytest.mark.usefixtures("error_metric")
def test_the_lowest_value_decides_if_the_metric_says_so(tiny: Make) -> None:
    """The metric is measured for noisy and restored images, and its smallest value is best."""
    settings = {"validate_every": 1, "learning_rate": 0.05}
    outcome = tiny(validation_metric="mean_error", **settings).fit()
    found = rows(outcome.folder)
    assert outcome.best["step"] == min(found, key=lambda row: row["mean_error"])["step"]
    # Of gaussian noise of 0.1 it is 0.1 sqrt(2 / pi).
    assert found[0]["mean_error_noisy"] == pytest.approx(0.1 * (2 / np.pi) ** 0.5, rel=0.1)


def test_metrics_are_measured_besides_psnr_and_ssim(tiny: Make) -> None:
    """By name or with arguments, in every row; the configuration of the run has them."""
    chosen = ["psnr_y", {"name": "ssim", "clamp": False}]
    outcome = tiny(validation_metrics=chosen, steps=1).fit()
    (row,) = rows(outcome.folder)
    assert {"psnr", "ssim", "psnr_y", "psnr_y_noisy"} <= row.keys()
    written = json.loads((outcome.folder / "config.json").read_text())
    assert written["train"]["validation_metrics"] == chosen


def test_an_unknown_metric_is_refused_with_its_key() -> None:
    """The message has the file and the nearest name."""
    data = {"model": "unet", "dataset": "samples", "train": {"validation_metrics": ["pnsr"]}}
    with pytest.raises(
        ConfigError, match=r"validation_metrics\.0: unknown metric 'pnsr'\. Did you mean 'psnr'"
    ):
        TrainConfig.from_dict(data)
