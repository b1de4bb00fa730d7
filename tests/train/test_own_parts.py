"""A user's own objects in a run: tasks, models, noises, losses and plain functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytorch_msssim
import torch
from torch import Tensor, nn

from restorekit import (
    ArgumentError,
    CheckpointError,
    ConfigError,
    TrainConfig,
    Trainer,
    create_noise,
    load_model,
    noises,
)
from restorekit.loss.pixel import L1
from restorekit.noise.additive import Gaussian
from restorekit.objective.base import TaskBatch
from restorekit.records import Degraded, Restoration
from restorekit.weights import read_card

Make = Callable[..., Trainer]


class LeftHalf:
    """A way of learning in which only the left half of the images counts."""

    def __init__(self, noise: nn.Module) -> None:
        self.noise = noise

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The right half of the target is nonsense, and masked."""
        half = images.shape[-1] // 2
        mask = torch.zeros(1, 1, 1, images.shape[-1], dtype=torch.bool)
        mask[..., :half] = True
        target = torch.where(mask, images, torch.full_like(images, 1e6))
        return TaskBatch(self.noise(images).noisy, target, mask=mask)


def test_another_way_of_learning_plugs_into_the_loop(tiny: Make) -> None:
    """A task says what is input, what is target and where it counts; the loop stays as it is."""
    trainer = tiny(objective=LeftHalf(create_noise("gaussian", std=0.1)))
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
    trainer = tiny(model=Plain(), noise=Speckle(), loss=losses)
    assert [term.name for term in trainer.plan.terms] == ["squared", "l1", "l1_2"]
    folder = trainer.fit().folder
    with pytest.raises(CheckpointError, match="Plain, which is not registered"):
        load_model(folder)
    assert isinstance(load_model(folder, model=Plain()), Plain)


def test_plain_functions_are_noises_and_losses(tiny: Make) -> None:
    """A lambda will do to try something; pairs may be lists, as JSON has them."""
    trainer = tiny(
        noise=lambda clean: clean + 0.1,
        loss=[lambda restoration, target: (restoration.image - target).abs().mean(), ["mse", 2]],
    )
    trainer.fit()
    assert [term.weight for term in trainer.plan.terms] == [1.0, 2.0]


def test_losses_of_other_packages_compare_tensors(tiny: Make) -> None:
    """Those whose first argument is annotated as a tensor get the restored batch in float32."""

    class Named(nn.Module):
        def forward(self, restored: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
            return nn.functional.mse_loss(restored, clean)

    compiled = torch.compile(nn.MSELoss(), backend="eager")
    ssim = pytorch_msssim.SSIM(data_range=1.0, win_size=3)
    given = [nn.L1Loss(), nn.functional.l1_loss, Named(), compiled, ssim]
    terms = tiny(loss=given).plan.terms
    generator = torch.Generator().manual_seed(0)
    image, target = (torch.rand(2, 3, 16, 16, generator=generator) for _ in range(2))
    values = [term.measure(Restoration(image.half()), target) for term in terms]
    image = image.half().float()
    absolute, squared = (image - target).abs().mean(), (image - target).square().mean()
    expected = [absolute, absolute, squared, squared, ssim(image, target)]
    torch.testing.assert_close(values, expected)


def test_a_run_with_a_loss_of_torch_trains(tiny: Make) -> None:
    """Its value is logged under the name of its class."""
    trainer = tiny(loss=[nn.L1Loss(), ("l1", 0.0)])
    trainer.fit()
    rows = map(json.loads, (trainer.folder / "metrics.jsonl").read_text().splitlines())
    terms = [row["terms"] for row in rows if "learning_rate" in row]
    assert terms
    assert all(term["l1loss"] == pytest.approx(term["l1"]) for term in terms)


@pytest.mark.parametrize("sigma", [0.2, torch.tensor(0.2), torch.tensor([0.2])])
def test_a_noise_may_say_its_sigma_as_a_lone_number(tiny: Make, sigma: Any) -> None:
    """It is one a sample for the model."""
    given = tiny(noise=lambda clean: Degraded(clean, sigma)).plan.objective.make_batch(
        torch.rand(3, 3, 8, 8), 0, 1, range(3)
    )
    assert given.sigma is not None
    torch.testing.assert_close(given.sigma, torch.full((3, 1, 1, 1), 0.2))


def test_sigma_reaches_a_model_that_takes_it(tiny: Make) -> None:
    """It receives the sigma of each sample from the noise, on the [0, 1] scale."""
    seen = []

    class WithSigma(Plain):
        def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
            seen.append(sigma)
            return super().forward(x)

    trainer = tiny(model=WithSigma(), noise=Gaussian(std=0.2))
    trainer.step(1, torch.rand(4, 3, 24, 24))
    assert seen[0].shape == (4, 1, 1, 1)
    torch.testing.assert_close(seen[0], torch.full((4, 1, 1, 1), 0.2))


def test_the_configuration_of_a_run_of_own_objects_loads(tiny: Make, tmp_path: Path) -> None:
    """It names the classes. With the objects given again, the run resumes from it."""
    parts: dict[str, Any] = {
        "model": Plain(),
        "noise": create_noise("one_of", noises=[Speckle(), create_noise("gaussian", std=0.2)]),
        "loss": [(Squared(), 0.5), "l1"],
        "validation_noise": [create_noise("one_of", noises=[create_noise("gaussian"), "uniform"])],
    }
    folder = tiny(**parts, steps=2).fit().folder
    config = TrainConfig.from_file(folder / "config.json")
    assert TrainConfig.from_dict(config.to_dict()) == config
    own = {**{k: parts[k] for k in ("model", "noise", "loss")}, "dataset": tiny().plan.dataset}
    assert Trainer(config, **own).fit(resume=True).step == 2
    assert Trainer(folder / "config.json", **own).plan.settings.steps == 2
    for key, kind in (("model", "Plain"), ("noise", "OneOf"), ("dataset", "Blobs")):
        left = {k: v for k, v in own.items() if k != key}
        with pytest.raises(ArgumentError, match=rf"the {key} is an object of .*{kind}: Trainer"):
            Trainer(config, **left)
    (noise,) = Trainer(config, **own, validation_noise="gaussian").plan.validation_noise
    assert type(noise).__name__ == "Gaussian"


def test_a_required_part_that_a_configuration_lacks_is_given_as_an_argument(
    tiny: Make, tmp_path: Path
) -> None:
    """An object or a name, with a mapping or a file; it replaces a part that is named there."""
    images, config = tiny().plan.dataset, {"model": "dncnn", "save_weight_path": str(tmp_path)}
    (tmp_path / "c.json").write_text(json.dumps(config))
    assert Trainer(config, dataset=images).plan.dataset is images
    assert Trainer(tmp_path / "c.json", dataset=images).plan.dataset is images
    assert type(Trainer({}, model="unet", dataset=images).plan.model).__name__ == "UNet"
    assert Trainer({**config, "dataset": "no_such_one"}, dataset=images).plan.dataset is images
    with pytest.raises(ConfigError, match="dataset: missing"):
        Trainer(config)


def test_components_made_in_python_are_written_as_a_configuration_has_them(tiny: Make) -> None:
    """A noise that contains noises made separately is built again by name."""
    inner = create_noise("gaussian", std=0.2)
    folder = tiny(noise=create_noise("chain", noises=[inner, "jpeg"]), steps=1).fit().folder
    written = json.loads((folder / "config.json").read_text())["noise"]
    again = noises.build(written)
    assert [type(part).__name__ for part in again.noises] == ["Gaussian", "JPEG"]
    assert again.noises[0].std == (0.2, 0.2)


def test_the_card_says_when_with_what_and_on_which_pictures(tiny: Make) -> None:
    """The date, torch's version, the number of training pictures and their digest."""
    images = list(torch.rand(8, 3, 24, 24))
    before = datetime.now(UTC).replace(microsecond=0)
    folder = tiny(dataset=images, steps=1).fit().folder
    card = read_card(folder / "best.safetensors")
    assert card["torch"] == torch.__version__
    assert before <= datetime.fromisoformat(card["date"]) <= datetime.now(UTC)
    assert card["training_pictures"]["count"] == 5  # three validate
    assert len(card["training_pictures"]["digest"]) == 64
    own = read_card(tiny(steps=1).fit().folder / "last.safetensors")
    assert own["training_pictures"] == {"count": 8, "digest": None}  # it says nothing of them
