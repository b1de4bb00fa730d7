"""MIRNet: the published names and sizes, and its parts."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from restorekit import create_model, load_model
from restorekit.arch.mirnet import BlurDownsample, MIRNet, SelectiveFusion
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from restorekit.weights.layouts.mirnet_layout import MIRNetAuthors

Shapes = dict[str, tuple[int, ...]]
UNITS = 18  # attention units of the published network, which share one PReLU


def convolution(out: int, taken: int, side: int = 1) -> tuple[int, ...]:
    return out, taken, side, side


def unit(name: str, w: int) -> Shapes:
    return {
        f"{name}.body.0.weight": convolution(w, w, 3),
        f"{name}.body.1.weight": (1,),
        f"{name}.body.2.weight": convolution(w, w, 3),
        f"{name}.SA.spatial.conv.weight": convolution(1, 2, 5),
        f"{name}.CA.conv_du.0.weight": convolution(w // 8, w),
        f"{name}.CA.conv_du.2.weight": convolution(w, w // 8),
        f"{name}.conv1x1.weight": convolution(w, 2 * w),
    }


def resize(name: str, w: int, steps: int, down: bool) -> Shapes:
    shapes: Shapes = {}
    for step in range(steps):
        top, bottom, out = f"{name}.body.{step}.top", f"{name}.body.{step}.bot", w // 2
        shapes |= {f"{top}.0.weight": convolution(w, w), f"{top}.2.weight": convolution(w, w, 3)}
        shapes |= {f"{top}.{place}.weight": (1,) for place in (1, 3)}
        if down:
            out = 2 * w
            shapes |= {f"{top}.4.filt": (w, 1, 3, 3), f"{bottom}.0.filt": (w, 1, 3, 3)}
        shapes[f"{top}.{5 if down else 4}.weight"] = convolution(out, w)
        shapes[f"{bottom}.1.weight"] = convolution(out, w)
        w = out
    return shapes


def published(width: int, groups: int, blocks: int, channels: int = 3) -> Shapes:
    """The state dict of the authors' network, which has no biases."""
    widths = [width, 2 * width, 4 * width]
    shapes: Shapes = {"conv_in.weight": convolution(width, channels, 3)}
    for group in range(groups):
        for block in range(blocks):
            name = f"body.{group}.body.{block}"
            for scale, w in enumerate(widths):
                for column in (0, 1):
                    shapes |= unit(f"{name}.blocks.{scale}.{column}", w)
                inner = max(w // 8, 4)
                fusion = f"{name}.selective_kernel.{scale}"
                shapes |= {f"{fusion}.conv_du.0.weight": convolution(inner, w)}
                shapes |= {f"{fusion}.conv_du.1.weight": (1,)}
                shapes |= {f"{fusion}.fcs.{i}.weight": convolution(w, inner) for i in range(3)}
                if scale:
                    shapes |= resize(f"{name}.last_up.{scale}", w, scale, down=False)
            for fine, coarse in ((0, 1), (0, 2), (1, 2)):
                steps = coarse - fine
                down, up = widths[fine], widths[coarse]
                shapes |= resize(f"{name}.down.{down}_{2**steps}", down, steps, down=True)
                shapes |= resize(f"{name}.up.{up}_{2**steps}", up, steps, down=False)
            shapes[f"{name}.conv_out.weight"] = convolution(width, width, 3)
        shapes[f"body.{group}.body.{blocks}.weight"] = convolution(width, width, 3)
    return shapes | {"conv_out.weight": convolution(channels, width, 3)}


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def test_published_size() -> None:
    """The count of the authors' network, 31.8 million in the paper on its successor.

    Its columns share their weights, and its units the slope of one PReLU; ours have their own.
    """
    with torch.device("meta"):
        model = create_model("mirnet", preset="color")
    shapes = published(64, 3, 2)
    once = {key: shape for key, shape in shapes.items() if "filt" not in key}
    once = {k: s for k, s in once.items() if not (".blocks." in k and k.split(".")[6] == "1")}
    assert sum(map(prod, once.values())) == 31_787_419 + UNITS - 1
    assert sum(p.numel() for p in model.parameters()) == 31_787_419 + UNITS - 1
    state = {key: torch.zeros(shape) for key, shape in shapes.items()}
    found = MIRNetAuthors()(state)
    assert found is not None
    assert {key: tensor.shape for key, tensor in found.tensors.items()} == {
        key: tensor.shape for key, tensor in model.state_dict().items()
    }


def random_state() -> dict[str, torch.Tensor]:
    shapes = published(8, 1, 1, channels=1)
    state = {key: torch.rand(shape) - 0.5 for key, shape in shapes.items()}
    for key in state:
        if ".blocks." in key:
            state[key] = state[".".join([*key.split(".")[:6], "0", *key.split(".")[7:]])]
    return state


@torch.no_grad()
def test_a_published_checkpoint_is_recognised(tmp_path: Path) -> None:
    """Every tensor is loaded, and the columns are counted."""
    torch.save({"state_dict": random_state()}, tmp_path / "net.pth")
    assert load_model(tmp_path / "net.pth")(torch.rand(1, 1, 11, 17)).shape == (1, 1, 11, 17)
    sizes = {"channels": 1, "width": 8, "groups": 1, "blocks": 1, "columns": 2, "reduction": 8}
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == sizes


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    """Columns with weights of their own, and other shapes."""
    key = "body.0.body.0.blocks.1.1.conv1x1.weight"
    for changed, message in (
        ({key: torch.zeros(16, 32, 1, 1)}, f"'{key}' differs from the first column"),
        ({"conv_out.weight": torch.zeros(1, 9, 3, 3)}, r"is \(1, 9, 3, 3\), not \(1, 8, 3, 3\)"),
    ):
        torch.save(random_state() | changed, tmp_path / "net.pth")
        with pytest.raises(CheckpointError, match=message):
            load_model(tmp_path / "net.pth")


@torch.no_grad()
def test_fusion_of_equal_features_is_the_identity() -> None:
    """For each channel, the weights of the three inputs add up to 1."""
    features = torch.rand(2, 8, 6, 5)
    torch.testing.assert_close(SelectiveFusion(8)([features] * 3), features)


def test_downsampling_blurs_first() -> None:
    """With a binomial filter, and pixels mirrored at the border."""
    x = torch.rand(1, 1, 8, 10)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    expected = convolve(x[0, 0].numpy(), kernel, mode="mirror")[::2, ::2]
    np.testing.assert_allclose(BlurDownsample(1)(x)[0, 0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("argument", "minimum"),
    [("channels", 1), ("width", 1), ("reduction", 1), ("groups", 1), ("blocks", 1), ("columns", 2)],
)
def test_arguments_below_their_minimum_are_refused(argument: str, minimum: int) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least {minimum}"):
        MIRNet(**{argument: minimum - 1})
