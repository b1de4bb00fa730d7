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
from restorekit.components.registry import Origin, mark_origin, origin_of


class DnCNN(nn.Module):
    """Convolutions at full size that predict the noise; blind, so `sigma` is ignored.

    A convolution with ReLU, `depth` - 2 with batch normalisation and ReLU, and a last one, whose
    output is taken from the input. The receptive field is 2 * `depth` + 1 pixels square.

    With batch normalisation no convolution has a bias, which is the count published for gray
    DnCNN-17, 556,032; without it every one has. `layers` is one flat sequence of convolutions,
    normalisations and ReLUs, the order in which published checkpoints number theirs. Published
    sizes: 17 layers for gray and one noise level, 20 for colour and for blind. A trained network is
    faster with its normalisation folded, see `fold_batch_norm`.

    Reference: https://arxiv.org/abs/1608.03981

    Args:
        channels: Channels of the image, 3 for colour and 1 for gray.
        depth: Number of convolutions; the paper has 17 for one noise level and 20 for blind.
        width: Feature channels of each convolution.
        batch_norm: Normalise the hidden layers by batch statistics; off, they have biases instead.

    Attributes:
        size_multiple: 1, any size fits as it is.

    Raises:
        ArgumentError: `depth` is below 2, or `channels` or `width` below 1.
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
        # He's gain is for what a ReLU follows. Here it would start the predicted noise at an RMS of
        # about 1; small, the network starts close to the identity and learns faster.
        layers.append(conv3x3(width, channels, gain=0.05, bias=bias))
        self.layers = nn.Sequential(*layers)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the type of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, "dncnn")
        noise: Tensor = self.layers(noisy)
        return (noisy - noise).to(noisy.dtype)


def fold_batch_norm(model: DnCNN) -> DnCNN:
    """The same network without batch normalisation, as published checkpoints of DnCNN come.

    In evaluation a normalisation is linear, so that the convolution before it can do its work: the
    output is the same to float32 rounding, in less time.

    Args:
        model: a trained network; stays as it is.

    Returns:
        A network with `batch_norm=False`, in evaluation mode; `model` itself where it has none.
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
    if (origin := origin_of(model)) is not None:  # a file of it can be loaded by name, too
        arguments = {**origin.arguments, "batch_norm": False}
        mark_origin(folded, Origin("model", origin.name, arguments, origin.provider))
    return folded


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d | None, target: nn.Conv2d) -> None:
    """What a convolution and the normalisation after it do, into a convolution with a bias."""
    weight, bias = conv.weight, conv.bias
    if norm is not None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        statistics = norm.running_mean, norm.running_var, norm.eps
        weight, bias = fuse_conv_bn_weights(weight, bias, *statistics, norm.weight, norm.bias)
    assert target.bias is not None
    target.weight.copy_(weight)
    target.bias.copy_(torch.zeros_like(target.bias) if bias is None else bias)
