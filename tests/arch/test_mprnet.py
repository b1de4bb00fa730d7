"""MPRNet: the published names and sizes, and how the stages see the image."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest
import torch

from restorekit import create_model, load_model
from restorekit.arch.mprnet import MPRNet
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from restorekit.weights.layouts.mprnet_layout import MPRNetAuthors

Shapes = dict[str, tuple[int, ...]]
BLOCKS = 55  # attention blocks of the published network, which share one PReLU


def attention_block(name: str, width: int) -> Shapes:
    return {
        f"{name}.body.0.weight": (width, width, 3, 3),
        f"{name}.body.1.weight": (1,),
        f"{name}.body.2.weight": (width, width, 3, 3),
        f"{name}.CA.conv_du.0.weight": (width // 4, width, 1, 1),
        f"{name}.CA.conv_du.2.weight": (width, width // 4, 1, 1),
    }


def published(width: int, step: int, full_step: int, blocks: int, channels: int = 3) -> Shapes:
    """The state dict of the authors' network, which has no biases."""
    widths, full = [width, width + step, width + 2 * step], width + full_step
    shapes: Shapes = {}
    for stage in (1, 2, 3):
        shapes[f"shallow_feat{stage}.0.weight"] = (width, channels, 3, 3)
        shapes |= attention_block(f"shallow_feat{stage}.1", width)
    for stage in (1, 2):
        encoder, decoder = f"stage{stage}_encoder", f"stage{stage}_decoder"
        for level, wide in enumerate(widths, 1):
            for place in (0, 1):
                shapes |= attention_block(f"{encoder}.encoder_level{level}.{place}", wide)
                shapes |= attention_block(f"{decoder}.decoder_level{level}.{place}", wide)
            if stage == 2:
                for part in ("enc", "dec"):
                    shapes[f"{encoder}.csff_{part}{level}.weight"] = (wide, wide, 1, 1)
            if level < 3:
                wider, names = widths[level], f"{level}{level + 1}"
                shapes[f"{encoder}.down{names}.down.1.weight"] = (wider, wide, 1, 1)
                shapes[f"{decoder}.up{names[::-1]}.up.1.weight"] = (wide, wider, 1, 1)
                shapes |= attention_block(f"{decoder}.skip_attn{level}", wide)
    last = "stage3_orsnet"
    for part in (1, 2, 3):
        for place in range(blocks):
            shapes |= attention_block(f"{last}.orb{part}.body.{place}", full)
        shapes[f"{last}.orb{part}.body.{blocks}.weight"] = (full, full, 3, 3)
    for part in ("enc", "dec"):
        for level in (1, 2, 3):
            shapes[f"{last}.conv_{part}{level}.weight"] = (full, width, 1, 1)
        shapes[f"{last}.up_{part}1.up.1.weight"] = (widths[0], widths[1], 1, 1)
        shapes[f"{last}.up_{part}2.0.up.1.weight"] = (widths[1], widths[2], 1, 1)
        shapes[f"{last}.up_{part}2.1.up.1.weight"] = (widths[0], widths[1], 1, 1)
    for sam in ("sam12", "sam23"):
        shapes[f"{sam}.conv1.weight"] = (width, width, 1, 1)
        shapes[f"{sam}.conv2.weight"] = (channels, width, 1, 1)
        shapes[f"{sam}.conv3.weight"] = (width, channels, 1, 1)
    shapes["concat12.weight"] = (width, 2 * width, 3, 3)
    shapes["concat23.weight"] = (full, 2 * width, 3, 3)
    shapes["tail.weight"] = (channels, full, 3, 3)
    return shapes


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("preset", "sizes", "parameters"),
    [
        ("denoising", (80, 48, 32, 8), 15_741_025),
        ("deblurring", (96, 48, 32, 8), 20_127_073),
        ("deraining", (40, 20, 16, 8), 3_637_249),
    ],
)
def test_published_sizes(preset: str, sizes: tuple[int, ...], parameters: int) -> None:
    """The counts of the authors' networks (the paper has 20.1 and 3.64 million for the last two).

    Their blocks share the slope of one PReLU, and ours have their own.
    """
    shapes = published(*sizes)
    assert sum(map(prod, shapes.values())) == parameters + BLOCKS - 1
    with torch.device("meta"):
        model = create_model("mprnet", preset=preset)
        state = {key: torch.empty(shape) for key, shape in shapes.items()}
    found = MPRNetAuthors()(state)
    assert found is not None
    ours = {key: tensor.shape for key, tensor in model.state_dict().items()}
    assert {key: tensor.shape for key, tensor in found.tensors.items()} == ours
    names = ("channels", "width", "step", "full_step", "blocks", "reduction")
    assert found.arguments == dict(zip(names, (3, *sizes, 4), strict=True))


@torch.no_grad()
def test_a_published_checkpoint_is_recognised(tmp_path: Path) -> None:
    """Every tensor is loaded, and the image of the last stage is returned."""
    shapes = published(4, 2, 2, 1, channels=1)
    state = {key: torch.rand(shape) - 0.5 for key, shape in shapes.items()}
    torch.save({"state_dict": state}, tmp_path / "net.pth")
    restored = load_model(tmp_path / "net.pth")(torch.rand(1, 1, 11, 17))
    assert restored.image.shape == restored.extras["stage_1"].shape == (1, 1, 11, 17)
    assert read_card(tmp_path / "net.pth")["model"]["arguments"]["full_step"] == 2


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    """The message names the layer."""
    state = {key: torch.zeros(shape) for key, shape in published(4, 2, 2, 1).items()}
    torch.save(state | {"tail.weight": torch.zeros(3, 7, 3, 3)}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"'tail.weight' is \(3, 7, 3, 3\), not \(3, 6, 3,"):
        load_model(tmp_path / "net.pth")


@torch.no_grad()
def test_the_first_stage_sees_halves() -> None:
    """Pixels of the lower half change the upper half of the other stages only."""
    model = create_model("mprnet", preset="tiny").eval()
    noisy = torch.rand(1, 3, 32, 24)
    other = noisy.clone()
    other[..., 16:, :] = torch.rand(1, 3, 16, 24)
    before, after = model(noisy), model(other)

    def same(name: str) -> bool:
        upper = [each.extras.get(name, each.image)[..., :16, :] for each in (before, after)]
        return torch.equal(*upper)

    assert [same(name) for name in ("stage_1", "stage_2", "image")] == [True, False, False]


@pytest.mark.parametrize(
    ("argument", "minimum"),
    [("channels", 1), ("width", 1), ("blocks", 1), ("reduction", 1), ("step", 0), ("full_step", 0)],
)
def test_arguments_below_their_minimum_are_refused(argument: str, minimum: int) -> None:
    """The message names the argument and its minimum."""
    with pytest.raises(ArgumentError, match=f"'{argument}' must be at least {minimum}"):
        MPRNet(**{argument: minimum - 1})
