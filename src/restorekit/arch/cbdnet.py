"""CBDNet: a small network estimates the noise of a photograph, and a U-Net removes it.

Guo et al., Toward Convolutional Blind Denoising of Real Photographs, CVPR 2019,
https://arxiv.org/abs/1807.04686
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.layers import relu_convs, upsample
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple
from restorekit.arch.sigma_input import check_sigma, sigma_map
from restorekit.records import Restoration


class CBDNet(nn.Module):
    """Noise estimation by five convolutions, then a U-Net that gets image and estimate.

    The estimate is a map of the noise level for each channel. The U-Net has three scales, average
    pooling, and additive skip connections; it predicts the noise with its sign, which is added to
    the input. The network is blind: a given `sigma` does not change the image, unless `use_sigma`
    replaces the estimate by it. The paper lets users scale the estimate in the same place. The loss
    `cbdnet` is that of the paper; it compares the estimate with the given `sigma`.

    Reference: https://arxiv.org/abs/1807.04686

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of the U-Net at full size; they double at each of the two halvings.
        estimator_width: Feature channels of the noise estimation.
        use_sigma: Use the noise level where it is given, in place of the estimate.

    Attributes:
        size_multiple: 4; height and width are padded to multiples of it by mirroring.

    Raises:
        ArgumentError: an argument is below 1.

    Example:
        >>> model = restorekit.create_model("cbdnet", channels=1, width=4, estimator_width=4)
        >>> restoration = model(torch.rand(2, 1, 17, 20))
        >>> restoration.image.shape, restoration.extras["noise_level"].shape
        (torch.Size([2, 1, 17, 20]), torch.Size([2, 1, 17, 20]))
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        estimator_width: int = 32,
        use_sigma: bool = False,
    ) -> None:
        super().__init__()
        check_at_least(1, "cbdnet", channels=channels, width=width, estimator_width=estimator_width)
        self.channels = channels
        self.size_multiple = 4
        self.use_sigma = use_sigma
        self.estimator = relu_convs(channels, *[estimator_width] * 4, channels)
        self.encoder1 = relu_convs(2 * channels, width, width)
        self.encoder2 = relu_convs(width, *[2 * width] * 3)
        self.middle = relu_convs(2 * width, *[4 * width] * 6)
        self.up2 = upsample(4 * width, 2 * width)
        self.decoder2 = relu_convs(*[2 * width] * 4)
        self.up1 = upsample(2 * width, width)
        self.decoder1 = relu_convs(*[width] * 3)
        self.tail = nn.Conv2d(width, channels, 1)
        # With a small last layer the network starts close to the identity.
        nn.init.normal_(self.tail.weight, std=0.05 * width**-0.5)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Restoration:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: standard deviation of the noise on that scale, broadcastable to (B, 1, H, W);
                only for the loss, unless `use_sigma`.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`, not clamped. In `extras` are
            the noise level that was used, `noise_level`, of the same shape, and `sigma`, if it was
            given.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels, or `sigma` does not fit
                it.
        """
        check_batch(noisy, self.channels, "cbdnet")
        x, size = pad_to_multiple(noisy, self.size_multiple)
        if self.use_sigma and sigma is not None:
            level = sigma_map(sigma, noisy, "cbdnet").expand_as(noisy)
            level_map, _ = pad_to_multiple(level, self.size_multiple)
        else:
            level_map = self.estimator(x)
        change = crop(self._predict_change(torch.cat((x, level_map), dim=1)), size)
        extras = {"noise_level": crop(level_map, size).to(noisy.dtype)}
        if sigma is not None:
            check_sigma(sigma, noisy, "cbdnet")
            extras["sigma"] = sigma.to(noisy)
        return Restoration((noisy + change).to(noisy.dtype), extras)

    def _predict_change(self, x: Tensor) -> Tensor:
        """The U-Net: (B, 2C, H, W) -> (B, C, H, W)."""
        first = self.encoder1(x)
        second = self.encoder2(functional.avg_pool2d(first, 2))
        features = self.middle(functional.avg_pool2d(second, 2))
        features = self.decoder2(self.up2(features) + second)
        features = self.decoder1(self.up1(features) + first)
        change: Tensor = self.tail(features)
        return change
