"""Seeds that depend only on their purpose and place."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from restorekit.seeding import derive_generator, derive_seed, seed_torch

places = st.lists(st.integers(0, 2**40), max_size=3).map(tuple)
keys = st.tuples(st.integers(0, 2**63), st.text(max_size=8), places)


@given(key=keys)
def test_a_seed_fits_torch_and_stays_the_same(key: tuple[int, str, tuple[int, ...]]) -> None:
    """It has 63 bits, torch accepts it, and the same arguments give the same seed."""
    seed, purpose, place = key
    derived = derive_seed(seed, purpose, *place)
    assert 0 <= derived < 2**63
    assert derived == derive_seed(seed, purpose, *place)
    assert derive_generator(seed, purpose, *place).initial_seed() == derived


@given(one=keys, other=keys)
def test_different_arguments_give_different_seeds(
    one: tuple[int, str, tuple[int, ...]], other: tuple[int, str, tuple[int, ...]]
) -> None:
    """It depends on the seed, the purpose and every part of the place."""
    same = one == other
    assert (derive_seed(one[0], one[1], *one[2]) == derive_seed(other[0], other[1], *other[2])) == (
        same
    )


def test_a_purpose_cannot_be_confused_with_a_place() -> None:
    """A number in the purpose differs from that number as a place."""
    seeds = {
        derive_seed(1, "noise", 2, 3),
        derive_seed(1, "noise:2", 3),
        derive_seed(1, "noise, 2", 3),
        derive_seed(1, "noise', 2", 3),
        derive_seed(12, "noise", 3),
        derive_seed(1, "noise", 23),
    }
    assert len(seeds) == 6


def test_another_process_derives_the_same() -> None:
    """It does not depend on Python's hash randomisation."""
    code = "from restorekit.seeding import derive_seed; print(derive_seed(7, 'noise', 3))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert int(printed) == derive_seed(7, "noise", 3)


def test_neighbouring_places_draw_unrelated_numbers() -> None:
    """The draws of a hundred successive steps look like one normal sample."""
    draws = torch.stack(
        [torch.randn(100, generator=derive_generator(0, "noise", step)) for step in range(100)]
    )
    assert abs(draws.mean().item()) < 5 / 100  # five standard errors of 10,000 draws
    assert abs(draws.std().item() - 1) < 0.05
    correlation = torch.corrcoef(draws).fill_diagonal_(0)
    assert correlation.abs().max().item() < 0.6  # of 100 draws each: six standard errors


def test_the_ambient_generator_is_left_alone() -> None:
    """Deriving a generator and drawing from it does not advance torch's own."""
    before = torch.get_rng_state()
    torch.rand(3, generator=derive_generator(0, "noise", 1))
    assert torch.get_rng_state().equal(before)


def test_torch_is_seeded_on_one_device_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU draws as after `torch.manual_seed`; generators of GPUs are not changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = torch.rand(4)

        def fail(seed: int) -> None:
            raise AssertionError("a GPU was seeded")

        monkeypatch.setattr(torch.cuda, "manual_seed", fail)
        monkeypatch.setattr(torch.cuda, "manual_seed_all", fail)
        seed_torch(5)
        assert torch.equal(torch.rand(4), expected)
