"""SCUNet, compared with spandrel's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from spandrel.architectures.SCUNet import SCUNet as Reference
from torch.nn import functional

from restorekit import create_model
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference

BLOCKS = [2, 1, 1, 2, 1, 1, 1]


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_is_the_published_network(channels: int, tmp_path: Path) -> None:
    """Loaded from its state dict; other sizes are padded by repeating the edge, as the authors'
    code does. The reference has heads of 32 channels, so that it cannot be smaller."""
    torch.manual_seed(0)
    network = randomise(Reference(in_nc=channels, config=BLOCKS, dim=64))
    model = loaded(network, tmp_path / "net.pth")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": 64,
        "blocks": BLOCKS,
        "head_width": 32,
        "window": 8,
    }
    noisy = torch.rand(1, channels, 64, 128)
    assert relative_difference(model, noisy, network(noisy)) < 1e-5
    noisy = torch.rand(1, channels, 37, 50)
    padded = functional.pad(noisy, (0, 14, 0, 27), "replicate")
    assert relative_difference(model, noisy, network(padded)[..., :37, :50]) < 1e-5


@pytest.mark.parametrize(("preset", "expected"), [("color", 17_946_072), ("gray", 17_943_768)])
def test_published_sizes(preset: str, expected: int) -> None:
    """As the reference has them with the published settings: 4 blocks in each stage."""
    with torch.device("meta"):
        model = create_model("scunet", preset=preset)
    assert parameters(model) == expected


@torch.no_grad()
def test_without_attention_a_change_stays_near(tmp_path: Path) -> None:
    """With zeros in place of the transformers' share, only convolutions carry a change on."""
    model = randomise(create_model("scunet", preset="tiny", blocks=[1] * 7))
    for name, weights in model.named_parameters():
        if name.endswith(("attn.proj.weight", "attn.proj.bias")):
            weights.zero_()
    noisy = torch.rand(1, 3, 16, 256)
    changed = noisy.clone()
    changed[..., 0] += 1
    # Two 3x3 convolutions a block: at full size 2 blocks and the outer convolutions, 2 at half and
    # quarter size, 1 at an eighth, and the grid of 8 pixels.
    reach = 2 * 2 + 2 + 2 * 2 * 2 + 2 * 2 * 4 + 2 * 8 + 8
    differing = (model(noisy) != model(changed)).any(1).any(1)[0].nonzero()
    assert 8 < differing.max() <= reach


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    """The tensor that does not fit is named."""
    network = Reference(in_nc=3, config=[1] * 7, dim=64)
    network.m_tail = torch.nn.Sequential(torch.nn.Conv2d(64, 1, 3, bias=False))
    with pytest.raises(CheckpointError, match=r"SCUNet, but the shape of 'm_tail\.0\.weight' is"):
        loaded(network, tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 48}, "'width' must be a multiple of 64, not 48; the nearest is 64"),
        ({"blocks": [1, 1, 1, 0, 1, 1, 1]}, "'blocks' must be at least 1, not 0"),
        ({"window": 0}, "'window' must be at least 1, not 0"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, object], message: str) -> None:
    """The message names the argument and what is possible."""
    with pytest.raises(ArgumentError, match=message):
        create_model("scunet", **arguments)
