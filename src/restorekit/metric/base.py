"""Base class of metrics: checks the images, clamps the restored one and sets the precision."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from restorekit.errors import InputError


class Metric(nn.Module):
    """Base class of metrics that compare the restored batch with the clean one.

    A subclass implements `measure`. One that needs no clean image extends `NoReferenceMetric`.
    `measure` is called with autocast disabled and with two batches of
    equal shape in at least float32, in float64 on a GPU, where cuDNN would filter float32 in TF32.
    The restored batch is clamped to [0, 1] before, as writing it to a file would.

    Attributes:
        name: what messages call it.
        higher_is_better: whether a higher value is the better one.
        least_side: the smallest height and width that can be measured, in pixels.
        largest: the value that larger ones count as in a mean. One infinite value would decide it.
        no_reference: whether it needs no clean image; the target is then ignored and may be None.
    """

    name: str = "this metric"
    higher_is_better: bool = True
    least_side: int = 1
    largest: float = math.inf
    no_reference: bool = False

    def __init__(self, clamp: bool = True) -> None:
        super().__init__()
        self.clamp = clamp

    def forward(self, restored: Tensor, target: Tensor | None = None) -> Tensor:
        """Compare restored images with the clean ones.

        Args:
            restored: (B, C, H, W), on the scale of [0, 1].
            target: (B, C, H, W) in [0, 1]; a metric without a reference ignores it.

        Returns:
            (B,), one value per image.

        Raises:
            InputError: the shapes differ or are not (B, C, H, W), an image is too small, or the
                clean image is missing.
        """
        if self.no_reference:
            target = restored
        if target is None:
            raise InputError(f"{self.name} compares with the clean image, and none is given")
        if restored.ndim != 4 or restored.shape != target.shape:
            raise InputError(
                "a metric needs two batches of one shape (B, C, H, W), "
                f"got {tuple(restored.shape)} and {tuple(target.shape)}"
            )
        height, width = restored.shape[-2:]
        if min(height, width) < (least := self.least_side):
            raise InputError(
                f"{self.name} needs images of at least {least}x{least} pixels, got {height}x{width}"
            )
        lowest = torch.float64 if restored.is_cuda else torch.float32
        dtype = torch.promote_types(torch.promote_types(restored.dtype, target.dtype), lowest)
        restored, target = restored.to(dtype), target.to(dtype)
        # SSIM subtracts nearly equal numbers, and exceeds 1 in half precision.
        with torch.autocast(restored.device.type, enabled=False):
            return self.measure(restored.clamp(0.0, 1.0) if self.clamp else restored, target)

    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The metric of a restored batch (B, C, H, W) given the clean one, (B,)."""
        raise NotImplementedError


class NoReferenceMetric(Metric):
    """Base class of metrics of an image alone, for which no clean image need be known.

    A subclass implements `measure_alone`.
    """

    no_reference = True

    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The metric of a batch (B, C, H, W), (B,)."""
        return self.measure_alone(restored)

    def measure_alone(self, images: Tensor) -> Tensor:
        """The metric of a batch (B, C, H, W), (B,)."""
        raise NotImplementedError
