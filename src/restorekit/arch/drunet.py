"""DRUNet: a U-Net of residual blocks without biases that takes the noise level as input.

Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, IEEE TPAMI 2021,
https://arxiv.org/abs/2008.13751
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.layers import conv3x3, downsample, upsample
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple
from restorekit.arch.sigma_input import sigma_map

SCALES = 4


class BiasFreeResidualBlock(nn.Module):
    """Two 3x3 convolutions without biases around a ReLU, added to the input."""

    def __init__(self, width: int, gain: float) -> None:
        super().__init__()
        self.res = nn.Sequential(
            conv3x3(width, width, bias=False),
            nn.ReLU(inplace=True),
            conv3x3(width, width, gain, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        change: Tensor = self.res(x)
        return x + change


class DRUNet(nn.Module):
    """Encoder and decoder of residual blocks that predict the image from the noise level.

    There are four scales, whose features have `width`, 2 `width`, 4 `width` and 8 `width` channels,
    with `blocks` residual blocks each in the encoder and in the decoder. They are joined by
    additive skip connections. Downscaling is a 2x2 convolution of stride 2, upscaling a 2x2
    transposed convolution. No layer has a bias, so scaling the input and its noise level scales the
    output alike, which helps at noise levels outside of the training range.

    The noise level is an additional input channel, a map that may differ from pixel to pixel. The
    published networks were trained for levels of 0 to 50 / 255. For sizes that are not a multiple
    of 8 the last row and column are repeated, as in the published implementation. The defaults are
    the published colour network of 32,640,960 parameters. The submodules have the names of the
    published state dict.

    Reference: https://arxiv.org/abs/2008.13751

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size; they double at each of the three halvings.
        blocks: Residual blocks of each scale of the encoder and of the decoder.
        blind: Work without the noise level. `sigma` is then ignored; otherwise it is required.

    Attributes:
        size_multiple: 8.

    Raises:
        ArgumentError: `channels`, `width` or `blocks` is below 1.

    Example:
        >>> model = restorekit.create_model("drunet", width=4, blocks=1)
        >>> noisy, sigma = torch.rand(2, 3, 17, 20), torch.full((2, 1, 1, 1), 25 / 255)
        >>> model(noisy, sigma).shape
        torch.Size([2, 3, 17, 20])
    """

    def __init__(
        self, channels: int = 3, width: int = 64, blocks: int = 4, blind: bool = False
    ) -> None:
        super().__init__()
        check_at_least(1, "drunet", channels=channels, width=width, blocks=blocks)
        self.channels = channels
        self.size_multiple = 2 ** (SCALES - 1)
        self.blind = blind
        # With this gain the initial RMS of the signal grows by a constant factor only, however many
        # blocks there are.
        gain = ((2 * SCALES - 1) * blocks) ** -0.5

        def stage(width: int) -> list[nn.Module]:
            return [BiasFreeResidualBlock(width, gain) for _ in range(blocks)]

        def down(fine: int) -> nn.Sequential:
            return nn.Sequential(*stage(fine), downsample(fine, 2 * fine, bias=False))

        def up(fine: int) -> nn.Sequential:
            # Below 1, since a skip connection adds to its input.
            return nn.Sequential(upsample(2 * fine, fine, 0.7, bias=False), *stage(fine))

        self.m_head = conv3x3(channels + (not blind), width, 1.0, bias=False)
        self.m_down1 = down(width)
        self.m_down2 = down(2 * width)
        self.m_down3 = down(4 * width)
        self.m_body = nn.Sequential(*stage(8 * width))
        self.m_up3 = up(4 * width)
        self.m_up2 = up(2 * width)
        self.m_up1 = up(width)
        self.m_tail = conv3x3(width, channels, 1.0, bias=False)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: standard deviation of the noise on that scale, broadcastable to (B, 1, H, W);
                ignored by the blind form.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `sigma` is missing.
        """
        check_batch(noisy, self.channels, "drunet")
        x, size = pad_to_multiple(self._with_sigma(noisy, sigma), self.size_multiple, mode="edge")
        full = self.m_head(x)
        half = self.m_down1(full)
        quarter = self.m_down2(half)
        eighth = self.m_down3(quarter)
        x = self.m_up3(self.m_body(eighth) + eighth)
        x = self.m_up2(x + quarter)
        x = self.m_up1(x + half)
        return crop(self.m_tail(x + full), size).to(noisy.dtype)

    def _with_sigma(self, noisy: Tensor, sigma: Tensor | None) -> Tensor:
        """The batch with a map of the noise level as its last channel, except in the blind form."""
        if self.blind:
            return noisy
        hint = "its blind form does not: create_model('drunet', blind=True)"
        return torch.cat((noisy, sigma_map(sigma, noisy, "drunet", hint)), dim=1)
