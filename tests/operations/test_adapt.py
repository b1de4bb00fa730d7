"""Weights that are adapted to noisy pictures, from these alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit import (
    ArgumentError,
    DataError,
    InputError,
    UnknownNameError,
    adapt,
    create_model,
    create_noise,
    denoise,
    load_model,
    save_model,
)
from restorekit.cli.main import main
from restorekit.operations.adapt import _is_better
from restorekit.operations.noisy_tiles import cut_tiles
from restorekit.train.metric_rows import ValidationRow
from restorekit.weights import read_card

SURE = {"name": "sure", "sigma": 0.1}


def noisy_picture(path: Path, side: int, noise: str = "gaussian") -> None:
    """A smooth gray picture with noise of standard deviation 0.1, not clipped."""
    rows = torch.linspace(0.3, 0.7, side).expand(1, 1, side, side)
    made = create_noise(noise, std=0.1)(rows, torch.Generator().manual_seed(0)).noisy
    Image.fromarray((255 * made[0, 0]).clamp(0, 255).byte().numpy()).save(path)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A noisy picture of ten tiles of 64x64 pixels and more."""
    noisy_picture(tmp_path / "noisy.png", 256)
    return tmp_path / "noisy.png"


@pytest.fixture
def start(tmp_path: Path) -> str:
    """Weights of a small network that has learnt nothing."""
    torch.manual_seed(0)
    model = create_model("dncnn", depth=3, width=8, channels=1, batch_norm=False)
    save_model(model, tmp_path / "start.safetensors")
    return str(tmp_path / "start.safetensors")


def test_gives_weights_that_restore_better(picture: Path, start: str, tmp_path: Path) -> None:
    """As a folder that `denoise` takes, with a card that says what they were adapted to."""
    before = picture.read_bytes()
    outcome = adapt(picture, tmp_path / "mine", start, objective=SURE, steps=60, learning_rate=2e-3)
    assert outcome.is_better
    assert outcome.after < 0.9 * outcome.before
    levels = np.asarray(Image.open(picture)).astype(float)
    restored = denoise(np.asarray(Image.open(picture)), model=str(tmp_path / "mine"), force=True)
    clean = 255 * np.linspace(0.3, 0.7, 256)
    errors = [np.square(each - clean).mean() for each in (restored.astype(float), levels)]
    assert errors[0] < 0.9 * errors[1]
    card = read_card(tmp_path / "mine")
    assert f"adapted from {start} on 1 noisy pictures" in str(card["training_data"])
    assert "noise" not in card
    assert picture.read_bytes() == before


def test_keeps_the_weights_from_the_start_if_they_are_better(
    picture: Path, start: str, tmp_path: Path
) -> None:
    """A learning rate that destroys the network."""
    outcome = adapt(picture, tmp_path / "mine", start, objective=SURE, steps=3, learning_rate=1.0)
    assert not outcome.is_better
    assert outcome.step == 0
    kept, first = (load_model(path).state_dict() for path in (tmp_path / "mine", start))
    assert all(torch.equal(kept[name], first[name]) for name in first)
    assert "kept: the weights from the start" in str(read_card(tmp_path / "mine")["measured"])


def test_a_training_that_ends_at_once_is_reported(
    picture: Path, start: str, tmp_path: Path
) -> None:
    """Nothing was measured of the adapted network, so it is not kept, and no number is invented."""
    outcome = adapt(picture, tmp_path / "mine", start, objective=SURE, minutes=1e-6)
    assert not outcome.is_better
    assert outcome.losses.endswith("not measured again: the training ended before step 25")
    assert "nan" not in str(read_card(tmp_path / "mine" / "best.safetensors")["measured"])


def test_correlated_noise_needs_an_objective(tmp_path: Path, start: str) -> None:
    """Of single pictures, a network would learn to keep such noise."""
    noisy_picture(tmp_path / "coarse.png", 256, "correlated")
    with pytest.raises(ArgumentError, match="of 1 pictures is correlated between pixels"):
        adapt(tmp_path / "coarse.png", tmp_path / "mine", start)
    assert not (tmp_path / "mine").exists()


def test_the_objective_for_white_noise(picture: Path, start: str, tmp_path: Path) -> None:
    """One that uses the level, which is estimated."""
    outcome = adapt(picture, tmp_path / "mine", start, steps=1)
    assert outcome.objective == "recorrupted2recorrupted"


def test_more_noise_that_is_left_is_not_better() -> None:
    """A smaller loss does not count then: the objective did not suit the noise."""
    before = ValidationRow(loss=1.0, noise_left=0.02)
    assert _is_better(ValidationRow(loss=0.9, noise_left=0.02), before)
    assert not _is_better(ValidationRow(loss=0.9, noise_left=0.03), before)
    assert not _is_better(ValidationRow(loss=1.1, noise_left=0.01), before)
    assert not _is_better({}, before)


def test_a_network_that_needs_the_level_gets_an_estimate(picture: Path, tmp_path: Path) -> None:
    """With an objective that works without it."""
    save_model(create_model("ffdnet", channels=1, depth=3, width=4), tmp_path / "level.safetensors")
    outcome = adapt(
        *(picture, tmp_path / "mine", str(tmp_path / "level.safetensors")),
        objective="noise2void",
        steps=1,
    )
    assert read_card(outcome.folder / "last.safetensors")["objective"]["sigma"] == "estimate"


def test_an_objective_that_needs_more_is_refused(picture: Path, start: str, tmp_path: Path) -> None:
    """In one line, before anything is trained."""
    with pytest.raises(InputError, match="needs two noisy shots"):
        adapt(picture, tmp_path / "mine", start, objective="noise2noise")


def test_an_unknown_objective(tmp_path: Path) -> None:
    """Only those that learn from single noisy pictures are named; nothing is read before."""
    with pytest.raises(UnknownNameError, match="Did you mean 'noise2void'") as caught:
        adapt(tmp_path / "none.png", tmp_path / "mine", objective="noise2viod")
    assert "neighbor2neighbor" in str(caught.value)
    assert not {"supervised", "noise2noise", "distillation"} & set(str(caught.value).split(", "))


@pytest.mark.parametrize("objective", [{}, {"name": 5}, 5])
def test_an_objective_without_a_name(tmp_path: Path, objective: Any) -> None:
    """It is refused before anything is read."""
    with pytest.raises(ArgumentError, match=r"objective .* has no name"):
        adapt(tmp_path / "none.png", tmp_path / "mine", objective=objective)


def test_too_little_is_refused(tmp_path: Path, start: str) -> None:
    """An empty folder, and a picture without two tiles."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no picture in "):
        adapt(tmp_path / "empty", tmp_path / "mine", start)
    noisy_picture(tmp_path / "small.png", 40)
    with pytest.raises(DataError, match="too little to learn from"):
        adapt(tmp_path / "small.png", tmp_path / "mine", start, objective=SURE)


def test_tiles_are_trained_on_or_held_out(tmp_path: Path) -> None:
    """Each tile is in one of the sets, and a fifth is held out."""
    levels = np.arange(128 * 160).reshape(128, 160).astype(np.uint16)
    Image.fromarray(levels).save(tmp_path / "numbers.png")
    training, held_out = cut_tiles([tmp_path / "numbers.png"], 1, 0)
    values = [torch.stack(each.tiles).flatten() for each in (training, held_out)]
    assert (len(training), len(held_out)) == (16, 4)
    assert len(torch.cat(values).unique()) == 128 * 160


def test_on_the_command_line(
    picture: Path, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line with the folder, what was kept, and the losses."""
    words = ["adapt", str(picture), "-o", str(tmp_path / "mine"), "-m", start]
    assert main([*words, "--objective", "sure:sigma=0.1", "--minutes", "0.05"]) == 0
    assert f"weights: {tmp_path / 'mine'} (" in capsys.readouterr().out
    assert main([*words, "--objective", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
