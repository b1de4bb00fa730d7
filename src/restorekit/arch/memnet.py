"""MemNet: recursive units whose states are all remembered, and gates that choose among them.

Tai et al., MemNet: A Persistent Memory Network for Image Restoration, ICCV 2017,
https://arxiv.org/abs/1708.02209
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, relu

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch


class MemoryBlock(nn.Module):
    """A recursive unit and the gate that combines its states with those of earlier blocks.

    Args:
        width: channels.
        number: number of the block, from 1; as many memories precede it.
        recursions: states of the recursive unit.
        shared: use the same two convolutions in each recursion. The normalisations are not shared,
            since the statistics of the states differ.
    """

    def __init__(self, width: int, number: int, recursions: int, shared: bool) -> None:
        super().__init__()
        convs = 1 if shared else recursions
        self.first = nn.ModuleList(conv3x3(width, width) for _ in range(convs))
        self.second = nn.ModuleList(conv3x3(width, width, gain=0.5) for _ in range(convs))
        self.first_norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(recursions))
        self.second_norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(recursions))
        self.width = width
        self.gate_norm = nn.BatchNorm2d((recursions + number) * width)
        self.gate = nn.Conv2d((recursions + number) * width, width, 1)

    def forward(self, memories: list[Tensor]) -> Tensor:
        """The outputs of earlier blocks, each (B, C, H, W) -> the output of this one."""
        states = self._states(memories[-1])
        if self.training:
            joined = torch.cat((*states, *memories), dim=1)
            return pre_activated(self.gate, self.gate_norm, joined)
        # The same, one state at a time, which needs a third of the memory.
        output = None
        for place, features in enumerate(chain(states, memories)):
            share = self._gated(place, features)
            output = share if output is None else output.add_(share)
        assert output is not None
        assert self.gate.bias is not None
        return output.add_(self.gate.bias[:, None, None].to(output))

    def _gated(self, place: int, features: Tensor) -> Tensor:
        """What one of the states and memories adds to the output, in evaluation mode."""
        part, norm = slice(place * self.width, (place + 1) * self.width), self.gate_norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        statistics = norm.running_mean[part], norm.running_var[part]
        normed = batch_norm(features, *statistics, norm.weight[part], norm.bias[part], eps=norm.eps)
        return conv2d(relu(normed, inplace=True), self.gate.weight[:, part])

    def _states(self, state: Tensor) -> Iterator[Tensor]:
        """The states of the recursive unit."""
        norms = zip(self.first_norms, self.second_norms, strict=True)
        for recursion, (first_norm, second_norm) in enumerate(norms):
            which = recursion % len(self.first)
            inner = pre_activated(self.first[which], first_norm, state)
            state = state + pre_activated(self.second[which], second_norm, inner)
            yield state


def pre_activated(conv: nn.Module, norm: nn.Module, x: Tensor) -> Tensor:
    """A convolution after a batch normalisation and a ReLU: (B, C, H, W) -> (B, C_out, H, W)."""
    features: Tensor = conv(relu(norm(x), inplace=True))
    return features


class MemNet(nn.Module):
    """Memory blocks with gates over all earlier states. Blind: `sigma` is ignored.

    Each block has a recursive unit, one residual block of two 3x3 convolutions that is applied
    `recursions` times, and a 1x1 convolution over its states and the outputs of all blocks before
    it. An image is reconstructed from the output of each block, by a shared convolution whose
    result is added to the input; the restored image is their sum with trained weights.

    The default has the 677 thousand weights of the paper in its convolutions, which are shared by
    the recursions. In the networks that the authors released they are not: `shared=False`.
    Features stay at full size in all 80 layers, which is slow. 1024x1024 pixels at once take about
    3 GB in evaluation mode; in training mode all states of a block are kept.

    Reference: https://arxiv.org/abs/1708.02209

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels.
        blocks: Number of memory blocks.
        recursions: Applications of the residual block in each memory block.
        shared: Use the same convolutions in all recursions of a block.
        supervised: Reconstruct an image from each block; otherwise from the last only.

    Attributes:
        size_multiple: 1, since any height and width is accepted without padding.

    Raises:
        ArgumentError: an argument is below 1.

    Example:
        >>> model = restorekit.create_model("memnet", channels=1, width=4, blocks=2, recursions=2)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        blocks: int = 6,
        recursions: int = 6,
        shared: bool = True,
        supervised: bool = True,
    ) -> None:
        super().__init__()
        check_at_least(
            1, "memnet", channels=channels, width=width, blocks=blocks, recursions=recursions
        )
        self.channels = channels
        self.size_multiple = 1
        self.head_norm = nn.BatchNorm2d(channels)
        self.head = conv3x3(channels, width)
        self.blocks = nn.ModuleList(
            MemoryBlock(width, number, recursions, shared) for number in range(1, blocks + 1)
        )
        outputs = blocks if supervised else 1
        self.tail_norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(outputs))
        self.tail = conv3x3(width, channels, gain=0.05)
        self.weights = nn.Parameter(torch.full((outputs,), 1 / outputs)) if supervised else None

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
        check_batch(noisy, self.channels, "memnet")
        memories = [pre_activated(self.head, self.head_norm, noisy)]
        for block in self.blocks:
            memories.append(block(memories))
        outputs = zip(self.tail_norms, memories[-len(self.tail_norms) :], strict=True)
        images = torch.stack([noisy + pre_activated(self.tail, *output) for output in outputs])
        if self.weights is not None:
            images = images * self.weights[:, None, None, None, None]
        image: Tensor = images.sum(dim=0)
        return image.to(noisy.dtype)
