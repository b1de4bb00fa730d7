"""Swift: restorekit's own network, designed for quality per second on a CPU.

A U-Net of residual blocks without biases or normalisation. docs/development/swift.md has the
measurements that led to its shape, at equal training time.
"""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from restorekit.arch.fused import conv_add, conv_relu
from restorekit.arch.layers import conv3x3, downsample, upsample
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple
from restorekit.arch.sigma_input import sigma_map
from restorekit.errors import ArgumentError

# Channels and residual blocks of each scale of the encoder; the decoder mirrors them. A block costs
# the same at every scale if the channels double where the height and width halve.
_SIZES = {
    "tiny": ((4, 4, 8, 8), (1, 1, 1, 1)),
    "small": ((16, 32, 64, 128), (1, 1, 1, 2)),
    "medium": ((16, 48, 96, 192), (1, 1, 1, 3)),
    "large": ((16, 48, 96, 192), (1, 4, 4, 3)),
}


class Block(nn.Module):
    """Residual block: two 3x3 convolutions with a ReLU between them, added to the input.

    Args:
        width: channels of input and output.
        gain: initial RMS of the added part relative to the input.
    """

    def __init__(self, width: int, gain: float) -> None:
        super().__init__()
        self.first = conv3x3(width, width, bias=False)
        self.second = conv3x3(width, width, gain, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return conv_add(self.second, conv_relu(self.first, x), x)


class Swift(nn.Module):
    """Small U-shaped denoiser, fast on a CPU in bfloat16 and channels_last.

    Residual blocks at full, half, quarter and eighth size, joined by additive skip connections. The
    network has no biases, so scaling the input and its noise level scales the output alike. This
    helps it at noise levels outside of its training range
    (Mohan et al., Robust and Interpretable Blind Image Denoising via Bias-Free Convolutional
    Neural Networks, ICLR 2020, https://arxiv.org/abs/1906.05478). The noise level is an additional
    input channel, a map that may differ from pixel to pixel (Zhang et al., FFDNet,
    https://arxiv.org/abs/1710.04026). The blind form does not have this channel.

    Reference: restorekit; after Ronneberger et al., https://arxiv.org/abs/1505.04597, and Zhang et
    al., Plug-and-Play Image Restoration with Deep Denoiser Prior, https://arxiv.org/abs/2008.13751

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        size: Size of the network; larger is better and slower. "tiny" is for tests.
        blind: Work without the noise level. `sigma` is then ignored; otherwise it is required.
        optional_sigma: Take the noise level, but work without it too. The network receives a level
            of 0 for an unknown one, and must have been trained so.

    Attributes:
        size_multiple: 8; height and width are padded to multiples of it.

    Raises:
        ArgumentError: `channels` is below 1, or the blind form is to take an optional sigma.

    Example:
        >>> model = restorekit.create_model("swift", size="small")
        >>> noisy, sigma = torch.rand(1, 3, 30, 21), torch.full((1, 1, 1, 1), 25 / 255)
        >>> model(noisy, sigma).shape
        torch.Size([1, 3, 30, 21])
        >>> restorekit.create_model("swift", size="small", blind=True)(noisy).shape
        torch.Size([1, 3, 30, 21])
    """

    def __init__(
        self,
        channels: int = 3,
        size: Literal["tiny", "small", "medium", "large"] = "medium",
        blind: bool = False,
        optional_sigma: bool = False,
    ) -> None:
        super().__init__()
        check_at_least(1, "swift", channels=channels)
        if blind and optional_sigma:
            raise ArgumentError(
                "model 'swift': 'blind' and 'optional_sigma' exclude each other; set one of them"
            )
        widths, blocks = _SIZES[size]
        self.channels = channels
        self.blind = blind
        self.optional_sigma = optional_sigma
        self.size_multiple = 2 ** (len(widths) - 1)
        # Each residual block adds to the signal. With this gain the initial RMS of the signal
        # grows by a constant factor only, however many blocks there are.
        gain = (2 * sum(blocks) - blocks[-1]) ** -0.5
        *outer, (deepest, count) = zip(widths, blocks, strict=True)
        steps = list(pairwise(widths))  # (finer, coarser)
        self.head = conv3x3(channels + (not blind), widths[0], 1.0, bias=False)
        self.encoders = nn.ModuleList(stage(width, n, gain) for width, n in outer)
        self.downs = nn.ModuleList(downsample(fine, coarse, bias=False) for fine, coarse in steps)
        self.middle = stage(deepest, count, gain)
        self.ups = nn.ModuleList(
            upsample(coarse, fine, 0.7, bias=False)  # below 1, since the skip connection adds to it
            for fine, coarse in reversed(steps)
        )
        self.decoders = nn.ModuleList(stage(width, n, gain) for width, n in reversed(outer))
        self.tail = conv3x3(widths[0], channels, 0.3, bias=False)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: standard deviation of the noise on the scale of `noisy`, broadcastable to
                (B, 1, H, W); ignored by the blind form.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `sigma` is missing.
        """
        check_batch(noisy, self.channels, "swift")
        x, size = pad_to_multiple(self._with_sigma_map(noisy, sigma), self.size_multiple)
        features = self._head(x)
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encoder(features))
            features = down(skips[-1])
        features = self.middle(features)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            features = decoder(up(features).add_(skips.pop()))
        return (noisy - crop(self.tail(features), size)).to(noisy.dtype)

    def _head(self, x: Tensor) -> Tensor:
        """The first features, in the dtype of the following layers.

        Under autocast they are computed in float32 and then rounded. Rounding the input image to
        the 8 significant bits of bfloat16 would hide weak noise, and cost 0.05 dB on photographs.
        """
        device = x.device.type
        autocast = torch.is_autocast_enabled(device)
        with torch.autocast(device, enabled=False) if autocast else nullcontext():
            features: Tensor = self.head(x.to(self.head.weight.dtype) if autocast else x)
        return features.to(torch.get_autocast_dtype(device)) if autocast else features

    def _with_sigma_map(self, noisy: Tensor, sigma: Tensor | None) -> Tensor:
        """The batch with a map of the noise level as its last channel."""
        if self.blind:
            return noisy
        if sigma is None and self.optional_sigma:
            sigma = noisy.new_zeros(1, 1, 1, 1)
        hint = "its blind form does not: create_model('swift', blind=True)"
        return torch.cat((noisy, sigma_map(sigma, noisy, "swift", hint)), 1)


def stage(width: int, blocks: int, gain: float) -> nn.Sequential:
    """The residual blocks of one scale, in sequence."""
    return nn.Sequential(*(Block(width, gain) for _ in range(blocks)))
