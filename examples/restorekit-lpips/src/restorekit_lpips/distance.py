"""LPIPS, https://arxiv.org/abs/1801.03924, by the package of its authors."""

from __future__ import annotations

import warnings
from typing import Literal

import lpips
import torch
from torch import Tensor, nn

from restorekit.loss.base import ImageLoss
from restorekit.metric.base import Metric

Net = Literal["alex", "vgg"]
LEAST_SIDES = {"alex": 31, "vgg": 16}  # smaller images vanish in the poolings


class Distance(nn.Module):
    """The distance of each pair of images, (B, C, H, W) in [0, 1] to (B,)."""

    def __init__(self, net: Net, pretrained: bool) -> None:
        super().__init__()
        # Random weights have a fixed seed, so that their distance is always the same.
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            torch.default_generator.manual_seed(0)
            # torchvision warns of arguments that lpips gives it.
            warnings.simplefilter("ignore")
            self.network = lpips.LPIPS(net=net, pnet_rand=not pretrained, verbose=False)
        self.network.requires_grad_(False)

    def train(self, mode: bool = True) -> Distance:
        """Stay in evaluation: the network has dropout, and is not trained."""
        return super().train(False)

    def forward(self, restored: Tensor, target: Tensor) -> Tensor:
        """The distances; gray images are three equal channels."""
        pair = (image.float().expand(-1, 3, -1, -1) for image in (restored, target))
        distance: Tensor = self.network(*pair, normalize=True)
        return distance.flatten()


class LPIPSMetric(Metric):
    """Learned perceptual distance of gray or colour images; 0 for equal ones, lower is better.

    Args:
        net: Network whose features are compared.
        pretrained: Whether the network has its weights, which are downloaded at the first use. With
            false they are random, for tests.
        clamp: Whether the restored image is clamped to [0, 1] before.
    """

    name = "LPIPS"
    higher_is_better = False

    def __init__(self, net: Net = "alex", pretrained: bool = True, clamp: bool = True) -> None:
        super().__init__(clamp)
        self.least_side = LEAST_SIDES[net]
        self.distance = Distance(net, pretrained)

    @torch.no_grad()
    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The distance of each image, (B,)."""
        distances: Tensor = self.distance(restored, target)
        return distances


class LPIPSLoss(ImageLoss):
    """Learned perceptual distance, the mean over the images.

    Args:
        net: Network whose features are compared.
        pretrained: Whether the network has its weights, which are downloaded at the first use. With
            false they are random, for tests.
    """

    def __init__(self, net: Net = "vgg", pretrained: bool = True) -> None:
        super().__init__()
        self.distance = Distance(net, pretrained)

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean distance of two batches (B, C, H, W)."""
        distances: Tensor = self.distance(restored, target)
        return distances.mean()
