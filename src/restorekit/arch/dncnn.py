"""DnCNN: a plain stack of convolutions that predicts the noise.

Zhang et al., Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising,
IEEE TIP 2017, https://arxiv.org/abs/1608.03981
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from restorekit.arch.layers import conv3x3
from restorekit.arch.padding import check_at_least, check_batch
from restorekit.components.component_records import Origin, mark_origin, origin_of


class DnCNN(nn.Module):
    """Convolutions at full size that predict the noise. Blind: `sigma` is ignored.

    The layers are a convolution with ReLU, `depth` - 2 convolutions with batch normalisation and
    ReLU, and a last convolution. Its output is subtracted from the input. The receptive field is
    2 * `depth` + 1 pixels square.

    With batch normalisation the convolutions have no bias; the gray network of 17 layers then has
    the published 556,032 parameters. Without it, all convolutions have a bias. `layers` is one flat
    sequence of convolutions, normalisations and ReLUs, numbered as in published checkpoints. The
    paper uses 17 layers for gray images at one noise level, and 20 for colour and for blind
    denoising. `fold_batch_norm` makes a trained network faster.

    Reference: https://arxiv.org/abs/1608.03981

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray.
        depth: Number of convolutions. The paper has 17 for one noise level and 20 for blind.
        width: Feature channels of each convolution.
        batch_norm: Use batch normalisation in the hidden layers; otherwise they have biases.

    Attributes:
        size_multiple: 1, since any height and width is accepted without padding.

    Raises:
        ArgumentError: `depth` is below 2, or `channels` or `width` below 1.

    Example:
        >>> model = restorekit.create_model("dncnn", channels=1, depth=4, width=8)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    def __init__(
        self, channels: int = 3, depth: int = 17, width: int = 64, batch_norm: bool = True
    ) -> None:
        super().__init__()
        check_at_least(1, "dncnn", channels=channels, width=width)
        check_at_least(2, "dncnn", depth=depth)
        self.channels = channels
        self.size_multiple = 1
        bias = not batch_norm
        layers: list[nn.Module] = [conv3x3(channels, width, bias=bias), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers.append(conv3x3(width, width, bias=bias))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
        # He initialisation assumes a ReLU after the layer. Here there is none, and the predicted
        # noise would start at an RMS of about 1. With a small gain the network starts close to the
        # identity and learns faster.
        layers.append(conv3x3(width, channels, gain=0.05, bias=bias))
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
        check_batch(noisy, self.channels, "dncnn")
        noise: Tensor = self.layers(noisy)
        return (noisy - noise).to(noisy.dtype)


def fold_batch_norm(model: DnCNN) -> DnCNN:
    """Merge the batch normalisations of a DnCNN into its convolutions.

    In evaluation mode a batch normalisation is linear, so the convolution before it can include it.
    The output is the same up to float32 rounding, and inference is faster.

    Args:
        model: a trained network; it is not modified.

    Returns:
        A network with `batch_norm=False`, in evaluation mode; `model` itself if it has no batch
        normalisation.

    Example:
        >>> model = DnCNN(channels=1, depth=4, width=8).eval()
        >>> folded = fold_batch_norm(model)
        >>> x = torch.rand(1, 1, 16, 16)
        >>> bool(torch.allclose(model(x), folded(x), atol=1e-5))
        True
        >>> len(model.layers), len(folded.layers)
        (9, 7)
    """
    layers = list(model.layers)
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in layers):
        return model
    convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    sizes = {"channels": model.channels, "depth": len(convs), "width": convs[0].out_channels}
    folded = DnCNN(**sizes, batch_norm=False).to(convs[0].weight).eval()
    targets = (layer for layer in folded.layers if isinstance(layer, nn.Conv2d))
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, nn.Conv2d):
            _fold(layer, after if isinstance(after, nn.BatchNorm2d) else None, next(targets))
    # The origin is what `save_model` records, so that the folded network can be loaded by name.
    if (origin := origin_of(model)) is not None:
        arguments = {**origin.arguments, "batch_norm": False}
        mark_origin(folded, Origin("model", origin.name, arguments, origin.provider))
    return folded


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d | None, target: nn.Conv2d) -> None:
    """Write a convolution and the normalisation after it into `target`, which has a bias."""
    weight, bias = conv.weight, conv.bias
    if norm is not None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        statistics = norm.running_mean, norm.running_var, norm.eps
        weight, bias = fuse_conv_bn_weights(weight, bias, *statistics, norm.weight, norm.bias)
    assert target.bias is not None
    target.weight.copy_(weight)
    target.bias.copy_(torch.zeros_like(target.bias) if bias is None else bias)
