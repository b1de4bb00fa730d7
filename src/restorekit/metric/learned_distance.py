"""LPIPS by the package of its authors, with weights that the user gives."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from restorekit.errors import CheckpointError, InputError
from restorekit.extras import needs
from restorekit.metric.base import Metric
from restorekit.storage.torch_files import load_tensors

_NETWORKS = {"alex": "AlexNet", "vgg": "VGG16", "squeeze": "SqueezeNet 1.1"}
_LEAST_SIDES = {"alex": 31, "vgg": 16, "squeeze": 17}  # smaller images vanish in the poolings


class LPIPS(Metric):
    """Learned perceptual distance of gray or colour images; 0 for equal ones. Lower is better.

    It compares features of a network for classification, weighted by what people find similar.
    Needs the extra `quality`, whose package has the weights of the comparison but not those of the
    network. Nothing is downloaded. A gray image is given to the network as three equal channels.

    Args:
        weights: The weights file of torchvision for the network, for example
            `alexnet-owt-7be5be79.pth` or `vgg16-397923af.pth`.
        net: The network. Publications mostly use "alex".
        clamp: False measures the restored image without clamping it to [0, 1].

    Raises:
        CheckpointError: the file cannot be read, or holds the weights of another network.
        MissingExtraError: the package lpips is not installed.

    Example:
        >>> import torchvision
        >>> network = torchvision.models.alexnet(weights=None)  # random weights
        >>> torch.save(network.features.state_dict(), "alexnet.pth")
        >>> metric = restorekit.create_metric("lpips", weights="alexnet.pth")
        >>> metric(batch, batch)
        tensor([0., 0.])
    """

    name = "lpips"
    higher_is_better = False

    def __init__(
        self, weights: str, net: Literal["alex", "vgg", "squeeze"] = "alex", clamp: bool = True
    ) -> None:
        super().__init__(clamp)
        self.least_side = _LEAST_SIDES[net]
        self.network = _network(net)
        _load_features(self.network.get_submodule("net"), weights, _NETWORKS[net])
        self.network.requires_grad_(False)

    def train(self, mode: bool = True) -> LPIPS:
        """Stay in evaluation: the network has dropout, and is not trained."""
        return super().train(False)

    @torch.no_grad()
    def measure(self, restored: Tensor, target: Tensor) -> Tensor:
        """The distance of each image, (B,)."""
        if restored.shape[1] not in (1, 3):
            raise InputError(f"lpips needs gray or colour images, got {restored.shape[1]} channels")
        pair = (image.float().expand(-1, 3, -1, -1) for image in (restored, target))
        distance: Tensor = self.network(*pair, normalize=True)
        return distance.flatten()


def _network(net: str) -> nn.Module:
    """The network of the package, with random features and the authors' comparison."""
    package = needs("lpips", "quality", "the metric lpips")
    # torchvision warns of arguments that the package gives it.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: nn.Module = package.LPIPS(net=net, pnet_rand=True, verbose=False)
    return made


def _load_features(network: nn.Module, path: str, architecture: str) -> None:
    """Load the features of torchvision's network, which the package divides into slices.

    Raises:
        CheckpointError: the file does not exist, or has other weights.
    """
    if not Path(path).is_file():
        raise CheckpointError(f"'{path}' does not exist; lpips downloads no weights")
    state = load_tensors(path, f"weights of {architecture}")
    # "slice2.3.weight" is "features.3.weight" of torchvision, and "3.weight" of its features alone.
    names = {key: key.partition(".")[2] for key in network.state_dict()}
    try:
        found = {
            key: state[f"features.{name}"] if f"features.{name}" in state else state[name]
            for key, name in names.items()
        }
        network.load_state_dict(found, assign=True)  # also of a trial on the meta device
    except (KeyError, TypeError, RuntimeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise CheckpointError(f"'{path}' has no weights of {architecture}: {reason}") from error
