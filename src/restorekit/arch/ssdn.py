"""SSDN: a blind-spot network of four branches, each of which sees one half of the plane.

Laine, Karras, Lehtinen and Aila, High-Quality Self-Supervised Deep Image Denoising, NeurIPS 2019,
https://arxiv.org/abs/1901.10277
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.padding import (
    check_at_least,
    check_at_most,
    check_batch,
    crop,
    pad_to_multiple,
)
from restorekit.arch.sigma_input import check_sigma
from restorekit.records import Restoration

SLOPE = 0.1  # of the leaky ReLUs
DEEPEST = 16
# Below this variance a sum is taken for 0, so that a pixel without any noise divides nothing by 0.
LEAST_VARIANCE = 1e-12


class UpwardConv(nn.Conv2d):
    """3x3 convolution whose output sees its own row and the two rows above, and none below."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, H, W)."""
        return super().forward(functional.pad(x, (1, 1, 2, 0)))


class UpwardUNet(nn.Module):
    """U-Net whose output sees the rows above its own: (B, C, H, W) -> (B, 2 `width`, H, W).

    H and W must be multiples of 2^`depth`.
    """

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.head = UpwardConv(channels, width)
        self.encoders = nn.ModuleList(UpwardConv(width, width) for _ in range(depth))
        self.middle = UpwardConv(width, width)
        # The skip connection of the last decoder is the image itself.
        skips = [width] * (depth - 1) + [channels]
        below = [width] + [2 * width] * (depth - 1)
        self.decoders = nn.ModuleList(
            nn.Sequential(
                UpwardConv(deep + skip, 2 * width),
                nn.LeakyReLU(SLOPE, inplace=True),
                UpwardConv(2 * width, 2 * width),
                nn.LeakyReLU(SLOPE, inplace=True),
            )
            for deep, skip in zip(below, skips, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The features of each pixel, of the rows above it."""
        skips = [x]
        features = activate(self.head(x))
        for encoder in self.encoders:
            # The lower row of a cell of 2x2 pixels must not reach the features of the upper one.
            features = functional.max_pool2d(shift_down(activate(encoder(features))), 2)
            skips.append(features)
        features = activate(self.middle(skips.pop()))
        for decoder in self.decoders:
            upsampled = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = decoder(torch.cat((upsampled, skips.pop()), dim=1))
        return shift_down(features)


class SSDN(nn.Module):
    """Blind-spot network: the estimate of a pixel does not depend on the value of that pixel.

    The image is turned by 0, 90, 180 and 270 degrees. A U-Net, the same for all four, sees only the
    rows above a pixel, by shifted convolutions. 1x1 convolutions join the results, which depend on
    everything but the pixel itself. Such a network is trained on noisy images as their own targets,
    with the objective `blind_spot`.

    With `covariance` "full" or "diagonal" it also estimates how uncertain it is of the channels of
    each pixel. The result is then the posterior mean of the estimate and of the noisy pixel, whose
    noise is `sigma`: for gray the mean weighted by the inverse variances of the two. This recovers
    what the blind spot hides. Without `sigma` the result is the blind estimate.

    The four branches take much memory, about 5 GB for 1024x1024 pixels.

    Reference: https://arxiv.org/abs/1901.10277

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of the encoder; the decoder has twice as many.
        depth: Number of halvings.
        covariance: What is estimated of the uncertainty of a pixel: the full covariance of its
            channels, their variances ("diagonal"), or nothing ("none").

    Attributes:
        size_multiple: 2^depth. Images are padded by zeros, since mirrored pixels would show what
            the blind spot hides.

    Raises:
        ArgumentError: `channels`, `width` or `depth` is below 1, or `depth` above 16.

    Example:
        >>> model = restorekit.create_model("ssdn", channels=1, width=4, depth=2)
        >>> answer = model(torch.rand(2, 1, 17, 20), torch.full((2, 1, 1, 1), 0.1))
        >>> answer.image.shape, sorted(answer.extras)
        (torch.Size([2, 1, 17, 20]), ['blind_covariance', 'blind_mean'])
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 48,
        depth: int = 5,
        covariance: Literal["full", "diagonal", "none"] = "full",
    ) -> None:
        super().__init__()
        check_at_least(1, "ssdn", channels=channels, width=width, depth=depth)
        check_at_most(DEEPEST, "ssdn", depth=depth)
        self.channels = channels
        self.covariance = covariance
        self.size_multiple = 2**depth
        factors = {"full": channels * (channels + 1) // 2, "diagonal": channels, "none": 0}
        self.branch = UpwardUNet(channels, width, depth)
        joined = 8 * width
        layers = [
            nn.Conv2d(joined, joined, 1),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(joined, 2 * width, 1),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(2 * width, channels + factors[covariance], 1),
        ]
        for layer in layers:
            initialise(layer, gain=1.0 if layer is layers[-1] else 2**0.5)
        self.join = nn.Sequential(*layers)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: the standard deviation of the noise on that scale, broadcastable to (B, 1, H, W);
                None for the blind estimate. Ignored if `covariance` is "none".

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped. In `extras` are
            the blind estimate `blind_mean`, (B, C, H, W), and `blind_covariance`, the covariance of
            its error, (B, C, C, H, W), unless `covariance` is "none".

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `sigma` does not
                fit it.
        """
        check_batch(noisy, self.channels, "ssdn")
        padded, size = pad_to_multiple(noisy, self.size_multiple, mode="zero")
        estimate = crop(self.join(self._half_planes(padded)), size)
        # Differences of variances are small, and squared.
        estimate = estimate.to(torch.promote_types(noisy.dtype, torch.float32))
        mean = estimate[:, : self.channels]
        if self.covariance == "none":
            return Restoration(mean.to(noisy.dtype), {"blind_mean": mean})
        factor = self._factor(estimate[:, self.channels :])
        with torch.autocast(factor.device.type, enabled=False):
            covariance = torch.einsum("bikhw,bjkhw->bijhw", factor, factor)
        extras = {"blind_mean": mean, "blind_covariance": covariance}
        if sigma is None:
            return Restoration(mean.to(noisy.dtype), extras)
        check_sigma(sigma, noisy, "ssdn")
        image = posterior_mean(mean, covariance, noisy.to(mean), sigma.to(mean).square())
        return Restoration(image.to(noisy.dtype), extras)

    def _half_planes(self, x: Tensor) -> Tensor:
        """The features of the four half-planes around each pixel, (B, 8 width, H, W)."""
        # Two calls, since a turn by 90 degrees exchanges height and width.
        upright = self.branch(torch.cat((x, x.rot90(2, (-2, -1)))))
        sideways = self.branch(torch.cat((x.rot90(1, (-2, -1)), x.rot90(3, (-2, -1)))))
        above, below = upright.chunk(2)
        right, left = sideways.chunk(2)
        turned_back = (
            above,
            right.rot90(-1, (-2, -1)),
            below.rot90(-2, (-2, -1)),
            left.rot90(-3, (-2, -1)),
        )
        return torch.cat(turned_back, dim=1)

    def _factor(self, values: Tensor) -> Tensor:
        """A triangular matrix for each pixel, (B, C, C, H, W), the root of the covariance."""
        count = self.channels
        if self.covariance == "diagonal":
            return torch.diag_embed(values.movedim(1, -1)).movedim((-2, -1), (1, 2))
        rows, columns = torch.triu_indices(count, count, device=values.device)
        place = torch.full((count, count), values.shape[1], device=values.device)
        place[rows, columns] = torch.arange(len(rows), device=values.device)
        with_zero = torch.cat((values, torch.zeros_like(values[:, :1])), dim=1)
        return with_zero[:, place]


def posterior_mean(mean: Tensor, covariance: Tensor, noisy: Tensor, variance: Tensor) -> Tensor:
    """The mean of a normal distribution after noisy values of all its components were seen.

    The noise of the components is independent, so they can be taken into account one by one.

    Args:
        mean: (B, C, H, W).
        covariance: of the components of each pixel, (B, C, C, H, W).
        noisy: the values that were seen, (B, C, H, W).
        variance: that of their noise, broadcastable to (B, 1, H, W).

    Example:
        >>> mean, noisy = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
        >>> posterior_mean(mean, torch.full((1, 1, 1, 1, 1), 3.0), noisy, torch.ones(1, 1, 1, 1))
        tensor([[[[0.7500]]]])
    """
    for channel in range(mean.shape[1]):
        own = covariance[:, channel]  # its covariance with each component
        gain = own / (own[:, channel : channel + 1] + variance).clamp(min=LEAST_VARIANCE)
        mean = mean + gain * (noisy - mean)[:, channel : channel + 1]
        covariance = covariance - gain[:, :, None] * own[:, None]
    return mean


def activate(x: Tensor) -> Tensor:
    """A leaky ReLU of the output of a convolution, in place."""
    return functional.leaky_relu(x, SLOPE, inplace=True)


def shift_down(x: Tensor) -> Tensor:
    """The image one row lower; the first row becomes 0, the last one is lost."""
    return functional.pad(x, (0, 0, 1, -1))


def initialise(layer: nn.Module, gain: float = 2**0.5) -> None:
    """Normal weights that scale the signal's RMS by `gain`, and no bias."""
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=gain * layer.weight[0].numel() ** -0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
