"""MemNet, compared with the definitions of the paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d
from torch.utils._python_dispatch import TorchDispatchMode

from restorekit import create_model, load_model
from tests.arch.reference_networks import parameters, randomise


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def pre_activated(conv: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
    """Normalisation, ReLU and convolution."""
    x = batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    return conv2d(x.relu(), conv.weight, conv.bias, padding=conv.kernel_size[0] // 2)


@torch.no_grad()
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("supervised", [True, False])
def test_is_the_network_of_the_paper(shared: bool, supervised: bool) -> None:
    """Equations 2 to 12: states of the recursive unit, gates over all memories, weighted images."""
    sizes = {"width": 6, "blocks": 3, "recursions": 2}
    model = randomise(create_model("memnet", **sizes, shared=shared, supervised=supervised))
    noisy = torch.rand(2, 3, 11, 14)
    memories = [pre_activated(model.head, model.head_norm, noisy)]
    for block in model.blocks:
        states, state = [], memories[-1]
        for place in range(2):
            which = 0 if shared else place
            inner = pre_activated(block.first[which], block.first_norms[place], state)
            state = state + pre_activated(block.second[which], block.second_norms[place], inner)
            states.append(state)
        memory = pre_activated(block.gate, block.gate_norm, torch.cat(states + memories, dim=1))
        memories.append(memory)
    seen = memories[1:] if supervised else memories[-1:]
    outputs = zip(model.tail_norms, seen, strict=True)
    images = [noisy + pre_activated(model.tail, *output) for output in outputs]
    weights = model.weights if supervised else [1]
    expected = sum(weight * image for weight, image in zip(weights, images, strict=True))
    torch.testing.assert_close(model(noisy), expected)


@pytest.mark.parametrize(("preset", "weights"), [("m6r6", 676_992), ("m10r10", 1_373_312)])
def test_published_sizes(preset: str, weights: int) -> None:
    """677 thousand weights of convolutions in table 4 of the paper, for gray images.

    They are 2 * 9 * width in the first and the last layer, 2 * 9 * width^2 for each block, which
    the recursions share, and (recursions + number) * width^2 for the gate of each block.
    """
    with torch.device("meta"):
        model = create_model("memnet", preset=preset, channels=1)
    assert sum(p.numel() for p in model.parameters() if p.ndim == 4) == weights


def test_recursions_have_their_own_convolutions_if_not_shared() -> None:
    """As in the networks that the authors released, of 80 layers in 6 blocks."""
    with torch.device("meta"):
        shared = create_model("memnet", preset="m6r6")
        own = create_model("memnet", preset="m6r6", shared=False)
    assert parameters(own) - parameters(shared) == 6 * 5 * 2 * (9 * 64 * 64 + 64)
    convs = [layer for layer in own.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convs) == 80


class LargestTensor(TorchDispatchMode):
    """Records the size of the largest result of any operation."""

    numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.numbers = max(self.numbers, result.numel())
        return result


@torch.no_grad()
def test_restoring_never_joins_the_states() -> None:
    """No tensor is larger than the features of one state, however many there are."""
    model = create_model("memnet", channels=1, width=6, blocks=2, recursions=5).eval()
    with LargestTensor() as largest:
        model(torch.rand(1, 1, 16, 16))
    assert largest.numbers == 6 * 16 * 16


# The parts of names that differ, ours and those of QRNN3D.
RENAMED = {
    r"^head_norm": "feature_extractor.bn",
    r"^head": "feature_extractor.conv",
    r"^blocks\.(\d+)\.first_norms\.(\d+)": r"dense_memory.\1.recursive_unit.\2.relu_conv1.bn",
    r"^blocks\.(\d+)\.first\.(\d+)": r"dense_memory.\1.recursive_unit.\2.relu_conv1.conv",
    r"^blocks\.(\d+)\.second_norms\.(\d+)": r"dense_memory.\1.recursive_unit.\2.relu_conv2.bn",
    r"^blocks\.(\d+)\.second\.(\d+)": r"dense_memory.\1.recursive_unit.\2.relu_conv2.conv",
    r"^blocks\.(\d+)\.gate_norm": r"dense_memory.\1.gate_unit.bn",
    r"^blocks\.(\d+)\.gate": r"dense_memory.\1.gate_unit.conv",
    r"^tail_norms\.0": "reconstructor.bn",
    r"^tail": "reconstructor.conv",
}


@torch.no_grad()
def test_the_checkpoint_of_a_port_loads(tmp_path: Path) -> None:
    """Its convolutions have no biases and are not shared, and one image is reconstructed."""
    sizes = {"channels": 1, "width": 6, "blocks": 3, "recursions": 2}
    ours = randomise(create_model("memnet", **sizes, shared=False, supervised=False))
    state = {}
    for key, tensor in ours.state_dict().items():
        if key.endswith(".bias") and "norm" not in key:
            tensor.zero_()  # of our network too
            continue
        pattern = next(pattern for pattern in RENAMED if re.match(pattern, key))
        state[re.sub(pattern, RENAMED[pattern], key)] = tensor
    torch.save({"net": state}, tmp_path / "memnet.pth")
    noisy = torch.rand(1, 1, 9, 12)
    torch.testing.assert_close(load_model(tmp_path / "memnet.pth")(noisy), ours(noisy))
