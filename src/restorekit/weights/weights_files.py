"""Weights files that describe themselves: safetensors with a card in the metadata.

The card is a JSON object under the key "restorekit": the architecture with its arguments, provider
and version, and the training data. Loading creates the architecture by name. A checkpoint of
another project is recognised by its keys and shapes; no code in it is executed.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from restorekit.components.allocation import bounded_allocation
from restorekit.components.component_records import origin_of
from restorekit.components.kinds import models
from restorekit.devices import resolve_device
from restorekit.errors import ArgumentError, CheckpointError, UnknownNameError
from restorekit.storage.atomic import atomic_path
from restorekit.weights.card import FORMAT, checksum, parse_card
from restorekit.weights.card_fields import DescribedComponent, WeightsCard
from restorekit.weights.foreign_checkpoints import read_foreign, read_state_dict
from restorekit.weights.safetensors_header import KEY, is_safetensors, read_header
from restorekit.weights.weights_names import find_weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

LOGGER = logging.getLogger(__name__)


def save_model(
    model: nn.Module,
    path: str | Path,
    card: Mapping[str, object] | None = None,
    weights: Mapping[str, Tensor] | None = None,
) -> None:
    """Save the weights and card of a model. An error leaves an existing file unchanged.

    Args:
        model: a model made by `create_model`, so that `load_model` can create it by name. Any other
            module is saved with the name of its class and must be passed to `load_model`.
        path: the file to write, usually `*.safetensors`.
        card: further fields of the card (noise, dataset, metrics, ...).
        weights: the state dict to save instead of that of the model.

    Raises:
        CheckpointError: the weights hold NaN or infinity, or cannot be written as safetensors.

    Example:
        >>> model = restorekit.create_model("dncnn", channels=1, depth=3, width=4)
        >>> restorekit.save_model(model, "small.safetensors", {"summary": "an untrained example"})
        >>> loaded = restorekit.load_model("small.safetensors")
        >>> torch.equal(loaded(batch[:, :1]), model.eval()(batch[:, :1]))
        True
    """
    import torch
    from safetensors.torch import save

    from restorekit.records import unwrap_model

    model = unwrap_model(model)
    state = model.state_dict() if weights is None else weights
    # safetensors stores bytes as they lie in memory, and refuses strided tensors.
    tensors = {k: v.detach().cpu().contiguous() for k, v in state.items()}
    for name, tensor in tensors.items():
        # A diverged network must not replace good weights.
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(f"{path}: not written, weight '{name}' is not finite")
    full = {
        "format": FORMAT,
        "restorekit": importlib.metadata.version("restorekit"),
        "model": describe_origin(model),
        "checksum": checksum(tensors),
        **(card or {}),
    }
    try:
        content = save(tensors, metadata={KEY: json.dumps(full)})
    except (RuntimeError, TypeError) as error:  # shared tensors, or a card that is not JSON
        reason = shorten(str(error), 250, placeholder=" ..")
        raise CheckpointError(f"{path}: not written, {reason}") from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_model(
    path: str | PathLike[str],
    device: str | torch.device = "cpu",
    model: nn.Module | None = None,
    layout: str | None = None,
) -> nn.Module:
    """Load a model with its weights, in evaluation mode.

    Args:
        path: a weights file, the folder of a training run (its best weights, else its last), a name
            in `list_weights`, or a published checkpoint of a known layout.
        device: the device of the model ("auto", "cpu", "cuda", "mps").
        model: the module to load the weights into, if its architecture is not registered.
        layout: the layout of a published checkpoint, a name in `list_layouts`, where keys and
            shapes fit several; by default the layout is recognised.

    Raises:
        UnknownNameError: no layout has that name.
        CheckpointError: the file is missing, damaged, unknown, or does not fit the architecture.

    Example:
        >>> model = restorekit.load_model("swift-photo")
        >>> model(batch, sigma=torch.full((2, 1, 1, 1), 0.1)).shape
        torch.Size([2, 3, 32, 32])
    """
    import torch

    path = find_weights(path)
    card = _card(path)
    with torch.random.fork_rng(devices=[]):  # a new network draws weights, which are replaced
        if card is not None:
            model = _make(card["model"], path) if model is None else model
            tensors = read_state_dict(path)
        elif (
            layout is None
            and model is not None
            and model.state_dict().keys() == (state := read_state_dict(path)).keys()
        ):
            tensors = state
        else:
            found = read_foreign(path, layout)
            tensors = dict(found.tensors)
            if model is None:
                model = models.make(models.check(found.architecture, found.arguments))
    # Before the checksum: for another architecture "damaged" would be misleading.
    _check_fit(model, tensors, path)
    if card is not None and card.get("checksum", digest := checksum(tensors)) != digest:
        raise CheckpointError(f"{path}: damaged, its weights differ from its checksum")
    model.load_state_dict(tensors)
    LOGGER.info("loaded '%s' for %s", path, type(model).__name__)
    return model.to(resolve_device(device)).eval()


def describe_origin(made: object) -> DescribedComponent:
    """The origin of an object as JSON: a component's name, arguments and provider, or a class."""
    origin = origin_of(made)
    if origin is None:
        return {"name": None, "class": f"{type(made).__module__}.{type(made).__qualname__}"}
    return {
        "name": origin.name,
        "arguments": json.loads(json.dumps(origin.arguments, default=describe_origin)),
        "provider": origin.provider.distribution,
        "version": origin.provider.version,
    }


def _card(path: Path) -> WeightsCard | None:
    """Our card, None if another project wrote the file."""
    if not is_safetensors(path):
        return None
    header = read_header(path)
    return parse_card(header, path) if KEY in header.metadata else None


def _make(made: DescribedComponent, path: Path) -> nn.Module:
    if made["name"] is None:
        raise CheckpointError(
            f"{path}: weights of {made['class']}, which is not registered; "
            "pass a module of that class to load_model(path, model=...)"
        )
    header = read_header(path)
    # The arguments of a card are not trusted: a small file must not allocate a huge network. The
    # margin is for buffers that are not saved, and for temporary tensors of the initialisation.
    size, tensors = 16 * header.parameters + (64 << 20), 4 * len(header.shapes) + 1000
    try:
        with bounded_allocation(size, tensors, what=str(made["name"]), limit="its tensors are"):
            # Not `create`, whose argument `pretrained` a card could use to load another file.
            model: nn.Module = models.make(models.check(str(made["name"]), made["arguments"]))
    except UnknownNameError as error:
        provider = f"{made.get('provider', 'a plugin')} {made.get('version', '')}".rstrip()
        raise CheckpointError(
            f"{path}: its architecture '{made['name']}' comes from {provider}, which is not "
            "installed or did not load"
        ) from error
    except ArgumentError as error:
        raise CheckpointError(f"{path}: its architecture cannot be created: {error}") from error
    return model


def _check_fit(model: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    missing, extra = sorted(own.keys() - tensors), sorted(tensors.keys() - own.keys())
    shared = sorted(own.keys() & tensors)
    wrong = [k for k in shared if own[k].shape != tensors[k].shape]
    foreign = [k for k in shared if not _can_be_copied(own[k], tensors[k])]
    faults = [
        f"{label} {names[0]}" + (f" and {len(names) - 1} more" if names[1:] else "")
        for label, names in (
            ("it lacks", missing),
            ("it has unknown", extra),
            ("it has another shape of", wrong),
            ("it has no plain real numbers in", foreign),
        )
        if names
    ]
    if faults:
        raise CheckpointError(f"{path}: does not fit the architecture: {', '.join(faults)}")


def _can_be_copied(own: Tensor, given: Tensor) -> bool:
    """Whether a tensor can be copied into one of a model: not sparse, quantised or complex."""
    import torch

    # torch would cast silently, for example drop an imaginary part.
    plain = given.layout == torch.strided and not given.is_quantized
    return plain and given.is_floating_point() == own.is_floating_point()
