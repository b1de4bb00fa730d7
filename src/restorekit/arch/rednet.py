"""RED-Net: convolutions, then as many deconvolutions, with skips between mirrored layers.

Mao et al., Image Restoration Using Very Deep Convolutional Encoder-Decoder Networks with Symmetric
Skip Connections, NIPS 2016, https://arxiv.org/abs/1603.09056
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import relu

from restorekit.arch.layers import conv3x3, deconv3x3
from restorekit.arch.padding import (
    check_at_least,
    check_batch,
    check_multiple,
    crop,
    pad_to_multiple,
)


class REDNet(nn.Module):
    """Convolutions and mirrored deconvolutions, all 3x3. Blind: `sigma` is ignored.

    With n = `depth` / 2, the features of every second convolution k are added to those of
    deconvolution n - k, before its ReLU, and the image is added to the last deconvolution. Nothing
    is pooled. RED10 has no skips but that of the image. RED30 has the published 4,131 thousand
    weights; 1024x1024 pixels at once take about 5 GB there.

    Reference: https://arxiv.org/abs/1603.09056

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        depth: Number of convolutions and deconvolutions together; even.
        width: Feature channels of each layer.
        skips: Add the features of the convolutions to those of the deconvolutions.
        stride: Stride of the first convolution and the last deconvolution. With 2 the layers run
            at half size, which is four times as fast.
        rectify: Also apply the ReLU before a skip is added, and to the restored image. A published
            PyTorch implementation does; the paper does not.

    Attributes:
        size_multiple: `stride`.

    Raises:
        ArgumentError: `depth` is odd or below 4, or `channels` or `width` below 1.

    Example:
        >>> model = restorekit.create_model("rednet", channels=1, depth=8, width=8)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self,
        channels: int = 3,
        depth: int = 30,
        width: int = 128,
        skips: bool = True,
        stride: Literal[1, 2] = 1,
        rectify: bool = False,
    ) -> None:
        super().__init__()
        check_at_least(1, "rednet", channels=channels, width=width)
        check_at_least(4, "rednet", depth=depth)
        check_multiple(2, "rednet", depth=depth)
        self.channels = channels
        self.size_multiple = stride
        self.skips = skips
        self.rectify = rectify
        between = range(depth // 2 - 1)
        self.convs = nn.ModuleList([conv3x3(channels, width, stride=stride)])
        self.convs.extend(conv3x3(width, width) for _ in between)
        self.deconvs = nn.ModuleList(deconv3x3(width, width) for _ in between)
        # With a small last layer the network starts close to the identity.
        self.deconvs.append(deconv3x3(width, channels, gain=0.05, stride=stride))

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped, unless `rectify`
            sets negative values to 0.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "rednet")
        features, size = pad_to_multiple(noisy, self.size_multiple)
        half, kept = len(self.convs), []
        for number, conv in enumerate(self.convs, 1):
            features = relu(conv(features))
            if self._has_skip(number):
                kept.append(features)
        for number, deconv in enumerate(self.deconvs[:-1], 1):
            features = deconv(features)
            if self._has_skip(half - number):
                features = (relu(features) if self.rectify else features) + kept.pop()
            features = relu(features)
        image = noisy + crop(self.deconvs[-1](features), size)
        return (relu(image) if self.rectify else image).to(noisy.dtype)

    def _has_skip(self, number: int) -> bool:
        """Whether a skip begins at this convolution, counted from 1."""
        return self.skips and number % 2 == 0 and 0 < number < len(self.convs)
