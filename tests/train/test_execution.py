"""Where and how a network computes in training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from restorekit.config.train_settings import TrainSettings
from restorekit.train.execution import Execution

SIDE = 48  # the gradients of smaller images are right in every layout

Convolution = nn.Conv2d | nn.ConvTranspose2d


def settings(precision: str, **others: object) -> TrainSettings:
    """Those of a run, the default ones but for these."""
    return TrainSettings.model_validate({"precision": precision, **others})


def convolution(
    channels: int, groups: int, dilation: int, kind: type[Convolution] = nn.Conv2d
) -> Convolution:
    """A layer with the same random weights every time."""
    torch.manual_seed(0)
    return kind(channels, channels, 3, dilation=dilation, groups=groups)


def gradient(layer: Convolution, execution: Execution) -> Tensor:
    """Of the weights, for the same images every time."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, layer.in_channels, SIDE, SIDE, generator=generator)
    model = execution.prepare(layer)
    with execution.autocast():
        answer = model(execution.place(images))
    answer.float().square().mean().backward()
    assert layer.weight.grad is not None
    return layer.weight.grad.float()


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize(("channels", "groups"), [(3, 1), (24, 1), (64, 1), (24, 24)])
def test_gradients_in_bfloat16_follow_float32(
    channels: int, groups: int, dilation: int, kind: type[Convolution]
) -> None:
    """Also those of dilated convolutions, which oneDNN gets wrong with the channels innermost."""
    exact, half = (
        gradient(
            convolution(channels, groups, dilation, kind),
            Execution.start("cpu", settings(precision)),
        )
        for precision in ("float32", "bfloat16")
    )
    assert torch.allclose(half, exact, rtol=0, atol=0.03 * float(exact.abs().max()))


@pytest.mark.parametrize(
    ("precision", "dilation", "is_innermost"),
    [("bfloat16", 2, False), ("bfloat16", 1, True), ("float32", 2, True)],
)
def test_the_faster_layout_is_kept_where_it_is_right(
    precision: str, dilation: int, is_innermost: bool
) -> None:
    """Only what computes wrong gradients loses it, whatever the settings say."""
    execution = Execution.start("cpu", settings(precision))
    layer = convolution(24, 1, dilation)
    execution.prepare(layer)
    assert execution.channels_last is is_innermost
    innermost = torch.channels_last if is_innermost else torch.contiguous_format
    assert layer.weight.is_contiguous(memory_format=innermost)


def test_a_compiled_network_keeps_the_plain_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile would lay it out with the channels innermost by itself."""
    found: list[object] = []

    def compiled(model: nn.Module, options: object) -> nn.Module:
        found.append(options)
        return model

    monkeypatch.setattr(torch, "compile", compiled)
    for dilation in (1, 2):
        execution = Execution.start("cpu", settings("bfloat16", compile=True))
        execution.prepare(convolution(24, 1, dilation))
    assert found == [None, {"layout_optimization": False}]
