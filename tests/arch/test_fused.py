"""Fused convolutions: the same as the plain ones, up to the rounding of bfloat16."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from restorekit.arch import fused
from restorekit.arch.fused import conv_add, conv_relu

ROUNDING = 2**-7  # of a result, in bfloat16, where it is rounded twice


def layer_and_input(
    bias: bool, channels: int, height: int, width: int
) -> tuple[nn.Conv2d, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(channels)
        layer = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        # Values that bfloat16 holds, so that only the result is rounded.
        with torch.no_grad():
            for weight in layer.parameters():
                weight.copy_(weight.bfloat16())
        x = torch.randn(2, channels, height, width).bfloat16()
    return layer, x.contiguous(memory_format=torch.channels_last)


@pytest.fixture
def tried_again() -> Iterator[None]:
    """The operators are tried again in the test, and after it."""
    fused._operators_work.cache_clear()
    yield
    fused._operators_work.cache_clear()


@settings(deadline=None)
@given(
    bias=st.booleans(),
    channels=st.integers(1, 20),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
)
def test_without_a_gradient_as_in_float64(bias, channels, height, width):
    layer, x = layer_and_input(bias, channels, height, width)
    with torch.inference_mode(), torch.autocast("cpu"):
        relu, added = conv_relu(layer, x), conv_add(layer, x, x)
    assert relu.dtype == added.dtype == torch.bfloat16
    exact = layer.double()(x.double())
    torch.testing.assert_close(relu.double(), exact.relu(), rtol=ROUNDING, atol=0.02)
    torch.testing.assert_close(added.double(), exact + x.double(), rtol=ROUNDING, atol=0.02)


@pytest.mark.parametrize("missing", [AttributeError, RuntimeError, TypeError])
def test_the_plain_layers_serve_where_the_operators_fail(monkeypatch, tried_again, missing):
    """They are not a public interface of torch: without them the plain layers are used."""
    layer, x = layer_and_input(True, 4, 6, 7)

    def gone(*_: object) -> None:
        raise missing

    def restored() -> tuple[torch.Tensor, torch.Tensor]:
        with torch.inference_mode(), torch.autocast("cpu"):
            return conv_relu(layer, x), conv_add(layer, x, x)

    before = restored()
    monkeypatch.setattr(fused, "_fused_relu", gone)
    fused._operators_work.cache_clear()
    after = restored()
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, rtol=ROUNDING, atol=0.02)


def test_operators_that_compute_something_else_are_not_used(monkeypatch, tried_again):
    layer, x = layer_and_input(False, 4, 6, 7)
    monkeypatch.setattr(fused, "_fused_add", lambda _layer, x, other: x - other)
    with torch.inference_mode(), torch.autocast("cpu"):
        added = conv_add(layer, x, x)
    exact = (layer.double()(x.double()) + x.double()).detach()
    torch.testing.assert_close(added.double(), exact, rtol=ROUNDING, atol=0.02)


def test_used_where_the_processor_computes_in_bfloat16():
    assert fused._operators_work() or not torch.ops.mkldnn._is_mkldnn_bf16_supported()


def test_gradients_flow():
    """In training the plain layers compute, in float32 and in bfloat16."""
    for half in (False, True):
        layer, x = layer_and_input(True, 4, 6, 7)
        x = (x if half else x.float()).requires_grad_()
        with torch.autocast("cpu", enabled=half):
            conv_add(layer, conv_relu(layer, x), x).float().square().mean().backward()
        assert layer.weight.grad is not None
        assert x.grad is not None
        assert x.grad.abs().max() > 0


@torch.no_grad()
def test_float32_is_left_to_the_plain_layers():
    layer, x = layer_and_input(True, 4, 6, 7)
    x = x.float()
    assert torch.equal(conv_relu(layer, x), layer(x).relu())
    assert torch.equal(conv_add(layer, x, x), layer(x) + x)
