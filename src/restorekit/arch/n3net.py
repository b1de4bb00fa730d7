"""N3Net: DnCNNs with blocks between them that add the nearest neighbours of every patch.

Plötz and Roth, Neural Nearest Neighbors Networks, NeurIPS 2018, https://arxiv.org/abs/1810.12575
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch, crop
from restorekit.mirroring import mirrored_indices

_BORDER_OF_PROBABILITIES = math.log(0.5)
_LEAST_GRADIENT = 1e-7
_TEMPERATURE = 0.1  # the network predicts the logarithm of a factor to it
_LARGEST_LOG = 10.0  # of that factor; beyond it, a step of training makes the loss infinite


class N3Net(nn.Module):
    """Small DnCNNs, and blocks between them that add similar patches. Blind: `sigma` is ignored.

    Each N3 block cuts the features into overlapping patches and compares each with those of a
    window around it, by features of their own. Softmax weights of the distances give a first
    neighbour of each patch, a weighted mean. What has been chosen is made less likely, which gives
    a second one, and so on. The temperature of the softmax is predicted for every patch.

    Images smaller than a window, `patch_size` + (`window` - 1) * `stride` pixels, are extended by
    mirroring. The memory grows with the pixels times the width of the image, since all patches of
    two rows are compared at once; 512x512 pixels take 0.8 GB.

    Reference: https://arxiv.org/abs/1810.12575

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of the convolutions.
        depth: Convolutions of each DnCNN.
        blocks: Number of DnCNNs; there is one N3 block fewer.
        features: Channels of the features in which neighbours are found, and of their embedding.
        neighbours: Neighbours of each patch that an N3 block adds.
        patch_size: Side of the patches in pixels.
        stride: Distance of neighbouring patches in pixels.
        window: Side of the window of patches that are compared with the one in its middle, odd.
        embedding_depth: Convolutions of the networks that predict the embedding and temperature.

    Attributes:
        size_multiple: `stride`, the grid of the patches.

    Raises:
        ArgumentError: `depth` or `window` is below 2, or another argument below 1.

    Example:
        >>> model = restorekit.create_model("n3net", preset="tiny", channels=1).eval()
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        depth: int = 6,
        blocks: int = 3,
        features: int = 8,
        neighbours: int = 7,
        patch_size: int = 10,
        stride: int = 5,
        window: int = 15,
        embedding_depth: int = 3,
    ) -> None:
        super().__init__()
        check_at_least(1, "n3net", channels=channels, width=width, blocks=blocks)
        check_at_least(1, "n3net", features=features, neighbours=neighbours, patch_size=patch_size)
        check_at_least(1, "n3net", stride=stride, embedding_depth=embedding_depth)
        check_at_least(2, "n3net", depth=depth, window=window)
        self.channels = channels
        self.size_multiple = stride
        self.smallest = patch_size + (window - 1) * stride
        between = features * (1 + neighbours)
        inputs = [channels] + [between] * (blocks - 1)
        outputs = [features] * (blocks - 1) + [channels]
        self.blocks = nn.ModuleList(
            _Local(*sizes, width, depth) for sizes in zip(inputs, outputs, strict=True)
        )
        self.non_local = nn.ModuleList(
            _NonLocal(features, neighbours, width, embedding_depth, patch_size, stride, window)
            for _ in range(blocks - 1)
        )

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of the channels of the model.
        """
        check_batch(noisy, self.channels, "n3net")
        x = noisy
        for axis in (2, 3):
            length = x.shape[axis]
            # No branch in an exported graph, which takes small images and large ones. A compiled
            # one may have it, and torch 2.10 does not compile sym_max.
            larger = max if torch.compiler.is_dynamo_compiling() else torch.sym_max
            count = cast(int, larger(length, self.smallest))
            places = mirrored_indices(length, count, repeat_border=False, device=x.device)
            x = x.index_select(axis, places)
        x = self.blocks[0](x)
        for non_local, local in zip(self.non_local, self.blocks[1:], strict=True):
            x = local(non_local(x))
        return crop(x, (noisy.shape[2], noisy.shape[3]))


class _Local(nn.Module):
    """A DnCNN whose output is added to the channels that input and output share."""

    def __init__(self, inputs: int, outputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.shared = min(inputs, outputs)
        self.missing = outputs - self.shared
        self.first = conv3x3(inputs, width)
        self.body = nn.Sequential(*_normalised_layers([width] * (depth - 1)))
        self.last = conv3x3(width, outputs, gain=0.05)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.last(self.body(functional.relu(self.first(x))))
        return residual + functional.pad(x[:, : self.shared], (0, 0, 0, 0, 0, self.missing))


class _NonLocal(nn.Module):
    """Concatenates features with the difference of each neighbour from them."""

    def __init__(
        self,
        features: int,
        neighbours: int,
        width: int,
        depth: int,
        patch_size: int,
        stride: int,
        window: int,
    ) -> None:
        super().__init__()
        self.neighbours, self.patch_size = neighbours, patch_size
        self.stride, self.window = stride, window
        self.embedding = _predictor(features, features, width, depth)
        self.temperature = _predictor(features, 1, width, depth)
        self.normalise = nn.BatchNorm1d(1)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        # The authors add zeros on all sides until the patches fit.
        below, right = (-(side - self.patch_size) % self.stride for side in (height, width))
        border = (right // 2, right - right // 2, below // 2, below - below // 2)
        wide = functional.pad(x, border)
        keys = self._patches(functional.pad(self.embedding(x), border))
        predicted = functional.pad(self.temperature(x), border)
        logarithm = functional.avg_pool2d(predicted, self.patch_size, self.stride)[:, 0]
        temperature = logarithm.clamp(-_LARGEST_LOG, _LARGEST_LOG).exp()
        top, left = (self._window_starts(count, x.device) for count in keys.shape[1:3])
        others = self._others(top, left).expand(batch, -1, -1, -1)
        columns = left[:, None] + torch.arange(self.window, device=x.device)
        columns = columns.expand(*keys.shape[:3], -1)
        nearness = -self._distances(keys, top, columns).gather(-1, others)
        nearness = self.normalise(nearness.reshape(batch, 1, -1)).view_as(nearness)
        weights = _neighbour_weights(
            nearness / (temperature * _TEMPERATURE)[..., None], self.neighbours
        )
        patches = self._patches(wide)
        outside = tuple(-side for side in border)
        nearby = [x]
        for weight in weights:
            whole = weight.new_zeros(*weight.shape[:3], self.window**2).scatter(-1, others, weight)
            volume = self._averaged(patches, whole.to(x.dtype), top, columns)
            nearby.append(functional.pad(self._image(volume, wide), outside) - x)
        return torch.cat(nearby, dim=1)

    def _patches(self, wide: Tensor) -> Tensor:
        """(B, rows, columns, F) patches of (B, C, H, W)."""
        rows = (wide.shape[2] - self.patch_size) // self.stride + 1
        columns = (wide.shape[3] - self.patch_size) // self.stride + 1
        patches = functional.unfold(wide, self.patch_size, stride=self.stride).transpose(1, 2)
        cut: Tensor = patches.unflatten(1, (rows, columns))
        return cut

    def _image(self, patches: Tensor, wide: Tensor) -> Tensor:
        """The mean of overlapping patches, in the shape of `wide`."""
        flat, size = patches.flatten(1, 2).transpose(1, 2), wide.shape[2:]
        counts = torch.ones_like(flat[:1, : self.patch_size**2])
        summed, counted = (
            functional.fold(x, (size[0], size[1]), self.patch_size, stride=self.stride)
            for x in (flat, counts)
        )
        mean: Tensor = summed / counted
        return mean

    def _window_starts(self, count: int, device: torch.device) -> Tensor:
        """The first row or column of the window around each of that many."""
        places = torch.arange(count, device=device) - self.window // 2
        return places.clamp(min=0).clamp(max=count - self.window)

    def _others(self, top: Tensor, left: Tensor) -> Tensor:
        """(rows, columns, window^2 - 1) places in the window of each patch, but not its own."""
        row, column = (torch.arange(x.shape[0], device=x.device) - x for x in (top, left))
        itself = (row[:, None] * self.window + column)[..., None]
        others = torch.arange(self.window**2 - 1, device=top.device)
        return others + (others >= itself)

    def _distances(self, keys: Tensor, top: Tensor, columns: Tensor) -> Tensor:
        """Squared distances of each patch and those of its window, (B, rows, columns, window^2)."""
        squares, found = keys.square().sum(-1), []
        for row in range(self.window):
            there = top + row
            products = keys @ keys[:, there].transpose(2, 3)
            apart = squares[..., None] - 2 * products + squares[:, there][:, :, None]
            found.append(apart.gather(-1, columns))
        return torch.cat(found, dim=-1)

    def _averaged(self, patches: Tensor, weight: Tensor, top: Tensor, columns: Tensor) -> Tensor:
        """The mean of the patches of each window, weighted by (B, rows, columns, window^2)."""
        total = torch.zeros_like(patches)
        for row, part in enumerate(weight.split(self.window, dim=-1)):
            spread = part.new_zeros(*part.shape[:3], part.shape[2]).scatter(-1, columns, part)
            total = total + spread @ patches[:, top + row]
        return total


def _neighbour_weights(logits: Tensor, count: int) -> list[Tensor]:
    """The weights of the neighbours, each without what the earlier ones have chosen."""
    weights = []
    logits = logits.float()
    for _ in range(count):
        chosen = logits.log_softmax(dim=-1)
        weights.append(chosen.exp())
        logits = logits + _log_of_rest(chosen)
    return weights


def _log_of_rest(log: Tensor) -> Tensor:
    """log(1 - exp(log)), precise for all probabilities, with a bounded gradient near 1."""
    small = log.clamp(max=_BORDER_OF_PROBABILITIES)
    rest = -log.clamp(min=_BORDER_OF_PROBABILITIES).expm1()
    bounded = (rest + _LEAST_GRADIENT).log()
    large = rest.detach().log() + (bounded - bounded.detach())
    return torch.where(log < _BORDER_OF_PROBABILITIES, (-small.exp()).log1p(), large)


def _normalised_layers(widths: list[int]) -> list[nn.Module]:
    """Convolutions from each width to the next, each with a normalisation and a ReLU."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [conv3x3(before, after, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return layers


def _predictor(inputs: int, outputs: int, width: int, depth: int) -> nn.Sequential:
    hidden = [inputs] + [width] * (depth - 1)
    return nn.Sequential(*_normalised_layers(hidden), conv3x3(hidden[-1], outputs, gain=1.0))
