"""Devices by name."""

from __future__ import annotations

import pytest
import torch

from restorekit.devices import native_dtype, resolve_device
from restorekit.errors import InputError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine with a number of GPUs, with or without one of Apple."""
    gpus, apple = request.param
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)


@pytest.mark.parametrize(
    ("machine", "fastest"),
    [((0, False), "cpu"), ((2, False), "cuda"), ((0, True), "mps"), ((1, True), "cuda")],
    indirect=["machine"],
)
def test_auto_is_the_fastest_present(machine: None, fastest: str) -> None:
    """CUDA is preferred to MPS, and MPS to the CPU."""
    assert resolve_device("auto") == torch.device(fastest)


@pytest.mark.parametrize("machine", [(2, False)], indirect=True)
@pytest.mark.parametrize("name", ["cpu", "cpu:0", "cuda", "cuda:0", "cuda:1"])
def test_a_device_that_is_present(machine: None, name: str) -> None:
    """It is the torch device of that name, given as text or as a device."""
    assert resolve_device(name) == torch.device(name)
    assert resolve_device(torch.device(name)) == torch.device(name)


@pytest.mark.parametrize("machine", [(2, False)], indirect=True)
@pytest.mark.parametrize("name", ["cuda:2", "mps", "cpu:1", torch.device("cuda:7")])
def test_a_device_that_is_not_present(machine: None, name: str | torch.device) -> None:
    """The error names it and says what to use."""
    with pytest.raises(InputError) as caught:
        resolve_device(name)
    assert str(caught.value) == f"device '{name}' is not available; use 'auto' or 'cpu'"


@pytest.mark.parametrize("name", ["gpu", "cuba", "", "CPU", "xla:0", "meta"])
def test_an_unknown_device(name: str) -> None:
    """The error names it and all there are."""
    with pytest.raises(InputError) as caught:
        resolve_device(name)
    assert str(caught.value).startswith(f"unknown device '{name}'.")
    assert str(caught.value).endswith("One of: auto, cpu, cuda, mps")


def test_a_misspelt_device_is_answered_with_the_nearest() -> None:
    """The message suggests the nearest name."""
    with pytest.raises(InputError, match="Did you mean 'cuda'"):
        resolve_device("cude:1")


@pytest.mark.parametrize("name", ["cuda:x", "cpu:", "cuda:-1", "cuda:0:1"])
def test_a_malformed_number(name: str) -> None:
    """A name that torch cannot parse is reported in one line."""
    with pytest.raises(InputError, match=f"device '{name}' is not '(cuda|cpu)' or '.*:NUMBER'"):
        resolve_device(name)


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("present", [True, False])
def test_bfloat16_is_native_where_the_processor_computes_in_it(
    present: bool, newer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch 2.10 and newer versions have different functions for it."""
    if newer:
        capabilities = {"avx512_bf16": present}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    else:
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: present)
    usable = present and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    assert native_dtype(torch.device("cpu")) == (torch.bfloat16 if usable else None)
