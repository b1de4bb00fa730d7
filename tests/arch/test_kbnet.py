"""KBNet, compared with spandrel's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from spandrel.architectures.KBNet import KBNet_l, KBNet_s
from torch import Tensor, nn
from torch.nn import functional

from restorekit import create_model, load_model
from restorekit.arch.kbnet import KBNetS, mix_kernels
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def small(channels: int = 3, **arguments: Any) -> nn.Module:
    """A KBNet_s of a few blocks, in the layout of the authors."""
    blocks = {"middle_blk_num": 2, "enc_blk_nums": [1, 2], "dec_blk_nums": [2, 1]}
    return randomise(KBNet_s(img_channel=channels, width=8, **blocks, **arguments))


def large(channels: int = 3) -> nn.Module:
    """A KBNet_l of a few blocks, in the layout of the authors."""
    sizes: dict[str, Any] = {
        "dim": 6,
        "num_blocks": [1, 2, 1, 1],
        "heads": [1, 2, 3, 4],
        "ffn_expansion_factor": 2.0,
    }
    made = {"inp_channels": channels, "out_channels": channels, "num_refinement_blocks": 2}
    return randomise(KBNet_l(**made, **sizes))


@torch.no_grad()
@pytest.mark.parametrize(
    ("channels", "lightweight", "expansion"), [(1, False, 2.0), (3, False, 2.0), (3, True, 1.5)]
)
def test_kbnet_s_is_the_published_network(
    channels: int, lightweight: bool, expansion: float, tmp_path: Path
) -> None:
    """Loaded from its state dict, also at sizes that are padded with zeros."""
    network = small(channels, lightweight=lightweight, ffn_scale=expansion)
    model = loaded(network, tmp_path / "net.pth", wrapper="net")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": 8,
        "encoder_blocks": [1, 2],
        "middle_blocks": 2,
        "decoder_blocks": [2, 1],
        "expansion": expansion,
        "lightweight": lightweight,
    }
    for size in ((16, 24), (17, 23), (1, 1)):
        noisy = torch.rand(2, channels, *size)
        assert relative_difference(model, noisy, network(noisy)) < 1e-5


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_kbnet_l_is_the_published_network(channels: int, tmp_path: Path) -> None:
    """Loaded from its state dict; other sizes are mirrored, as in the published evaluation."""
    network = large(channels)
    model = loaded(network, tmp_path / "net.pth")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": 6,
        "blocks": [1, 2, 1, 1],
        "refinement_blocks": 2,
        "heads": [1, 2, 3, 4],
        "expansion": 2.0,
    }
    for height, width in ((16, 24), (17, 23)):
        noisy = torch.rand(2, channels, height, width)
        mirrored = functional.pad(noisy, (0, -width % 8, 0, -height % 8), "reflect")
        expected = network(mirrored)[..., :height, :width]
        assert relative_difference(model, noisy, expected) < 1e-5


@pytest.mark.parametrize(
    ("name", "preset", "expected"),
    [
        ("kbnet_s", "gray", 141_964_353),
        ("kbnet_s", "color", 141_966_659),
        ("kbnet_s", "real", 128_403_395),
        ("kbnet_l", "color", 29_568_100),
    ],
)
def test_published_sizes(name: str, preset: str, expected: int) -> None:
    """As the authors' code makes them, with the names and shapes of its state dict."""
    lightweight = {"lightweight": True, "ffn_scale": 1.5} if preset == "real" else {}
    with torch.device("meta"):
        model = create_model(name, preset=preset)
        published = (
            KBNet_l()
            if name == "kbnet_l"
            else KBNet_s(img_channel=1 if preset == "gray" else 3, **lightweight)
        )
    assert parameters(model) == expected
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (model, published)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("kernel", range(2))
def test_each_kernel_of_the_basis_is_a_convolution(kernel: int) -> None:
    """If the coefficients choose one kernel at all pixels, it is a grouped convolution."""
    channels, group = 6, 3
    weights, biases = torch.randn(1, 2, channels * group * 9), torch.randn(1, 2, channels)
    x = torch.randn(2, channels, 5, 7)
    chosen = torch.zeros(2, 2, 5, 7)
    chosen[:, kernel] = 1
    expected = functional.conv2d(
        x,
        weights[0, kernel].reshape(channels, group, 3, 3),
        biases[0, kernel],
        padding=1,
        groups=channels // group,
    )
    found = mix_kernels(x, chosen, weights, biases)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_kernels_are_mixed_at_each_pixel() -> None:
    """By coefficients, the result is linear in them at each pixel, and the gradients are right."""
    x, weights = torch.randn(1, 2, 3, 4).double(), torch.randn(1, 2, 36).double()
    biases, coefficients = torch.randn(1, 2, 2).double(), torch.randn(1, 2, 3, 4).double()
    factor = torch.randn(1, 1, 3, 4).double()
    once, scaled = (
        mix_kernels(x, c, weights, biases) for c in (coefficients, factor * coefficients)
    )
    torch.testing.assert_close(scaled, factor * once)
    inputs = [each.requires_grad_() for each in (x, coefficients, weights, biases)]
    assert torch.autograd.gradcheck(mix_kernels, inputs)


@pytest.mark.parametrize(
    ("network", "change", "message"),
    [
        (small, {"ending.weight": torch.zeros(1, 8, 3, 3)}, "'ending.weight' is"),
        (small, {"encoders.0.0.w": torch.zeros(1, 16, 288)}, "'encoders.0.0.w' is"),
        (small, {"encoders.0.0.conv11.1.weight": torch.zeros(8, 8, 5, 5)}, "'encoders.0.0.conv11"),
        (small, {"middle_blks.0.conv4.weight": torch.zeros(9, 32, 1, 1)}, "factor relates"),
        (small, {"middle_blks.1.ga1": None}, "middle_blks.1.ga1"),
        (large, {"encoder_level1.0.attn.w": torch.zeros(1, 32, 9)}, "'encoder_level1.0.attn.w' is"),
        (large, {"latent.0.ffn.temperature": None}, "'latent.0.ffn.temperature' is missing"),
    ],
)
def test_other_checkpoints_are_refused(
    network: Any, change: dict[str, Tensor | None], message: str, tmp_path: Path
) -> None:
    """A checkpoint with the keys of KBNet that is not one is refused with the reason."""
    state = {**network().state_dict(), **change}
    torch.save({k: v for k, v in state.items() if v is not None}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=message):
        load_model(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("kbnet_s", {"width": 6}, "'width' must be a multiple of 8, not 6; the nearest is 8"),
        ("kbnet_s", {"width": 40}, "'width' must be a multiple of 32, not 40; the nearest is 32"),
        ("kbnet_s", {"width": 0}, "'width' must be at least 1, not 0"),
        ("kbnet_s", {"width": 8, "expansion": 0.9}, "0.9 gives 7 for 8 feature channels"),
        ("kbnet_l", {"width": 40}, "'width' must be a multiple of 24, not 40; the nearest is 48"),
    ],
)
def test_arguments_that_cannot_work_are_refused(
    name: str, arguments: dict[str, Any], message: str
) -> None:
    """The message names the argument and what is possible."""
    with pytest.raises(ArgumentError, match=message):
        create_model(name, **arguments)


def test_every_width_that_passes_the_check_works() -> None:
    """At each scale the channels can be divided among the groups of the convolutions."""
    with torch.device("meta"):
        for width in (4, 8, 16, 32, 96):
            KBNetS(width=width, encoder_blocks=(1,) * 4, middle_blocks=1, decoder_blocks=(1,) * 4)
        for width in (12, 24, 72):
            create_model("kbnet_l", width=width, blocks=[1] * 4, heads=[1, 2, 2, 2])
