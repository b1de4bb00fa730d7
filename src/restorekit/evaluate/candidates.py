"""The models that a benchmark compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike

import torch
from torch import nn

from restorekit.errors import ArgumentError
from restorekit.networks.loading import ModelLike
from restorekit.networks.network import model_name
from restorekit.restore.denoise_options import DenoiseKeywords
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.stabilization.choose import Stabilize
from restorekit.restore.tiles.tile_size import TileSize

Models = ModelLike | Sequence[ModelLike] | Mapping[str, ModelLike]


@dataclass(frozen=True)
class Candidate:
    """A model that is measured."""

    label: str
    denoiser: Denoiser
    device: torch.device

    @property
    def parameters(self) -> int:
        """The number of its weights."""
        return sum(parameter.numel() for parameter in self.denoiser.model.parameters())

    def with_sigma(self, sigma: float | None) -> Denoiser:
        """The model for a noise level, if it uses the noise level at all."""
        return self.denoiser.with_sigma(sigma) if self.denoiser.uses_sigma else self.denoiser


def load_candidates(
    models: Mapping[str, ModelLike],
    device: torch.device,
    precision: str,
    tile: TileSize,
    stabilize: Stabilize,
    estimator: str | None = None,
) -> list[Candidate]:
    """Load models, by their labels; the other arguments are those of `Denoiser`."""
    # force=True, to measure the network and not the safeguard that limits its changes.
    options = DenoiseKeywords(
        device=device,
        precision=precision,
        tile=tile,
        stabilize=stabilize,
        estimator=estimator,
        force=True,
    )
    return [Candidate(label, Denoiser(model, **options), device) for label, model in models.items()]


def label_models(given: Models) -> dict[str, ModelLike]:
    """Models by distinct labels, by default their names.

    Raises:
        ArgumentError: there is no model, or two have the same label.
    """
    if isinstance(given, Mapping):
        pairs = list(given.items())
    else:
        several = [given] if isinstance(given, (nn.Module, str, PathLike)) else given
        pairs = [(model_name(model), model) for model in several]
    if not pairs:
        raise ArgumentError("no model given")
    labels = [label for label, _ in pairs]
    for label in labels:
        if labels.count(label) > 1:
            raise ArgumentError(f"two models have the label '{label}'; give them distinct labels")
    return dict(pairs)
