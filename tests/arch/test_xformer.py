"""Xformer: the keys of its published state dict, and what its paper and code state.

No package on the index has it. docs/zoo_parity.jsonl has the comparison with the authors' code.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from restorekit import create_model, load_model
from restorekit.arch.swin_block import WindowAttention
from restorekit.arch.xformer import PaddedWindowAttention
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import parameters, randomise

Shapes = dict[str, tuple[int, ...]]
BLOCKS = {"channel": (1, 2, 1), "spatial": (2, 1, 2, 2)}


def channel_block(width: int, heads: int) -> Shapes:
    """The tensors of a block with attention between channels, with biases in its norms."""
    hidden = int(2.66 * width)
    return {
        **{f"norm{n}.body.{kind}": (width,) for n in (1, 2) for kind in ("weight", "bias")},
        "attn.temperature": (heads, 1, 1),
        "attn.qkv.weight": (3 * width, width, 1, 1),
        "attn.qkv_dwconv.weight": (3 * width, 1, 3, 3),
        "attn.project_out.weight": (width, width, 1, 1),
        "ffn.project_in.weight": (2 * hidden, width, 1, 1),
        "ffn.dwconv.weight": (2 * hidden, 1, 3, 3),
        "ffn.project_out.weight": (width, hidden, 1, 1),
    }


def spatial_block(width: int, heads: int, window: int) -> Shapes:
    """The tensors of a block with attention in windows, and the index that the authors store."""
    hidden = int(2.66 * width)
    linear = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
    linear |= {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}
    return {
        **{f"norm{n}.{kind}": (width,) for n in (1, 2) for kind in ("weight", "bias")},
        "attn.relative_position_bias_table": ((2 * window - 1) ** 2, heads),
        "attn.relative_position_index": (window**2, window**2),
        **{f"{name}.weight": shape for name, shape in linear.items()},
        **{f"{name}.bias": shape[:1] for name, shape in linear.items()},
    }


def published(width: int = 8, window: int = 4) -> dict[str, Tensor]:
    """A small state dict with the keys of the authors."""
    shapes: Shapes = {"patch_embed.proj.weight": (width, 3, 3, 3)}
    shapes["output.weight"] = (3, 2 * width, 3, 3)

    def add(stage: str, count: int, block: Shapes) -> None:
        shapes.update({f"{stage}.{n}.{k}": v for n in range(count) for k, v in block.items()})

    for level in (1, 2, 3):
        w, heads = width * 2 ** (level - 1), 2 ** (level - 1)
        for part in ("encoder", "decoder"):
            add(f"{part}_level{level}", BLOCKS["channel"][level - 1], channel_block(w, heads))
            add(f"{part}{level}", BLOCKS["spatial"][level - 1], spatial_block(w, heads, window))
        for down, up in (("down", "up"), ("d", "u")):
            shapes[f"{down}{level}_{level + 1}.body.0.weight"] = (w // 2, w, 3, 3)
            shapes[f"{up}{level + 1}_{level}.body.0.weight"] = (4 * w, 2 * w, 3, 3)
        for name in (f"reduce_chan_level{level}", f"reduce{level}"):
            shapes[f"{name}.weight"] = (w, 2 * w, 1, 1)
    add("s_latent", BLOCKS["spatial"][3], spatial_block(8 * width, 8, window))
    add("refinement", 1, channel_block(2 * width, 1))
    for number, times in enumerate((2, 4, 2, 1)):
        w = times * width
        shapes[f"Convs.{number}.weight"] = (w, w, 3, 3)
        shapes[f"DWconvs.{number}.weight"] = (w, 1, 3, 3)
        shapes |= {f"{kind}.{number}.bias": (w,) for kind in ("Convs", "DWconvs")}
    return {key: torch.zeros(shape) for key, shape in shapes.items()}


def test_published_state_dicts_load(tmp_path: Path) -> None:
    """Every key has its place; masks that the authors store tell that the bottom is not shifted."""
    state = published()
    torch.save({"params": state}, tmp_path / "gray.pth")
    load_model(tmp_path / "gray.pth")
    arguments = {
        "channels": 3,
        "width": 8,
        "channel_blocks": [1, 2, 1],
        "spatial_blocks": [2, 1, 2, 2],
        "refinement_blocks": 1,
        "heads": 1,
        "window": 4,
        "expansion": 2.66,
        "bias_free": False,
        "shift_bottom": True,
    }
    assert read_card(tmp_path / "gray.pth")["model"]["arguments"] == arguments
    state["encoder1.1.attn_mask"] = torch.zeros(16, 16, 16)
    torch.save({"params": state}, tmp_path / "color.pth")
    load_model(tmp_path / "color.pth")
    assert read_card(tmp_path / "color.pth")["model"]["arguments"] == {
        **arguments,
        "shift_bottom": False,
    }


@pytest.mark.parametrize(("preset", "channels"), [("color", 3), ("gray", 1)])
def test_published_sizes(preset: str, channels: int) -> None:
    """The authors state 25.23 million, for gray images too. Each channel of the image takes two
    convolutions, and the norms without biases lack 5760 numbers."""
    with torch.device("meta"):
        model = create_model("xformer", preset=preset)
    bias_free = preset == "gray"
    assert parameters(model) == 25_228_078 - 5760 * bias_free - (3 - channels) * 3 * 48 * 9
    assert round(parameters(model) / 1e6, 1) == 25.2


@torch.no_grad()
def test_windows_are_padded_with_zeros() -> None:
    """The zeros are attended to; nothing is shifted in a single row or column of windows."""
    padded = randomise(PaddedWindowAttention(4, 2, window=4, shift=2))
    for size, shift in (((6, 9), 2), ((3, 9), 0), ((10, 4), 0)):
        plain = WindowAttention(4, 2, window=4, shift=shift)
        plain.load_state_dict(padded.state_dict())
        x = torch.rand(1, *size, 4)
        filled = functional.pad(x, (0, 0, 0, -size[1] % 4, 0, -size[0] % 4))
        torch.testing.assert_close(padded(x), plain(filled)[:, : size[0], : size[1]])


@torch.no_grad()
def test_a_change_reaches_the_whole_image() -> None:
    """Through the attention between channels, unlike in windows."""
    model, noisy = randomise(create_model("xformer", preset="tiny")), torch.rand(1, 3, 64, 64)
    changed = noisy.clone()
    changed[..., :4, :4] = 0
    difference = (model(noisy) - model(changed)).abs().amax(1)
    assert (difference[..., 60:, 60:] > 0).all()


def test_dual_pixel_networks_are_refused(tmp_path: Path) -> None:
    """They take two images."""
    torch.save(published() | {"skip_conv.weight": torch.zeros(1)}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="an Xformer for dual-pixel images"):
        load_model(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 7}, "'width' must be a multiple of 2, not 7; the nearest is 8"),
        ({"spatial_blocks": [1, 1, 0, 1]}, "'spatial_blocks' must be at least 1, not 0"),
        ({"expansion": 0.01}, "'expansion' must give at least 1 hidden channel; 0.01 gives none"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, object], message: str) -> None:
    """The message names the argument and what is possible."""
    with pytest.raises(ArgumentError, match=message):
        create_model("xformer", **arguments)
