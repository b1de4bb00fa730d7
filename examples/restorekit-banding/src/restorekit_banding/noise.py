"""Row banding, as caused by the row amplifiers of an image sensor."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from restorekit import Degraded


class Banding(nn.Module):
    """One random offset per row: noisy = clean + std * n, n ~ N(0, 1), constant along the row.

    All channels of a row have the same offset. The result is not clipped to [0, 1].

    Args:
        std: Standard deviation of the offsets on the [0, 1] scale, or a range (low, high) from
            which it is drawn for each sample.

    Raises:
        ValueError: std is negative, or low > high.
    """

    def __init__(self, std: float | tuple[float, float] = 0.05) -> None:
        super().__init__()
        self.low, self.high = std if isinstance(std, tuple) else (std, std)
        if not 0.0 <= self.low <= self.high:
            raise ValueError(f"std must be at least 0, and a range (low, high), not {std}")

    def forward(self, clean: Tensor, generator: Generator | None = None) -> Degraded:
        """Shift the rows of a batch (B, C, H, W); sigma is the std of each sample, (B, 1, 1, 1)."""
        batch, _, height, _ = clean.shape
        drawn = torch.rand(batch, 1, 1, 1, generator=generator, device=clean.device)
        sigma = self.low + (self.high - self.low) * drawn
        offsets = sigma * torch.randn(batch, 1, height, 1, generator=generator, device=clean.device)
        return Degraded(clean + offsets.to(clean.dtype), sigma.to(clean.dtype))
