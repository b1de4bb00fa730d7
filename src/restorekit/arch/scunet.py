"""SCUNet: a U-Net whose blocks are half convolution, half attention in windows.

Zhang et al., Practical Blind Image Denoising via Swin-Conv-UNet and Data Synthesis, Machine
Intelligence Research 2023, https://arxiv.org/abs/2203.13278
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restorekit.arch.attention_windows import apply_channels_last
from restorekit.arch.checkpointing import Blocks
from restorekit.arch.layers import bare_conv3x3
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)
from restorekit.arch.swin_block import alternate_shifts, swin_block


class SwinConvBlock(nn.Module):
    """Convolutions on one half of the channels, and attention in windows on the other; residual."""

    def __init__(self, width: int, head_width: int, window: int, shift: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1_1 = nn.Conv2d(width, width, 1)
        self.conv_block = nn.Sequential(
            nn.Conv2d(half, half, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=1, bias=False),
        )
        self.trans_block = swin_block(half, half // head_width, window, shift, 4 * half)
        self.conv1_2 = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        near, wide = self.conv1_1(x).chunk(2, 1)
        near = near + self.conv_block(near)
        wide = apply_channels_last(self.trans_block, wide)
        mixed: Tensor = x + self.conv1_2(torch.cat((near, wide), 1))
        return mixed


class SCUNet(nn.Module):
    """U-Net of four scales, of convolutions and attention in windows. Blind: `sigma` is ignored.

    Each block splits the channels: one half goes through a residual pair of 3x3 convolutions, the
    other through attention in windows, which are shifted in every second block. Between scales are
    strided and transposed convolutions, joined by additive skip connections. The output is the
    image, not the noise.

    The published networks are of one size: for Gaussian noise of one level, gray and colour, and
    for real photographs ("real PSNR" and "real GAN"). Heights and widths that 64 does not divide
    are padded by repeating the last row and column, as in the published implementation. The default
    network takes about 3 GB for 1024x1024 pixels in float32.

    Reference: https://arxiv.org/abs/2203.13278

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels at full size; each halving doubles them.
        blocks: Number of blocks of the encoder's three scales, of the smallest one, and of the
            decoder's three scales from coarse to fine.
        head_width: Channels of each attention head; `width` is a multiple of twice this number.
        window: Side of the attention windows.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: 8 times `window`; height and width are padded to multiples of it.

    Raises:
        ArgumentError: a size is below 1, `blocks` does not have 7 numbers, or `width` is not a
            multiple of twice `head_width`.

    Example:
        >>> model = restorekit.create_model(
        ...     "scunet", width=8, blocks=[1, 1, 1, 1, 1, 1, 1], head_width=4, window=2
        ... )
        >>> model(torch.rand(1, 3, 17, 20)).shape
        torch.Size([1, 3, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        blocks: tuple[int, int, int, int, int, int, int] = (4, 4, 4, 4, 4, 4, 4),
        head_width: int = 32,
        window: int = 8,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        check_at_least(1, "scunet", channels=channels, width=width, head_width=head_width)
        check_at_least(1, "scunet", window=window, blocks=min(blocks))
        check_multiple(2 * head_width, "scunet", width=width)
        self.channels = channels
        self.size_multiple = 8 * window

        def stage(place: int, scale: int) -> list[nn.Module]:
            shifts = alternate_shifts(blocks[place], window)
            return [SwinConvBlock(width * 2**scale, head_width, window, each) for each in shifts]

        def sequence(*layers: nn.Module) -> Blocks:
            return Blocks(*layers, checkpoint=checkpoint)

        self.m_head = nn.Sequential(bare_conv3x3(channels, width))
        self.m_down1 = sequence(*stage(0, 0), _halve(width))
        self.m_down2 = sequence(*stage(1, 1), _halve(2 * width))
        self.m_down3 = sequence(*stage(2, 2), _halve(4 * width))
        self.m_body = sequence(*stage(3, 3))
        self.m_up3 = sequence(_double(8 * width), *stage(4, 2))
        self.m_up2 = sequence(_double(4 * width), *stage(5, 1))
        self.m_up1 = sequence(_double(2 * width), *stage(6, 0))
        self.m_tail = nn.Sequential(bare_conv3x3(width, channels))

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "scunet")
        padded, size = pad_to_multiple(noisy, self.size_multiple, mode="edge")
        full = self.m_head(padded)
        half = self.m_down1(full)
        quarter = self.m_down2(half)
        eighth = self.m_down3(quarter)
        features = self.m_up3(self.m_body(eighth) + eighth)
        features = self.m_up2(features + quarter)
        features = self.m_up1(features + half)
        return crop(self.m_tail(features + full), size).to(noisy.dtype)


def _halve(width: int) -> nn.Conv2d:
    """(B, width, H, W) -> (B, 2 width, H/2, W/2)."""
    return nn.Conv2d(width, 2 * width, 2, stride=2, bias=False)


def _double(width: int) -> nn.ConvTranspose2d:
    """(B, width, H, W) -> (B, width / 2, 2 H, 2 W)."""
    return nn.ConvTranspose2d(width, width // 2, 2, stride=2, bias=False)
