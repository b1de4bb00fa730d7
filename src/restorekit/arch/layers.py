"""The convolutions that the architectures share, with their initialisation."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

from torch import nn

Layer = TypeVar("Layer", nn.Conv2d, nn.ConvTranspose2d)

RELU_GAIN = 2**0.5  # ReLU halves the mean square (He et al., https://arxiv.org/abs/1502.01852)


def conv3x3(
    in_channels: int,
    out_channels: int,
    gain: float = RELU_GAIN,
    bias: bool = True,
    dilation: int = 1,
    stride: int = 1,
) -> nn.Conv2d:
    """3x3 convolution that keeps the size, or divides it by `stride`.

    Its initial weights scale the signal's RMS by `gain`.
    """
    layer = nn.Conv2d(in_channels, out_channels, 3, stride, dilation, dilation, bias=bias)
    return _initialised(layer, 9 * in_channels, gain)


def deconv3x3(
    in_channels: int, out_channels: int, gain: float = RELU_GAIN, stride: int = 1
) -> nn.ConvTranspose2d:
    """3x3 transposed convolution that keeps the size, or multiplies it by `stride`."""
    layer = nn.ConvTranspose2d(in_channels, out_channels, 3, stride, 1, stride - 1)
    return _initialised(layer, 9 * in_channels // stride**2, gain)


def downsample(in_channels: int, out_channels: int, bias: bool = True) -> nn.Conv2d:
    """2x2 convolution of stride 2: (B, C_in, H, W) -> (B, C_out, H/2, W/2)."""
    layer = nn.Conv2d(in_channels, out_channels, 2, stride=2, bias=bias)
    return _initialised(layer, 4 * in_channels, 1.0)


def upsample(
    in_channels: int, out_channels: int, gain: float = 1.0, bias: bool = True
) -> nn.ConvTranspose2d:
    """2x2 transposed convolution of stride 2: (B, C_in, H, W) -> (B, C_out, 2H, 2W).

    The 2x2 patches that it writes do not overlap, so it causes no checkerboard artefacts.
    """
    layer = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2, bias=bias)
    # Each output pixel is written once, by one weight per input channel.
    return _initialised(layer, in_channels, gain)


def bare_conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """3x3 convolution without a bias, with the initial weights of torch."""
    return nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)


def bare_conv1x1(in_channels: int, out_channels: int) -> nn.Conv2d:
    """1x1 convolution without a bias, with the initial weights of torch."""
    return nn.Conv2d(in_channels, out_channels, 1, bias=False)


def relu_convs(*widths: int) -> nn.Sequential:
    """3x3 convolutions from each width to the next, each with a ReLU."""
    layers: list[nn.Module] = []
    for taken, made in pairwise(widths):
        layers += [conv3x3(taken, made), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _initialised(layer: Layer, fan_in: int, gain: float) -> Layer:
    nn.init.normal_(layer.weight, std=gain * fan_in**-0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
