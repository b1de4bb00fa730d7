"""The convolutional denoising autoencoder: a code that is smaller than the image, and no skips.

Vincent et al., Stacked Denoising Autoencoders, JMLR 2010, and with convolutions Gondara, Medical
Image Denoising Using Convolutional Denoising Autoencoders, ICDM Workshops 2016,
https://arxiv.org/abs/1608.04667
"""

from __future__ import annotations

from torch import Tensor, nn

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import (
    check_at_least,
    check_at_most,
    check_batch,
    crop,
    pad_to_multiple,
)

_DEEPEST = 16


class Autoencoder(nn.Module):
    """Convolutions and max pooling to a code, then convolutions and upsampling. Blind.

    There are no skip connections, so that everything in the restored image passes through the code:
    what it cannot hold is lost, noise and fine texture alike. It is here as a baseline and for
    images of simple content. `sigma` is ignored, and the clean image is predicted, not the noise.

    Reference: https://arxiv.org/abs/1608.04667

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        width: Feature channels of each convolution.
        depth: Number of halvings between image and code.

    Attributes:
        size_multiple: 2^depth; height and width are padded to multiples of it by mirroring.

    Raises:
        ArgumentError: an argument is below 1, or `depth` above 16.

    Example:
        >>> model = restorekit.create_model("autoencoder", channels=1, width=8)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
        >>> model.encode(torch.rand(2, 1, 16, 20)).shape
        torch.Size([2, 8, 4, 5])
    """

    def __init__(self, channels: int = 3, width: int = 64, depth: int = 2) -> None:
        super().__init__()
        check_at_least(1, "autoencoder", channels=channels, width=width, depth=depth)
        check_at_most(_DEEPEST, "autoencoder", depth=depth)
        self.channels = channels
        self.size_multiple = 2**depth
        self.encoder, self.decoder = nn.Sequential(), nn.Sequential()
        for taken in (channels, *[width] * (depth - 1)):
            self.encoder.extend((conv3x3(taken, width), nn.ReLU(inplace=True), nn.MaxPool2d(2)))
            self.decoder.extend(
                (conv3x3(width, width), nn.ReLU(inplace=True), nn.Upsample(scale_factor=2))
            )
        self.tail = conv3x3(width, channels, gain=0.1)
        # The untrained network starts around mid-gray.
        nn.init.constant_(self.tail.bias, 0.5)  # type: ignore[arg-type]

    def encode(self, noisy: Tensor) -> Tensor:
        """The code of a batch: (B, `width`, H/2^depth, W/2^depth), H and W rounded up.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "autoencoder")
        code: Tensor = self.encoder(pad_to_multiple(noisy, self.size_multiple)[0])
        return code

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
        image = self.tail(self.decoder(self.encode(noisy)))
        return crop(image, (noisy.shape[-2], noisy.shape[-1])).to(noisy.dtype)
