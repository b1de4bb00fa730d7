"""Swift: the effects of having no biases and of using the noise level."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from restorekit import create_model
from restorekit.errors import ArgumentError, InputError


def make(**arguments) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return create_model("swift", **arguments).eval()


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", ["small", "medium", "large"])
@pytest.mark.parametrize("factor", [0.1, 3.0])
@torch.no_grad()
def test_homogeneous(size, factor):
    """Twice the picture and twice the noise give twice the result (arXiv:1906.05478)."""
    noisy, sigma = picture(2, 3, 24, 40), torch.tensor([0.05, 0.2]).view(2, 1, 1, 1)
    model = make(size=size)
    scaled = model(factor * noisy, factor * sigma)
    torch.testing.assert_close(scaled, factor * model(noisy, sigma), rtol=1e-4, atol=1e-5)


def test_no_biases():
    assert not [name for name, _ in make().named_parameters() if "bias" in name]


@torch.no_grad()
def test_the_noise_level_may_be_a_number_or_a_map():
    """A constant map equals the number; another map does not."""
    noisy, model = picture(2, 3, 16, 16), make()
    number = torch.tensor([0.1, 0.3]).view(2, 1, 1, 1)
    level = number.expand(2, 1, 16, 16).clone()
    assert torch.equal(model(noisy, number), model(noisy, level))
    level[..., 8:] *= 2
    assert not torch.equal(model(noisy, number), model(noisy, level))


@torch.no_grad()
def test_blind_ignores_the_level_and_the_other_needs_it():
    noisy = picture(1, 3, 16, 16)
    blind = make(blind=True)
    assert torch.equal(blind(noisy), blind(noisy, torch.full((1, 1, 1, 1), 0.3)))
    with pytest.raises(InputError, match="needs sigma, the standard deviation"):
        make()(noisy)


@torch.no_grad()
def test_an_unknown_level_is_a_level_of_zero():
    """With an optional level, the network runs without it as with 0, and still uses a given one."""
    noisy, model = picture(1, 3, 16, 16), make(optional_sigma=True)
    zero, known = (torch.full((1, 1, 1, 1), level) for level in (0.0, 0.3))
    assert torch.equal(model(noisy), model(noisy, zero))
    assert not torch.equal(model(noisy), model(noisy, known))
    with pytest.raises(ArgumentError, match="blind"):
        make(blind=True, optional_sigma=True)


@torch.no_grad()
def test_starts_near_the_identity():
    """Untrained, it changes the picture by less than a third of its RMS."""
    noisy = picture(1, 3, 64, 64) - 0.5
    for size in ("small", "medium", "large"):
        changed = make(size=size)(noisy, torch.full((1, 1, 1, 1), 0.1)) - noisy
        assert changed.square().mean().sqrt() < noisy.square().mean().sqrt()


def test_the_first_features_see_the_whole_picture_in_half_precision():
    """Under autocast they are those of float32, rounded once, so that weak noise survives."""
    model = create_model("swift", blind=True).eval()
    seen: list[torch.Tensor] = []
    model.encoders[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    noisy = 0.7 + 0.001 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        model(noisy)
        with torch.autocast("cpu", torch.bfloat16):
            model(noisy)
    full, half = seen
    assert half.dtype == torch.bfloat16
    assert torch.equal(half, full.bfloat16())


@torch.no_grad()
def test_sizes_grow():
    """Each size needs at least 1.5 times the computations of the previous one."""
    counts = []
    for size in ("small", "medium", "large"):
        model = make(size=size)
        with FlopCounterMode(display=False) as counter:
            model(picture(1, 3, 64, 64), torch.full((1, 1, 1, 1), 0.1))
        counts.append(counter.get_total_flops())
    assert counts[0] * 1.5 < counts[1]
    assert counts[1] * 1.5 < counts[2]


def test_wrong_arguments_are_refused():
    with pytest.raises(ArgumentError, match="size"):
        create_model("swift", size="huge")
    with pytest.raises(ArgumentError, match="channels"):
        create_model("swift", channels=0)
