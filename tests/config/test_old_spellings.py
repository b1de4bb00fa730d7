"""A configuration of the previous system runs unchanged."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restorekit import OldSpellingWarning, TrainConfig, Trainer

OLD: dict[str, Any] = {
    "mode": "train",
    "epoches": 30,
    "batch_size": 4,
    "learning_rate": 0.01,
    "train_size": None,
    "device": "cpu",
    "num_workers": 1,
    "b1": 0.5,
    "b2": 0.99,
    "weight_decay": 1e-3,
    "model": "U-net",
    "load_weigth_path": None,
    "save_weigth_path": None,
    "dataset": "STL10",
    "lambda_reconstruction": 0.2,
    "lambda_ssim": 0.1,
    "lambda_total_variation": 0.1,
    "lambda_kl": 0.1,
}


def read(data: dict[str, Any], *overrides: str) -> tuple[TrainConfig, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        config = TrainConfig.from_dict(data, overrides=overrides)
    assert all(issubclass(w.category, OldSpellingWarning) for w in caught)
    return config, [str(w.message) for w in caught]


def test_an_old_file_keeps_its_meaning() -> None:
    """Adam with its betas, a constant rate, the weighted losses, the old folder."""
    config, _ = read(OLD)
    assert config.model.name == "unet"
    assert config.dataset.name == "stl10"
    assert config.save_weight_path == "Saved_Models"
    assert config.load_weight_path is None
    assert config.noise.name == "classic_mixture"
    assert {t.name: t.weight for t in config.loss} == {
        "l1": 0.2,
        "ssim": 0.1,
        "total_variation": 0.1,
    }
    train = config.train
    assert (train.epochs, train.batch_size, train.learning_rate) == (30, 4, 0.01)
    assert (train.optimizer.name, train.betas, train.weight_decay) == ("adam", (0.5, 0.99), 1e-3)
    assert (train.schedule.name, train.num_workers, train.training_images) == ("constant", 1, None)
    # Its learning rate kills the U-Net within 50 steps where nothing softens the start.
    assert (train.warmup_steps, train.clip_norm) == (300, 0.1)


@pytest.mark.parametrize("name", ["STL10", "Cifar100"])
def test_the_old_file_fetches_its_data(name: str) -> None:
    """The previous system did so by default; a note says it. A new file does not."""
    config, notes = read({**OLD, "dataset": name})
    assert config.dataset.arguments == {"download": True}
    assert any("is fetched where it is missing" in note for note in notes)
    kept, _ = read({**OLD, "dataset": {"name": name, "download": False}})
    assert kept.dataset.arguments == {"download": False}
    assert read({"model": "unet", "dataset": name.lower()})[0].dataset.arguments == {}
    assert read({**OLD, "dataset": "samples"})[0].dataset.arguments == {}


def test_the_vae_keeps_its_divergence() -> None:
    """The previous system added it only for the VAE."""
    config, _ = read({**OLD, "model": "VAE"})
    assert config.model.name == "vae"
    assert {t.name: t.weight for t in config.loss}["kl_divergence"] == 0.1


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"epoches": 3}, "'epoches' is now 'train.epochs'"),
        ({"datset": "Cifar100"}, "'datset' is now 'dataset'"),
        ({"dataset": "Cifar100"}, "dataset 'Cifar100' is now 'cifar100'"),
        ({"load_weigth_path": None}, "'load_weigth_path' is now 'load_weight_path'"),
        ({"save_weigth_path": "here"}, "'save_weigth_path' is now 'save_weight_path'"),
        ({"b1": 0.5}, "'b1' is now 'train.betas[0]'"),
        ({"b2": 0.9}, "'b2' is now 'train.betas[1]'"),
        ({"train_size": 400}, "'train_size' is now 'train.training_images'"),
        ({"lambda_reconstruction": 1}, "'lambda_reconstruction' is now 'loss.l1'"),
        ({"lambda_ssim": 1}, "'lambda_ssim' is now 'loss.ssim'"),
        ({"lambda_total_variation": 1}, "'lambda_total_variation' is now 'loss.total_variation'"),
        ({"lambda_kl": 1}, "'lambda_kl' is now 'loss.kl_divergence'"),
        ({"model": "U-net"}, "model 'U-net' is now 'unet'"),
        ({"model": {"name": "VAE", "width": 8}}, "model 'VAE' is now 'vae'"),
        ({"model": "u-net"}, "model 'u-net' is now 'unet'"),
        ({"mode": "train"}, "'mode' is not needed"),
    ],
)
def test_each_old_spelling_is_named_with_its_new_one(change: dict[str, Any], note: str) -> None:
    """There is one warning for each, and no other."""
    plain = {"model": "unet", "dataset": "samples"}
    if "datset" in change:
        del plain["dataset"]
    _, notes = read({**plain, **change})
    assert any(note in line for line in notes)


def test_the_present_spelling_gives_no_warning() -> None:
    """A new file gives none."""
    _, notes = read({"model": "unet", "dataset": "stl10", "train": {"epochs": 2}})
    assert notes == []


def test_the_new_spelling_wins_over_the_old() -> None:
    """A file may have both while it is being converted."""
    config, _ = read({**OLD, "train": {"batch_size": 9}, "save_weight_path": "new"})
    assert config.train.batch_size == 9
    assert config.save_weight_path == "new"


def test_the_mode_no_longer_matters() -> None:
    """The command decides what is done."""
    _, notes = read({**OLD, "mode": "test"})
    assert any("'mode' is not needed" in note and "'test'" in note for note in notes)


def test_old_spellings_can_be_overridden_in_either_spelling() -> None:
    """Also on the command line; the last one applies."""
    for override in ("epoches=2", "train.epochs=2"):
        assert read(OLD, override)[0].train.epochs == 2
    config, _ = read(OLD, "train.steps=7", "loss.ssim=0.5", "model.width=8", "datset=Cifar100")
    assert (config.train.steps, config.train.epochs) == (7, None)
    assert {t.name: t.weight for t in config.loss}["ssim"] == 0.5
    assert {t.name: t.weight for t in config.loss}["l1"] == 0.2
    assert config.model.arguments == {"width": 8}


def test_a_share_of_training_images() -> None:
    """An old `train_size` below 1 is a fraction."""
    assert read({**OLD, "train_size": 0.8})[0].train.validation_split == pytest.approx(0.2)


@pytest.mark.parametrize("model", ["U-net", "VAE"])
def test_the_old_file_trains(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unchanged, in the old working folder, on STL-10 files in their real format."""
    monkeypatch.chdir(tmp_path)
    write_stl10(tmp_path / "data", 5, monkeypatch)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**OLD, "model": model, "epoches": 1, "num_workers": 0}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OldSpellingWarning)
        outcome = Trainer(TrainConfig.from_file(path)).fit()
    names = {file.name for file in (tmp_path / "Saved_Models").iterdir()}
    assert {"last.safetensors", "loss_map.png"} <= names
    assert outcome.step == 1


def write_stl10(root: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training file of STL-10's binary format: column-major uint8 pictures of 96x96."""
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (count, 3, 96, 96), dtype=np.uint8)
    for split in ("train", "test"):
        (folder / f"{split}_X.bin").write_bytes(pictures.tobytes())
        (folder / f"{split}_y.bin").write_bytes(bytes([1] * count))
    files = ("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin")
    (folder / "unlabeled_X.bin").write_bytes(pictures.tobytes())
    (folder / "class_names.txt").write_text("\n".join("abcdefghij"))
    (folder / "fold_indices.txt").write_text("0 1\n" * 10)
    sums = [[name, hashlib.md5((folder / name).read_bytes()).hexdigest()] for name in files]
    monkeypatch.setattr("torchvision.datasets.STL10.train_list", sums[:2])
    monkeypatch.setattr("torchvision.datasets.STL10.test_list", sums[2:])
