"""DIDN, compared with a reference by functions of torch that has the authors' names and numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restorekit import create_model, load_model
from restorekit.arch.didn import DIDN
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card

State = dict[str, Tensor]
# Of a block: outputs and inputs in units of the width, and the side of the kernel, by number.
IN_BLOCK = {
    **dict.fromkeys((1, 3, 21, 23, 25), (1, 1, 3)),
    **dict.fromkeys((7, 16), (2, 2, 3)),
    5: (2, 1, 3),
    9: (4, 2, 3),
    11: (4, 4, 3),
    13: (8, 4, 1),
    15: (2, 4, 1),
    18: (4, 2, 1),
    20: (1, 2, 1),
}
SLOPES_IN_BLOCK = (2, 4, 6, 8, 10, 12, 17, 22, 24)


def published(channels: int, width: int, blocks: int) -> State:
    """A state dict in the authors' layout, all of whose numbers affect the result."""
    shapes: dict[str, tuple[int, ...]] = {
        "conv_input": (width, channels, 3, 3),
        "conv_down": (width, width, 3, 3),
        "conv_mid": (width, blocks * width, 1, 1),
        "conv_mid2": (width, width, 3, 3),
        "conv_output": (channels, width // 4, 3, 3),
        **{f"relu{number}": (1,) for number in (1, 2, 3, 4)},
        **{f"recon.conv{number}": (width, width, 3, 3) for number in range(1, 18, 2)},
        **{f"recon.relu{number}": (1,) for number in range(2, 17, 2)},
    }
    for letter in "ABCDEFGH"[:blocks]:
        for number, (out, taken, side) in IN_BLOCK.items():
            shapes[f"recursive_{letter}.conv{number}"] = (out * width, taken * width, side, side)
        shapes |= {f"recursive_{letter}.relu{number}": (1,) for number in SLOPES_IN_BLOCK}
    return {
        f"{layer}.weight": torch.rand(1)
        if len(shape) == 1
        else torch.randn(shape) * (shape[1] * shape[2] * shape[3]) ** -0.5
        for layer, shape in shapes.items()
    }


def reference(state: State, noisy: Tensor, blocks: int) -> Tensor:
    """The published network, for sizes that 8 divides."""

    def conv(layer: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = state[f"{layer}.weight"]
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)

    def relu(layer: str, x: Tensor) -> Tensor:
        return functional.prelu(x, state[f"{layer}.weight"])

    def twice(prefix: str, first: int, x: Tensor) -> Tensor:
        inner = relu(f"{prefix}.relu{first + 1}", conv(f"{prefix}.conv{first}", x))
        return x + relu(f"{prefix}.relu{first + 3}", conv(f"{prefix}.conv{first + 2}", inner))

    def once(prefix: str, number: int, x: Tensor, stride: int = 1) -> Tensor:
        return relu(f"{prefix}.relu{number + 1}", conv(f"{prefix}.conv{number}", x, stride))

    def block(name: str, x: Tensor) -> Tensor:
        full = twice(name, 1, x)
        half = once(name, 5, full, stride=2)
        half = half + once(name, 7, half)
        quarter = once(name, 9, half, stride=2)
        quarter = quarter + once(name, 11, quarter)
        up = functional.pixel_shuffle(conv(f"{name}.conv13", quarter), 2)
        merged = conv(f"{name}.conv15", torch.cat((up, half), 1))
        merged = merged + once(name, 16, merged)
        up = functional.pixel_shuffle(conv(f"{name}.conv18", merged), 2)
        merged = twice(name, 21, conv(f"{name}.conv20", torch.cat((up, full), 1)))
        return x + conv(f"{name}.conv25", merged)

    def recon(x: Tensor) -> Tensor:
        inner = x
        for first in (1, 5, 9, 13):
            inner = twice("recon", first, inner)
        return x + conv("recon.conv17", inner)

    features = relu("relu2", conv("conv_down", relu("relu1", conv("conv_input", noisy)), 2))
    results = []
    for letter in "ABCDEFGH"[:blocks]:
        features = block(f"recursive_{letter}", features)
        results.append(recon(features))
    merged = relu("relu3", conv("conv_mid", torch.cat(results, 1)))
    merged = merged + relu("relu4", conv("conv_mid2", merged))
    return noisy + conv("conv_output", functional.pixel_shuffle(merged, 2))


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


@torch.no_grad()
@pytest.mark.parametrize(("channels", "width", "blocks"), [(1, 8, 2), (3, 4, 3)])
def test_is_the_published_network(channels: int, width: int, blocks: int, tmp_path: Path) -> None:
    """Loaded from the authors' state dict."""
    state = published(channels, width, blocks)
    torch.save(state, tmp_path / "net.pth")
    noisy = torch.rand(2, channels, 16, 24)
    expected = reference(state, noisy, blocks)
    model = load_model(tmp_path / "net.pth")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": width,
        "blocks": blocks,
    }
    span = float(expected.max() - expected.min())
    assert float((model(noisy) - expected).abs().max()) < 1e-5 * span


@pytest.mark.parametrize(("preset", "parameters"), [("color", 164_569_602), ("gray", 164_563_842)])
def test_published_sizes(preset: str, parameters: int) -> None:
    """The counts of the authors' networks; the paper has no table of them."""
    with torch.device("meta"):
        model = create_model("didn", preset=preset)
    assert sum(p.numel() for p in model.parameters()) == parameters


@torch.no_grad()
def test_starts_close_to_the_identity() -> None:
    """The network predicts a difference, which is small before training."""
    noisy = torch.rand(1, 3, 24, 24)
    assert float((DIDN(width=16, blocks=2)(noisy) - noisy).square().mean().sqrt()) < 0.1


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    """The message names the layer."""
    state = published(1, 8, 2) | {"conv_mid.weight": torch.zeros(8, 24, 1, 1)}
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"'conv_mid.weight' is \(8, 24, 1, 1\), not \(8, 16"):
        load_model(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("channels", 0, "'channels' must be at least 1, not 0"),
        ("blocks", 0, "'blocks' must be at least 1, not 0"),
        ("width", 0, "'width' must be at least 4, not 0"),
        ("width", 6, "'width' must be a multiple of 4, not 6; the nearest is 8"),
    ],
)
def test_impossible_arguments_are_refused(argument: str, value: int, message: str) -> None:
    """The message names the argument and what it may be."""
    with pytest.raises(ArgumentError, match=message):
        create_model("didn", **{argument: value})
