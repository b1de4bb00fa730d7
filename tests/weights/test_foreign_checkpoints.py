"""Published checkpoints are recognised by keys and shapes, and their code is never executed.

The networks that the checkpoints are made of here stand in the layouts of their projects; what they
compute is the reference.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import struct
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from restorekit import CheckpointError, create_model, load_model, save_model
from restorekit.weights import convert, read_card

State = dict[str, Tensor]
Network = Callable[[Tensor, float], Tensor]


def stack(
    *channels: int,
    norm: bool = False,
    biases: tuple[bool, bool, bool] = (True, True, True),
    eps: float = 1e-5,
) -> nn.Sequential:
    """Convolutions, optional normalisations and ReLUs; all numbers affect the result."""
    first, middle, last = biases
    count = len(channels) - 1
    layers: list[nn.Module] = []
    for place, (taken, made) in enumerate(pairwise(channels)):
        bias = first if place == 0 else last if place == count - 1 else middle
        layers.append(nn.Conv2d(taken, made, 3, padding=1, bias=bias))
        if norm and 0 < place < count - 1:
            layers.append(nn.BatchNorm2d(made, eps=eps))
        if place < count - 1:
            layers.append(nn.ReLU())
    network = nn.Sequential(*layers)
    for layer in network:
        if isinstance(layer, nn.BatchNorm2d):
            # A variance as small as this shows whether the right epsilon is used.
            nn.init.uniform_(layer.running_var, 1e-3, 2e-3)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.weight, 0.1, 0.3)
            nn.init.normal_(layer.bias)
    return network.eval()


def named(network: nn.Module, prefix: str) -> State:
    """A state dict with a prefix."""
    return {f"{prefix}.{key}": value.clone() for key, value in network.state_dict().items()}


def phases(noisy: Tensor, sigma: float, first: int = 0, last: int = 0) -> Tensor:
    """The 2x2 phases of an image, with maps of the level before or after them."""
    apart = functional.pixel_unshuffle(noisy, 2)
    level = torch.full_like(apart[:, :1], sigma)
    return torch.cat([level] * first + [apart] + [level] * last, dim=1)


def kair_dncnn(channels: int, norm: bool = False) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels, norm=norm, eps=1e-4)
    return named(net, "model"), lambda noisy, _: noisy - net(noisy)


def saoyan(channels: int) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels, norm=True, biases=(False, False, False))
    return named(net, "module.dncnn"), lambda noisy, _: noisy - net(noisy)


def cszn(channels: int) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels, norm=True, biases=(True, False, False), eps=1e-4)
    return named(net, "dncnn"), lambda noisy, _: noisy - net(noisy)


def deepinv(channels: int) -> tuple[State, Network]:
    net = stack(channels, 8, 8, 8, channels)
    state = named(net[0], "in_conv") | named(net[-1], "out_conv")
    state |= named(nn.ModuleList([net[2], net[4]]), "conv_list")
    return state, lambda noisy, _: net(noisy) + noisy


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


class Module(nn.Module):
    """A network that was pickled as an object."""


def trap(folder: Path) -> Any:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(folder / "sprung"),)

    return Trap()


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_pickles_are_refused_with_the_reason(tmp_path: Path) -> None:
    """A module, a training state with foreign objects, and a harmful one: the message names why."""
    path = tmp_path / "net.pth"
    torch.save(Module(), path)
    assert f"a pickle that contains {__name__}.Module, not only tensors" in refused(path)
    torch.save({"state_dict": kair_dncnn(1)[0], "args": argparse.Namespace()}, path)
    assert "contains argparse.Namespace" in refused(path)
    torch.save(trap(tmp_path), path)
    assert "mkdir" in refused(path)
    path.write_bytes(pickle.dumps(trap(tmp_path)))
    refused(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_torchscript_archive_is_refused(tmp_path: Path) -> None:
    """It is a program, and torch's advice to load it as one is not repeated."""
    torch.jit.trace(nn.Conv2d(1, 1, 3), torch.ones(1, 1, 8, 8)).save(str(tmp_path / "net.pth"))
    message = refused(tmp_path / "net.pth")
    assert "a TorchScript archive, which contains a program" in message
    assert "weights_only" not in message


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"a": {"dtype": "XX", "shape": [1], "data_offsets": [0, 4]}}, "unknown type 'XX'"),
        (
            {"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 4]}},
            "differs from the number of its bytes",
        ),
        (
            {"a": {"dtype": "F32", "shape": [1], "data_offsets": [2, 4]}},
            "differs from the number of its bytes",
        ),
        (
            {"__metadata__": None},
            "not a complete safetensors file (its header is not a JSON object)",
        ),
        ([1], "not a complete safetensors file (its header is not a JSON object)"),
        ({}, "has no tensors"),
    ],
)
def test_damaged_safetensors_are_reported(head: Any, told: str, tmp_path: Path) -> None:
    """Files of the right length whose header is wrong."""
    written = json.dumps(head).encode()
    body = b"0000" if "a" in head else b""
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(written)) + written + body)
    assert told in refused(path)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"name": "dncnn"}, "does not say which architecture"),
        ({"name": None}, "does not say which architecture"),
        ({"name": 7, "arguments": {}}, "does not say which architecture"),
        ({"name": "dncnn", "arguments": [1]}, "does not say which architecture"),
        ({"name": "nobody_s", "arguments": {}}, "'nobody_s' comes from a plugin, which is not"),
        ({"name": "dncnn", "arguments": {"wide": 1}}, "unknown argument 'wide'. Did you mean 'w"),
    ],
)
def test_cards_without_an_architecture(made: Any, told: str, tmp_path: Path) -> None:
    """Of another program or version; the message names the file."""
    card = json.dumps({"format": 1, "model": made})
    save_file({"a": torch.ones(1)}, tmp_path / "a.safetensors", metadata={"restorekit": card})
    assert told in refused(tmp_path / "a.safetensors")


def without(state: Mapping[str, Tensor], key: str) -> State:
    return {k: v for k, v in state.items() if k != key}


def drop(state: Mapping[str, Tensor], *layers: str) -> State:
    return {k: v for k, v in state.items() if not k.startswith(layers)}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (
            {"conv.weight": torch.ones(4, 1, 3, 3)},
            "its layout is unknown: it has conv.weight (4, 1,",
        ),
        ({"in_conv.weights": torch.ones(1)}, "the nearest known layout is deepinv's DnCNN"),
        (
            named(stack(2, 4, 4, 1), "model"),
            "it has 2 input and 1 output channels; DnCNN has equal",
        ),
        (named(nn.Sequential(nn.Linear(4, 4)), "model"), "it has model.0.weight (4, 4), model.0.b"),
        (
            named(nn.Sequential(nn.PReLU()), "model"),
            "its layout is unknown: it has model.0.weight (1",
        ),
        (
            named(nn.Sequential(nn.Conv2d(1, 1, 5)), "model"),
            "not those of a stack of 3x3 convolutions: (1, 1",
        ),
        (without(deepinv(1)[0], "out_conv.weight"), "nearest known layout is deepinv's DnCNN"),
        (without(saoyan(1)[0], "module.dncnn.3.running_var"), "its layout is unknown"),
        (
            {**named(stack(1, 4, 1), "model"), "model.0.bias": torch.ones(9)},
            "it has another shape of layers",
        ),
        (named(stack(1, 8, 4, 1), "dncnn"), "but its layers have different widths"),
        (named(stack(5, 8, 8, 8), "intermediate_dncnn.itermediate_dncnn"), "FFDNet needs 5"),
        (without(named(stack(1, 4, 4, 1), "model"), "model.2.weight"), "its layout is unknown"),
        (
            drop(named(stack(1, *[4] * 5, 1), "model"), "model.4."),
            "between 'model.2' and 'model.6'",
        ),
        (drop(named(stack(1, *[4] * 5, 1), "model"), "model.0."), "another kind, before 'model.2'"),
        (drop(saoyan(1)[0], "module.dncnn.2.", "module.dncnn.3."), "'dncnn.0' and 'dncnn.5'"),
        (drop(kair_dncnn(1, norm=True)[0], "model.2."), "between 'model.0' and 'model.3'"),
        (drop(kair_dncnn(1, norm=True)[0], "model.3."), "between 'model.2' and 'model.5'"),
        (drop(deepinv(1)[0], "conv_list.0."), "layer 'conv_list.0' is missing"),
        (without(kair_dncnn(1)[0], "model.2.bias"), "have a bias or a batch normalisation"),
        ({k: v.to_sparse() for k, v in kair_dncnn(1)[0].items()}, "has no plain real numbers in"),
        ({k: v.to(torch.int8) for k, v in kair_dncnn(1)[0].items()}, "no plain real numbers in"),
        ({k: v + 0j for k, v in kair_dncnn(1)[0].items()}, "has no plain real numbers in layers.0"),
        ({}, "has no state dict"),
        (torch.ones(3), "has no state dict"),
        ({"epoch": 3}, "has no state dict"),
        ([torch.ones(3)], "has no state dict"),
    ],
)
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")  # torch's own, of a slow file
def test_unknown_layouts_are_reported(held: Any, told: str, tmp_path: Path) -> None:
    """The message states what was found, what is missing, and the nearest known layout."""
    torch.save(held, tmp_path / "net.pth")
    assert told in refused(tmp_path / "net.pth")


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", b"\x80\x02junk"])
def test_damaged_files_are_reported(content: bytes, tmp_path: Path) -> None:
    """The message is one line for any content."""
    (tmp_path / "net.pth").write_bytes(content)
    assert "checkpoint" in refused(tmp_path / "net.pth")


def test_our_own_weights_need_no_conversion(tmp_path: Path) -> None:
    """The message says so, and no file is written for a bad source."""
    save_model(create_model("dncnn", depth=2, width=4), tmp_path / "own.safetensors")
    with pytest.raises(CheckpointError, match="already a weights file"):
        convert(tmp_path / "own.safetensors", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
