"""NAFNet, compared with spandrel's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from spandrel.architectures.NAFNet import NAFNet as Reference
from torch import nn

from restorekit import create_model
from restorekit.arch.nafnet import NAFBlock
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference

TINY = {"width": 4, "middle_blk_num": 2, "enc_blk_nums": [1, 2], "dec_blk_nums": [2, 1]}


def published(channels: int = 3) -> nn.Module:
    """A small network of the authors' layout, whose weights all affect the result."""
    torch.manual_seed(0)
    return randomise(Reference(img_channel=channels, **TINY))


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_is_the_published_network(channels: int, tmp_path: Path) -> None:
    """Loaded from its state dict, also at sizes that are padded with zeros."""
    network = published(channels)
    model = loaded(network, tmp_path / "net.pth")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": 4,
        "encoder_blocks": [1, 2],
        "middle_blocks": 2,
        "decoder_blocks": [2, 1],
    }
    for size in ((16, 24), (17, 23), (5, 40), (1, 1)):
        noisy = torch.rand(2, channels, *size)
        assert relative_difference(model, noisy, network(noisy)) < 1e-5


@pytest.mark.parametrize(
    ("preset", "expected", "stated"), [("w32", 29_159_715, 29.16), ("w64", 115_982_915, 115.98)]
)
def test_published_sizes(preset: str, expected: int, stated: float) -> None:
    """As the authors' code makes them for SIDD; in millions as stated of both."""
    with torch.device("meta"):
        model = create_model("nafnet", preset=preset)
        network = Reference(
            width=int(preset[1:]),
            middle_blk_num=12,
            enc_blk_nums=[2, 2, 4, 8],
            dec_blk_nums=[2, 2, 2, 2],
        )
    assert parameters(model) == expected == parameters(network)
    assert round(expected / 1e6, 2) == stated
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (model, network)]
    assert shapes[0] == shapes[1]


@torch.no_grad()
def test_a_new_block_is_the_identity() -> None:
    """What is added is scaled by 0 at first."""
    x = torch.rand(1, 4, 6, 7)
    assert torch.equal(NAFBlock(4)(x), x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"middle_blks.0.beta": (1, 8, 1, 1)}, "'middle_blks.0.beta' is .1, 8, 1, 1., not"),
        ({"encoders.0.0.conv1.weight": (4, 4, 1, 1)}, "'encoders.0.0.conv1.weight' is"),
        ({"ending.weight": (1, 4, 3, 3)}, r"'ending.weight' is \(1, 4, 3, 3\), not \(3, 4, 3, 3\)"),
        ({"intro.weight": None}, "'intro.weight' is missing"),
        ({"decoders.1.0.beta": None}, "2 scales in the encoder and 1 in the decoder"),
        ({"decoders.0.1.norm1.bias": None}, "norm1.bias"),
    ],
)
def test_other_shapes_are_refused(
    change: dict[str, tuple[int, ...] | None], message: str, tmp_path: Path
) -> None:
    """A checkpoint with the keys of NAFNet that is not one is refused with the reason."""
    network = published()
    state = network.state_dict()
    for key, shape in change.items():
        state.pop(key)
        if shape:
            state[key] = torch.zeros(shape)
    network.state_dict = lambda: state  # type: ignore[method-assign,assignment]
    with pytest.raises(CheckpointError, match=message):
        loaded(network, tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "'width' must be at least 1, not 0"),
        ({"encoder_blocks": []}, "'encoder_blocks' must be at least 1, not 0"),
        ({"encoder_blocks": [1]}, "'encoder_blocks' has 1 scales and 'decoder_blocks' 4"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, object], message: str) -> None:
    """The message names the argument and what is possible."""
    with pytest.raises(ArgumentError, match=message):
        create_model("nafnet", **arguments)
