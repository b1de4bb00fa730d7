"""SwinIR, compared with spandrel's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from spandrel.architectures.SwinIR import SwinIR as Reference
from torch import nn

from restorekit import create_model, load_model
from restorekit.arch.swinir import SwinIR
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference


def published(channels: int = 3, window: int = 4, **arguments: object) -> nn.Module:
    """A small network of the authors' layout, trained on patches of 16 pixels."""
    sizes = {"embed_dim": 8, "depths": [2, 3], "num_heads": [2, 2], "mlp_ratio": 3}
    torch.manual_seed(0)
    return randomise(
        Reference(
            **{"in_chans": channels, "img_size": 4 * window, "window_size": window, "upscale": 1}
            | sizes
            | arguments
        )
    )


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_is_the_published_network(channels: int, tmp_path: Path) -> None:
    """Loaded from a checkpoint with its masks, also at sizes that its masks are not made for."""
    network = published(channels)
    assert any(key.endswith("attn_mask") for key in network.state_dict())
    model = loaded(network, tmp_path / "net.pth")
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": channels,
        "width": 8,
        "depths": [2, 3],
        "heads": 2,
        "window": 4,
        "mlp_ratio": 3,
        "value_scale": 1.0,
    }
    for size in ((16, 16), (4, 12), (17, 23), (5, 3)):
        noisy = torch.rand(2, channels, *size)
        assert relative_difference(model, noisy, network(noisy)) < 1e-5


@torch.no_grad()
def test_networks_against_jpeg_artefacts_scale_their_values(tmp_path: Path) -> None:
    """Those published have windows of 7 pixels, and values up to 255 inside."""
    network = published(window=7, img_range=255.0)
    model = loaded(network, tmp_path / "net.pth")
    noisy = torch.rand(1, 3, 14, 21)
    assert relative_difference(model, noisy, network(noisy)) < 1e-5


@pytest.mark.parametrize(
    ("preset", "expected"), [("color", 11_504_163), ("gray", 11_497_681), ("lightweight", 905_283)]
)
def test_published_sizes(preset: str, expected: int) -> None:
    """As the published network has them; for colour, Zamir et al. state 11.5 million (Restormer,
    CVPR 2022)."""
    with torch.device("meta"):
        model = create_model("swinir", preset=preset)
    assert parameters(model) == expected


@torch.no_grad()
def test_pixels_of_other_windows_have_no_effect() -> None:
    """In one block without a shift, a change reaches its window, and 3 convolutions beyond it."""
    model = randomise(SwinIR(1, 8, (1,), 2, window=8))
    noisy = torch.rand(1, 1, 40, 40)
    changed = noisy.clone()
    changed[..., 18, 19] += 1
    rows, columns = (model(noisy) != model(changed))[0, 0].nonzero().T
    # The window of the pixel and of its neighbours in the first convolution is 16 to 23.
    assert (rows.min(), rows.max()) == (16 - 3, 23 + 3)
    assert (columns.min(), columns.max()) == (16 - 3, 23 + 3)


def test_checkpointing_keeps_the_gradients() -> None:
    """Blocks are computed twice, and the gradients stay the same."""
    plain = randomise(SwinIR(1, 4, (2,), 2, window=2)).train()
    saving = SwinIR(1, 4, (2,), 2, window=2, checkpoint=True)
    saving.load_state_dict(plain.state_dict())
    noisy = torch.rand(1, 1, 6, 6)
    for model in (plain, saving):
        model(noisy).square().mean().backward()
    for one, other in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_other_forms_are_refused_with_the_reason(tmp_path: Path) -> None:
    """Networks that enlarge, and residual connections of three convolutions."""
    with pytest.raises(CheckpointError, match="a SwinIR that enlarges images"):
        loaded(published(upsampler="pixelshuffledirect", upscale=2), tmp_path / "two.pth")
    with pytest.raises(CheckpointError, match=r"'conv_after_body\.weight' is missing"):
        loaded(published(resi_connection="3conv"), tmp_path / "three.pth")
    state = published().state_dict()
    torch.save({k: v for k, v in state.items() if "norm2" not in k}, tmp_path / "part.pth")
    with pytest.raises(CheckpointError, match="norm2"):
        load_model(tmp_path / "part.pth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 10, "heads": 4}, "'width' must be a multiple of 4, not 10; the nearest is 8"),
        ({"depths": []}, "'depths' must be at least 1, not 0"),
        ({"depths": [2, 0]}, "'depths' must be at least 1, not 0"),
        ({"window": 0}, "'window' must be at least 1, not 0"),
        ({"value_scale": 0}, "'value_scale' must be positive, not 0"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, object], message: str) -> None:
    """The message names the argument and what is possible."""
    with pytest.raises(ArgumentError, match=message):
        create_model("swinir", **arguments)
