"""Blind spots whose pixels become visible again: Blind2Unblind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.errors import InputError
from restorekit.objective.base import Compare, Restore, TaskBatch
from restorekit.objective.blind_spots import lattice
from restorekit.objective.self_supervised import KnownLevel, SelfSupervised
from restorekit.records import Images

# Weights of the neighbours by which a hidden pixel is replaced.
_AROUND = torch.tensor([[0.5, 1.0, 0.5], [1.0, 0.0, 1.0], [0.5, 1.0, 0.5]]) / 6


class Blind2Unblind(SelfSupervised):
    """Every pixel is hidden once; a second term also uses what the network sees of it.

    The lattice of hidden pixels is moved over the image, so `spacing`^2 copies of it go through the
    network, and the answers at the hidden pixels form an image that is blind at every pixel. A mean
    of it and of the network's answer to the whole image, which has no gradient, is compared with
    the noisy image. The weight v of the latter grows during the run. The loss is squared and
    replaces that of the run, which is not used.

    Assumption: the noise has mean 0 and is independent between pixels. Needs: single noisy images;
    no noise level; a network that does not add its input to its output, such as `unet` with
    `residual` false. Others learn to copy the means that hidden pixels are replaced by, and then
    copy the noise, so there is a warning. A step takes `spacing`^2 + 1 forward passes, which need
    as much memory.

    Reference: Wang et al., Blind2Unblind, CVPR 2022, https://arxiv.org/abs/2203.06967

    Args:
        noise: the run's noise model, for clean images.
        spacing: distance of the hidden pixels in both directions.
        visible: the weight v at the beginning and at the end of `ramp`.
        ramp: steps in which the weight v grows; in the paper, all of the run.
        blind: weight of the term of the blind image alone.
        sigma: the level of pictures that are noisy themselves, for networks that take one: a
            number, "estimate", or None.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("blind2unblind", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> terms = objective.risk(lambda y, s: restorekit.Restoration(y), made, None)
        >>> sorted(terms)
        ['blind', 'visible']
    """

    invites_copying = True

    def __init__(
        self,
        noise: nn.Module,
        spacing: int = 2,
        visible: tuple[float, float] = (2.0, 20.0),
        ramp: int = 1000,
        blind: float = 1.0,
        sigma: KnownLevel = None,
    ) -> None:
        super().__init__(noise, sigma)
        if spacing < 2:
            raise ValueError(f"spacing must be at least 2, not {spacing}")
        for name, value in (("visible", min(visible)), ("ramp", ramp), ("blind", blind)):
            if value < 0:
                raise ValueError(f"{name} must be at least 0, not {value}")
        self.spacing, self.visible, self.ramp, self.blind = spacing, visible, ramp, blind

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The noisy images, which are their own targets; the weight v is in `extras`.

        Raises:
            InputError: the images are smaller than 2x2 pixels.
        """
        seen = self.observe(images, seed, step, places)
        if min(seen.noisy.shape[2:]) < 2:
            raise InputError("objective 'blind2unblind' needs images of at least 2x2 pixels")
        first, last = self.visible
        done = min(step / self.ramp, 1.0) if self.ramp else 1.0
        weight = seen.noisy.new_full((len(seen.noisy), 1, 1, 1), first + done * (last - first))
        return TaskBatch(seen.noisy, seen.noisy, seen.sigma, extras={"visible": weight})

    def risk(self, restore: Restore, batch: TaskBatch, compare: Compare) -> Mapping[str, Tensor]:
        """The squared errors of the image that is visible again and of the blind one."""
        noisy, weight = batch.input, batch.extras["visible"]
        around = surrounding(noisy)
        blind = torch.zeros_like(noisy)
        for spots in self._spots(noisy):
            answer = restore(torch.where(spots, around, noisy), batch.sigma).image.float()
            blind = torch.where(spots, answer, blind)
        with torch.no_grad():
            whole = restore(noisy, batch.sigma).image.float()
        error = blind - noisy
        return {
            "visible": (error + weight * (whole - noisy)).square().mean(),
            "blind": self.blind * error.square().mean(),
        }

    def _spots(self, images: Tensor) -> Iterator[Tensor]:
        """The positions of the lattice, which have every pixel once."""
        for row in range(self.spacing):
            for column in range(self.spacing):
                yield lattice(images, self.spacing, row, column)


def surrounding(images: Tensor) -> Tensor:
    """The weighted mean of the eight neighbours of each pixel, (B, C, H, W), without the pixel."""
    channels = images.shape[1]
    kernel = _AROUND.to(images).expand(channels, 1, 3, 3)
    mirrored = functional.pad(images, (1, 1, 1, 1), "reflect")
    return functional.conv2d(mirrored, kernel, groups=channels)
