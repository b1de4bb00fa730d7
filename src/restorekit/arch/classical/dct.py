"""Sliding DCT denoising.

Yu and Sapiro, DCT Image Denoising: a Simple and Effective Image Denoising Algorithm, IPOL 2011,
https://doi.org/10.5201/ipol.2011.ys-dct
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.classical.base import noise_levels
from restorekit.arch.padding import check_batch, check_positive
from restorekit.errors import ArgumentError
from restorekit.mirroring import mirrored_border

_LARGEST = 16  # pixels; as many feature maps as a patch has pixels are in memory


class DCT(nn.Module):
    """Hard thresholding of the cosine transform of every patch; the mean of all patches.

    The channels are decorrelated first by a cosine transform across them, which for colour
    separates brightness from two differences. Everything is computed on the device of the batch.

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

    def __init__(self, size: int = 8, threshold: float = 3.0) -> None:
        super().__init__()
        if not 2 <= size <= _LARGEST:
            raise ArgumentError(
                f"model 'dct': argument 'size' must be from 2 to {_LARGEST}, not {size}"
            )
        check_positive("dct", threshold=threshold)
        self.size = size
        self.threshold = threshold
        self.size_multiple = 1

    @torch.no_grad()
    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: the standard deviation of the noise, (B, 1, 1, 1), or a map of it (B, 1, H, W),
                whose root mean square is used for each image; None to estimate it from the image.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`.

        Raises:
            InputError: `noisy` is not a float batch, or `sigma` does not fit it.
        """
        check_batch(noisy, None, "dct")
        levels = noise_levels(noisy, sigma, "dct").to(noisy.device).view(-1, 1, 1, 1)
        x = noisy.float()
        across = cosines(x.shape[1]).to(x)
        apart = torch.einsum("kc,bchw->bkhw", across, x)
        # One image and channel at a time, since each becomes size^2 feature maps.
        restored = [
            torch.cat([self._restored(plane, level) for plane in image.split(1)])
            for image, level in zip(apart, levels, strict=True)
        ]
        together = torch.einsum("kc,bkhw->bchw", across, torch.stack(restored))
        # Without noise nothing changes, not even by the rounding of a sum.
        return torch.where(levels > 0, together, noisy).to(noisy.dtype)

    def _restored(self, plane: Tensor, level: Tensor) -> Tensor:
        """One channel, (1, H, W)."""
        rows, columns = (
            mirrored_border(side, self.size - 1, plane.device) for side in plane.shape[1:]
        )
        wide = plane.index_select(1, rows).index_select(2, columns)
        one = cosines(self.size).to(plane)
        patterns = torch.einsum("ih,jw->ijhw", one, one).flatten(0, 1)[:, None]
        coefficients = functional.conv2d(wide[None], patterns)
        kept = coefficients.abs() > self.threshold * level
        kept[:, 0] = True  # the mean of a patch
        summed = functional.conv_transpose2d(coefficients * kept, patterns)[0]
        border = self.size - 1
        restored: Tensor = summed[:, border:-border, border:-border] / self.size**2
        return restored


def cosines(count: int) -> Tensor:
    """The orthonormal cosine transform (DCT-II) of that many numbers, one frequency a row."""
    frequency, place = torch.arange(count)[:, None], torch.arange(count)
    rows: Tensor = torch.cos(math.pi / count * (place + 0.5) * frequency) * (2 / count) ** 0.5
    rows[0] /= 2**0.5
    return rows
