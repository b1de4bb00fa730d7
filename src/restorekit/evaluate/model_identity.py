"""The identity of a measured model, so that a result can be cited and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from torch import nn

from restorekit.components.kinds import models
from restorekit.networks.loading import ModelLike
from restorekit.records import unwrap_model
from restorekit.storage.file_digests import sha256_of
from restorekit.weights import describe_origin, find_weights, read_card
from restorekit.weights.card import checksum
from restorekit.weights.schemes import has_scheme
from restorekit.weights.weights_names import is_weights_name


@dataclass(frozen=True)
class ModelIdentity:
    """The identity of a measured model.

    Attributes:
        given: the path, name or expression of the user; None for a module.
        architecture: name, arguments, provider and version; or the class of a module.
        path: the weights file or name with a scheme as given by the user; for other named weights,
            the name of the file only.
        sha256: hash of the file.
        bytes: size of the file.
        modified: time of its last modification, in UTC.
        weights: digest of the tensors, which does not change if only the card is rewritten.
        card: the card of the file.
    """

    given: str | None
    architecture: Mapping[str, object]
    path: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    modified: str | None = None
    weights: str | None = None
    card: Mapping[str, object] | None = None

    def describe(self) -> str:
        """In one line, for people."""
        if self.path is not None and self.sha256 is not None:
            return f"{self.path}, saved {self.modified}, sha256 {self.sha256[:16]}"
        made = self.architecture
        provider = f" of {made['provider']} {made['version']}" if "provider" in made else ""
        digest = f", weights {self.weights}" if self.weights else ""
        return f"{self.given or made['name'] or made['class']}{provider}{digest}"


def identify_model(given: ModelLike, module: nn.Module) -> ModelIdentity:
    """The identity of a model that has been loaded.

    Args:
        given: the path, name, expression or module of the user.
        module: the loaded module.
    """
    made = describe_origin(unwrap_model(module))
    if isinstance(given, nn.Module):
        return ModelIdentity(None, made, weights=_digest(module))
    text = str(given)
    # A file may have the name of a model.
    if not Path(text).exists() and text.partition(":")[0] in models:
        return ModelIdentity(text, made, weights=_digest(module))
    file = find_weights(text)
    card = read_card(text)
    return ModelIdentity(
        given=text,
        architecture=made,
        # The folder of an installation means nothing on another machine.
        path=file.name if is_weights_name(text) else text if has_scheme(text) else str(file),
        sha256=sha256_of(file),
        bytes=file.stat().st_size,
        modified=datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds"),
        weights=card.get("checksum"),
        card=card,
    )


def _digest(module: nn.Module) -> str | None:
    """The digest of the weights of a module; None if it has none."""
    state = unwrap_model(module).state_dict()
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    return checksum(tensors) if tensors else None
