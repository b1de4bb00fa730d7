"""Networks of DeepInverse that accept any size."""

from __future__ import annotations

from typing import Any

import torch
from deepinv import models
from torch import Tensor, nn
from torch.nn import functional


class Padded(nn.Module):
    """A network of DeepInverse, applied to an image that is padded to multiples of its grid."""

    size_multiple = 8
    published = "download"  # what DeepInverse calls its weights

    def __init__(self, network: nn.Module, channels: int) -> None:
        super().__init__()
        self.network, self.channels = network, channels

    def load_published(self) -> None:
        """Download the weights of DeepInverse. They are for the default sizes.

        This is not an argument: the card of saved weights has the arguments of their network, so
        each time that they are loaded, the published ones would be downloaded first.

        Raises:
            RuntimeError: the network has other sizes.
        """
        made: Any = type(self.network)
        trained = made(self.channels, self.channels, pretrained=self.published)
        self.network.load_state_dict(trained.state_dict())

    def apply_padded(self, noisy: Tensor, *maps: Tensor) -> Tensor:
        """The network's result for (B, C, H, W) and further maps, without the padding."""
        height, width = noisy.shape[-2:]
        border = (0, -width % self.size_multiple, 0, -height % self.size_multiple)
        given = [functional.pad(each, border, mode="replicate") for each in (noisy, *maps)]
        restored: Tensor = self.run(*given)
        return restored[..., :height, :width]

    def run(self, *given: Tensor) -> Any:
        """The network, for sides that are multiples of the grid."""
        return self.network(*given)


class DnCNN(Padded):
    """DnCNN of DeepInverse. It is blind: the noise level is not used.

    Args:
        channels: Channels of the image.
        depth: Number of convolutions.
        width: Feature channels.
    """

    size_multiple = 1

    def __init__(self, channels: int = 3, depth: int = 20, width: int = 64) -> None:
        made = models.DnCNN(channels, channels, depth=depth, nf=width, pretrained=None)
        super().__init__(made, channels)

    def forward(self, noisy: Tensor) -> Tensor:
        """Restore a batch (B, C, H, W) in about [0, 1]; the result is not clamped."""
        return self.apply_padded(noisy)


class DRUNet(Padded):
    """DRUNet of DeepInverse, for a known noise level.

    Args:
        channels: Channels of the image.
        width: Feature channels at full size; they double at each of three further scales.
        blocks: Residual blocks at each scale.
    """

    def __init__(self, channels: int = 3, width: int = 64, blocks: int = 4) -> None:
        widths = (width, 2 * width, 4 * width, 8 * width)
        made = models.DRUNet(channels, channels, nc=widths, nb=blocks, pretrained=None)
        super().__init__(made, channels)

    def run(self, *given: Tensor) -> Any:
        """Image and level, without the tiles of DeepInverse for large images."""
        network: Any = self.network
        return network.forward_unet(torch.cat(given, 1))

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Restore a batch (B, C, H, W) with a level that broadcasts to (B, 1, H, W)."""
        batch, _, height, width = noisy.shape
        return self.apply_padded(noisy, sigma.to(noisy).expand(batch, 1, height, width))


class Restormer(Padded):
    """Restormer of DeepInverse. It is blind, and its attention uses statistics of the whole image.

    Args:
        channels: Channels of the image.
        width: Feature channels at full size, a multiple of 4.
        blocks: Transformer blocks at each of four scales.
    """

    published = "denoising"

    def __init__(
        self,
        channels: int = 3,
        width: int = 48,
        blocks: tuple[int, int, int, int] = (4, 6, 6, 8),
    ) -> None:
        made = models.Restormer(channels, channels, dim=width, num_blocks=blocks, pretrained=None)
        super().__init__(made, channels)

    def forward(self, noisy: Tensor) -> Tensor:
        """Restore a batch (B, C, H, W) in about [0, 1]; the result is not clamped."""
        return self.apply_padded(noisy)
