"""Missing parts of a picture."""

from __future__ import annotations

from math import ceil

from torch import Tensor

from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws, as_interval


class Masking(Noise):
    """Cells of the picture hidden by one value, in all channels.

    The other pixels are untouched, so nothing leaves [0, 1].

    Args:
        share: Probability that a cell is hidden, or a (low, high) range from which each sample
            draws its own.
        cell: Side of the square cells in pixels; 1 hides single pixels.
        value: The value of hidden pixels in [0, 1].

    Raises:
        ValueError: share or value is outside [0, 1], low > high, or cell is below 1.

    Example:
        >>> noisy = restorekit.create_noise("masking", share=0.5, cell=8)(batch).noisy
        >>> is_hidden = (noisy == 0).all(1)
        >>> torch.equal(is_hidden[:, 0, 0], is_hidden[:, 7, 7])
        True
    """

    def __init__(
        self,
        share: float | tuple[float, float] = (0.1, 0.9),
        cell: int = 1,
        value: float = 0.0,
    ) -> None:
        super().__init__()
        self.share = as_interval(share, "share", "a fraction of the cells")
        self.value = as_interval(value, "value", "on the scale of the images")[0]
        if cell < 1:
            raise ValueError(f"cell must be at least 1 pixel, not {cell}")
        self.cell = cell

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch with hidden cells; sigma is unknown, since it depends on the image."""
        batch, _, height, width = clean.shape
        rows, columns = ceil(height / self.cell), ceil(width / self.cell)
        is_hidden = draw.uniform(batch, 1, rows, columns) < draw.parameter(self.share)
        if self.cell > 1:
            is_hidden = is_hidden.repeat_interleave(self.cell, 2).repeat_interleave(self.cell, 3)
        return clean.masked_fill(is_hidden[..., :height, :width], self.value)
