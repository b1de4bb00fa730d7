"""RIDNet: the published state dict, and a reference by functions of torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from restorekit import create_model
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def published(width: int, inner: int, blocks: int, span: float) -> dict[str, Tensor]:
    """The tensors under the names of the authors, for images in [0, `span`]."""
    shapes = {"head.body.0": (width, 3, 3), "tail": (3, width, 3)}
    shapes |= {"sub_mean": (3, 3, 1), "add_mean": (3, 3, 1)}
    for block in (f"b{number}" for number in range(1, blocks + 1)):
        for name in ("r1.body1.0", "r1.body1.2", "r1.body2.0", "r1.body2.2"):
            shapes[f"{block}.{name}"] = (width, width, 3)
        shapes[f"{block}.r1.body3.0"] = (width, 2 * width, 3)
        for name in ("r2.body.0", "r2.body.2", "r3.body.0", "r3.body.2"):
            shapes[f"{block}.{name}"] = (width, width, 3)
        shapes[f"{block}.r3.body.4"] = (width, width, 1)
        shapes[f"{block}.ca.c1.body.0"] = (inner, width, 1)
        shapes[f"{block}.ca.c2.body.0"] = (width, inner, 1)
    state = {}
    for name, (made, taken, side) in shapes.items():
        layer = randomise(nn.Conv2d(taken, made, side))
        # The first weights of the attention are smaller, so that its sigmoid does not saturate.
        weights = layer.weight / span if name.endswith("c1.body.0") else layer.weight
        state[f"{name}.weight"] = weights.detach()
        scale = 1 if ".ca." in name else span
        state[f"{name}.bias"] = scale * layer.bias.detach()  # type: ignore[operator]
    state["sub_mean.bias"] = -span * torch.tensor([0.4488, 0.4371, 0.4040])
    return state


def reference(state: dict[str, Tensor], noisy: Tensor, blocks: int) -> Tensor:
    """The network of the paper, in the range of its tensors."""

    def conv(name: str, x: Tensor, dilation: int = 1) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        padding = dilation if weight.shape[-1] == 3 else 0
        return conv2d(x, weight, bias, padding=padding, dilation=dilation)

    x = conv("head.body.0", conv("sub_mean", noisy)).relu()
    for block in (f"b{number}" for number in range(1, blocks + 1)):
        near = conv(f"{block}.r1.body1.2", conv(f"{block}.r1.body1.0", x).relu(), 2).relu()
        far = conv(f"{block}.r1.body2.2", conv(f"{block}.r1.body2.0", x, 3).relu(), 4).relu()
        x = x + conv(f"{block}.r1.body3.0", torch.cat((near, far), dim=1)).relu()
        x = (x + conv(f"{block}.r2.body.2", conv(f"{block}.r2.body.0", x).relu())).relu()
        inner = conv(f"{block}.r3.body.2", conv(f"{block}.r3.body.0", x).relu()).relu()
        x = (x + conv(f"{block}.r3.body.4", inner)).relu()
        squeezed = conv(f"{block}.ca.c1.body.0", x.mean((2, 3), keepdim=True)).relu()
        x = x * conv(f"{block}.ca.c2.body.0", squeezed).sigmoid()
    return noisy + conv("add_mean", conv("tail", x))


@torch.no_grad()
@pytest.mark.parametrize("span", [1, 255])
@pytest.mark.parametrize("size", [(16, 16), (11, 18)])
def test_is_the_published_network(span: int, size: tuple[int, int], tmp_path: Path) -> None:
    """Loaded from the state dict; one for [0, 255] gives the same image, divided by 255."""
    state, noisy = published(8, 2, 2, span), torch.rand(2, 3, *size)
    network = nn.Module()
    network.state_dict = lambda: state  # type: ignore[method-assign, assignment, return-value]
    model = loaded(network, tmp_path / "net.pth")
    expected = reference(state, span * noisy, 2) / span
    assert relative_difference(model, noisy, expected) < 1e-5
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": 3,
        "width": 8,
        "blocks": 2,
        "reduction": 4,
    }


def test_published_size() -> None:
    """The paper states 1.5 million; the number is that of the authors' code."""
    with torch.device("meta"):
        assert parameters(create_model("ridnet", preset="color")) == 1_499_371


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_starts_close_to_the_identity(channels: int) -> None:
    """The mean colour that is added at the end does not shift the untrained network's image."""
    noisy = torch.rand(1, channels, 24, 24)
    change = create_model("ridnet", channels=channels, width=16)(noisy) - noisy
    assert 0 < change.square().mean().sqrt() < 0.1


@torch.no_grad()
def test_the_attention_sees_the_whole_image() -> None:
    """A change in one corner reaches the other, far beyond the convolutions."""
    model, noisy = create_model("ridnet", preset="tiny").eval(), torch.rand(1, 3, 64, 64)
    changed = noisy.clone()
    changed[..., :4, :4] = 1 - changed[..., :4, :4]
    difference = model(changed) - model(noisy)
    assert difference[..., -1, -1].abs().max() > 0
