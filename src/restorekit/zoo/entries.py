"""The networks of the zoo: every registered model with each of its presets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from restorekit.components.component_records import Component
from restorekit.components.kinds import models
from restorekit.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

TINY = "tiny"  # the preset for tests, which nobody restores with
OWN = "restorekit"  # the distribution whose models are on the page


@dataclass(frozen=True)
class ZooEntry:
    """A registered model with its default arguments, or with those of a preset.

    Attributes:
        model: the registered name.
        preset: the name of the preset; "" for the default arguments.
    """

    model: str
    preset: str = ""

    @property
    def label(self) -> str:
        """What the entry is called: "swift" or "swift:large"."""
        return f"{self.model}:{self.preset}" if self.preset else self.model

    @property
    def component(self) -> Component:
        """The declaration of the model."""
        return models.entry(self.model).component

    @property
    def provider(self) -> str:
        """The distribution that has the model."""
        return models.entry(self.model).provider.distribution

    @property
    def arguments(self) -> Mapping[str, object]:
        """All arguments of the model, those of the preset or the default ones."""
        return models.check(self.model, self._chosen).arguments

    @property
    def _chosen(self) -> dict[str, Any]:
        return {"preset": self.preset} if self.preset else {}

    @property
    def other_presets(self) -> list[str]:
        """The presets that are the same network, except "tiny"."""
        names = (name for name in self.component.presets if name not in (TINY, self.preset))
        return [name for name in names if ZooEntry(self.model, name).arguments == self.arguments]

    def create(self) -> nn.Module:
        """The model, in evaluation mode, with random weights that are always the same.

        Raises:
            RestoreKitError: it cannot be made, because it needs a package for example.
        """
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return models.create(self.model, **self._chosen).eval()


def weights_of(entry: ZooEntry) -> list[str]:
    """The names of the trained weights for exactly this network, if their files are here."""
    from restorekit.weights import named_weights, read_card

    arguments = entry.arguments
    described = {name: read_card(path).get("model", {}) for name, path in named_weights().items()}
    return [
        name
        for name, model in described.items()
        if model.get("name") == entry.model
        and models.check(entry.model, dict(model.get("arguments", {}))).arguments == arguments
    ]


def find_entries(names: Sequence[str] = (), tags: Sequence[str] = ()) -> list[ZooEntry]:
    """The entries of some models, the default arguments first.

    Args:
        names: NAME, NAME:PRESET or a shell pattern of names; all models if empty. "tiny" and
            presets that equal the default arguments are listed only by NAME:PRESET.
        tags: only models with all of these tags.

    Raises:
        UnknownNameError: a model is unknown.
        ArgumentError: a preset is unknown.
    """
    found: dict[ZooEntry, None] = {}
    for name in names or ["*"]:
        model, colon, preset = name.partition(":")
        if colon:
            found[_with_preset(model, preset)] = None
        elif re.search(r"[*?\[]", model):
            found |= {entry: None for each in models.names(model) for entry in _entries(each)}
        else:
            found |= dict.fromkeys(_entries(model))
    return [entry for entry in found if set(tags) <= set(entry.component.tags)]


def without_copies(entries: Sequence[ZooEntry]) -> list[ZooEntry]:
    """The entries without those that are the same network as an earlier one."""
    kept: list[ZooEntry] = []
    for entry in entries:
        same = [ZooEntry(entry.model, name) for name in ("", *entry.other_presets)]
        if not any(each in kept and each.arguments == entry.arguments for each in same):
            kept.append(entry)
    return kept


def _with_preset(model: str, preset: str) -> ZooEntry:
    presets = models.entry(model).component.presets
    if preset not in presets:
        near = did_you_mean(preset, presets)
        known = f" Presets: {', '.join(presets)}" if presets else " It has none"
        raise ArgumentError(f"model '{model}' has no preset '{preset}'.{near}{known}")
    return ZooEntry(model, preset)


def _entries(model: str) -> list[ZooEntry]:
    """A model with its default arguments, and with each preset that is another size."""
    default = ZooEntry(model)
    presets = (ZooEntry(model, name) for name in default.component.presets if name != TINY)
    return [default, *(each for each in presets if each.arguments != default.arguments)]
