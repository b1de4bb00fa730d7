"""LG-BPN: a local and a global branch that do not see the patch around a pixel.

Wang, Fu, Liu and Zhang, LG-BPN: Local and Global Blind-Patch Network for Self-Supervised Real-World
Denoising, CVPR 2023, https://arxiv.org/abs/2304.00534. Subimages and refinement are those of AP-BSN
(`restorekit.arch.ap_bsn`), the attention is that of Restormer (`restorekit.arch.restormer`).
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.blind_spot_layers import (
    PERIOD,
    DilatedBlock,
    make_patterns,
    make_tail,
    mirrored,
    refined,
)
from restorekit.arch.checkpointing import Blocks, recomputed
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)
from restorekit.arch.restormer import GatedFeedForward, layer_norm
from restorekit.arch.transformer_unet import TransposedAttention
from restorekit.errors import ArgumentError
from restorekit.records import Restoration

HIDDEN = 4  # a pixel of distance |rows| + |columns| up to this is not seen
# The shortest strides with which no steps of the dilated layers lead from a tap into the patch.
LEAST_STRIDES = 4, 5
HEADS = 2
EXPANSION = 2.66


class Form(NamedTuple):
    """How a branch is used.

    Attributes:
        stride: distance of the pixels of a subimage.
        ratio: how far the taps of the masked convolution are from its centre, 1 as in training.
        training: the form for training: subimages continue with zeros instead of mirrored, and
            attention is computed over all of them instead of each.
    """

    stride: int
    ratio: float
    training: bool = False


class PatchMaskedConv(nn.Conv2d):
    """Convolution whose taps are `spacing` pixels apart and not within `HIDDEN` of its centre.

    The border is mirrored. Where the taps are pulled towards the centre, they lie between pixels,
    and the image is interpolated bilinearly there: a convolution with another kernel.
    """

    def __init__(self, in_width: int, width: int, size: int, spacing: int) -> None:
        # Stated for training, which looks for dilated layers.
        super().__init__(in_width, width, size, dilation=spacing)
        self.spacing = spacing
        distance = (torch.arange(size) - size // 2).abs() * spacing
        mask = (distance[:, None] + distance > HIDDEN).to(self.weight.dtype)
        self.register_buffer("mask", mask, persistent=False)
        self.mask: Tensor

    def forward(self, x: Tensor, ratio: float = 1.0) -> Tensor:
        """(B, C, H, W) -> (B, width, H, W), with taps at `ratio` times their distance."""
        kernel, dilation = self.weight * self.mask, self.spacing
        if ratio != 1:
            kernel, dilation = interpolating_kernel(kernel, self.spacing * ratio), 1
        x = mirrored(x, dilation * (kernel.shape[-1] // 2))
        return functional.conv2d(x, kernel, self.bias, dilation=dilation)


class JointAttention(TransposedAttention):
    """Attention between channels, of which successive images of a batch share the scores."""

    def forward(self, x: Tensor, images: int = 1) -> Tensor:
        """(B `images`, C, H, W) -> (B `images`, C, H, W)."""
        features = self.qkv_dwconv(self.qkv(x)).flatten(2).unflatten(0, (-1, images))
        attended = self.attend(features.transpose(1, 2).flatten(2)).flatten(1, 2)
        apart = attended.unflatten(2, (images, -1)).transpose(1, 2)
        mixed: Tensor = self.project_out(apart.reshape(x.shape))
        return mixed


class DilatedTransformerBlock(nn.Module):
    """A block of Restormer whose depthwise convolutions are dilated."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm1 = layer_norm(width, bias_free=True)
        self.attn = JointAttention(width, HEADS, dilation)
        self.norm2 = layer_norm(width, bias_free=True)
        self.ffn = GatedFeedForward(width, int(width * EXPANSION), dilation)

    def forward(self, x: Tensor, images: int) -> Tensor:
        """(B `images`, C, H, W) -> (B `images`, C, H, W)."""
        x = x + self.attn(self.norm1(x), images)
        mixed: Tensor = x + self.ffn(self.norm2(x))
        return mixed


class LocalBranch(nn.Module):
    """A masked convolution of 9x9 pixels, then blocks of dilation 2 on subimages."""

    def __init__(self, in_width: int, width: int, depth: int, checkpoint: bool) -> None:
        super().__init__()
        self.masked = PatchMaskedConv(in_width, width, 9, spacing=1)
        self.body = Blocks(
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            *(DilatedBlock(width, 2) for _ in range(depth)),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            checkpoint=checkpoint,
        )

    def forward(self, x: Tensor, form: Form) -> Tensor:
        """(B, C, H, W) -> (B, width, H, W)."""
        x, size = pad_to_multiple(x, form.stride)
        x = split(self.masked(x, form.ratio), form.stride, 2, mirror=not form.training)
        return crop(merge(self.body(x), form.stride, 2), size)


class GlobalBranch(nn.Module):
    """A masked convolution of 21x21 pixels, then transformer blocks of dilation 3 on subimages."""

    def __init__(self, in_width: int, width: int, blocks: int, checkpoint: bool) -> None:
        super().__init__()
        self.masked = PatchMaskedConv(in_width, width, 11, spacing=2)
        self.blocks = Blocks(
            *(DilatedTransformerBlock(width, 3) for _ in range(blocks)), checkpoint=checkpoint
        )
        self.output = nn.Conv2d(width, width, 3, padding=3, dilation=3, bias=False)

    def forward(self, x: Tensor, form: Form) -> Tensor:
        """(B, C, H, W) -> (B, width, H, W)."""
        x, size = pad_to_multiple(x, form.stride)
        images, border = (form.stride**2, 0) if form.training else (1, 7)
        x = split(self.masked(x, form.ratio), form.stride, border, mirror=not form.training)
        for block in self.blocks:
            step = partial(block, images=images)
            x = recomputed(step, x) if self.blocks.checkpoint else step(x)
        return crop(merge(self.output(x), form.stride, border), size)


class BlindPatchNetwork(nn.Module):
    """Both branches: the estimate of each pixel from those outside of the patch around it."""

    def __init__(
        self,
        channels: int,
        head_width: int,
        width: int,
        depth: int,
        blocks: int,
        checkpoint: bool,
    ) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(channels, head_width, 1), nn.ReLU(inplace=True))
        self.local_branch = LocalBranch(head_width, width, depth, checkpoint)
        self.global_branch = GlobalBranch(head_width, width, blocks, checkpoint)
        self.tail = make_tail(width, channels)

    def forward(self, x: Tensor, forms: tuple[Form, Form]) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), with the form of the local and of the global branch."""
        x = self.head(x)
        features = self.local_branch(x, forms[0]), self.global_branch(x, forms[1])
        estimate: Tensor = self.tail(torch.cat(features, dim=1))
        return estimate


class LGBPN(nn.Module):
    """Two branches that do not see the patch around a pixel. Blind: `sigma` is ignored.

    Noise of cameras is correlated between near pixels. In training, both branches therefore do not
    see a patch around the pixel that they estimate, a diamond 9 pixels wide. The first layer of the
    local branch sees all pixels around the patch, that of the global branch every second row and
    column up to 10 pixels away. The layers that follow, residual blocks in the local branch and
    transformer blocks in the global one, work on subimages of every few pixels.

    When images are restored, the patch is smaller: the taps of the masked convolutions are pulled
    towards their centre by `ratios`, and the subimages are larger. The result is refined: some of
    its values are replaced by those of the noisy image, and the network is applied once more, with
    `refined_ratios`; the mean of `refinements` such images is the result. The places, random in the
    paper, are a fixed pattern here, so that the result is always the same.

    The network is trained on noisy images as their own targets, with the objective `blind_spot`.

    Two things let a little of the patch be seen, as in the authors' code. The attention is between
    channels, and its scores are sums over the whole image. And images are mirrored at their border,
    so that pixels less than 8 pixels from it see a part of their patch there. In training,
    subimages have zeros around them. In the authors' code they touch, so that for many sizes of an
    image a pixel reaches its own estimate by the next subimage, though not for the 120 pixels of
    their patches.

    Restoring is slow: the network of 3.6 million parameters runs `refinements` + 2 times. Tiles are
    restored slightly differently from whole images, because of the attention. For a colour patch of
    120x120 pixels in float32, training keeps 1.7 GB of features, and 0.2 GB with `checkpoint`.

    Reference: https://arxiv.org/abs/2304.00534

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        head_width: Channels of the features that the masked convolutions see.
        width: Feature channels of each branch; an even number.
        depth: Number of residual blocks of the local branch.
        blocks: Number of transformer blocks of the global branch.
        train_strides: Distance of the pixels of a subimage in training, of the local and the global
            branch; at least 4 and 5, with which the dilated layers lead past the patch.
        strides: The same when images are restored.
        refined_strides: The same in the refinement.
        ratios: Distance of the taps from the centre when images are restored, relative to that in
            training, of both branches.
        refined_ratios: The same in the refinement.
        refinements: Number of refined images whose mean is the result; 0 for no refinement.
        replaced: Part of the values that a refinement takes from the noisy image, from 0 to 1.
        checkpoint: Save memory in training: blocks are computed again in the backward pass.

    Attributes:
        size_multiple: Least common multiple of the strides in restoring, and of the 16 pixels after
            which the pattern of the refinement repeats.

    Raises:
        ArgumentError: an argument is out of its range.

    Example:
        >>> model = restorekit.create_model("lg_bpn", preset="tiny").eval()
        >>> answer = model(torch.rand(1, 3, 17, 20))
        >>> answer.image.shape, list(answer.extras)
        (torch.Size([1, 3, 17, 20]), ['blind_mean'])
    """

    def __init__(
        self,
        channels: int = 3,
        head_width: int = 24,
        width: int = 128,
        depth: int = 9,
        blocks: int = 6,
        train_strides: tuple[int, int] = (4, 5),
        strides: tuple[int, int] = (3, 4),
        refined_strides: tuple[int, int] = (2, 4),
        ratios: tuple[float, float] = (0.72, 0.8),
        refined_ratios: tuple[float, float] = (0.46, 0.43),
        refinements: int = 8,
        replaced: float = 0.16,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "head_width": head_width, "depth": depth, "blocks": blocks}
        check_at_least(1, "lg_bpn", **sizes)
        check_at_least(1, "lg_bpn", strides=min(strides), refined_strides=min(refined_strides))
        _check_train_strides(train_strides)
        check_at_least(2, "lg_bpn", width=width)
        check_multiple(HEADS, "lg_bpn", width=width)
        _check_ratios(ratios=ratios, refined_ratios=refined_ratios)
        self.channels = channels
        self.size_multiple = math.lcm(PERIOD, *strides, *refined_strides)
        self.training_forms = _forms(train_strides, (1.0, 1.0), training=True)
        self.forms = _forms(strides, ratios)
        self.refined_forms = _forms(refined_strides, refined_ratios)
        self.bsn = BlindPatchNetwork(channels, head_width, width, depth, blocks, checkpoint)
        patterns = make_patterns("lg_bpn", channels, refinements, replaced)
        self.register_buffer("pattern", patterns, persistent=False)
        self.pattern: Tensor

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped. In `extras`,
            `blind_mean` is the estimate of each pixel from those outside of the patch around it. In
            training both are the same.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "lg_bpn")
        blind = self.bsn(noisy, self.training_forms).to(noisy.dtype)
        if self.training:
            return Restoration(blind, {"blind_mean": blind})
        image = self.bsn(noisy, self.forms)
        if len(self.pattern):
            restore = partial(self.bsn, forms=self.refined_forms)
            image = refined(image, noisy, self.pattern, restore)
        return Restoration(image.to(noisy.dtype), {"blind_mean": blind})


def interpolating_kernel(kernel: Tensor, step: float) -> Tensor:
    """The kernel of taps `step` pixels apart as one whose taps are pixels.

    Args:
        kernel: (.., N, N), N odd.
        step: distance of neighbouring taps in pixels, above 0.

    Returns:
        (.., M, M), M odd: what each tap of `kernel` weighs is shared among the four pixels around
        it, as in bilinear interpolation.

    Example:
        >>> kernel = torch.zeros(3, 3)
        >>> kernel[1, 2] = 1
        >>> interpolating_kernel(kernel, 0.75)[1]
        tensor([0.0000, 0.2500, 0.7500])
    """
    taps = kernel.shape[-1] // 2
    reach = math.ceil(taps * step)
    precise = torch.promote_types(kernel.dtype, torch.float32)
    places, pixels = (
        torch.arange(-most, most + 1, dtype=precise, device=kernel.device) for most in (taps, reach)
    )
    shares = (1 - (pixels[:, None] - places * step).abs()).clamp(min=0).to(kernel.dtype)
    spread: Tensor = shares @ kernel @ shares.mT
    return spread


def split(x: Tensor, stride: int, border: int, mirror: bool) -> Tensor:
    """The subimages of every `stride`-th pixel, with a border, as a batch.

    Args:
        x: (B, C, H, W), with H and W multiples of `stride`.
        stride: distance of the pixels.
        border: pixels that are added on each side of a subimage.
        mirror: add mirrored pixels instead of zeros.

    Returns:
        (B `stride`², C, H / `stride` + 2 `border`, W / `stride` + 2 `border`).

    Example:
        >>> split(torch.arange(16.0).reshape(1, 1, 4, 4), 2, 0, mirror=True)[1, 0]
        tensor([[ 1.,  3.],
                [ 9., 11.]])
    """
    phases = functional.pixel_unshuffle(x, stride)
    phases = mirrored(phases, border) if mirror else functional.pad(phases, (border,) * 4)
    subimages: Tensor = phases.unflatten(1, (-1, stride**2)).transpose(1, 2).flatten(0, 1)
    return subimages


def merge(x: Tensor, stride: int, border: int) -> Tensor:
    """The image of subimages without their border; the inverse of `split`."""
    x = functional.pad(x, (-border,) * 4).unflatten(0, (-1, stride**2))
    image: Tensor = functional.pixel_shuffle(x.transpose(1, 2).flatten(1, 2), stride)
    return image


def _forms(
    strides: tuple[int, int], ratios: tuple[float, float], training: bool = False
) -> tuple[Form, Form]:
    local, distant = zip(strides, ratios, strict=True)
    return Form(*local, training), Form(*distant, training)


def _check_ratios(**arguments: tuple[float, float]) -> None:
    for name, ratios in arguments.items():
        if not all(0 < ratio <= 1 for ratio in ratios):
            raise ArgumentError(
                f"model 'lg_bpn': argument '{name}' must be above 0, up to 1, not {list(ratios)}"
            )


def _check_train_strides(strides: tuple[int, int]) -> None:
    if any(stride < least for stride, least in zip(strides, LEAST_STRIDES, strict=True)):
        raise ArgumentError(
            f"model 'lg_bpn': argument 'train_strides' must be at least {list(LEAST_STRIDES)}, not "
            f"{list(strides)}: with less the network sees the patch around a pixel"
        )
