"""Training with and without the noise level: the objective `supervised` with `sigma_dropout`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from restorekit import ArgumentError, RestoreKitError, Trainer, create_objective
from restorekit.noise.additive import Gaussian
from restorekit.noise.compose import OneOf
from restorekit.records import Degraded, TaskBatch

Make = Callable[..., Trainer]
SWIFT = {"name": "swift", "size": "small", "optional_sigma": True}
CLEAN = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))
PLACES = range(len(CLEAN))


class Unstated(torch.nn.Module):
    """Gaussian noise that does not state its level."""

    def forward(self, clean: Tensor, generator: torch.Generator | None = None) -> Degraded:
        return Degraded(Gaussian(0.2)(clean, generator).noisy)


def batch_of(noise: torch.nn.Module, **arguments: Any) -> TaskBatch:
    objective: Any = create_objective("supervised", noise, **arguments)
    made: TaskBatch = objective.make_batch(CLEAN, seed=3, step=1, places=PLACES)
    return made


def levels(batch: TaskBatch) -> Tensor:
    assert batch.sigma is not None
    return batch.sigma.expand(len(CLEAN), 1, 8, 8)[:, 0, 0, 0]


class TestLevels:
    @pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
    def test_a_share_of_the_samples_has_none(self, share: float) -> None:
        """Within four standard deviations of the binomial distribution."""
        dropped = (levels(batch_of(Gaussian(0.1), sigma_dropout=share)) == 0).sum()
        spread = (64 * share * (1 - share)) ** 0.5
        assert abs(int(dropped) - 64 * share) < 4 * spread

    def test_the_others_keep_theirs_and_the_noise_is_the_same(self) -> None:
        """As without dropout."""
        plain, dropped = batch_of(Gaussian(0.1)), batch_of(Gaussian(0.1), sigma_dropout=0.5)
        assert torch.equal(plain.input, dropped.input)
        assert torch.equal(plain.target, dropped.target)
        kept = levels(dropped)
        assert torch.equal(kept[kept > 0], levels(plain)[kept > 0])
        torch.testing.assert_close(dropped.full_sigma, plain.sigma, rtol=0, atol=0)

    def test_depend_on_the_place_not_on_the_batch(self) -> None:
        """Two processes with half of the batch each drop the same levels."""
        objective: Any = create_objective("supervised", Gaussian(0.1), sigma_dropout=0.5)
        halves = [objective.make_batch(CLEAN[part], 3, 1, PLACES[part]).sigma for part in HALVES]
        whole = batch_of(Gaussian(0.1), sigma_dropout=0.5).sigma
        torch.testing.assert_close(torch.cat(halves), whole, rtol=0, atol=0)

    def test_unknown_ones_are_0(self) -> None:
        """Without dropout, one unknown level makes that of the whole batch unknown."""
        noise = OneOf([Gaussian(0.1), Unstated()])
        assert batch_of(noise).sigma is None
        found = levels(batch_of(noise, sigma_dropout=1e-9))
        assert 0 < int((found == 0).sum()) < 64
        torch.testing.assert_close(found.unique(), torch.tensor([0.0, 0.1]))

    def test_unknown_ones_can_be_measured(self) -> None:
        """They are the root mean square of the noise; stated ones are not changed."""
        measured = batch_of(Unstated(), measure_sigma=True)
        noise = (measured.input - CLEAN).flatten(1).square().mean(1).sqrt()
        torch.testing.assert_close(levels(measured), noise)
        stated = batch_of(Gaussian(0.1), measure_sigma=True)
        assert torch.equal(levels(stated), levels(batch_of(Gaussian(0.1))))

    def test_numbers_and_maps_form_a_batch(self) -> None:
        """The numbers become maps."""

        class Mapped(torch.nn.Module):
            def forward(self, clean: Tensor, generator: torch.Generator) -> Degraded:
                if torch.rand((), generator=generator) < 0.5:
                    return Degraded(clean, torch.full((1, 1, 1, 1), 0.1))
                return Degraded(clean, torch.linspace(0, 1, 8).expand(1, 1, 8, 8))

        sigma = batch_of(Mapped()).sigma
        assert sigma is not None
        assert sigma.shape == (64, 1, 8, 8)


HALVES = (slice(0, 32), slice(32, 64))


class TestNetworks:
    def test_one_with_optional_sigma_is_trained(self, tiny: Make) -> None:
        """And its card records the objective with its arguments."""
        objective = {"name": "supervised", "sigma_dropout": 0.5}
        run = tiny(model=SWIFT, objective=objective, steps=2)
        run.fit()
        assert run.plan.card()["objective"] == {**objective, "measure_sigma": False}

    @pytest.mark.parametrize("inside", [False, True])
    def test_another_one_is_refused(self, tiny: Make, inside: bool) -> None:
        """In one line, also if the objective is that of a distillation."""
        objective: Any = {"name": "supervised", "sigma_dropout": 0.5}
        if inside:
            objective = {"name": "distillation", "teacher": "swift-photo", "objective": objective}
        for model in ("ffdnet", {**SWIFT, "optional_sigma": False}):
            with pytest.raises(ArgumentError, match="sigma_dropout is for networks") as caught:
                tiny(model=model, objective=objective)
            assert "\n" not in str(caught.value)

    def test_a_share_out_of_range_is_refused(self, tiny: Make) -> None:
        """In one line."""
        with pytest.raises(RestoreKitError, match="sigma_dropout must be from 0 to 1") as caught:
            tiny(model=SWIFT, objective={"name": "supervised", "sigma_dropout": 2})
        assert "\n" not in str(caught.value)


def test_a_teacher_gets_every_level() -> None:
    """Also those that are withheld from the network."""
    seen: list[Tensor] = []

    def teacher(noisy: Tensor, sigma: Tensor) -> Tensor:
        seen.append(sigma)
        return noisy

    objective: Any = create_objective(
        "distillation",
        Gaussian(0.1),
        teacher=teacher,
        objective={"name": "supervised", "sigma_dropout": 0.9},
    )
    made = objective.make_batch(CLEAN, seed=3, step=1, places=PLACES)
    assert bool((made.sigma == 0).any())
    assert float(seen[0].min()) == pytest.approx(0.1)
