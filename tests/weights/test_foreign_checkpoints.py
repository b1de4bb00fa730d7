"""Published checkpoints are recognised by keys and shapes, and their code is never executed.

The networks that the checkpoints are made of here stand in the layouts of their projects; what they
compute is the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from restorekit import create_model, load_model
from restorekit.weights import convert, read_card
from tests.weights.published_layouts import (
    Network,
    State,
    deepinv,
    kair_dncnn,
    named,
    saoyan,
    stack,
)


def phases(noisy: Tensor, sigma: float, first: int = 0, last: int = 0) -> Tensor:
    """The 2x2 phases of an image, with maps of the level before or after them."""
    apart = functional.pixel_unshuffle(noisy, 2)
    level = torch.full_like(apart[:, :1], sigma)
    return torch.cat([level] * first + [apart] + [level] * last, dim=1)


def cszn(channels: int) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels, norm=True, biases=(True, False, False), eps=1e-4)
    return named(net, "dncnn"), lambda noisy, _: noisy - net(noisy)


def kair_ffdnet(channels: int) -> tuple[State, Network]:
    net = stack(4 * channels + 1, 8, 8, 8, 4 * channels)
    return named(net, "model"), lambda noisy, sigma: functional.pixel_shuffle(
        net(phases(noisy, sigma, last=1)), 2
    )


def ipol_ffdnet(channels: int) -> tuple[State, Network]:
    net = stack(5 * channels, 8, 8, 8, 4 * channels, norm=True, biases=(False, False, False))
    return (
        named(net, "module.intermediate_dncnn.itermediate_dncnn"),
        lambda noisy, sigma: (
            noisy - functional.pixel_shuffle(net(phases(noisy, sigma, first=channels)), 2)
        ),
    )


PUBLISHED = {
    "KAIR DnCNN": (kair_dncnn, "dncnn", {"batch_norm": False}),
    "KAIR DnCNN with norm": (lambda c: kair_dncnn(c, norm=True), "dncnn", {"batch_norm": False}),
    "SaoYan DnCNN": (saoyan, "dncnn", {"batch_norm": True}),
    "cszn DnCNN": (cszn, "dncnn", {"batch_norm": False}),
    "deepinv DnCNN": (deepinv, "dncnn", {"batch_norm": False}),
    "KAIR FFDNet": (kair_ffdnet, "ffdnet", {"residual": False}),
    "IPOL FFDNet": (ipol_ffdnet, "ffdnet", {"residual": True}),
}


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("published", PUBLISHED)
def test_published_checkpoints_compute_what_they_did(
    published: str, channels: int, tmp_path: Path
) -> None:
    """Loaded by path or converted, they give the results of the original network."""
    make, architecture, arguments = PUBLISHED[published]
    state, reference = make(channels)
    torch.save(state, tmp_path / "net.pth")
    noisy, sigma = torch.rand(1, channels, 12, 16), torch.full((1, 1, 1, 1), 0.1)
    expected = reference(noisy, 0.1)

    convert(tmp_path / "net.pth", tmp_path / "net.safetensors")
    for file in ("net.pth", "net.safetensors"):
        model = load_model(tmp_path / file)
        assert not model.training
        torch.testing.assert_close(model(noisy, sigma=sigma), expected, rtol=1e-5, atol=1e-5)
        made = read_card(tmp_path / file)["model"]
        sizes = {"channels": channels, "depth": 4, "width": 8}
        assert (made["name"], made["arguments"]) == (architecture, {**sizes, **arguments})


@pytest.mark.parametrize(
    ("make", "sizes"),
    [
        (lambda: stack(1, *[64] * 16, 1), ("dncnn", 17, 64, 1)),
        (lambda: stack(3, *[64] * 19, 3), ("dncnn", 20, 64, 3)),
        (lambda: stack(5, *[64] * 14, 4), ("ffdnet", 15, 64, 1)),
        (lambda: stack(13, *[96] * 11, 12), ("ffdnet", 12, 96, 3)),
    ],
)
def test_published_sizes_are_recognised(
    make: Callable[[], nn.Module], sizes: tuple[str, int, int, int], tmp_path: Path
) -> None:
    """KAIR's dncnn_25, dncnn_color_blind, ffdnet_gray and ffdnet_color."""
    network = make()
    torch.save(named(network, "model"), tmp_path / "net.pth")
    card = read_card(tmp_path / "net.pth")
    arguments = card["model"]["arguments"]
    found = (card["model"]["name"], *(arguments[k] for k in ("depth", "width", "channels")))
    assert found == sizes
    assert card["parameters"] == sum(p.numel() for p in network.parameters())


WRAPPERS: dict[str, Callable[[State], Any]] = {
    "params": lambda state: {"params": state},
    "params_ema first": lambda state: {"params": zeros(state), "params_ema": state},
    "a training state": lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"a": [1]}},
    "model": lambda state: {"model": state, "step": 5},
    "data-parallel": lambda state: {f"module.{k}": v for k, v in state.items()},
    "compiled": lambda state: {f"_orig_mod.{k}": v for k, v in state.items()},
    "lightning": lambda state: {"state_dict": {f"net.{k}": v for k, v in state.items()}},
    "both": lambda state: {"net": {f"module.{k}": v for k, v in state.items()}},
    "half precision": lambda state: {k: v.half() for k, v in state.items()},
}


def zeros(state: State) -> State:
    return {key: torch.zeros_like(value) for key, value in state.items()}


@torch.no_grad()
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_removed(wrapper: str, tmp_path: Path) -> None:
    """For every dictionary that trainers put around a state dict."""
    state, reference = kair_dncnn(1)
    torch.save(WRAPPERS[wrapper](state), tmp_path / "net.pth")
    noisy = torch.rand(1, 1, 8, 8)
    tolerance = 2e-3 if wrapper == "half precision" else 1e-6
    found = load_model(tmp_path / "net.pth")(noisy)
    torch.testing.assert_close(found, reference(noisy, 0), rtol=0, atol=tolerance)


@torch.no_grad()
def test_safetensors_without_our_card_are_recognised_too(tmp_path: Path) -> None:
    """They are recognised by their keys, not by the format or the suffix of the file."""
    state, reference = kair_dncnn(3)
    noisy = torch.rand(1, 3, 8, 8)
    for name in ("net.safetensors", "net.pth"):
        save_file(state, tmp_path / name)
        torch.testing.assert_close(load_model(tmp_path / name)(noisy), reference(noisy, 0))


@torch.no_grad()
def test_a_published_checkpoint_fills_a_given_model(tmp_path: Path) -> None:
    """Training can start from it, and from a state dict of the model."""
    state, reference = kair_dncnn(1)
    model = create_model("dncnn", channels=1, depth=4, width=8, batch_norm=False)
    noisy = torch.rand(1, 1, 8, 8)
    for each in (state, {**model.state_dict()}):
        torch.save(each, tmp_path / "net.pth")
        expected = reference(noisy, 0) if each is state else model.eval()(noisy)
        filled = load_model(tmp_path / "net.pth", model=model)
        assert filled is model
        torch.testing.assert_close(filled(noisy), expected)


def test_the_card_has_the_origin(tmp_path: Path) -> None:
    """It has file, digest and layout; the licence is unknown unless it is given."""
    torch.save(kair_dncnn(1)[0], tmp_path / "dncnn_25.pth")
    convert(tmp_path / "dncnn_25.pth", tmp_path / "a.safetensors")
    card = read_card(tmp_path / "a.safetensors")
    assert card["license"] == "licence unknown"
    assert card["source"]["file"] == "dncnn_25.pth"
    assert card["source"]["layout"] == "KAIR's DnCNN"
    assert len(card["source"]["sha256"]) == 64
    convert(tmp_path / "dncnn_25.pth", tmp_path / "b.safetensors", license="MIT")
    assert read_card(tmp_path / "b.safetensors")["license"] == "MIT"
