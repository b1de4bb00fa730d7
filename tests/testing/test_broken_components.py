"""Each broken contract is found by its check, in one line that states the contract."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import IterableDataset

from restorekit import Component, Degraded, Restoration, create_loss, create_noise, hookimpl
from restorekit.components.kinds import REGISTRIES
from restorekit.records import TaskBatch
from restorekit.testing import temporary_plugin
from restorekit.testing.check_functions import checks_of
from restorekit.testing.checking import CheckResult, run_checks
from restorekit.testing.subject import subject_of


def results(kind: str, component: object) -> dict[str, CheckResult]:
    """The result of each check of an object, by the name of the check."""
    subject = subject_of(REGISTRIES[kind], component)
    return {each.check: each for each in run_checks(subject, checks_of(kind))}


def failed(kind: str, component: object) -> set[str]:
    """The checks that an object fails."""
    return {name for name, each in results(kind, component).items() if each.result == "failed"}


class Model(nn.Module):
    """A valid network, which the broken ones inherit from."""

    channels = 3
    size_multiple = 1

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy - self.conv(noisy)


class Undocumented(Model):
    pass


class Cropping(Model):
    """Returns multiples of 8 pixels."""

    def forward(self, noisy: Tensor) -> Tensor:
        height, width = (max(side // 8 * 8, 8) for side in noisy.shape[-2:])
        return super().forward(noisy)[..., :height, :width]


class Undeclared(Model):
    """Takes three channels and does not say so."""

    channels = None  # type: ignore[assignment]


class InPlace(Model):
    """Changes its input."""

    def forward(self, noisy: Tensor) -> Tensor:
        return self.conv(noisy.mul_(0.9))


class Random(Model):
    """Draws random numbers in evaluation."""

    def forward(self, noisy: Tensor) -> Tensor:
        return super().forward(noisy) + 0.01 * torch.randn_like(noisy)


class Batched(Model):
    """Subtracts the mean of the batch."""

    def forward(self, noisy: Tensor) -> Tensor:
        return super().forward(noisy) - noisy.mean()


class Unused(Model):
    """Has a weight without effect."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.ones(2))


class Tied(Model):
    """Has one convolution under two names, which safetensors does not store."""

    def __init__(self) -> None:
        super().__init__()
        self.same = self.conv


class Float32Only(Model):
    """Converts to float32 and back to nothing."""

    def forward(self, noisy: Tensor) -> Tensor:
        return super().forward(noisy.float().to(self.conv.weight.dtype)).float()


class Hidden(Model):
    """Keeps a weight outside of the state_dict."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = float(torch.rand(()))

    def forward(self, noisy: Tensor) -> Tensor:
        return self.factor * super().forward(noisy)


class Coarse(Model):
    """Works on a grid of 32 pixels and does not declare it."""

    def forward(self, noisy: Tensor) -> Tensor:
        height, width = noisy.shape[-2:]
        padded = functional.pad(noisy, (0, -width % 32, 0, -height % 32))
        coarse = functional.interpolate(functional.avg_pool2d(padded, 32), scale_factor=32.0)
        return super().forward(noisy) + coarse[..., :height, :width]


class CoarseUndeclared(Coarse):
    """The same without any declaration."""

    size_multiple = None  # type: ignore[assignment]


class NumberOnly(Model):
    """Takes sigma as a number, not as a map."""

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        assert sigma is not None
        return super().forward(noisy) * sigma.flatten(1)[:, :1, None, None].pow(sigma.shape[-1])


@pytest.mark.parametrize(
    ("model", "checks"),
    [
        (Model, set()),
        (Undocumented, {"docstring"}),
        (Cropping, {"any size"}),
        (Undeclared, {"channels"}),
        (InPlace, {"input unchanged"}),
        (Random, {"deterministic"}),
        (Batched, {"deterministic"}),
        (Unused, {"gradients"}),
        (Tied, {"state dict"}),
        (Float32Only, {"half precision"}),
        (Coarse, {"tiles"}),
        (CoarseUndeclared, {"tiles"}),
        (NumberOnly, {"sigma"}),
    ],
)
def test_a_broken_model_fails_its_check(model: type[nn.Module], checks: set[str]) -> None:
    """Only the check of the contract that it breaks, or those that depend on it."""
    torch.manual_seed(0)
    found = failed("model", model())
    assert checks <= found
    assert checks or not found


def test_a_model_with_a_hidden_weight_fails_the_check_of_its_weights() -> None:
    """By name, since a copy of an object has the same hidden weight."""

    class Plugin:
        @hookimpl
        def restorekit_models(self) -> Component:
            return Component("hidden", Hidden, "has a hidden weight")

    with temporary_plugin(Plugin()):
        assert failed("model", "hidden") == {"state dict"}


def test_the_reason_states_contract_and_finding() -> None:
    """What to declare, for a grid that was measured."""
    result = results("model", CoarseUndeclared())["tiles"]
    assert result.reason == (
        "Tiles equal the whole image: `size_multiple` is the grid on which they must start. "
        "Found: it declares none and needs it: size_multiple = 32"
    )


def ignoring(clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draws from torch's own generator."""
    return clean + 0.1 * torch.randn_like(clean)


def of_numpy(clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draws from numpy's."""
    return clean + 0.1 * torch.from_numpy(np.random.randn(*clean.shape)).to(clean)


def of_python(clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draws from Python's."""
    return clean * random.random()


def shared(clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Has one pattern for all samples."""
    return clean + 0.1 * torch.randn(clean.shape[1:], generator=generator).to(clean)


def widening(clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Returns float32."""
    return clean.float() + 0.1 * torch.randn(clean.shape, generator=generator)


def in_place(clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Changes the clean batch."""
    return clean.add_(0.1 * torch.randn(clean.shape, generator=generator).to(clean))


def wrong_level(clean: Tensor, generator: torch.Generator | None = None) -> Degraded:
    """Has a negative level."""
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    return Degraded(clean - 0.1 * noise, torch.full((len(clean), 1, 1, 1), -0.1))


@pytest.mark.parametrize(
    ("noise", "checks"),
    [
        (lambda clean: clean * 0.9, {"docstring"}),
        (ignoring, {"generator"}),
        (of_numpy, {"generator"}),
        (of_python, {"generator"}),
        (shared, {"samples"}),
        (widening, {"shape and type"}),
        (in_place, {"input unchanged"}),
        (wrong_level, {"sigma"}),
    ],
)
def test_a_broken_noise_fails_its_check(noise: Any, checks: set[str]) -> None:
    """The check of the contract that it breaks."""
    assert checks <= failed("noise", noise)


def vector(restoration: Restoration, target: Tensor) -> Tensor:
    """One value for each image."""
    return (restoration.image - target).abs().flatten(1).mean(1).float()


def summed(restoration: Restoration, target: Tensor) -> Tensor:
    """Grows with the batch."""
    return (restoration.image.float() - target).abs().sum()


def half(restoration: Restoration, target: Tensor) -> Tensor:
    """In the type of the images, and broadcast."""
    return (restoration.image - target).abs().mean().to(restoration.image.dtype)


def detached(restoration: Restoration, target: Tensor) -> Tensor:
    """Without a gradient."""
    return (restoration.image.detach().float() - target).abs().mean().requires_grad_()


def multiplied(restoration: Restoration, target: Tensor) -> Tensor:
    """Uses a product of matrices, which autocast computes in bfloat16."""
    image = restoration.image.float() - target
    return (image @ image.mT).square().mean()


@pytest.mark.parametrize(
    ("loss", "checks"),
    [
        (create_loss("l1"), set()),
        (nn.L1Loss(), {"shapes"}),
        (vector, {"scalar"}),
        (summed, {"mean of samples"}),
        (half, {"scalar", "shapes"}),
        (detached, {"gradients"}),
        (multiplied, {"half precision"}),
    ],
)
def test_a_broken_loss_fails_its_check(loss: Any, checks: set[str]) -> None:
    """The check of the contract that it breaks."""
    found = failed("loss", loss)
    assert checks <= found
    assert checks or not found


class Deviation:
    """The mean absolute error of each image."""

    higher_is_better = False

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        return (restored - target).abs().flatten(1).mean(1)


class Backwards(Deviation):
    """Says the opposite of what it measures."""

    higher_is_better = True


class Whole(Deviation):
    """Has one value for the batch."""

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        return super().__call__(restored, target).mean().expand(len(target))


class Infinite(Deviation):
    """Is infinite for equal images."""

    higher_is_better = True

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        return -super().__call__(restored, target).log()


@pytest.mark.parametrize(
    ("metric", "checks"),
    [
        (Deviation, set()),
        (Backwards, {"direction", "best value"}),
        (Whole, {"value per image"}),
        (Infinite, {"best value"}),
    ],
)
def test_a_broken_metric_fails_its_check(metric: Any, checks: set[str]) -> None:
    """The check of the contract that it breaks."""
    assert failed("metric", metric()) == checks


class Pictures:
    """Two patches of each of two pictures."""

    patches_per_image = 2

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Tensor:
        return torch.full((3, 8, 8), index / 8)

    def identify(self, index: int) -> int:
        """The picture of an index."""
        return index // 2


class Scaled(Pictures):
    """On the scale of bytes."""

    def __getitem__(self, index: int) -> Tensor:
        return 255 * torch.ones(3, 8, 8)


class Flickering(Pictures):
    """Other images each time."""

    def __getitem__(self, index: int) -> Tensor:
        return torch.rand(3, 8, 8)


class Ignoring(Pictures):
    """A sample that ignores its generator."""

    def sample(self, index: int, generator: torch.Generator) -> Tensor:
        """A random image."""
        return torch.rand(3, 8, 8)


class Mixed(Pictures):
    """Gray and colour."""

    def __getitem__(self, index: int) -> Tensor:
        return torch.zeros(1 if index % 2 else 3, 8, 8)


class Misplaced(Pictures):
    """The second index is of another picture than the first."""

    def identify(self, index: int) -> int:
        """The picture of an index."""
        return index


class Odd(Pictures):
    """Not a whole number of pictures."""

    patches_per_image = 3


class Stream(IterableDataset[Tensor]):
    """Has no indices."""

    def __iter__(self) -> Iterator[Tensor]:
        return iter([torch.zeros(3, 8, 8)])


@pytest.mark.parametrize(
    ("dataset", "check"),
    [
        (Pictures, None),
        (Scaled, "images"),
        (Flickering, "repeatable"),
        (Ignoring, "sample"),
        (Mixed, "channels"),
        (Misplaced, "pictures"),
        (Odd, "pictures"),
        (Stream, "length and indices"),
    ],
)
def test_a_broken_dataset_fails_its_check(dataset: Any, check: str | None) -> None:
    """The check of the contract that it breaks."""
    found = failed("dataset", dataset())
    assert check in found if check else not found


class Ambient:
    """Adds the noise of its own moment."""

    def make_batch(self, images: Tensor, seed: int, step: int, places: Any) -> TaskBatch:
        """A noisy batch."""
        return TaskBatch(images + 0.1 * torch.randn_like(images), images)


class ByBatch:
    """Draws from one generator for the whole batch."""

    def make_batch(self, images: Tensor, seed: int, step: int, places: Any) -> TaskBatch:
        """A noisy batch."""
        noise = create_noise("gaussian", std=0.1)
        return TaskBatch(noise(images, torch.Generator().manual_seed(seed)).noisy, images)


@pytest.mark.parametrize(("objective", "check"), [(Ambient, "repeatable"), (ByBatch, "places")])
def test_a_broken_objective_fails_its_check(objective: Any, check: str) -> None:
    """The check of the contract that it breaks."""
    assert check in failed("objective", objective())


def halved(image: Tensor) -> Tensor:
    """Half of the level, and not a number for one pixel."""
    return 0.5 * image.std(dim=(2, 3))


@dataclass(frozen=True)
class Found:
    """A record with a tensor."""

    value: Any


def test_a_broken_estimator_or_measurement_fails_its_check() -> None:
    """A wrong level, a value that is not plain, and a record that can be changed."""
    assert {"any size", "white noise"} <= failed("estimator", halved)
    assert "record" in failed("measurement", lambda sample: Found(sample.pieces))
    assert "record" in failed("measurement", lambda sample: {"value": 1})
    assert "record" not in failed("measurement", lambda sample: Found(1.0))


def test_checks_are_left_out_by_name() -> None:
    """A name that is not that of a check is an error with the nearest one."""
    subject = subject_of(REGISTRIES["noise"], ignoring)
    names = [each.check for each in run_checks(subject, checks_of("noise"), ["generator"])]
    assert "generator" not in names
    with pytest.raises(ValueError, match=r"no check is named .* Did you mean 'generator'"):
        run_checks(subject, checks_of("noise"), ["generators"])
