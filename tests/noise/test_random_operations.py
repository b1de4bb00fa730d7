"""Random operations that draw from a given generator, without touching that of the process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, distributions

from restorekit.errors import InputError
from restorekit.noise import random_operations
from restorekit.noise.random_operations import drawing_from
from tests.noise.correlations import seeded

HALF = torch.full((4,), 0.5)
OPERATIONS: dict[str, Callable[[], Tensor]] = {
    "rand": lambda: torch.rand(4),
    "randn": lambda: torch.randn(2, 2),
    "rand_like": lambda: torch.rand_like(HALF),
    "randint": lambda: torch.randint(2, 10**6, (3,)),
    "randperm": lambda: torch.randperm(20),
    "uniform_": lambda: torch.empty(4).uniform_(),
    "normal_": lambda: torch.empty(4).normal_(),
    "random_": lambda: torch.empty(4).random_(),
    "bernoulli": lambda: torch.bernoulli(HALF.expand(20, 4)),
    "multinomial": lambda: torch.multinomial(torch.ones(200), 10),
    "poisson": lambda: torch.poisson(100 * HALF),
    "dropout": lambda: torch.nn.functional.dropout(torch.ones(99)),
    "Uniform": lambda: distributions.Uniform(0.0, 1.0).rsample((3,)),
    "Beta": lambda: distributions.Beta(2 * HALF, HALF).rsample(),
    "Dirichlet": lambda: distributions.Dirichlet(HALF).sample(),
    "Exponential": lambda: distributions.Exponential(HALF).sample(),
}
each = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))


@each
def test_the_generator_decides(operation: Callable[[], Tensor]) -> None:
    """Equal seeds give equal numbers, others others, and the process's generator is left alone."""
    before = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        with drawing_from(seeded(seed)):
            drawn.append(operation())
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_the_numbers_are_those_of_the_generator() -> None:
    """As if it had been passed; what is passed explicitly is used."""
    with drawing_from(seeded(1)):
        drawn, explicit = torch.rand(5), torch.rand(5, generator=seeded(2))
    assert torch.equal(drawn, torch.rand(5, generator=seeded(1)))
    assert torch.equal(explicit, torch.rand(5, generator=seeded(2)))


def test_without_a_generator_nothing_changes() -> None:
    """Numbers come from torch's own generator."""
    torch.manual_seed(3)
    with drawing_from(None):
        drawn = torch.rand(5)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(5))


def test_numbers_for_another_device_are_moved_there() -> None:
    """Drawn on the generator's device; the meta device stands for any other."""
    with drawing_from(seeded()):
        assert torch.rand(3, device="meta").device.type == "meta"
        assert torch.empty(3, device="meta").uniform_().device.type == "meta"


def test_gradients_pass() -> None:
    weight = torch.ones(3, requires_grad=True)
    with drawing_from(seeded(1)):
        (weight * torch.rand(3)).sum().backward()
    assert torch.equal(weight.grad, torch.rand(3, generator=seeded(1)))


def test_an_operation_without_a_generator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing from the process's generator instead would go unnoticed."""
    monkeypatch.setattr(random_operations, "_argument_names", lambda func: {str(func)})
    random_operations._with_generator.cache_clear()
    with pytest.raises(InputError, match="takes no generator"), drawing_from(seeded()):
        torch.rand(3)
    random_operations._with_generator.cache_clear()
