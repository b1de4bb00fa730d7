"""What a component may allocate while it is built."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import nn

from restorekit import create_loss, create_model, models
from restorekit.components.allocation import (
    MOST_TENSORS,
    TooLargeError,
    bounded_allocation,
    build_within_memory,
)
from restorekit.errors import ArgumentError, RestoreKitError


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("unet", {"width": 10**9}),
        ("unet", {"depth": 2000}),
        ("unet", {"depth": 16}),
        ("dncnn", {"width": 10**9}),
        ("dncnn", {"width": 2**62}),
        ("dncnn", {"depth": 10**6, "width": 1}),
        ("dncnn", {"channels": 10**9}),
        ("ffdnet", {"width": 10**7}),
        ("vae", {"depth": 10**9}),
        ("vae", {"latent_channels": 10**12}),
        ("swift", {"channels": 10**12}),
    ],
)
def test_impossible_networks(name: str, arguments: dict[str, int]) -> None:
    """They are refused by an estimate; the message names the model."""
    with pytest.raises(ArgumentError, match=f"model '{name}'.* (more than|at most|too large)"):
        create_model(name, **arguments)


def test_the_message_states_the_estimate_and_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """108 GB is the first layer: 10^9 filters of 3x3x3 numbers of 4 bytes."""
    monkeypatch.setattr(
        "restorekit.components.allocation.available_memory", lambda device: 2 * 10**9
    )
    with pytest.raises(ArgumentError) as caught:
        create_model("dncnn", width=10**9)
    assert str(caught.value) == (
        "model 'dncnn': takes at least 108 GB, more than the 2 GB of memory that are free"
    )


def test_a_loss_is_bounded_too() -> None:
    """A loss with a huge window is refused."""
    with pytest.raises(RestoreKitError):
        create_loss("ssim", window_size=10**12 + 1)


class Counted(nn.Module):
    """Counts how often it is built, and on which device."""

    devices: list[str]

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.devices.append(self.weight.device.type)


def test_small_components_are_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large ones are measured first, and those that are too large are never built."""
    monkeypatch.setattr("restorekit.components.allocation._SMALL", 400)
    monkeypatch.setattr("restorekit.components.allocation.available_memory", lambda device: 4000)
    for width, devices in ((100, ["cpu"]), (101, ["meta", "cpu"]), (1000, ["meta", "cpu"])):
        monkeypatch.setattr(Counted, "devices", [], raising=False)
        assert build_within_memory(lambda w=width: Counted(w), "it").weight.device.type == "cpu"
        assert Counted.devices == devices
    monkeypatch.setattr(Counted, "devices", [], raising=False)
    with pytest.raises(TooLargeError, match=r"it: takes at least 4\.004 kB, more than the 4 kB"):
        build_within_memory(lambda: Counted(1001), "it")
    assert Counted.devices == []


def test_a_network_that_cannot_be_built_without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is limited as well."""
    monkeypatch.setattr("restorekit.components.allocation._SMALL", 40)
    monkeypatch.setattr("restorekit.components.allocation.available_memory", lambda device: 4000)

    def make(width: int) -> torch.Tensor:
        torch.zeros(1).item()  # has no value on the meta device
        return torch.rand(width)

    assert make(5).shape == build_within_memory(lambda: make(5), "it").shape
    assert build_within_memory(lambda: make(500), "it").shape == (500,)
    with pytest.raises(TooLargeError):
        build_within_memory(lambda: make(5000), "it")


@pytest.mark.parametrize("name", ["normal_", "uniform_", "constant_", "kaiming_uniform_"])
def test_nothing_is_filled_while_it_is_measured(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch fills meta tensors in slow Python code, which takes a minute for a deep network."""
    init = getattr(torch.nn.init, name)
    arguments = {"constant_": {"val": 1.0}}.get(name, {})
    empty = torch.empty(2, 2, device="meta")
    monkeypatch.setattr(torch, "no_grad", None)  # all of them fill within it
    with bounded_allocation(100, what="it"):
        assert init(empty, **arguments) is empty


def test_weights_are_drawn_as_without_bounds() -> None:
    """Measuring draws no random numbers."""
    target: Any = models.get("unet")
    torch.manual_seed(0)
    expected = target().state_dict()
    torch.manual_seed(0)
    found = create_model("unet").state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_only_this_thread_is_bounded() -> None:
    """Other threads can allocate without a limit at the same time."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            torch.zeros(1000)
        except TooLargeError as error:
            failed.append(error)

    with bounded_allocation(100, what="it"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        with pytest.raises(TooLargeError):
            torch.zeros(1000)
    assert not failed
    assert torch.zeros(1000).shape == (1000,)


def test_the_number_of_tensors_is_bounded() -> None:
    """Also if they are small."""
    with bounded_allocation(10**9, what="it"):
        for _ in range(MOST_TENSORS):
            torch.zeros(0)
        with pytest.raises(TooLargeError, match="more than 10,000 tensors"):
            torch.zeros(0)


def test_other_mistakes_are_reported_by_torch() -> None:
    """For example a negative size."""
    with pytest.raises(RuntimeError, match="negative"), bounded_allocation(10**9, what="it"):
        torch.zeros(-1)


def test_trials_without_memory_are_not_counted() -> None:
    """A build within a bound takes its size once, although it is tried on the meta device first.

    The first attempt may take up to 64 MB more.
    """
    size = 4 * (3 << 20) * 8 + (1 << 20)  # of the layer below, in bytes
    with bounded_allocation(size + (64 << 20), what="all"):
        made = build_within_memory(lambda: nn.Linear(8 << 10, 3 << 10), "it")
    assert made.weight.device.type == "cpu"
    with pytest.raises(TooLargeError), bounded_allocation(size // 4, what="all"):
        build_within_memory(lambda: nn.Linear(8 << 10, 3 << 10), "it")
