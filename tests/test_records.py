"""The records that rooms exchange, and their conversion from tensors."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from restorekit import create_model
from restorekit.errors import InputError
from restorekit.records import (
    Degraded,
    Restoration,
    as_degraded,
    as_restoration,
    degrade,
    restore_batch,
    takes,
    unwrap_model,
)


def test_a_bare_tensor_becomes_a_record(batch: Tensor) -> None:
    """A noise model or an architecture may return only a tensor."""
    assert as_degraded(batch).noisy is batch
    assert as_degraded(batch).sigma is None
    assert as_restoration(batch).image is batch
    assert as_restoration(batch).extras == {}


def test_a_record_stays_the_same(batch: Tensor) -> None:
    """A record is returned unchanged."""
    degraded = Degraded(batch, torch.ones(2, 1, 1, 1))
    restoration = Restoration(batch, {"mean": batch})
    assert as_degraded(degraded) is degraded
    assert as_restoration(restoration) is restoration


@pytest.mark.parametrize("output", [None, 3.0, (1, 2), [torch.zeros(1)]])
def test_anything_else_is_refused(output: Any) -> None:
    """The message says what was returned, and by what."""
    kind = type(output).__name__
    with pytest.raises(InputError, match=f"a noise model returned {kind}, not a tensor"):
        as_degraded(output)
    with pytest.raises(InputError, match=f"a model returned {kind}, not a tensor"):
        as_restoration(output)


def test_records_do_not_change(batch: Tensor) -> None:
    """They are frozen, and two restorations do not share their extras."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Degraded(batch).noisy = batch  # type: ignore[misc]
    assert Restoration(batch).extras is not Restoration(batch).extras


class Blind(nn.Module):
    def forward(self, noisy: Tensor) -> Tensor:
        return noisy


class Informed(nn.Module):
    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        return noisy


class Open(nn.Module):
    def forward(self, noisy: Tensor, **more: Any) -> Tensor:
        return noisy


def by_position(noisy: Tensor, sigma: Tensor, /) -> Tensor:
    return noisy


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (Blind(), False),
        (Blind().forward, False),
        (Informed(), True),
        (Informed().forward, True),
        (Open(), True),
        (by_position, False),
        (lambda sigma: sigma, True),
    ],
)
def test_takes_tells_whether_a_keyword_is_accepted(function: Any, answer: bool) -> None:
    """For a module, its `forward` counts; a positional-only parameter is not a keyword."""
    assert takes(function, "sigma") is answer


def test_a_noise_that_takes_no_generator_is_given_none() -> None:
    """One that accepts it draws from it; both return a record."""
    clean = torch.zeros(2, 1, 3, 3)

    def drawn(images: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        return images + torch.rand(images.shape, generator=generator)

    once, again = (degrade(drawn, clean, torch.Generator().manual_seed(1)).noisy for _ in range(2))
    assert torch.equal(once, again)
    assert not torch.equal(once, clean)
    plain = degrade(lambda images: images + 1, clean, torch.Generator())
    assert torch.equal(plain.noisy, clean + 1)


class Multiplying(nn.Module):
    """Multiplies by sigma, and refuses a call without it."""

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        assert sigma is not None
        return Restoration(noisy * sigma, {"mean": sigma})


def test_sigma_is_passed_on_to_a_model_that_takes_it() -> None:
    """Its record is returned; a model that does not accept sigma is called without it."""
    batch, sigma = torch.full((2, 1, 3, 3), 0.5), torch.full((2, 1, 1, 1), 0.1)
    restored = restore_batch(Multiplying(), batch, sigma)
    assert torch.equal(restored.image, batch * sigma)
    assert restored.extras["mean"] is sigma
    assert restore_batch(Blind(), batch, sigma).image is batch
    assert restore_batch(Informed(), batch).image is batch
    assert torch.equal(restore_batch(lambda noisy: noisy + 1, batch, sigma).image, batch + 1)


def test_a_wrapped_model_is_called_through_its_wrapper() -> None:
    """torch.compile's wrapper accepts any argument; the model inside says which it takes."""
    batch, sigma = torch.full((2, 1, 3, 3), 0.5), torch.full((2, 1, 1, 1), 0.1)
    calls: list[Tensor] = []
    for model, expected in ((Multiplying(), batch * sigma), (Blind(), batch)):
        compiled: Any = torch.compile(model, backend="eager")
        assert unwrap_model(compiled) is model
        model.register_forward_hook(lambda _, given, answer: calls.append(given[0]))
        assert torch.equal(restore_batch(compiled, batch, sigma).image, expected)
    assert len(calls) == 2


def test_records_are_pytrees() -> None:
    """torch finds their tensors and puts them together again, by the names of the fields."""
    restoration = Restoration(torch.ones(1), {"mean": torch.zeros(2)})
    doubled = tree_map(lambda leaf: 2 * leaf + 1, restoration)
    assert isinstance(doubled, Restoration)
    assert torch.equal(doubled.image, torch.full((1,), 3.0))
    assert torch.equal(doubled.extras["mean"], torch.ones(2))
    degraded = tree_map(lambda leaf: leaf + 1, Degraded(torch.zeros(1)))
    assert torch.equal(degraded.noisy, torch.ones(1))
    assert degraded.sigma is None


def test_a_network_with_extras_can_be_exported_and_mapped() -> None:
    """A VAE goes through `torch.export` and `torch.func.vmap` with mean and log-variance."""
    vae = create_model("vae", width=4, depth=1, latent_channels=2).eval()
    batch = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = vae(batch)
    exported = torch.export.export(vae, (batch,)).module()
    mapped = torch.func.vmap(lambda image: vae(image[None]))(batch)
    for found in (exported(batch), tree_map(lambda leaf: leaf[:, 0], mapped)):
        assert isinstance(found, Restoration)
        torch.testing.assert_close(found.image, expected.image)
        torch.testing.assert_close(dict(found.extras), dict(expected.extras))
