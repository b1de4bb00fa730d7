"""MPRNet: three stages that restore quarters, halves and then the whole image.

Zamir et al., Multi-Stage Progressive Image Restoration, CVPR 2021,
https://arxiv.org/abs/2102.02808
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.channel_attention import ChannelAttention
from restorekit.arch.layers import bare_conv1x1, bare_conv3x3
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple
from restorekit.records import Restoration

# Features of the three scales, from fine to coarse.
Scales = tuple[Tensor, Tensor, Tensor]


class AttentionBlock(nn.Module):
    """Two convolutions, a PReLU between them and channel attention, added to the input."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            bare_conv3x3(width, width), nn.PReLU(), bare_conv3x3(width, width)
        )
        self.CA = ChannelAttention(width, max(1, width // reduction), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        change: Tensor = self.CA(self.body(x))
        return x + change


class Rescale(nn.Module):
    """Halve or double the size bilinearly, and change the width by a 1x1 convolution."""

    def __init__(self, in_channels: int, out_channels: int, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.conv = bare_conv1x1(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, factor H, factor W)."""
        if self.factor < 1:
            # Bilinear interpolation by one half is the mean of 2x2 pixels.
            resized = functional.avg_pool2d(x, 2)
        else:
            resized = functional.interpolate(x, scale_factor=self.factor, mode="bilinear")
        features: Tensor = self.conv(resized)
        return features


class Encoder(nn.Module):
    """Features of three scales; those of the stage before are added to them if it has any."""

    def __init__(self, widths: tuple[int, int, int], reduction: int, fused: bool) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.encoder_level1, self.encoder_level2, self.encoder_level3 = _levels(widths, reduction)
        self.down12 = Rescale(fine, middle, 0.5)
        self.down23 = Rescale(middle, coarse, 0.5)
        if fused:
            self.csff_enc1, self.csff_enc2, self.csff_enc3 = _conv1x1_each(widths)
            self.csff_dec1, self.csff_dec2, self.csff_dec3 = _conv1x1_each(widths)

    def forward(self, x: Tensor, before: tuple[Scales, Scales] | None = None) -> Scales:
        """The scales of (B, C, H, W), with those of encoder and decoder of the stage before."""
        fine = self.encoder_level1(x)
        if before is not None:
            fine = fine + self.csff_enc1(before[0][0]) + self.csff_dec1(before[1][0])
        middle = self.encoder_level2(self.down12(fine))
        if before is not None:
            middle = middle + self.csff_enc2(before[0][1]) + self.csff_dec2(before[1][1])
        coarse = self.encoder_level3(self.down23(middle))
        if before is not None:
            coarse = coarse + self.csff_enc3(before[0][2]) + self.csff_dec3(before[1][2])
        return fine, middle, coarse


class Decoder(nn.Module):
    """From coarse to fine, with attention in the skip connections."""

    def __init__(self, widths: tuple[int, int, int], reduction: int) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.decoder_level1, self.decoder_level2, self.decoder_level3 = _levels(widths, reduction)
        self.skip_attn1 = AttentionBlock(fine, reduction)
        self.skip_attn2 = AttentionBlock(middle, reduction)
        self.up21 = Rescale(middle, fine, 2.0)
        self.up32 = Rescale(coarse, middle, 2.0)

    def forward(self, encoded: Scales) -> Scales:
        """The decoded scales, of the same shapes."""
        coarse = self.decoder_level3(encoded[2])
        middle = self.decoder_level2(self.up32(coarse) + self.skip_attn2(encoded[1]))
        fine = self.decoder_level1(self.up21(middle) + self.skip_attn1(encoded[0]))
        return fine, middle, coarse


class SupervisedAttention(nn.Module):
    """The image of a stage, and its features weighted by attention to that image."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.conv1 = bare_conv1x1(width, width)
        self.conv2 = bare_conv1x1(width, channels)
        self.conv3 = bare_conv1x1(channels, width)

    def forward(self, features: Tensor, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, width, H, W) and a restored image (B, channels, H, W)."""
        image = self.conv2(features) + noisy
        attended = self.conv1(features) * torch.sigmoid(self.conv3(image))
        return attended + features, image


class FullSizeBlock(nn.Module):
    """Attention blocks and a convolution, added to the input."""

    def __init__(self, width: int, reduction: int, blocks: int) -> None:
        super().__init__()
        inner = (AttentionBlock(width, reduction) for _ in range(blocks))
        self.body = nn.Sequential(*inner, bare_conv3x3(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        change: Tensor = self.body(x)
        return x + change


class FullSizeNetwork(nn.Module):
    """Three blocks at full size; after each, a scale of the stage before is added."""

    def __init__(
        self, widths: tuple[int, int, int], full: int, reduction: int, blocks: int
    ) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.orb1, self.orb2, self.orb3 = (FullSizeBlock(full, reduction, blocks) for _ in range(3))
        self.up_enc1 = Rescale(middle, fine, 2.0)
        self.up_dec1 = Rescale(middle, fine, 2.0)
        self.up_enc2 = nn.Sequential(Rescale(coarse, middle, 2.0), Rescale(middle, fine, 2.0))
        self.up_dec2 = nn.Sequential(Rescale(coarse, middle, 2.0), Rescale(middle, fine, 2.0))
        self.conv_enc1, self.conv_enc2, self.conv_enc3 = (
            bare_conv1x1(fine, full) for _ in range(3)
        )
        self.conv_dec1, self.conv_dec2, self.conv_dec3 = (
            bare_conv1x1(fine, full) for _ in range(3)
        )

    def forward(self, x: Tensor, encoded: Scales, decoded: Scales) -> Tensor:
        """(B, full, H, W) -> (B, full, H, W)."""
        x = self.orb1(x) + self.conv_enc1(encoded[0]) + self.conv_dec1(decoded[0])
        x = (
            self.orb2(x)
            + self.conv_enc2(self.up_enc1(encoded[1]))
            + self.conv_dec2(self.up_dec1(decoded[1]))
        )
        result: Tensor = (
            self.orb3(x)
            + self.conv_enc3(self.up_enc2(encoded[2]))
            + self.conv_dec3(self.up_dec2(decoded[2]))
        )
        return result


class MPRNet(nn.Module):
    """Three stages for quarters, halves and the whole image. Blind: `sigma` is ignored.

    The first two stages are U-Nets with channel attention. The first one is applied to each quarter
    of the image, the second one to each half, and both join the parts before they decode. The third
    stage works at full size. Each stage adds a predicted difference to the input, and passes its
    features on. The images of the first two stages are the extras `stage_1` and `stage_2`; the loss
    `every_stage` compares them too, as in the paper. The channel attention takes means over a part
    of the image, so a tile has another result than the whole image.

    The defaults are the published network for denoising, of 15.7 million parameters. There, all
    activations share the slope of one PReLU; here each block has its own. Any height and width is
    accepted: the batch is padded by mirroring to a multiple of `size_multiple`.

    1024x1024 pixels at once take about 4 GB in float32.

    Reference: https://arxiv.org/abs/2102.02808

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of the first two stages at full size.
        step: Further feature channels of these stages at each of the two halvings.
        full_step: Further feature channels of the third stage.
        blocks: Attention blocks in each of the three parts of the third stage.
        reduction: Divisor of the width inside of the channel attention.

    Attributes:
        size_multiple: 8.

    Raises:
        ArgumentError: `channels`, `width`, `blocks` or `reduction` is below 1, or a step below 0.

    Example:
        >>> model = restorekit.create_model("mprnet", preset="tiny")
        >>> restoration = model(torch.rand(2, 3, 17, 20))
        >>> restoration.image.shape, sorted(restoration.extras)
        (torch.Size([2, 3, 17, 20]), ['stage_1', 'stage_2'])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 80,
        step: int = 48,
        full_step: int = 32,
        blocks: int = 8,
        reduction: int = 4,
    ) -> None:
        super().__init__()
        check_at_least(
            1, "mprnet", channels=channels, width=width, blocks=blocks, reduction=reduction
        )
        check_at_least(0, "mprnet", step=step, full_step=full_step)
        self.channels = channels
        self.size_multiple = 8
        widths = width, width + step, width + 2 * step
        full = width + full_step
        self.shallow_feat1, self.shallow_feat2, self.shallow_feat3 = (
            nn.Sequential(bare_conv3x3(channels, width), AttentionBlock(width, reduction))
            for _ in range(3)
        )
        self.stage1_encoder = Encoder(widths, reduction, fused=False)
        self.stage1_decoder = Decoder(widths, reduction)
        self.stage2_encoder = Encoder(widths, reduction, fused=True)
        self.stage2_decoder = Decoder(widths, reduction)
        self.stage3_orsnet = FullSizeNetwork(widths, full, reduction, blocks)
        self.sam12 = SupervisedAttention(width, channels)
        self.sam23 = SupervisedAttention(width, channels)
        self.concat12 = bare_conv3x3(2 * width, width)
        self.concat23 = bare_conv3x3(2 * width, full)
        self.tail = bare_conv3x3(full, channels)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`, not clamped; with the images
            of the first two stages as the extras `stage_1` and `stage_2`.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "mprnet")
        whole, size = pad_to_multiple(noisy, self.size_multiple)
        # The halves, and then the quarters, are samples of a larger batch.
        halves = _split(whole, dim=-2)
        quarters = _split(halves, dim=-1)
        encoded = _joined(self.stage1_encoder(self.shallow_feat1(quarters)), dim=-1)
        decoded = self.stage1_decoder(encoded)
        features, image_1 = self.sam12(decoded[0], halves)

        x = self.concat12(torch.cat((self.shallow_feat2(halves), features), dim=1))
        encoded = _joined(self.stage2_encoder(x, (encoded, decoded)), dim=-2)
        decoded = self.stage2_decoder(encoded)
        features, image_2 = self.sam23(decoded[0], whole)

        x = self.concat23(torch.cat((self.shallow_feat3(whole), features), dim=1))
        image = self.tail(self.stage3_orsnet(x, encoded, decoded)) + whole
        images = (image, _join(image_1, dim=-2), image_2)
        final, first, second = (crop(each, size).to(noisy.dtype) for each in images)
        return Restoration(final, {"stage_1": first, "stage_2": second})


def _split(x: Tensor, dim: int) -> Tensor:
    """The two halves of a batch along an axis: (B, ..) -> (2B, ..)."""
    half = x.shape[dim] // 2
    return torch.cat((x.narrow(dim, 0, half), x.narrow(dim, half, half)))


def _join(x: Tensor, dim: int) -> Tensor:
    """The inverse of `_split`: (2B, ..) -> (B, ..)."""
    return torch.cat(x.chunk(2), dim=dim)


def _joined(scales: Scales, dim: int) -> Scales:
    fine, middle, coarse = scales
    return _join(fine, dim), _join(middle, dim), _join(coarse, dim)


def _levels(widths: tuple[int, int, int], reduction: int) -> list[nn.Sequential]:
    return [
        nn.Sequential(*(AttentionBlock(width, reduction) for _ in range(2))) for width in widths
    ]


def _conv1x1_each(widths: tuple[int, int, int]) -> list[nn.Conv2d]:
    return [bare_conv1x1(width, width) for width in widths]
