"""IRCNN: seven dilated convolutions that predict the noise of one level.

Zhang et al., Learning Deep CNN Denoiser Prior for Image Restoration, CVPR 2017,
https://arxiv.org/abs/1704.03264
"""

from __future__ import annotations

from torch import Tensor, nn

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch

DILATIONS = (1, 2, 3, 4, 3, 2, 1)


class IRCNN(nn.Module):
    """Seven 3x3 convolutions of dilations 1, 2, 3, 4, 3, 2, 1 that predict the noise. Blind.

    The output of the layers is subtracted from the input; `sigma` is ignored. The receptive field
    is 33 pixels square, that of a DnCNN of 16 layers. The paper trains one network for each of 25
    ranges of the noise level, as priors for other restoration problems: network k of the published
    files, counted from 0, is for a noise of 2 * (k + 1) on the scale of 255.

    In the paper the five middle layers have a batch normalisation. In the published weights it is
    merged into the convolutions, which is `batch_norm=False`: all convolutions have a bias.

    Reference: https://arxiv.org/abs/1704.03264

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of each convolution.
        batch_norm: Use batch normalisation in the middle layers; otherwise they have biases.

    Attributes:
        size_multiple: 1, since any height and width is accepted without padding.

    Raises:
        ArgumentError: `channels` or `width` is below 1.

    Example:
        >>> model = restorekit.create_model("ircnn", channels=1, width=8)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(self, channels: int = 3, width: int = 64, batch_norm: bool = True) -> None:
        super().__init__()
        check_at_least(1, "ircnn", channels=channels, width=width)
        self.channels = channels
        self.size_multiple = 1
        bias = not batch_norm
        first, *middle, last = DILATIONS
        layers: list[nn.Module] = [conv3x3(channels, width, bias=bias, dilation=first), nn.ReLU()]
        for dilation in middle:
            layers.append(conv3x3(width, width, bias=bias, dilation=dilation))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
        # With a small last layer the network starts close to the identity.
        layers.append(conv3x3(width, channels, gain=0.05, bias=bias, dilation=last))
        self.layers = nn.Sequential(*layers)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "ircnn")
        noise: Tensor = self.layers(noisy)
        return (noisy - noise).to(noisy.dtype)
