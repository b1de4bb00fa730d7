"""Restormer: its layers, sizes and state dict, against the definitions of the paper.

`examples/restorekit-deepinv` compares the whole network with that of DeepInverse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restorekit import create_model, load_model
from restorekit.arch.channel_norm import ChannelNorm, ScaleNorm
from restorekit.arch.restormer import GatedFeedForward, Restormer
from restorekit.arch.transformer_unet import TransposedAttention
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise

TINY: dict[str, Any] = {
    "width": 6,
    "blocks": [1, 2, 1, 1],
    "refinement_blocks": 2,
    "heads": [1, 2, 3, 4],
    "expansion": 2.65,
}


def test_attention_is_between_channels() -> None:
    """One head at a time: softmax of the scaled cosines of feature maps, times the values."""
    layer = randomise(TransposedAttention(6, heads=2))
    assert isinstance(layer, TransposedAttention)
    x = torch.randn(1, 6, 5, 7)
    queries, keys, values = layer.qkv_dwconv(layer.qkv(x))[0].flatten(1).split(6)
    means = []
    for head, temperature in enumerate(layer.temperature.flatten()):
        q, k, v = (part[3 * head : 3 * head + 3] for part in (queries, keys, values))
        cosines = functional.cosine_similarity(q[:, None], k[None], dim=-1)
        means.append(torch.softmax(temperature * cosines, dim=1) @ v)
    expected = layer.project_out(torch.cat(means).reshape(1, 6, 5, 7))
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("bias_free", [False, True])
def test_normalisations(bias_free: bool) -> None:
    """That of torch at each pixel; the bias-free one keeps the mean."""
    norm = randomise(ScaleNorm(5, eps=1e-5) if bias_free else ChannelNorm(5, eps=1e-5))
    x = torch.randn(2, 5, 3, 4) / 100  # so small that the epsilon counts
    pixels = x.movedim(1, -1)
    expected = functional.layer_norm(pixels, (5,), eps=1e-5)
    if bias_free:
        deviation = (pixels.var(-1, keepdim=True, correction=0) + 1e-5).sqrt()
        expected = expected + pixels.mean(-1, keepdim=True) / deviation
    expected = expected * norm.weight + (0 if bias_free else norm.bias)
    torch.testing.assert_close(norm(x), expected.movedim(-1, 1))


def test_the_feed_forward_layer_is_gated() -> None:
    """The GELU of the first half of the hidden channels multiplies the second half."""
    layer = randomise(GatedFeedForward(3, hidden=4))
    assert isinstance(layer, GatedFeedForward)
    x = torch.randn(1, 3, 5, 5)
    hidden = layer.dwconv(layer.project_in(x))
    expected = layer.project_out(functional.gelu(hidden[:, :4]) * hidden[:, 4:])
    torch.testing.assert_close(layer(x), expected)


@torch.no_grad()
@pytest.mark.parametrize("bias_free", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_layout_reads_every_size(channels: int, bias_free: bool, tmp_path: Path) -> None:
    """All arguments are inferred from a state dict, and the network is the same."""
    network = randomise(Restormer(channels, **TINY, bias_free=bias_free))
    model = loaded(network, tmp_path / "net.pth")
    found = read_card(tmp_path / "net.pth")["model"]["arguments"]
    assert found == {"channels": channels, **TINY, "bias_free": bias_free}
    noisy = torch.rand(1, channels, 9, 14)
    assert torch.equal(model(noisy), network(noisy))


@torch.no_grad()
def test_other_sizes_are_mirrored_to_multiples_of_8() -> None:
    """As in the published evaluation."""
    model = randomise(Restormer(1, **TINY))
    noisy = torch.rand(1, 1, 13, 18)
    mirrored = functional.pad(noisy, (0, 6, 0, 3), "reflect")
    torch.testing.assert_close(model(noisy), model(mirrored)[..., :13, :18])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"preset": "color"}, 26_111_668),
        ({"preset": "gray"}, 26_109_076),
        ({"preset": "real"}, 26_111_668),
        ({"bias_free": False}, 26_126_644),
    ],
)
def test_published_sizes(arguments: dict[str, Any], expected: int) -> None:
    """As the authors' code makes them; of the last, which is for other tasks, 26.13 million are
    stated by many papers."""
    with torch.device("meta"):
        assert parameters(create_model("restormer", **arguments)) == expected


def test_names_and_shapes_are_those_of_the_published_state_dict() -> None:
    """Of the networks for Gaussian noise in colour images, as their authors' code has them."""
    with torch.device("meta"):
        state = Restormer().state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    for stage, blocks, width, heads, hidden in (
        *(("encoder_level1", 4, 48, 1, 127), ("encoder_level2", 6, 96, 2, 255)),
        *(("encoder_level3", 6, 192, 4, 510), ("latent", 8, 384, 8, 1021)),
        *(("decoder_level3", 6, 192, 4, 510), ("decoder_level2", 6, 96, 2, 255)),
        *(("decoder_level1", 4, 96, 1, 255), ("refinement", 4, 96, 1, 255)),
    ):
        of_block = {
            "norm1.body.weight": (width,),
            "attn.temperature": (heads, 1, 1),
            "attn.qkv.weight": (3 * width, width, 1, 1),
            "attn.qkv_dwconv.weight": (3 * width, 1, 3, 3),
            "attn.project_out.weight": (width, width, 1, 1),
            "norm2.body.weight": (width,),
            "ffn.project_in.weight": (2 * hidden, width, 1, 1),
            "ffn.dwconv.weight": (2 * hidden, 1, 3, 3),
            "ffn.project_out.weight": (width, hidden, 1, 1),
        }
        for block in range(blocks):
            for key, shape in of_block.items():
                assert shapes.pop(f"{stage}.{block}.{key}") == shape
    assert shapes == {
        "patch_embed.proj.weight": (48, 3, 3, 3),
        "down1_2.body.0.weight": (24, 48, 3, 3),
        "down2_3.body.0.weight": (48, 96, 3, 3),
        "down3_4.body.0.weight": (96, 192, 3, 3),
        "up4_3.body.0.weight": (768, 384, 3, 3),
        "reduce_chan_level3.weight": (192, 384, 1, 1),
        "up3_2.body.0.weight": (384, 192, 3, 3),
        "reduce_chan_level2.weight": (96, 192, 1, 1),
        "up2_1.body.0.weight": (192, 96, 3, 3),
        "output.weight": (3, 96, 3, 3),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"skip_conv.weight": torch.zeros(12, 6, 1, 1)}, "dual-pixel images"),
        ({"output.weight": torch.zeros(1, 12, 3, 3)}, r"'output.weight' is \(1, 12, 3, 3\), not"),
        ({"latent.0.ffn.project_out.weight": torch.zeros(48, 9, 1, 1)}, "factor relates"),
        ({"latent.0.attn.temperature": torch.zeros(4)}, "without 3 dimensions"),
        ({"latent.0.attn.temperature": None}, "'latent.0.attn.temperature' is missing"),
        ({"refinement.1.norm1.body.weight": None}, "refinement.1.norm1.body.weight"),
    ],
)
def test_other_checkpoints_are_refused(
    change: dict[str, Tensor | None], message: str, tmp_path: Path
) -> None:
    """A checkpoint with the keys of Restormer that is not one is refused with the reason."""
    state = {**Restormer(3, **TINY).state_dict(), **change}
    torch.save({k: v for k, v in state.items() if v is not None}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=message):
        load_model(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 7}, "'width' must be a multiple of 2, not 7; the nearest is 8"),
        ({"width": 9, "heads": [3, 3, 3, 3]}, "'width' must be a multiple of 6, not 9"),
        ({"blocks": [1, 1, 0, 1]}, "'blocks' must be at least 1, not 0"),
        ({"width": 0}, "'width' must be at least 1, not 0"),
        ({"expansion": 0.01}, "'expansion' must give at least 1 hidden channel; 0.01 gives none"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, Any], message: str) -> None:
    """The message names the argument and what is possible."""
    with pytest.raises(ArgumentError, match=message):
        create_model("restormer", **arguments)
