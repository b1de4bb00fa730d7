"""What a picture went through, a blur and a reduction, and the image that explains it best."""

from __future__ import annotations

import torch
from torch import Tensor

from restorekit.restore.plug_and_play.kernels import Kernel
from restorekit.restore.plug_and_play.linear_equations import conjugate_gradients, filtered


class Degradation:
    """A blur by a kernel, after which every `scale`-th row and column is kept.

    The image continues beyond its border by repetition, as the Fourier transform assumes. Unknown
    pixels along the border keep the other side of the image away.

    Args:
        kernel: the blur.
        scale: distance of the rows and columns that are kept; 1 for all.
        like: an image (B, C, H, W) of the size, type and device of those to be degraded; H and W
            are multiples of `scale`.
    """

    def __init__(self, kernel: Kernel, scale: int, like: Tensor) -> None:
        self._scale = scale
        height, width = like.shape[-2:]
        spectrum = kernel.spectrum((height, width), like)
        # Frequencies that cannot be distinguished after the reduction add up.
        aliases = spectrum.abs().square().view(scale, height // scale, scale, width // scale)
        self._spectrum, self._gain = spectrum, aliases.mean((0, 2))

    def __call__(self, image: Tensor) -> Tensor:
        """Degrade an image: (B, C, H, W) -> (B, C, H / `scale`, W / `scale`)."""
        return filtered(image, self._spectrum)[..., :: self._scale, :: self._scale]

    def transposed(self, degraded: Tensor) -> Tensor:
        """The transpose of the degradation: (B, C, h, w) -> (B, C, h `scale`, w `scale`)."""
        shape = (side * self._scale for side in degraded.shape[-2:])
        spread = degraded.new_zeros(*degraded.shape[:2], *shape)
        spread[..., :: self._scale, :: self._scale] = degraded
        return filtered(spread, self._spectrum.conj())

    def explain(self, observed: Tensor, known: Tensor, image: Tensor, weight: float) -> Tensor:
        """The image that explains best what was observed, near a given image.

        It has the least |A x - y|^2 + `weight` |x - `image`|^2, where A is this degradation, y was
        observed, and unknown pixels of y do not count. If all are known, this has a closed form
        (Zhao et al., Fast Single Image Super-Resolution Using a New Analytical Solution, IEEE TIP
        2016, https://doi.org/10.1109/TIP.2016.2567075). Otherwise that form preconditions conjugate
        gradients, of which few rounds are needed.

        Args:
            observed: y, (B, C, H / `scale`, W / `scale`).
            known: True where y is known, broadcastable to it.
            image: (B, C, H, W).
            weight: above 0.
        """

        # A^T is applied last, so that the equations are those of the known pixels:
        # (A A^T + weight) u = y - A image. A A^T is a convolution with the spectrum `gain`.
        def matrix(u: Tensor) -> Tensor:
            return torch.where(known, filtered(u, self._gain), 0.0) + weight * u

        def nearly_inverse(u: Tensor) -> Tensor:
            return torch.where(known, filtered(u, 1 / (self._gain + weight)), 0.0)

        unexplained = torch.where(known, observed - self(image), 0.0)
        solution = conjugate_gradients(matrix, nearly_inverse, unexplained)
        return image + self.transposed(solution)
