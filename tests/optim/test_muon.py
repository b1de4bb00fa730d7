"""Muon, compared with its definition and with equivalent optimizers of torch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from restorekit.config.train_config import settings_from
from restorekit.errors import ArgumentError
from restorekit.optim.muon import Muon, orthogonalize
from restorekit.train.optimization import make_optimizer

SHAPES = [(8, 3, 3, 3), (8, 8, 3, 3), (16, 8, 2, 2), (16,), (3, 16, 3, 3)]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def advance(optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], steps: range) -> None:
    """Steps along gradients that are the same for every optimizer."""
    for step in steps:
        for i, weight in enumerate(weights):
            weight.grad = drawn(*weight.shape, seed=100 * step + i)
        optimizer.step()


def started(shapes) -> list[nn.Parameter]:
    return [nn.Parameter(drawn(*shape, seed=i)) for i, shape in enumerate(shapes)]


def stepped(make, shapes) -> list[nn.Parameter]:
    weights = started(shapes)
    advance(make(weights), weights, range(3))
    return weights


@pytest.mark.parametrize("shape", [(16, 144), (144, 16), (32, 32)])
def test_orthogonalized_is_near_the_polar_factor(shape: tuple[int, int]) -> None:
    """U V^T of the singular value decomposition, with singular values between 0.6 and 1.3."""
    matrix = drawn(*shape)
    found = orthogonalize(matrix).float()
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    assert (torch.linalg.svdvals(found) - 0.95).abs().max() < 0.35
    similarity = nn.functional.cosine_similarity(found.flatten(), (left @ right).flatten(), dim=0)
    assert similarity > 0.97


class InFloat64:
    """Muon's definition: its polynomial acts on the singular values alone."""

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self.weights = weights
        self.running = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights]

    @torch.no_grad()
    def step(self) -> None:
        for weight, running in zip(self.weights, self.running, strict=True):
            gradient = weight.grad.double()
            running.mul_(0.95).add_(0.05 * gradient)
            ahead = 0.95 * running + 0.05 * gradient
            left, values, right = torch.linalg.svd(ahead, full_matrices=False)
            values /= values.norm()
            for _ in range(5):
                values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
            size = 0.01 * 0.2 * max(weight.shape) ** 0.5
            weight.mul_(1 - 0.01 * 0.1).sub_(size * (left * values) @ right)


def torchs(weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    options = {"lr": 0.01, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    return torch.optim.Muon(weights, **options)


@pytest.mark.parametrize("reference", [InFloat64, torchs])
def test_hidden_matrices_are_updated_as_in_the_references(reference) -> None:
    """Two dimensions, between a first and a last weight, with Adam's step size."""
    shapes = [(4, 4), (24, 40), (40, 24), (4, 4)]
    ours = stepped(lambda weights: Muon(weights, lr=0.01, weight_decay=0.1), shapes)
    for mine, other in zip(ours[1:-1], stepped(reference, shapes)[1:-1], strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-3)  # an update is 0.02 in RMS


def test_a_convolution_is_the_matrix_of_its_filters() -> None:
    """(out, in, k, k) gets the update of (out, in k k)."""
    folded = stepped(Muon, [(4, 4), (8, 3, 3, 3), (4, 4)])[1]
    flat = stepped(Muon, [(4, 4), (8, 27), (4, 4)])[1]
    # The same numbers, drawn for another shape.
    torch.testing.assert_close(folded.flatten(1), flat)


def test_the_rest_is_updated_by_adamw() -> None:
    """The first and the last matrix, and vectors such as biases."""
    arguments = {"lr": 0.01, "betas": (0.9, 0.99), "weight_decay": 0.1}
    ours = stepped(lambda weights: Muon(weights, **arguments), SHAPES)
    adamw = stepped(lambda weights: torch.optim.AdamW(weights, **arguments), SHAPES)
    for index in (0, 3, 4):
        torch.testing.assert_close(ours[index], adamw[index])
    assert not torch.allclose(ours[1], adamw[1])


def test_a_resumed_run_continues_identically() -> None:
    """Three steps equal two steps, saving, loading and one more step."""
    weights = started(SHAPES)
    first = Muon(weights)
    advance(first, weights, range(2))
    second = Muon(weights)
    second.load_state_dict(first.state_dict())
    advance(second, weights, range(2, 3))
    for one, other in zip(stepped(Muon, SHAPES), weights, strict=True):
        assert torch.equal(one, other)


def test_weights_without_a_gradient_stay() -> None:
    """Also in a group where no weight has one; other groups are still decayed."""
    weights = started(SHAPES)
    before = [weight.detach().clone() for weight in weights]
    optimizer = Muon(weights, weight_decay=0.1)
    weights[0].grad = drawn(*SHAPES[0])
    optimizer.step()
    changed = [not torch.equal(*pair) for pair in zip(weights, before, strict=True)]
    assert changed == [True, False, False, False, False]


def test_by_name_with_the_settings_of_a_run() -> None:
    """`optimizer: muon` is this one, which accepts convolutions, not that of torch."""
    settings = settings_from({"steps": 1, "optimizer": "muon", "betas": [0.9, 0.99]})
    optimizer = make_optimizer(settings, nn.Conv2d(3, 3, 3).parameters(), torch.device("cpu"))
    assert isinstance(optimizer, Muon)
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.99)


@pytest.mark.parametrize("arguments", [{"momentum": 1.0}, {"betas": (0.9, 1.5)}])
def test_numbers_out_of_range(arguments: dict) -> None:
    with pytest.raises(ArgumentError, match="muon"):
        Muon([nn.Parameter(torch.zeros(2, 2))], **arguments)
