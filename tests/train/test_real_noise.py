"""Runs on pictures with real noise: a dataset gives the noisy picture and the clean one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, TensorDataset

from restorekit import ArgumentError, DataError, InputError, NoisyImages, Trainer, load_model
from restorekit.objective.base import TaskBatch
from restorekit.objective.supervised import Supervised
from restorekit.train.dataset_items import as_sample
from restorekit.train.dataset_pictures import by_picture
from restorekit.train.mixed_batches import MixedImages, make_task, split_batch, stack
from tests.stopped_runs import stop_after

Make = Callable[..., Trainer]


class Darkened:
    """Pairs of a picture of half the brightness and the picture itself."""

    def __init__(self, images: Any) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index] / 2, self.images[index]


@pytest.fixture
def pairs(blobs: Any) -> Darkened:
    return Darkened(blobs)


def test_two_images_are_a_noisy_and_a_clean_one() -> None:
    """8-bit ones are scaled; noise may leave [0, 1]; a label after them is dropped."""
    noisy, clean = torch.full((3, 4, 4), 51, dtype=torch.uint8), torch.ones(3, 4, 4)
    item = as_sample((noisy, clean, "a label"))
    assert isinstance(item, NoisyImages)
    assert item.clean is not None
    torch.testing.assert_close(item.noisy, torch.full((3, 4, 4), 0.2))
    assert torch.equal(item.clean, clean)
    strong = torch.tensor([-3.0, 4.0]).reshape(1, 1, 2)
    shots = as_sample(NoisyImages(strong, second=-strong + 1))
    assert isinstance(shots, NoisyImages)
    assert list(shots.images) == ["noisy", "second"]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ((torch.ones(3, 4, 4), torch.ones(1, 4, 4)), "equal shapes"),
        ((torch.ones(3, 4, 4),) * 3, r"\(\(3, 4, 4\), \(3, 4, 4\), \(3, 4, 4\)\)"),
        ((torch.full((3, 4, 4), 90.0), torch.ones(3, 4, 4)), r"noisy \(mean\): values from 90"),
        ((torch.ones(3, 4, 4), torch.full((3, 4, 4), 90.0)), "clean: values from 90"),
        (NoisyImages(torch.ones(4, 4)), "noisy: "),
        ({"noisy": torch.ones(3, 4, 4)}, "dict"),
        ((), "nothing"),
        ((torch.ones(3, 4, 4), torch.full((3, 4, 4), torch.nan)), "clean: values from nan"),
    ],
)
def test_other_items_are_refused_with_the_name(item: object, problem: str) -> None:
    """One line with the dataset, what it gave and what it should give."""
    with pytest.raises(DataError, match=f"^dataset Own, index 3.*{problem}") as caught:
        as_sample(item, "dataset Own, index 3")
    assert "\n" not in str(caught.value)


def test_a_run_learns_from_real_pairs(tiny: Make, pairs: Darkened) -> None:
    """The noise model is not used, and validation compares with the clean images."""
    trainer = tiny(dataset=pairs, noise=lambda clean: 1 / 0, steps=60, learning_rate=0.01)
    outcome = trainer.fit()
    assert outcome.best["psnr"] > outcome.best["psnr_noisy"] + 3
    expected = [-10 * torch.log10((i / 2).square().mean()) for i in _held_out(trainer, pairs)]
    assert outcome.best["psnr_noisy"] == pytest.approx(float(sum(expected)) / len(expected), 1e-4)
    assert (outcome.folder / "validation.png").is_file()


def test_the_card_names_noise_that_was_added(tiny: Make, blobs: Any, pairs: Darkened) -> None:
    """None for images with real noise alone; the configuration keeps the noise."""
    for dataset, added in ((pairs, False), (ConcatDataset([pairs, blobs]), True)):
        plan = tiny(dataset=dataset).plan
        assert (plan.card()["noise"] is not None) is added
        assert plan.resolved()["noise"]


def _held_out(trainer: Trainer, pairs: Darkened) -> list[Tensor]:
    held = trainer.split.sets["validation"].pictures
    return [pairs.images[index] for indices in held for index in indices]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_workers_and_a_resume_give_the_same_run(
    tiny: Make, pairs: Darkened, tmp_path: Path
) -> None:
    """Interrupted with two workers, resumed without any: the weights of an unbroken run."""
    whole = tiny(dataset=pairs, save_weight_path=tmp_path / "whole")
    whole.fit()
    broken = tiny(dataset=pairs, num_workers=2, checkpoint_every=2)
    stop_after(broken, 3)
    with pytest.raises(KeyboardInterrupt):
        broken.fit()
    tiny(dataset=pairs).fit(resume=True)
    resumed = load_model(broken.folder).state_dict()
    for name, weight in load_model(whole.folder).state_dict().items():
        assert torch.equal(weight, resumed[name])


def test_clean_images_and_pairs_in_one_batch(blobs: Any, pairs: Darkened) -> None:
    """Each sample is made as it would be made alone, at its place."""
    samples = [as_sample(each) for each in (pairs[0], blobs[1], pairs[2], blobs[3], blobs[4])]
    batch = stack(samples)
    assert isinstance(batch, MixedImages)
    noise = torch.nn.Identity()
    objective = Supervised(noise, measure_sigma=True)
    whole = make_task(objective, batch, 0, 1, range(5))
    assert torch.equal(whole.input[0], blobs[0] / 2)
    assert torch.equal(whole.input[3], blobs[3])
    assert torch.equal(whole.target[2], blobs[2])
    assert whole.sigma is not None
    rms = (blobs[2] / 2).square().mean().sqrt()
    torch.testing.assert_close(whole.sigma.flatten()[[1, 2]], torch.stack([rms * 0, rms]))
    first, second = split_batch(batch, 2)
    assert (len(first), len(second)) == (3, 2)
    parts = make_task(objective, first, 0, 1, range(3)), make_task(objective, second, 0, 1, (3, 4))
    assert torch.equal(torch.cat([part.input for part in parts]), whole.input)


def test_a_run_mixes_clean_images_and_pairs(tiny: Make, blobs: Any, pairs: Darkened) -> None:
    """Validation measures the clean images under the noise, and the others with their own."""
    outcome = tiny(dataset=ConcatDataset([blobs, pairs]), accumulate=2).fit()
    assert set(outcome.best["conditions"]) == {"real noise", "gaussian:25.5"}


class CleanOnly:
    """An objective that does not know images with real noise."""

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        return TaskBatch(images, images)


def test_an_objective_for_clean_images_is_refused(tiny: Make, pairs: Darkened, blobs: Any) -> None:
    """Before the training, with the names of both; also if only a part has real noise."""
    for dataset in (pairs, ConcatDataset([blobs, pairs])):
        with pytest.raises(ArgumentError, match="objective CleanOnly learns from clean images"):
            tiny(dataset=dataset, objective=CleanOnly())


def test_supervised_learning_needs_clean_images(tiny: Make, blobs: Any) -> None:
    """Noisy pictures alone are refused before the training."""
    noisy = [NoisyImages(blobs[index]) for index in range(6)]
    with pytest.raises(InputError, match="needs the clean picture"):
        tiny(dataset=noisy)


def test_noisy_images_of_one_scene_are_one_picture() -> None:
    """In memory, the clean image tells the scene, so that no scene is trained and validated on."""
    clean = torch.rand(2, 1, 4, 4).repeat_interleave(3, 0)
    found = by_picture(TensorDataset(clean + torch.rand(6, 1, 4, 4), clean))[0]
    assert [[i for part in ranges for i in part] for ranges in found.values()] == [
        [0, 1, 2],
        [3, 4, 5],
    ]
