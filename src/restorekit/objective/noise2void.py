"""Learning a pixel from its neighbours: Noise2Void, N2V2 and structN2V."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from restorekit.objective.base import TaskBatch
from restorekit.objective.blind_spots import hide, lattice, widened
from restorekit.objective.self_supervised import KnownLevel, SelfSupervised, generators
from restorekit.records import Images
from restorekit.seeding import draw_integer


class Noise2Void(SelfSupervised):
    """Some pixels are hidden, and the network learns to predict them from their neighbours.

    The noise of a hidden pixel cannot be predicted, so the best prediction is that of the clean
    value. Only hidden pixels count in the loss.

    Assumption: the noise has mean 0 and is independent between pixels, or correlated within the
    `structure` only. Needs: single noisy images; no noise level. Use the loss `mse` for the mean of
    the noise to vanish, or `l1` for its median.

    Reference: Krull et al., Noise2Void, CVPR 2019, https://arxiv.org/abs/1811.10980; the median
    after Höck et al., N2V2, 2022, https://arxiv.org/abs/2211.08512; structures after Broaddus et
    al., Removing Structured Noise with Self-Supervised Blind-Spot Networks, ISBI 2020,
    https://doi.org/10.1109/ISBI45749.2020.9098336. The lattice of hidden pixels is that of Batson
    and Royer, Noise2Self, ICML 2019, https://arxiv.org/abs/1901.11365

    Args:
        noise: the run's noise model, for clean images.
        strategy: what a hidden pixel is replaced by: "uniform", a random neighbour, or "median",
            the median of the neighbours, which avoids a checkerboard in the output. The median is
            so near the clean value that a network learns to copy it, and then copies the noise: it
            is for networks that do not add their input to their output, as in the paper, such as
            `unet` with `residual` false. For others there is a warning.
        radius: neighbours are at most this many rows and columns away.
        spacing: distance of the hidden pixels in both directions; 4 hides 1 of 16.
        structure: which pixels are hidden together with each of them, "none", or those in which
            its noise can be seen: "horizontal", "vertical" or "cross".
        extent: how many pixels that are, on each side.
        sigma: the level of pictures that are noisy themselves, for networks that take one: a
            number, "estimate", or None.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("noise2void", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> float(made.mask.float().mean()), bool((made.input == made.target)[~made.mask.expand_as(
        ...     made.input)].all())
        (0.0625, True)
    """

    def __init__(
        self,
        noise: nn.Module,
        strategy: Literal["uniform", "median"] = "uniform",
        radius: int = 2,
        spacing: int = 4,
        structure: Literal["none", "horizontal", "vertical", "cross"] = "none",
        extent: int = 4,
        sigma: KnownLevel = None,
    ) -> None:
        super().__init__(noise, sigma)
        self.invites_copying = strategy == "median"
        # Nearer ones would leave some pixels without a neighbour to replace them by.
        for name, value, least in (("radius", radius, 1), ("spacing", spacing, 3)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        if extent < 1:
            raise ValueError(f"extent must be at least 1, not {extent}")
        self.strategy, self.radius, self.spacing = strategy, radius, spacing
        self.across = extent if structure in ("horizontal", "cross") else 0
        self.down = extent if structure in ("vertical", "cross") else 0

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The noisy images with hidden pixels, and a mask of these."""
        seen = self.observe(images, seed, step, places)
        sources = generators(seen.noisy, seed, "blind spots", step, places)
        made = [self._hidden(*pair) for pair in zip(seen.noisy, sources, strict=True)]
        inputs, masks = (torch.stack(each) for each in zip(*made, strict=True))
        return TaskBatch(inputs, seen.noisy, seen.sigma, mask=masks)

    def _hidden(self, image: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """An image (C, H, W) with hidden pixels, and their mask (1, H, W)."""
        row, column = draw_integer(self.spacing, generator), draw_integer(self.spacing, generator)
        spots = lattice(image, self.spacing, row, column)
        hidden = widened(spots, self.across, self.down)
        median = self.strategy == "median"
        return hide(image, hidden, self.radius, generator, median=median), spots[None]
