"""Validation on noisy images of which no clean ones are known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from restorekit import NoisyImages, Trainer
from restorekit.train.best_criterion import Criterion
from restorekit.train.blind_validation import residual_correlation
from restorekit.train.progress import describe_validation, gains
from tests.metric_parameters import write_metric_parameters

Make = Callable[..., Trainer]
WHITE = torch.randn(2, 3, 64, 64, generator=Generator().manual_seed(0))


class WithNoise:
    """Pictures with noise that never changes, of which nothing else is known."""

    def __init__(self, clean: Any) -> None:
        self.clean = clean

    def __len__(self) -> int:
        return len(self.clean)

    def __getitem__(self, index: int) -> NoisyImages:
        clean = self.clean[index]
        noise = torch.randn(clean.shape, generator=Generator().manual_seed(1000 + index))
        return NoisyImages(clean + 0.1 * noise)


@pytest.fixture
def clean(blobs: Any) -> Any:
    """Smooth pictures that are large enough to estimate their noise."""
    return type(blobs)(side=48)


@pytest.fixture
def few(blobs: Any) -> Any:
    """Other pictures to validate on."""
    return [type(blobs)(count=20, side=48)[index] for index in (13, 14, 15)]


@pytest.fixture
def noisy(tiny: Make, clean: Any) -> Make:
    """A run on noisy pictures alone."""

    def make(**changes: Any) -> Trainer:
        parts = {"dataset": WithNoise(clean), "objective": "noise2void", "loss": "mse"}
        return tiny(**{**parts, **changes})

    return make


def test_the_held_out_loss_decides(noisy: Make) -> None:
    """The best weights are those of the validation with the smallest loss."""
    outcome = noisy(steps=40, validate_every=10, learning_rate=2e-3).fit()
    lines = (outcome.folder / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    losses = {row["step"]: row["loss"] for row in rows if row["phase"] == "validation"}
    assert outcome.best["step"] == min(losses, key=losses.__getitem__)
    assert min(losses.values()) < losses[10]
    assert (outcome.folder / "best.safetensors").is_file()
    assert (outcome.folder / "validation.png").is_file()
    assert "psnr" not in outcome.best


def test_the_noise_is_estimated_before_and_after(noisy: Make) -> None:
    """A standard deviation of 0.1, and less of it after the training."""
    sure = {"name": "sure", "sigma": 0.1}
    best = noisy(objective=sure, steps=60, validate_every=60, learning_rate=2e-3).fit().best
    assert best["noise"] == pytest.approx(0.1, rel=0.1)
    assert best["noise_left"] < 0.09
    assert gains(best)
    assert describe_validation(best).startswith(f"held-out loss {best['loss']:.5f}, noise left ")


@pytest.mark.parametrize(
    "objective",
    [
        "neighbor2neighbor",
        pytest.param("blind2unblind", marks=pytest.mark.filterwarnings("ignore:.*learn to copy")),
        "unsure",
        {"name": "sure", "sigma": 0.1},
        {"name": "recorrupted2recorrupted", "sigma": "estimate"},
        {"name": "noisier2noise", "extra": {"name": "gaussian", "std": 0.1}},
    ],
)
def test_every_objective_trains_on_noisy_pictures_alone(noisy: Make, objective: Any) -> None:
    """With a validation and a resume; the loss is measured as it is minimised."""
    trainer = noisy(objective=objective, steps=2, validate_every=2)
    row = trainer.fit().best
    assert math.isfinite(row["loss"])
    assert row["noise"] == pytest.approx(0.1, rel=0.1)
    assert noisy(objective=objective, steps=3).fit(resume=True).step == 3


def test_sure_on_held_out_images_is_the_error_of_the_network(noisy: Make, clean: Any) -> None:
    """Compared with the clean images, which the run does not have."""
    trainer = noisy(
        objective={"name": "sure", "sigma": 0.1},
        steps=60,
        validate_every=60,
        learning_rate=2e-3,
        warmup_steps=0,
    )
    found = trainer.fit().best["loss"]
    errors = []
    for indices in trainer.split.sets["validation"].pictures:
        dataset: Any = trainer.plan.dataset
        with torch.no_grad():
            restored = trainer.model.eval()(dataset[indices[0]].noisy[None])
        errors.append(float((restored[0] - clean[indices[0]]).square().mean()))
    assert found == pytest.approx(sum(errors) / len(errors), abs=5e-4)
    assert found < 0.009  # 0.01 is the error of the noisy images


def test_a_network_that_learns_from_clean_images_is_measured_too(tiny: Make, few: Any) -> None:
    """By the noise that it leaves; there is no loss, so no weights are the best."""
    trainer = tiny(validation_dataset=WithNoise(few))
    outcome = trainer.fit()
    assert outcome.best == {}
    assert "noise_left" in trainer.validation.measure(trainer.model)


def test_clean_pictures_are_compared_with_where_there_are_some(noisy: Make, few: Any) -> None:
    """A validation set of clean pictures gives the PSNR, and decides."""
    best = noisy(validation_dataset=few).fit().best
    assert {"psnr", "psnr_noisy"} <= set(best)
    assert "noise_left" not in best


class TestResidualCorrelation:
    def test_is_near_zero_for_white_noise(self) -> None:
        """Below 3 standard deviations, each 1/64."""
        assert float(residual_correlation(WHITE).max()) < 3 / 64

    def test_is_that_of_a_mean_of_two(self) -> None:
        """The mean of two pixels has correlation 1/2 in its direction and 0 across."""
        mean = (WHITE[..., 1:] + WHITE[..., :-1]) / 2
        torch.testing.assert_close(
            residual_correlation(mean), torch.full((2,), 0.5 / 2**0.5), atol=0.03, rtol=0
        )

    @pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 1, 1, 8), (1, 1, 4, 4)])
    def test_small_and_equal_images(self, shape: tuple[int, ...]) -> None:
        """No correlation, not NaN."""
        assert float(residual_correlation(torch.ones(shape))) == 0


def test_the_loss_decides_whatever_metric_is_named() -> None:
    """A metric cannot be measured without a clean image."""
    rows = [{"loss": loss, "noise_left": 0.1, "terms": {}} for loss in (1.0, 2.0)]
    for criterion in (Criterion("psnr", True), Criterion("l1", is_term=True), Criterion("loss")):
        assert criterion.score(rows[0]) == -1
        assert criterion.score(rows[1]) == -2


def test_metrics_without_a_reference_are_measured(
    noisy: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after; such a metric may decide which weights are the best."""
    monkeypatch.chdir(tmp_path)
    write_metric_parameters(tmp_path)
    metric = {"name": "brisque", "weights": "brisque.pt"}
    outcome = noisy(
        validation_metrics=[metric, {"name": "niqe", "statistics": "niqe.npz"}],
        validation_metric="brisque",
        steps=4,
        validate_every=1,
    ).fit()
    assert math.isfinite(outcome.best["brisque_noisy"])
    assert "niqe" not in outcome.best  # the patches have less than 96 pixels
    rows = [
        json.loads(line) for line in (outcome.folder / "metrics.jsonl").read_text().splitlines()
    ]
    values = [row["brisque"] for row in rows if row["phase"] == "validation"]
    assert outcome.best["brisque"] == min(values)
