"""The multilayer perceptron on patches, compared with loops over patches."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from restorekit import ArgumentError, create_model
from tests.arch.reference_networks import parameters, randomise

SIZES = {"patch": 7, "restored_patch": 5, "widths": [6, 8], "stride": 2}


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


class Centre(nn.Module):
    """Patches whose centre is returned, in place of the layers."""

    def __init__(self, patch: int, restored: int, stride: int) -> None:
        super().__init__()
        self.patch, self.restored, self.stride = patch, restored, stride

    def forward(self, x: Tensor) -> Tensor:
        patches = x.unfold(2, self.patch, self.stride).unfold(3, self.patch, self.stride)
        edge = (self.patch - self.restored) // 2
        inner = slice(edge, edge + self.restored)
        centre = patches[..., inner, inner]  # (B, C, rows, columns, side, side)
        return centre.permute(0, 1, 4, 5, 2, 3).flatten(1, 3)


@torch.no_grad()
@pytest.mark.parametrize(
    ("patch", "restored", "stride"), [(5, 5, 1), (7, 5, 2), (6, 4, 3), (9, 3, 3)]
)
@pytest.mark.parametrize("size", [(16, 16), (13, 8), (1, 2)])
def test_patches_return_to_their_places(
    patch: int, restored: int, stride: int, size: tuple[int, int]
) -> None:
    """Layers that return the centre of each patch restore the image, at every size and stride."""
    sizes = {"patch": patch, "restored_patch": restored, "stride": stride, "widths": [2]}
    model = create_model("patch_mlp", **sizes).double()
    model.layers = Centre(patch, restored, stride)
    noisy = torch.rand(2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(model(noisy), noisy)


@torch.no_grad()
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_is_the_network_of_the_paper(activation: str) -> None:
    """One pixel is the mean of what all patches over it say, weighted by a Gaussian window."""
    model = randomise(create_model("patch_mlp", **SIZES, channels=1, activation=activation))
    noisy = torch.rand(1, 1, 24, 24)
    weights = [p.flatten(1) if p.ndim > 1 else p for p in model.parameters()]
    total = norm = torch.zeros(())
    row, column = 11, 13
    for top in range(0, 24, 2):
        for left in range(0, 24, 2):
            y, x = row - top, column - left
            if not (0 <= y < 5 and 0 <= x < 5):
                continue
            patch = noisy[0, 0, top - 1 : top + 6, left - 1 : left + 6].flatten()
            units = (patch - 0.5) / 0.2
            for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                units = getattr(torch, activation)(weight @ units + bias)
            restored = 0.2 * (weights[-2] @ units + weights[-1]) + 0.5
            window = math.exp(-((y - 2) ** 2 + (x - 2) ** 2) / (2 * 1.25**2))
            total = total + window * restored[5 * y + x]
            norm = norm + window
    torch.testing.assert_close(model(noisy)[0, 0, row, column], total / norm)


@pytest.mark.parametrize(
    ("preset", "layers"),
    [
        ("gray_17", (289, 2047, 2047, 2047, 2047, 289)),
        ("gray_39", (1521, 3072, 3072, 2559, 2047, 289)),
    ],
)
def test_published_sizes(preset: str, layers: tuple[int, ...]) -> None:
    """Fully connected layers of the sizes in the papers, each with biases."""
    count = sum((taken + 1) * made for taken, made in pairwise(layers))
    with torch.device("meta"):
        assert parameters(create_model("patch_mlp", preset=preset)) == count


@pytest.mark.parametrize(
    ("sizes", "fact"),
    [
        ({"restored_patch": 6}, "'restored_patch' must be 7, or smaller by an even number, not 6"),
        ({"restored_patch": 9}, "'restored_patch' must be 7, or smaller by an even number, not 9"),
        ({"stride": 6}, "'stride' must be at most 'restored_patch', 5, not 6"),
        ({"widths": []}, "'widths' must be at least 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: dict[str, object], fact: str) -> None:
    """The message has the nearest right thing."""
    with pytest.raises(ArgumentError, match=fact):
        create_model("patch_mlp", **(SIZES | sizes))
