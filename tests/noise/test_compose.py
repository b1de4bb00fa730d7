"""Mixtures and chains of noises."""

from __future__ import annotations

import json

import pytest
import torch
from scipy import stats
from torch import nn

from restorekit.components.kinds import noises
from restorekit.errors import ArgumentError, InputError, UnknownNameError
from restorekit.noise.additive import Gaussian, Uniform
from restorekit.noise.compose import Chain, Luminance, OneOf
from restorekit.noise.impulse import SaltAndPepper
from restorekit.noise.presets import classic_mixture
from restorekit.records import Degraded


class Shift(nn.Module):
    """Adds a number, returns the given sigma, and records its inputs."""

    def __init__(self, by: float, sigma: torch.Tensor | None = None) -> None:
        super().__init__()
        self.by, self.sigma = by, sigma
        self.calls: list[torch.Tensor] = []

    def forward(self, clean, generator=None):
        self.calls.append(clean)
        return Degraded(clean + self.by, self.sigma)


class Bare(nn.Module):
    """A noise that returns a bare tensor, as a plugin's may."""

    def forward(self, clean, generator=None):
        return clean * 0.5


def numbered(count: int) -> torch.Tensor:
    """A batch whose i-th sample has the value 10 * i everywhere."""
    return torch.arange(count).mul(10.0).view(-1, 1, 1, 1).expand(-1, 1, 2, 3).clone()


def test_noises_are_chosen_by_weight(generator):
    """The frequencies agree with the weights (chi-square); weight 0 is never chosen."""
    mixture = OneOf([Shift(1), Shift(2), Shift(3), Shift(4)], weights=[0, 1, 2, 5])
    noisy = mixture(torch.zeros(4000, 1, 1, 1), generator).noisy
    counts = torch.bincount(noisy.flatten().long(), minlength=5)[1:].tolist()
    assert counts[0] == 0
    assert stats.chisquare(counts[1:], [500, 1000, 2500]).pvalue > 1e-3


def test_noises_are_chosen_equally_by_default(generator):
    """Without weights every noise is as likely as the others."""
    noisy = OneOf([Shift(0), Shift(1), Shift(2)])(torch.zeros(3000, 1, 1, 1), generator).noisy
    counts = torch.bincount(noisy.flatten().long(), minlength=3).tolist()
    assert stats.chisquare(counts).pvalue > 1e-3


def test_every_sample_stays_in_its_place(generator):
    """Each sample keeps its position and its pixels, and gets exactly one noise."""
    shift = OneOf([Shift(1), Shift(2), Shift(3)])(numbered(40), generator).noisy - numbered(40)
    assert torch.equal(shift, shift[:, :, :1, :1].expand_as(shift))
    assert set(shift.flatten().tolist()) == {1.0, 2.0, 3.0}


def test_each_noise_is_called_once_on_the_samples_that_chose_it(generator):
    """No noise is computed for samples that do not use it."""
    parts = [Shift(1), Shift(2)]
    OneOf(parts)(numbered(40), generator)
    assert [len(part.calls) for part in parts] == [1, 1]
    assert sum(len(part.calls[0]) for part in parts) == 40


def test_sigma_follows_its_sample(generator):
    """Each sample's sigma is that of the noise it drew."""
    clean = torch.full((50, 1, 4, 4), 0.5)
    degraded = OneOf([Gaussian(0.25), Shift(1, torch.tensor(0.75))])(clean, generator)
    shifted = (degraded.noisy == 1.5).all(dim=(1, 2, 3), keepdim=True)
    assert 0 < shifted.sum() < 50
    assert torch.equal(degraded.sigma, torch.where(shifted, 0.75, 0.25))


def test_sigma_maps_and_numbers_combine(generator):
    """A noise with a sigma for every pixel and one with a number give a map."""
    by_pixel = Shift(1, torch.linspace(0, 1, 6).view(1, 1, 2, 3))
    degraded = OneOf([by_pixel, Gaussian(0.5)])(numbered(20), generator)
    assert degraded.sigma.shape == (20, 1, 2, 3)
    shifted = (degraded.noisy - numbered(20) == 1).all(dim=(1, 2, 3), keepdim=True)
    expected = torch.where(shifted, by_pixel.sigma, torch.tensor(0.5))
    assert torch.equal(degraded.sigma, expected)


def test_one_unknown_sigma_makes_all_unknown(generator):
    """The sigma of a batch is known for all samples or for none."""
    degraded = OneOf(["gaussian", "salt_and_pepper"])(torch.rand(30, 1, 4, 4), generator)
    assert degraded.sigma is None


@pytest.mark.parametrize("make", [OneOf, Chain])
def test_noises_may_return_bare_tensors(make, generator):
    """A plugin's noise may return a tensor instead of the record; sigma is then unknown."""
    clean = torch.rand(8, 1, 4, 4)
    degraded = make([Bare()])(clean, generator)
    assert torch.equal(degraded.noisy, clean * 0.5)
    assert degraded.sigma is None


def test_a_mixture_is_differentiable(generator):
    """Gradients reach the clean batch through every noise, each sample's own."""
    clean = torch.rand(20, 1, 4, 4, requires_grad=True)
    mixture = OneOf([Bare(), Shift(1)])
    noisy = mixture(clean, generator).noisy
    noisy.sum().backward()
    halved = torch.isclose(noisy, clean * 0.5)
    assert torch.equal(clean.grad, torch.where(halved, 0.5, 1.0))


def test_a_chain_runs_in_order(generator):
    """The second noise gets what the first returned."""
    clean = torch.full((1, 1, 2, 2), 4.0)
    assert torch.equal(Chain([Shift(2), Bare()])(clean, generator).noisy, clean - 1)
    assert torch.equal(Chain([Bare(), Shift(2)])(clean, generator).noisy, clean)


def test_sigma_of_a_chain_equals_the_measured_one(generator):
    """Variances of independent noises add up."""
    clean = torch.full((3, 3, 64, 64), 0.5)
    degraded = Chain([Gaussian((0.05, 0.3)), Uniform(0.4)])(clean, generator)
    measured = (degraded.noisy - clean).std(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(measured, degraded.sigma, rtol=0.03, atol=0)


def test_a_chain_with_an_unknown_sigma_has_none(generator):
    """Salt-and-pepper makes the whole of a chain's sigma unknown."""
    chain = Chain(["gaussian", "salt_and_pepper"])
    assert chain(torch.rand(2, 1, 4, 4), generator).sigma is None


def test_luminance_noise_keeps_gray_gray_and_colours_colours(generator):
    """All channels get the same noise, so that their differences do not change."""
    gray = torch.full((4, 3, 64, 64), 0.5)
    degraded = Luminance({"name": "gaussian", "std": (0.05, 0.2)})(gray, generator)
    change = degraded.noisy - gray
    assert torch.equal(change[:, :1].expand_as(change), change)
    measured = change.std(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(measured, degraded.sigma, rtol=0.05, atol=0)
    colours = torch.rand(2, 3, 16, 16, generator=generator)
    noisy = Luminance("gaussian")(colours, generator).noisy
    torch.testing.assert_close(noisy - noisy.mean(1, True), colours - colours.mean(1, True))


def test_luminance_noise_clips_if_asked(generator):
    """Saturated colours leave [0, 1] unless clipping is on, which changes only those."""
    colours = torch.rand(2, 3, 32, 32, generator=generator)
    free = Luminance({"name": "gaussian", "std": 0.2})(colours, generator.manual_seed(1)).noisy
    clipped = Luminance({"name": "gaussian", "std": 0.2}, clip=True)
    assert free.min() < 0.0
    assert free.max() > 1.0
    again = clipped(colours, generator.manual_seed(1)).noisy
    assert torch.equal(again, free.clamp(0.0, 1.0))


@pytest.mark.parametrize("name", ["one_of", "chain"])
def test_specs_come_from_json(name, generator):
    """Names, mappings and nested mixtures, as in a configuration file."""
    text = '["gaussian", {"name": "chain", "noises": [{"name": "gaussian", "std": [0.1, 0.2]}]}]'
    made = noises.create(name, noises=json.loads(text))
    assert [type(noise) for noise in made.noises] == [Gaussian, Chain]
    assert made.noises[1].noises[0].std == (0.1, 0.2)
    assert made(torch.rand(4, 3, 8, 8), generator).noisy.shape == (4, 3, 8, 8)


@pytest.mark.parametrize("name", ["one_of", "chain"])
def test_modules_are_used_unchanged(name):
    """A module given to the registry is used itself, not a copy."""
    part = SaltAndPepper()
    assert noises.create(name, noises=[part]).noises[0] is part


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"noises": []}, ArgumentError, "noise 'one_of': noises is empty"),
        ({"noises": "gaussian"}, ArgumentError, "'noises'"),
        ({"noises": [3]}, ArgumentError, "'noises'"),
        ({"noises": ["gausian"]}, UnknownNameError, "Did you mean 'gaussian'"),
        ({"noises": [{"std": 0.1}]}, ArgumentError, "has no name"),
        ({"noises": [{"name": "gaussian", "sd": 1}]}, ArgumentError, "Did you mean 'std'"),
        ({"noises": ["gaussian"], "weights": [1, 2]}, ArgumentError, "1 noises need 1 weights"),
        ({"noises": ["gaussian"], "weights": [0]}, ArgumentError, "weights must be"),
        ({"noises": ["gaussian"] * 2, "weights": [2, -1]}, ArgumentError, "weights must be"),
    ],
)
def test_mistakes_are_named(arguments, error, message):
    """An invalid mixture is refused with the reason."""
    with pytest.raises(error, match=message):
        noises.create("one_of", **arguments)


def test_other_objects_than_modules_are_refused():
    """Also without the check of the registry."""
    with pytest.raises(ValueError, match="3 is not a noise"):
        Chain([3])


@pytest.mark.parametrize("make", [OneOf, Chain, lambda names: Luminance(*names)])
def test_batches_are_checked_before_any_noise_runs(make):
    """A single picture without a batch axis would be mixed row by row."""
    with pytest.raises(InputError, match="needs a batch"):
        make(["gaussian"])(torch.rand(3, 8, 8))


def test_the_classic_mixture(generator):
    """A third each: 3 % salt-and-pepper, uniform within 0.2, Gaussian of 0.1."""
    clean = torch.full((600, 1, 24, 24), 0.5)
    change = (classic_mixture()(clean, generator).noisy - clean).flatten(1)
    impulse = ((change == 0) | (change.abs() == 0.5)).all(dim=1)
    uniform = ~impulse & (change.abs().amax(dim=1) <= 0.2 + 1e-6)
    gaussian = ~impulse & ~uniform
    counts = [int(kind.sum()) for kind in (impulse, uniform, gaussian)]
    assert stats.chisquare(counts).pvalue > 1e-3
    hit = change[impulse] != 0
    assert stats.binomtest(int(hit.sum()), hit.numel(), 0.03).pvalue > 1e-3
    assert change[uniform].std().item() == pytest.approx(0.2 / 3**0.5, rel=0.02)
    assert change[gaussian].std().item() == pytest.approx(0.1, rel=0.02)
