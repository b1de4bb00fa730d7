"""The networks and checkpoints of spandrel as a model and a layout of restorekit."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import torch
from spandrel import MAIN_REGISTRY, ModelDescriptor, UnsupportedModelError
from torch import Tensor, nn
from torch.nn.functional import pad

from restorekit import CheckpointError, RecognisedCheckpoint


class Spandrel(nn.Module):
    """A restoration network of spandrel.

    Args:
        architecture: Spandrel's name of the architecture, for example "SCUNet".
        network: The class of the network in `spandrel.architectures.ARCHITECTURE`.
        parameters: The arguments of that class.
    """

    def __init__(self, architecture: str, network: str, parameters: dict[str, Any]) -> None:
        super().__init__()
        if architecture not in MAIN_REGISTRY:
            raise ValueError(f"spandrel has no architecture '{architecture}'")
        module = importlib.import_module(f"spandrel.architectures.{architecture}")
        if network not in module.__all__:
            raise ValueError(f"spandrel's {architecture} has no network '{network}'")
        self.network = getattr(module, network)(**parameters)
        # Spandrel finds sizes and channels from the state dict, also of a new network.
        found = MAIN_REGISTRY[architecture].architecture.load(self.network.state_dict())
        _check_restoration(found)
        self.channels, self._sizes = found.input_channels, found.size_requirements
        self.size_multiple = found.size_requirements.multiple_of
        self._takes_map = parameters.get("in_nc") == self.channels + 1

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch (B, C, H, W); sigma is used by networks with a map of the noise."""
        height, width = noisy.shape[-2:]
        if self._takes_map:
            level = torch.zeros_like(noisy[:, :1]) + (0 if sigma is None else sigma.to(noisy))
            noisy = torch.cat((noisy, level), dim=1)
        right, below = self._sizes.get_padding(width, height)
        made = self.network(pad(noisy, (0, right, 0, below), mode="replicate"))
        restored: Tensor = made[0] if isinstance(made, tuple) else made
        return restored[..., :height, :width]


class SpandrelLayout:
    """Every restoration network that spandrel recognises."""

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        """The model `spandrel` with these tensors, or None if spandrel does not know the keys."""
        try:
            found = MAIN_REGISTRY.load(dict(state))
            _check_restoration(found)
        except UnsupportedModelError:
            return None
        except ValueError as error:
            raise CheckpointError(str(error)) from error
        name, network = found.architecture.id, found.model
        named = {"architecture": name, "network": type(network).__name__}
        arguments = {**named, "parameters": network.hyperparameters}
        tensors = {f"network.{key}": tensor for key, tensor in network.state_dict().items()}
        return RecognisedCheckpoint("spandrel", arguments, tensors, f"spandrel's {name}")


def _check_restoration(found: ModelDescriptor) -> None:
    if found.purpose != "Restoration" or found.input_channels != found.output_channels:
        name = found.architecture.name
        raise ValueError(f"{name} is a network for {found.purpose}, not for restoration")
