"""Faults of parts of a run that would not show: each is named, at the latest in the first step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from restorekit import ArgumentError, Trainer

Make = Callable[..., Trainer]
REPORTED = "cannot be repeated"


@pytest.fixture
def reported(caplog: pytest.LogCaptureFixture) -> Callable[[Trainer], list[str]]:
    """What a run warns of that it could not repeat."""

    def run(trainer: Trainer) -> list[str]:
        with caplog.at_level(logging.WARNING):
            trainer.fit()
        return [r.message for r in caplog.records if REPORTED in r.message]

    return run


class Ignoring(nn.Module):
    """A noise that takes a generator and draws from torch's own."""

    def forward(self, clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return clean + 0.1 * torch.randn_like(clean)


class OfNumpy(nn.Module):
    """A noise that draws from numpy."""

    def forward(self, clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return clean + float(np.random.rand())


class Exact(nn.Module):
    """A noise that draws from its generator."""

    def forward(self, clean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return clean + 0.1 * torch.randn(clean.shape, generator=generator)


@pytest.mark.parametrize("noise", [Ignoring, OfNumpy])
def test_a_noise_that_ignores_its_generator_is_named(tiny: Make, reported: Any, noise: Any) -> None:
    """One line before the first step; the run goes on."""
    (line,) = reported(tiny(noise=noise(), steps=1))
    assert line.startswith(f"noise {noise.__name__} does not draw all of its random numbers from")


def test_parts_that_can_be_repeated_are_not_named(tiny: Make, reported: Any) -> None:
    """A noise that uses the generator, one without random numbers, and a fixed dataset."""
    assert reported(tiny(noise=Exact(), steps=1)) == []
    assert reported(tiny(noise=lambda clean: clean * 0.9, steps=1)) == []


def test_random_numbers_of_the_caller_are_left_alone(tiny: Make) -> None:
    """The generators of torch and numpy are where they were."""
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    tiny(noise=OfNumpy(), steps=1, validation_split=0)._begin(False, _Silent())
    assert (torch.rand(1), np.random.rand()) == expected


class _Silent:
    def say(self, line: str) -> None: ...

    def warn(self, line: str) -> None: ...


def test_a_dataset_that_ignores_its_generator_is_named(
    tiny: Make, blobs: Any, reported: Any
) -> None:
    """Both a random `[index]` and a `sample` that ignores its generator."""

    class Flipped(type(blobs)):  # type: ignore[misc]
        def __getitem__(self, index: int) -> Tensor:
            return super().__getitem__(index) * torch.rand(())

    class Sampled(type(blobs)):  # type: ignore[misc]
        def sample(self, index: int, generator: torch.Generator) -> Tensor:
            return self[index] * torch.rand(())

    first, second = (reported(tiny(dataset=kind(), steps=1))[-1] for kind in (Flipped, Sampled))
    assert first.startswith("dataset Flipped: [index] gives another image each time")
    assert second.startswith("dataset Sampled: sample(index, generator) gives another image")


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "4"])
def test_patches_per_image_is_a_count(tiny: Make, blobs: Any, count: object) -> None:
    """Anything else is named with the dataset."""
    blobs.patches_per_image = count
    with pytest.raises(ArgumentError, match=r"dataset Blobs: its patches_per_image is .*at least"):
        tiny(dataset=blobs)


def test_an_iterable_dataset_with_a_length_is_refused(tiny: Make) -> None:
    """It inherits `[index]` from torch, which raises an error."""

    class Stream(IterableDataset[Tensor]):
        def __iter__(self) -> Iterator[Tensor]:
            return iter([torch.zeros(3, 8, 8)] * 4)

        def __len__(self) -> int:
            return 4

    with pytest.raises(ArgumentError, match=r"dataset Stream has no len\(\) and \[index\]"):
        tiny(dataset=Stream())


def test_a_loss_of_several_values_is_named(tiny: Make) -> None:
    """One per image would be summed without a word."""
    with pytest.raises(ArgumentError, match=r"loss 'each' gives \(4,\), not a tensor of one"):
        tiny(loss=[each], steps=1).fit()


def each(restoration: Any, target: Tensor) -> Tensor:
    """One value per image."""
    return (restoration.image - target).abs().flatten(1).mean(1)


def test_a_model_that_changes_its_input_is_named(tiny: Make) -> None:
    """At the first step."""

    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, noisy: Tensor) -> Tensor:
            return self.conv(noisy.sub_(0.5)) + 0.5

    with pytest.raises(ArgumentError, match="model InPlace changes its input in place"):
        tiny(model=InPlace(), steps=1).fit()
