"""A loss on the features of a network that the user gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from restorekit.errors import CheckpointError
from restorekit.loss.base import ImageLoss
from restorekit.storage.torch_files import load_tensors

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


class Perceptual(ImageLoss):
    """Mean absolute error of the features of a network (Johnson et al., ECCV 2016).

    The features are the outputs of some modules of the network, which is not trained. Nothing is
    downloaded: give the network itself, or the file of its weights. A gray image is given as three
    equal channels to a network from a file. https://arxiv.org/abs/1603.08155

    Args:
        network: A module that takes (B, C, H, W), or a file with the weights of torchvision's
            network `architecture`, as `torch.save` stores its state dict.
        layers: Names of the modules whose outputs are compared, as in `named_modules()`; the output
            of the network if there are none.
        architecture: The network of a weights file, of which only the convolutional part is used.
        normalize: Whether the images are first normalised by the mean and standard deviation of
            ImageNet, as the networks of torchvision need it.

    Raises:
        ValueError: there is no module of that name.
        CheckpointError: the file cannot be read, or holds the weights of another network.

    Example:
        >>> network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
        >>> loss = restorekit.create_loss(
        ...     "perceptual", network=network, layers=["1"], normalize=False
        ... )
        >>> float(loss(restorekit.Restoration(batch), batch))
        0.0
    """

    def __init__(
        self,
        network: str | nn.Module,
        layers: Sequence[str] = (),
        architecture: Literal["vgg16", "vgg19", "alexnet"] = "vgg16",
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.network = (
            _from_file(network, architecture, layers) if isinstance(network, str) else network
        )
        self.network.requires_grad_(False)
        self.network.eval()
        self.layers, self.normalize = tuple(layers), normalize
        self._needs_colour = isinstance(network, str)
        known = dict(self.network.named_modules())
        if missing := [name for name in self.layers if name not in known]:
            names = ", ".join(list(known)[1:20])
            raise ValueError(f"the network has no module '{missing[0]}'; it has: {names}")

    def train(self, mode: bool = True) -> Perceptual:
        """Stay in evaluation, since the network is not trained."""
        return super().train(False)

    def compare(self, restored: Tensor, target: Tensor) -> Tensor:
        """The mean absolute error of each layer's features, averaged over the layers."""
        with torch.no_grad():
            expected = self._features(target)
        found = self._features(restored)
        errors = [F.l1_loss(a.float(), b.float()) for a, b in zip(found, expected, strict=True)]
        return torch.stack(errors).mean()

    def _features(self, images: Tensor) -> list[Tensor]:
        if self._needs_colour and images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        if self.normalize and images.shape[1] == 3:
            mean, std = (images.new_tensor(each).view(1, 3, 1, 1) for each in (_MEAN, _STD))
            images = (images - mean) / std
        found: dict[str, Tensor] = {}

        modules = dict(self.network.named_modules())
        hooks = [
            modules[name].register_forward_hook(partial(_keep, found, name)) for name in self.layers
        ]
        try:
            output: Tensor = self.network(images)
        finally:
            for hook in hooks:
                hook.remove()
        return [found[name] for name in self.layers] if self.layers else [output]

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        return f"layers={self.layers}, normalize={self.normalize}"


def _keep(found: dict[str, Tensor], name: str, *call: Any) -> None:
    """Keep the output of a module, the last argument that torch gives a hook."""
    # A copy, since the next module may be a ReLU that works in place.
    found[name] = call[-1].clone()


def _from_file(path: str, architecture: str, layers: Sequence[str]) -> nn.Module:
    """The convolutional part of a network of torchvision with the weights of a file.

    It ends with the last of the layers, so that small images do not vanish behind it.
    """
    if not Path(path).is_file():
        raise CheckpointError(f"'{path}' does not exist; perceptual downloads no weights")
    network: nn.Sequential = getattr(torchvision.models, architecture)(weights=None).features
    state = load_tensors(path, f"weights of {architecture}")
    try:
        kept = {
            k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")
        }
        network.load_state_dict(kept or state)
    except (AttributeError, TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"'{path}' has no weights of {architecture}: {reason}") from error
    ends = [int(name) for name in layers if name.isdecimal()]
    return network[: max(ends) + 1] if ends else network
