"""Learning from a teacher: targets, views, and what does not change."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from restorekit import (
    ArgumentError,
    CheckpointError,
    ConfigError,
    InputError,
    OldSpellingWarning,
    TrainConfig,
    Trainer,
    create_model,
    load_model,
    save_model,
)
from restorekit.noise.additive import Gaussian
from restorekit.objective.distillation import Distillation
from restorekit.records import Degraded
from restorekit.train.config_changes import find_changes
from restorekit.weights import read_card

Make = Callable[..., Trainer]
TAUGHT = {"name": "distillation"}
CLEAN = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def shifted(noisy: Tensor, sigma: Tensor | None) -> Tensor:
    """A teacher that is not symmetric in any direction."""
    return noisy.roll(1, -1) + 0.1 * noisy.roll(2, -2)


def task_of(teacher: Any, share: float = 1.0, views: int = 8, std: Any = 0.1) -> Distillation:
    return Distillation(Gaussian(std), teacher, share, views)


class TestTarget:
    @given(share=st.floats(0.01, 1), views=st.integers(1, 8), step=st.integers(1, 1000))
    @settings(max_examples=25, deadline=None)
    def test_lies_between_the_clean_image_and_the_answer(
        self, share: float, views: int, step: int
    ) -> None:
        """For a teacher that halves its input, for any symmetry."""
        task = task_of(lambda noisy, sigma: noisy / 2, share, views)
        given = task.make_batch(CLEAN, 0, step, [0, 1])
        expected = (1 - share) * CLEAN + share * given.input / 2
        torch.testing.assert_close(given.target, expected)

    def test_all_views_are_the_mean_over_the_flips_and_turns(self) -> None:
        """Compared with the flips and rotations of numpy."""
        given = task_of(shifted).make_batch(CLEAN, 0, 1, [0, 1])
        answers = []
        for quarters, mirrored in itertools.product(range(4), (False, True)):
            turned = torch.rot90(
                given.input.flip(-1) if mirrored else given.input, quarters, (2, 3)
            )
            answer = torch.rot90(shifted(turned, None), -quarters, (2, 3))
            answers.append(answer.flip(-1) if mirrored else answer)
        torch.testing.assert_close(given.target, torch.stack(answers).mean(0))

    def test_single_views_come_to_the_same_mean(self) -> None:
        """Each of the eight is drawn equally often, so their mean is learnt."""
        seen: list[Tensor] = []

        def watched(noisy: Tensor, sigma: Tensor | None) -> Tensor:
            seen.append(noisy)
            return noisy

        task = task_of(watched, views=1, std=0.0)
        for step in range(400):
            task.make_batch(CLEAN, 0, step, [0, 1])
        counts = [sum(torch.equal(view, other) for other in seen) for view in seen]
        assert min(counts) > 25  # 50 on average, with a standard deviation of 6.6
        assert max(counts) < 75

    def test_a_map_of_the_noise_is_turned_with_the_image(self) -> None:
        """Each pixel that the teacher sees has its own noise level."""

        class Uneven(nn.Module):
            def forward(self, clean: Tensor) -> Degraded:
                return Degraded(clean, clean[:, :1])

        views = Distillation(
            Uneven(),
            lambda noisy, sigma: noisy if sigma is None else sigma.expand_as(noisy),
            1.0,
            8,
        ).make_batch(CLEAN, 0, 1, [0, 1])
        torch.testing.assert_close(views.target, CLEAN[:, :1].expand_as(CLEAN))

    def test_depends_on_the_step_only(self) -> None:
        """So that a resumed run has the same targets."""
        task = task_of(shifted, 0.5, 2)
        first, again, next_one = (task.make_batch(CLEAN, 0, step, [0, 1]) for step in (5, 5, 6))
        assert torch.equal(first.target, again.target)
        assert not torch.equal(first.target, next_one.target)


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """Weights of a small network that makes images brighter."""
    model = create_model("dncnn", depth=3, width=8, batch_norm=False)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        list(model.parameters())[-1].fill_(-0.25)  # the noise that it sees everywhere
    save_model(model, tmp_path / "teacher.safetensors")
    return tmp_path / "teacher.safetensors"


class TestRun:
    def test_the_network_learns_from_the_teacher(self, tiny: Make, teacher: Path) -> None:
        """With a share of 1 it becomes as bright as the teacher, not as the clean images."""
        before = teacher.read_bytes()
        trainer = tiny(
            objective={**TAUGHT, "teacher": str(teacher), "share": 1.0},
            noise={"name": "gaussian", "std": 0.01},
            loss="mse",
            steps=150,
            learning_rate=1e-2,
            validate_every=150,
        )
        outcome = trainer.fit()
        images = torch.stack([trainer.plan.dataset[i] for i in range(4)])
        with torch.no_grad():
            brighter = load_model(outcome.folder)(images) - images
        assert 0.2 < float(brighter.mean()) < 0.3
        assert teacher.read_bytes() == before

    def test_the_teacher_does_not_change(self, tiny: Make, teacher: Path) -> None:
        """It is in evaluation mode, has no gradients, and keeps its weights."""
        trainer = tiny(objective={**TAUGHT, "teacher": str(teacher)})
        model = trainer.plan.objective.teacher
        before = [weight.clone() for weight in model.parameters()]
        trainer.fit()
        assert not model.training
        assert all(w.grad is None and not w.requires_grad for w in model.parameters())
        assert all(map(torch.equal, before, model.parameters()))

    def test_validation_is_against_the_clean_images(self, tiny: Make, teacher: Path) -> None:
        """A copy of the teacher has the PSNR of the teacher, not an infinite one."""
        spec = {"name": "dncnn", "depth": 3, "width": 8, "batch_norm": False}
        trainer = tiny(
            model=spec,
            load_weight_path=teacher,
            objective={**TAUGHT, "teacher": str(teacher), "share": 1.0, "views": 8},
            loss="mse",
            noise={"name": "gaussian", "std": 0.0},
            steps=1,
            learning_rate=1e-9,
        )
        # A quarter brighter is 12.04 dB; white that stays white is what it gains.
        assert 12.04 < trainer.fit().best["psnr"] < 13

    def test_the_configuration_of_the_run_names_the_teacher(
        self, tiny: Make, teacher: Path
    ) -> None:
        """With the share and the views."""
        resolved = tiny(objective={**TAUGHT, "teacher": str(teacher), "share": 0.5}).plan.resolved()
        assert resolved["objective"] == {
            **TAUGHT,
            "teacher": str(teacher),
            "share": 0.5,
            "views": 1,
            "objective": "supervised",
        }

    def test_its_card_says_which_teacher(self, tiny: Make, teacher: Path) -> None:
        """If the file has changed when the run is resumed, the change is reported."""
        first = tiny(objective={**TAUGHT, "teacher": str(teacher)})
        first.fit()
        card = read_card(first.folder / "last.safetensors")["teacher"]
        assert card["checksum"] == read_card(teacher)["checksum"]
        assert card["model"]["name"] == "dncnn"
        save_model(load_model(first.folder), teacher)
        resolved: Any = tiny(objective={**TAUGHT, "teacher": str(teacher)}).plan.resolved()
        again = resolved["teacher"]["checksum"]
        before, now = ({"teacher": {"checksum": each}} for each in (card["checksum"], again))
        assert [change.key for change in find_changes(before, now)] == ["teacher.checksum"]


class TestMistakes:
    def test_a_teacher_from_the_runs_own_folder(self, tiny: Make) -> None:
        """When the run is resumed, the folder would have other weights."""
        folder = tiny().fit().folder
        with pytest.raises(ArgumentError, match=r"objective: .* is the run's own"):
            tiny(objective={**TAUGHT, "teacher": str(folder)})

    def test_a_teacher_that_does_not_fit(self, tiny: Make, tmp_path: Path) -> None:
        """The message names the teacher, not the network that is trained."""
        gray = tmp_path / "gray.safetensors"
        save_model(create_model("dncnn", depth=3, width=4, channels=1), gray)
        with pytest.raises(InputError, match=r"the teacher does not fit: .*channel"):
            tiny(objective={**TAUGHT, "teacher": str(gray)})

    def test_weights_that_are_not_there(self, tiny: Make) -> None:
        """The message suggests the nearest name, as for any weights."""
        with pytest.raises(CheckpointError, match="Did you mean 'swift-gaussian'"):
            tiny(objective={**TAUGHT, "teacher": "swift-gausian"})

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"share": 0.5}, "argument 'teacher' is missing"),
            ({"teacher": "swift-photo", "share": 0}, "share must be above 0"),
            ({"teacher": "swift-photo", "views": 9}, "views must be from 1 to 8"),
            ({"teacher": "swift-photo", "shares": 1}, "Did you mean 'share'"),
        ],
    )
    def test_wrong_settings(self, tiny: Make, given: dict[str, Any], message: str) -> None:
        """Each names its place in the configuration."""
        with pytest.raises(ArgumentError, match=message):
            tiny(objective={**TAUGHT, **given})

    def test_an_error_names_the_place_in_the_configuration(self, tmp_path: Path) -> None:
        """Before the run starts, if the teacher does not fit or does not exist."""
        config: dict[str, Any] = {
            "model": "dncnn",
            "dataset": "samples",
            "save_weight_path": str(tmp_path),
        }
        config |= {"objective": {**TAUGHT, "teacher": "swift-gaussian-gray"}, "device": "cpu"}
        with pytest.raises(InputError, match=r"^run\.json: objective: the teacher does not fit: "):
            Trainer(TrainConfig.from_dict(config, source="run.json"))
        config |= {"objective": {**TAUGHT, "teacher": "nowhere.safetensors"}}
        with pytest.raises(CheckpointError, match=r"^run\.json: objective: nowhere\.safetensors"):
            Trainer(TrainConfig.from_dict(config, source="run.json"))


class TestFormerKey:
    """`train.teacher`, which is now an objective."""

    @pytest.mark.parametrize("teacher", ["t.safetensors", {"weights": "t.safetensors"}])
    def test_becomes_the_objective(self, teacher: object) -> None:
        """With the weights as text or in a mapping, and with an override of another key of it."""
        config = {"model": "dncnn", "dataset": "samples", "train": {"teacher": teacher}}
        with pytest.warns(OldSpellingWarning, match="'train.teacher' is now the objective"):
            made = TrainConfig.from_dict(config, overrides=["train.teacher.share=0.5"])
        expected = {"teacher": "t.safetensors", "share": 0.5, "objective": "supervised"}
        assert made.objective.as_dict() == {**TAUGHT, **expected}
        with pytest.warns(OldSpellingWarning):
            made = TrainConfig(**config)
        assert made.objective.arguments["teacher"] == "t.safetensors"

    @pytest.mark.parametrize("teacher", [True, 3, [], {}, {"name": 3}, {"a": {"b": []}}])
    def test_of_the_wrong_type(self, teacher: object) -> None:
        """Is an error of the objective that it has become."""
        config = {"model": "dncnn", "dataset": "samples", "train": {"teacher": teacher}}
        with (
            pytest.warns(OldSpellingWarning),
            pytest.raises(ConfigError, match=r"^config: objective: "),
        ):
            TrainConfig.from_dict(config)

    def test_null_is_no_teacher(self) -> None:
        """As in the configurations of earlier runs; the dataset is not downloaded for it."""
        config = {"model": "dncnn", "dataset": "stl10", "train": {"teacher": None}}
        made = TrainConfig.from_dict(config)
        assert made.objective.name == "supervised"
        assert "download" not in made.dataset.arguments

    def test_gives_the_same_weights(self, tiny: Make, teacher: Path, tmp_path: Path) -> None:
        """As a keyword of `Trainer`, with the keys of before."""
        given = {"share": 0.6, "views": 2}
        now = tiny(objective={**TAUGHT, "teacher": str(teacher), **given}).fit()
        weights = load_model(now.folder / "last.safetensors").state_dict()
        with pytest.warns(DeprecationWarning, match="distillation"):
            before = tiny(
                teacher={"weights": str(teacher), **given}, save_weight_path=tmp_path / "other"
            ).fit()
        other = load_model(before.folder / "last.safetensors").state_dict()
        assert all(torch.equal(weights[key], other[key]) for key in weights)
