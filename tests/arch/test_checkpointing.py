"""Activation checkpointing: the same gradients, from fewer kept results."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restorekit import create_model, list_models, models
from restorekit.arch.checkpointing import Blocks
from restorekit.records import as_restoration
from restorekit.testing.subject import small_arguments

CHECKPOINTED = [
    name
    for name in list_models()
    if models.entry(name).provider.distribution == "restorekit"
    and "checkpoint" in [argument.name for argument in models.describe(name).arguments]
]


def kept_numbers(model: nn.Module, noisy: Tensor) -> int:
    """How many numbers are kept for the backward pass, weights and input included."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 4
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(noisy, sigma=torch.full((1, 1, 1, 1), 0.1))
    return sum(kept.values())


def made(name: str, **arguments: Any) -> nn.Module:
    """A small network of known weights, none of which are 0."""
    torch.manual_seed(0)
    small = {**small_arguments(models, name), **arguments}
    model = create_model(name, channels=1, **small).train()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    return model


@pytest.mark.parametrize("name", CHECKPOINTED)
def test_gradients_are_equal(name: str) -> None:
    """Blocks are computed twice, with the same result, and the state dict has the same names."""
    plain, saving = made(name), made(name, checkpoint=True)
    assert plain.state_dict().keys() == saving.state_dict().keys()
    noisy, level = torch.rand(1, 1, 16, 16), torch.full((1, 1, 1, 1), 0.1)
    for model in (plain, saving):
        as_restoration(model(noisy, sigma=level)).image.square().mean().backward()
    for one, other in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("name", CHECKPOINTED)
def test_less_is_kept_for_the_backward_pass(name: str) -> None:
    """Of each block only its input, so that training takes less memory."""
    noisy = torch.rand(1, 1, 32, 32)
    assert kept_numbers(made(name, checkpoint=True), noisy) < kept_numbers(made(name), noisy)


def test_blocks_keep_one_input_each() -> None:
    """Of four blocks with hidden results, four inputs are kept."""
    layers = (nn.Sequential(nn.Conv2d(2, 9, 1), nn.SiLU(), nn.Conv2d(9, 2, 1)) for _ in range(4))
    blocks = Blocks(*layers, checkpoint=True)
    kept: list[torch.Size] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.shape) or x, lambda x: x):
        blocks(torch.rand(1, 2, 8, 8))
    assert [shape for shape in kept if shape[-1] == 8] == [(1, 2, 8, 8)] * 4


@torch.no_grad()
def test_nothing_changes_without_gradients() -> None:
    """A part of a sequence is a sequence again."""
    blocks = Blocks(nn.ReLU(), nn.Softplus(), checkpoint=True)
    x = torch.randn(1, 2, 3, 4)
    assert torch.equal(blocks(x), nn.Softplus()(nn.ReLU()(x)))
    assert torch.equal(blocks[1:](x), nn.Softplus()(x))
