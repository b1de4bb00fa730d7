"""Sliding DCT denoising.

Yu and Sapiro, DCT Image Denoising: a Simple and Effective Image Denoising Algorithm, IPOL 2011,
https://doi.org/10.5201/ipol.2011.ys-dct
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.arch.classical.block_matching import overlapping
from restorekit.arch.classical.decorrelated import Decorrelated, cosines
from restorekit.arch.padding import check_positive
from restorekit.errors import ArgumentError
from restorekit.mirroring import mirrored_border

_LARGEST = 16  # pixels; as many feature maps as a patch has pixels are in memory


class DCT(Decorrelated):
    """Hard thresholding of the cosine transform of every patch; the mean of all patches.

    The channels are decorrelated first by a cosine transform across them, which for colour
    separates brightness from two differences.

    Reference: https://doi.org/10.5201/ipol.2011.ys-dct

    Args:
        size: Side of the patches in pixels, from 2 to 16. On Set12 at sigma 25, 8 gives 28.78 dB
            and 16 gives 28.55 dB.
        threshold: Magnitude in units of sigma below which a coefficient is set to 0.

    Attributes:
        size_multiple: 1, since any height and width is accepted.

    Raises:
        ArgumentError: `size` is out of range, or `threshold` is not positive.

    Example:
        >>> noisy = 0.5 + 0.1 * torch.randn(1, 3, 16, 16)
        >>> restored = restorekit.create_model("dct")(noisy, torch.full((1, 1, 1, 1), 0.1))
        >>> bool(restored.std() < noisy.std())
        True
    """

    name = "dct"

    def __init__(self, size: int = 8, threshold: float = 3.0) -> None:
        super().__init__()
        if not 2 <= size <= _LARGEST:
            raise ArgumentError(
                f"model 'dct': argument 'size' must be from 2 to {_LARGEST}, not {size}"
            )
        check_positive("dct", threshold=threshold)
        self.size = size
        self.threshold = threshold

    def filter(self, image: Tensor, sigma: float) -> Tensor:
        """Restore one image, (C, H, W)."""
        # One channel at a time, since each becomes size^2 feature maps.
        return torch.cat([self._restored(plane, sigma) for plane in image.split(1)])

    def _restored(self, plane: Tensor, level: float) -> Tensor:
        """One channel, (1, H, W)."""
        rows, columns = (
            mirrored_border(side, self.size - 1, plane.device) for side in plane.shape[1:]
        )
        wide = plane.index_select(1, rows).index_select(2, columns)
        one = cosines(self.size).to(plane)
        patterns = torch.einsum("ih,jw->ijhw", one, one).flatten(0, 1)[:, None]
        coefficients = functional.conv2d(wide[None], patterns)[0]
        kept = coefficients.abs() > self.threshold * level
        kept[0] = True  # the mean of a patch
        summed = overlapping(coefficients * kept, patterns)
        border = self.size - 1
        return summed[None, border:-border, border:-border] / self.size**2
