"""A multilayer perceptron on overlapping patches, which are averaged.

Burger et al., Image Denoising: Can Plain Neural Networks Compete with BM3D?, CVPR 2012,
https://arxiv.org/abs/1211.1544. With sigmoids it is the stacked denoising autoencoder of Vincent et
al., JMLR 2010, as Burger et al. discuss.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit.arch.padding import check_at_least, check_batch, crop
from restorekit.errors import ArgumentError
from restorekit.mirroring import mirrored_indices

_CENTRE, _SPREAD = 0.5, 0.2  # The values of a patch enter and leave as (value - 0.5) / 0.2.


class PatchMLP(nn.Module):
    """Fully connected layers from a noisy patch to the clean patch at its centre. Blind.

    Patches are taken at every `stride` pixels, and the restored ones are averaged where they
    overlap, weighted by a Gaussian window. The image is mirrored at its border. The network has one
    noise level, that of its training; `sigma` is ignored. Its cost grows with the inverse square of
    `stride`: for gray images the default takes 1.5 million MACs per pixel with the stride of 3, and
    14 million with a stride of 1.

    Reference: https://arxiv.org/abs/1211.1544

    Args:
        channels: Channels of the image: 3 for colour, 1 for gray. The paper has 1.
        patch: Side of the noisy patches, in pixels.
        restored_patch: Side of the restored patches, at most `patch`; both even or both odd.
        widths: Units of each hidden layer.
        stride: Distance of the patches, at most `restored_patch`.
        activation: Function of the hidden units: tanh as in the paper, or the sigmoid of stacked
            denoising autoencoders.

    Attributes:
        size_multiple: `stride`.

    Raises:
        ArgumentError: a size is below 1, or sizes do not fit each other.

    Example:
        >>> model = restorekit.create_model("patch_mlp", channels=1, patch=7, restored_patch=5,
        ...                                 widths=[16, 16], stride=2)
        >>> model(torch.rand(2, 1, 17, 20)).shape
        torch.Size([2, 1, 17, 20])
    """

    window: Tensor

    def __init__(
        self,
        channels: int = 3,
        patch: int = 17,
        restored_patch: int = 17,
        widths: tuple[int, ...] = (2047, 2047, 2047, 2047),
        stride: int = 3,
        activation: Literal["tanh", "sigmoid"] = "tanh",
    ) -> None:
        super().__init__()
        sizes = {"channels": channels, "patch": patch, "restored_patch": restored_patch}
        check_at_least(1, "patch_mlp", **sizes, stride=stride, widths=min(widths, default=0))
        _check_sizes(patch, restored_patch, stride)
        self.channels = channels
        self.size_multiple = self.stride = stride
        self.restored_patch = restored_patch
        self.margin = (patch - restored_patch) // 2
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], patch, stride)]
        made = (*widths[1:], channels * restored_patch**2)
        for taken, given in zip(widths, made, strict=True):
            layers += [nn.Tanh() if activation == "tanh" else nn.Sigmoid()]
            layers += [nn.Conv2d(taken, given, 1)]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.layers = nn.Sequential(*layers)
        self.register_buffer("window", _gaussian_window(restored_patch), persistent=False)

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
        check_batch(noisy, self.channels, "patch_mlp")
        patches = self.layers((self._extended(noisy) - _CENTRE) / _SPREAD)
        image = self._averaged(patches * _SPREAD + _CENTRE)
        return crop(image, (noisy.shape[-2], noisy.shape[-1])).to(noisy.dtype)

    @property
    def _before(self) -> int:
        """How far before the image the first patch begins that restores some of its pixels."""
        return (self.restored_patch - 1) // self.stride * self.stride

    def _extended(self, noisy: Tensor) -> Tensor:
        """The image and what all of its patches need around it, by mirroring."""
        before = self._before + self.margin
        after = self.restored_patch - self.stride + self.margin
        for axis in (-2, -1):
            length = noisy.shape[axis]
            covered = (length + self.stride - 1) // self.stride * self.stride
            places = mirrored_indices(
                length,
                before + covered + after,
                repeat_border=False,
                start=-before,
                device=noisy.device,
            )
            noisy = noisy.index_select(axis, places)
        return noisy

    def _averaged(self, patches: Tensor) -> Tensor:
        """The image from its restored patches: (B, C * side^2, rows, columns) -> (B, C, .., ..)."""
        side, before = self.restored_patch, self._before
        # One filter for each pixel of a patch, which writes it into its place.
        places = torch.eye(side**2, dtype=patches.dtype, device=patches.device)
        places = places.reshape(side**2, 1, side, side) * self.window.to(patches)
        filters = places.repeat(self.channels, 1, 1, 1)
        total = functional.conv_transpose2d(
            patches, filters, stride=self.stride, groups=self.channels
        )
        ones = torch.ones_like(patches[:1, : side**2])
        weights = functional.conv_transpose2d(ones, places, stride=self.stride)
        return (total / weights)[..., before:, before:]


def _check_sizes(patch: int, restored_patch: int, stride: int) -> None:
    if restored_patch > patch or (patch - restored_patch) % 2:
        raise ArgumentError(
            f"model 'patch_mlp': 'restored_patch' must be {patch}, or smaller by an even number, "
            f"not {restored_patch}"
        )
    if stride > restored_patch:
        raise ArgumentError(
            f"model 'patch_mlp': 'stride' must be at most 'restored_patch', {restored_patch}, not "
            f"{stride}"
        )


def _gaussian_window(side: int) -> Tensor:
    """Weights of the pixels of a patch, (side, side), with a standard deviation of a quarter."""
    distance = torch.arange(side) - (side - 1) / 2
    weights = torch.exp(-(distance**2) / (2 * (side / 4) ** 2))
    return weights[:, None] * weights
