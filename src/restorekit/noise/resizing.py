"""Resizing: of noise together with its picture, and of the picture itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.noise.base import Noise
from restorekit.noise.compose import build_noises
from restorekit.noise.parameters import Draws, as_interval
from restorekit.records import degrade


class Resized(Noise):
    """Another noise, made before the picture was resized.

    The picture is resized to the size that it had before, which gets the noise. Then the noise
    alone is resized back, so the picture stays as it is. Does not clip by default.

    Args:
        noise: The noise: a name, a {"name": ..., argument: ...} mapping or a module.
        scale: Factor by which the noisy picture was resized. Below 1 noise becomes weaker, above 1
            coarser.
        clip: Whether to clip to [0, 1].

    Raises:
        ValueError: the argument is not a noise, or scale is outside [0.25, 4].
        UnknownNameError: no noise has that name.
        ArgumentError: the noise was given an argument it cannot use.

    Example:
        >>> noise = restorekit.create_noise("resized", noise="camera", scale=0.75)
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        noise: str | Mapping[str, Any] | nn.Module,
        scale: float = 0.75,
        clip: bool = False,
    ) -> None:
        super().__init__()
        (self.noise,) = build_noises([noise])
        self.scale = as_interval(scale, "scale", "a factor", least=0.25, most=4.0)[0]
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with the resized noise; sigma is unknown."""
        size = (clean.shape[2], clean.shape[3])
        before = (max(1, round(size[0] / self.scale)), max(1, round(size[1] / self.scale)))
        original = resized(clean.float(), before).clamp(0, 1)
        noise = degrade(self.noise, original, draw.generator).noisy - original
        return clean + resized(noise, size)


class Downscale(Noise):
    """Loss of resolution: the picture is made smaller, and brought back to its size.

    It becomes smaller by interpolation with a window as wide as the factor, so that nothing
    aliases, or by taking the nearest pixel, which aliases. It is brought back by bicubic
    interpolation. Clips to [0, 1], because bicubic interpolation overshoots at edges.

    Args:
        factor: How much smaller, or a (low, high) range from which each sample draws its own.
        method: How it becomes smaller; "area" takes the mean over whole blocks of pixels.

    Raises:
        ValueError: factor is outside [1, 16], or low > high.

    Example:
        >>> noise = restorekit.create_noise("downscale", factor=2, method="area")
        >>> stripes = torch.tensor([0.0, 1.0]).repeat(1, 1, 16, 8)
        >>> noise(stripes).noisy.std() < 1e-6
        tensor(True)
    """

    clip = True

    def __init__(
        self,
        factor: float | tuple[float, float] = (2.0, 4.0),
        method: Literal["bicubic", "bilinear", "area", "nearest"] = "bicubic",
    ) -> None:
        super().__init__()
        self.factor = as_interval(factor, "factor", "a factor", least=1.0, most=16.0)
        self.method = method

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch at a lower resolution of its own for each sample; sigma is unknown."""
        # The sizes are needed here, so that this waits for the device.
        factors = draw.parameter(self.factor).flatten().tolist()
        images = clean.float().split(1)
        return torch.cat([self._coarser(*each) for each in zip(images, factors, strict=True)])

    def _coarser(self, image: Tensor, factor: float) -> Tensor:
        height, width = image.shape[-2:]
        size = (max(1, round(height / factor)), max(1, round(width / factor)))
        if self.method in ("bicubic", "bilinear"):
            small = functional.interpolate(image, size=size, mode=self.method, antialias=True)
        else:
            mode = "nearest-exact" if self.method == "nearest" else self.method
            small = functional.interpolate(image, size=size, mode=mode)
        return resized(small, (height, width))


def resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (B, C, H, W) by bicubic interpolation, with a wider window where it becomes smaller.

    Values may leave the range of the image.
    """
    return functional.interpolate(image, size=size, mode="bicubic", antialias=True)
