"""BRISQUE and NIQE: how natural an image looks, without a clean image to compare with.

Both compare statistics of natural scenes with parameters that were measured on photographs and are
not part of restorekit: they are read from a file that the user gives. Nothing is downloaded.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from restorekit.errors import InputError
from restorekit.metric.base import NoReferenceMetric
from restorekit.metric.natural_scenes import (
    asymmetric_fit,
    halved,
    levels,
    neighbour_products,
    normalised,
    symmetric_fit,
)
from restorekit.metric.parameter_files import (
    FEATURE_RANGES,
    read_regression,
    read_scene_statistics,
)

_BLOCK = 96  # pixels, the side of the blocks of NIQE


class _Naturalness(NoReferenceMetric):
    """The common part: luma in 8-bit levels."""

    higher_is_better = False

    @torch.no_grad()
    def measure_alone(self, images: Tensor) -> Tensor:
        """The score of each image, (B,)."""
        if images.shape[1] not in (1, 3):
            raise InputError(f"{self.name} needs gray or colour images, got {images.shape[1]}")
        return self.score(levels(images.clamp(0.0, 1.0)))

    def score(self, image: Tensor) -> Tensor:
        """The score of each luma (B, 1, H, W), (B,)."""
        raise NotImplementedError


class BRISQUE(_Naturalness):
    """Blind quality of an image, about 0 (good) to 100 (bad). Lower is better.

    Features of the luma at two scales, and a support vector regression on them that was trained on
    the opinions of people about photographs. The luma is rounded to 8-bit levels.

    Args:
        weights: The regression: a model in libsvm's text format, such as `allmodel` of the authors'
            release, or `brisque_svm_weights.pt` of the package piq.

    Raises:
        CheckpointError: the file cannot be read, or does not contain such a regression.

    Example:
        >>> torch.save([torch.ones(9), torch.zeros(9, 36)], "weights.pt")
        >>> metric = restorekit.create_metric("brisque", weights="weights.pt")
        >>> metric(batch).shape
        torch.Size([2])
    """

    name = "brisque"
    least_side = 16

    def __init__(self, weights: str) -> None:
        super().__init__()
        found = read_regression(weights)
        self.gamma, self.offset = found.gamma, found.offset
        self.register_buffer("vectors", found.vectors)
        self.register_buffer("coefficients", found.coefficients)

    vectors: Tensor
    coefficients: Tensor

    def score(self, image: Tensor) -> Tensor:
        """The score of each luma, (B,)."""
        features = torch.cat([_brisque_features(image), _brisque_features(halved(image))], 1)
        least, most = features.new_tensor(FEATURE_RANGES).unbind(1)
        # A flat image has no statistics; the middle of their ranges stands for them.
        features = (2 * (features - least) / (most - least) - 1).nan_to_num(0.0)
        distances = torch.cdist(features, self.vectors, compute_mode=_EXACT).square()
        return torch.exp(-self.gamma * distances) @ self.coefficients - self.offset


class NIQE(_Naturalness):
    """Distance of an image from the statistics of natural photographs. Lower is better.

    A multivariate Gaussian of features at two scales is fitted to blocks of 96x96 pixels of the
    luma, and compared with that of photographs. Incomplete blocks at the right and the bottom are
    left out, and so are blocks without any texture; without other blocks the value is NaN. Few
    blocks give an uncertain value, so measure whole pictures.

    Args:
        statistics: The Gaussian of photographs: `modelparameters.mat` of the authors' release
            (needs the extra `quality`), or an .npz file with the arrays `mu_pris_param` (36) and
            `cov_pris_param` (36x36).

    Raises:
        CheckpointError: the file cannot be read, or has no such statistics.
        MissingExtraError: a .mat file is given and scipy is not installed.

    Example:
        >>> np.savez("model.npz", mu_pris_param=np.zeros(36), cov_pris_param=np.eye(36))
        >>> metric = restorekit.create_metric("niqe", statistics="model.npz")
        >>> metric(torch.rand(2, 3, 192, 192)).shape
        torch.Size([2])
    """

    name = "niqe"
    least_side = _BLOCK

    def __init__(self, statistics: str) -> None:
        super().__init__()
        mean, covariance = read_scene_statistics(statistics)
        self.register_buffer("mean", mean)
        self.register_buffer("covariance", covariance)

    mean: Tensor
    covariance: Tensor

    def score(self, image: Tensor) -> Tensor:
        """The score of each luma, (B,)."""
        return torch.stack([self._distance(each) for each in block_features(image)])

    def _distance(self, features: Tensor) -> Tensor:
        """The distance of the features of an image's blocks (n, 36) from those of photographs."""
        whole = features[~features.isnan().any(1)]
        if not len(whole):
            return features.new_tensor(float("nan"))
        spread = torch.cov(whole.T) if len(whole) > 1 else torch.zeros_like(self.covariance)
        # The mean also counts features of blocks of which others are unknown, as the authors do.
        away = self.mean - features.nanmean(0)
        precision: Tensor = torch.linalg.pinv((self.covariance + spread) / 2)
        return (away @ precision @ away).sqrt()


def block_features(image: Tensor) -> Tensor:
    """The features of NIQE of each block of 96x96 pixels.

    Args:
        image: luma (B, 1, H, W) in 8-bit levels, at least 96x96 pixels.

    Returns:
        (B, blocks, 36): 18 features at full and 18 at half the size.
    """
    height, width = (side - side % _BLOCK for side in image.shape[-2:])
    image = image[..., :height, :width]
    return torch.cat(
        [_niqe_features(image, _BLOCK), _niqe_features(halved(image), _BLOCK // 2)], -1
    )


_EXACT = "donot_use_mm_for_euclid_dist"  # of torch.cdist


def _brisque_features(image: Tensor) -> Tensor:
    """The 18 features of luma (B, 1, H, W) at one scale, (B, 18)."""
    values = normalised(image, "constant")[:, 0]
    found = list(symmetric_fit(values))
    for product in neighbour_products(values):
        shape, left, right = asymmetric_fit(product)
        mean = (right - left) * torch.exp(
            torch.lgamma(2 / shape) - (torch.lgamma(1 / shape) + torch.lgamma(3 / shape)) / 2
        )
        found += [shape, mean, left**2, right**2]
    return torch.stack(found, -1)


def _niqe_features(image: Tensor, side: int) -> Tensor:
    """The 18 features of each block of luma (B, 1, H, W) at one scale, (B, blocks, 18)."""
    values = normalised(image, "replicate")
    blocks = F.unfold(values, side, stride=side).mT.unflatten(-1, (side, side))
    shape, left, right = _widths(blocks)
    found = [shape, (left + right) / 2]
    for product in neighbour_products(blocks):
        shape, left, right = _widths(product)
        mean = (right - left) * torch.exp(torch.lgamma(2 / shape) - torch.lgamma(1 / shape))
        found += [shape, mean, left, right]
    return torch.stack(found, -1)


def _widths(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shape, and the scale parameters of both halves of the fitted distribution."""
    shape, left, right = asymmetric_fit(values)
    scale = torch.exp((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2)
    return shape, left * scale, right * scale
