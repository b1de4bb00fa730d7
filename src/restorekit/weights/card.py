"""The card of a weights file: its description of itself, with the fields that a release adds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from restorekit.components.component_records import Entry
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.errors import ArgumentError, CheckpointError, PluginError, did_you_mean
from restorekit.storage.atomic import atomic_path
from restorekit.untrusted.plain_data import find_unusable, parse_json
from restorekit.weights.card_fields import FIELDS, WeightsCard
from restorekit.weights.foreign_checkpoints import describe_foreign, read_state_dict
from restorekit.weights.safetensors_header import (
    KEY,
    SafetensorsHeader,
    is_safetensors,
    read_header,
)
from restorekit.weights.weights_names import declared_weights, find_weights

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1


def read_card(path: str | PathLike[str]) -> WeightsCard:
    """Read the card of a weights file, and add "parameters", the number of its weights.

    Args:
        path: a weights file, the folder of a training run or a name. A published checkpoint of a
            known layout is accepted too; its card states what was recognised. The card of weights
            of a plugin is completed by what the plugin declares.

    Raises:
        CheckpointError: the file is missing or damaged, or its architecture is unknown.
        PluginError: a plugin declares an unknown field.

    Example:
        >>> card = read_card("swift-photo")
        >>> card["model"]["name"], card["parameters"] > 1_000_000
        ('swift', True)
    """
    card = card_of_file(find_weights(path))
    declared = declared_weights(str(path))
    return card if declared is None else cast(WeightsCard, {**declared_card(declared), **card})


def card_of_file(path: Path) -> WeightsCard:
    """The card of a file alone, without what a plugin declares of its weights."""
    header = read_header(path) if is_safetensors(path) else None
    if header is None or KEY not in header.metadata:
        return describe_foreign(path)
    return {**parse_card(header, path), "parameters": header.parameters}


def declared_card(declared: Entry[PretrainedWeights]) -> WeightsCard:
    """What a declaration of weights says of them, which completes the card of their file.

    Raises:
        PluginError: it has an unknown field.
    """
    record = declared.component
    for name in record.card:
        if name not in FIELDS:
            near = did_you_mean(str(name), FIELDS)
            raise PluginError(
                f"{declared.label}: unknown field '{name}' of a card.{near} One of: "
                f"{', '.join(FIELDS)}"
            )
    summary = {"summary": record.summary} if record.summary else {}
    return cast(WeightsCard, {**record.card, **summary})


def parse_card(header: SafetensorsHeader, path: Path) -> WeightsCard:
    """The card in the metadata of a file.

    Raises:
        CheckpointError: it is missing, or was written by a newer version of restorekit.
    """
    try:
        # Metrics of a run may be NaN, which Python has written into older cards.
        card = parse_json(header.metadata[KEY], finite=False)
        if (unusable := find_unusable(card)) is not None:
            raise ValueError(unusable)
        if card["format"] > FORMAT:
            raise CheckpointError(
                f"{path}: written by a newer restorekit ({card['restorekit']}); upgrade to read it"
            )
        if not _names_architecture(card["model"]):
            raise ValueError("no name with arguments, and no class")
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: not written by restorekit, it does not say which architecture it is for"
        ) from error
    return cast(WeightsCard, dict(card))


def annotate(
    path_in: str | Path,
    path_out: str | Path,
    fields: Mapping[str, object],
    *,
    half: Literal["float16", "bfloat16"] | None = None,
) -> WeightsCard:
    """Write a copy of a weights file with more fields on its card, for example for a release.

    The tensors are copied without change, unless `half` is given.

    Args:
        path_in: a weights file, the folder of a training run or a name.
        path_out: the file to write; may be `path_in`.
        fields: values of the fields in `FIELDS`. None removes a field, also one that the training
            has written (for example "dataset", which may contain a local path).
        half: store the weights in half the size: in "bfloat16", the precision in which they were
            used in mixed-precision training, or in "float16", with 11 significant bits instead of
            8. They are still loaded into a float32 network.

    Returns:
        The new card.

    Raises:
        ArgumentError: a field is unknown, or its value cannot be written as JSON.
        CheckpointError: the weights are missing or have no card.

    Example:
        >>> model = restorekit.create_model("dncnn", channels=1, depth=3, width=4)
        >>> restorekit.save_model(model, "small.safetensors")
        >>> card = annotate("small.safetensors", "release.safetensors", {"license": "MIT"})
        >>> card["license"], card["model"]["name"]
        ('MIT', 'dncnn')
    """
    import torch

    path = find_weights(path_in)
    card = _with_fields(parse_card(read_header(path), path), fields)
    tensors = read_state_dict(path)
    if half:
        dtype = getattr(torch, half)
        tensors = {k: t.to(dtype) if t.is_floating_point() else t for k, t in tensors.items()}
        # The digest is that of the rounded weights, which are those in the file.
        card |= {"checksum": checksum(tensors)}
    _write(tensors, path_out, card)
    return cast(WeightsCard, card)


def write_with_card(path_in: Path, path_out: Path, card: WeightsCard) -> None:
    """Write a copy of a weights file with another card."""
    _write(read_state_dict(path_in), path_out, card)


def _write(tensors: Mapping[str, Tensor], path: str | Path, card: Mapping[str, object]) -> None:
    from safetensors.torch import save

    try:
        text = json.dumps(card)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"the fields of a card must be valid JSON: {error}") from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(dict(tensors), metadata={KEY: text}))


def _with_fields(card: WeightsCard, fields: Mapping[str, object]) -> dict[str, object]:
    """A card with the values of more fields; None removes a field, also an unknown one."""
    changed: dict[str, object] = {**card}
    for name, value in fields.items():
        if value is None:
            changed.pop(name, None)
        elif name not in FIELDS:
            near = did_you_mean(name, FIELDS)
            raise ArgumentError(
                f"unknown field '{name}' of a card.{near} One of: {', '.join(FIELDS)}"
            )
        else:
            changed[name] = value
    return changed


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """A digest of the names, dtypes, shapes and bytes, since safetensors has no checksum."""
    import torch

    digest = hashlib.blake2b(digest_size=16)
    # Sorted, so that the digest does not depend on the order in which a model registers its layers.
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _names_architecture(made: Mapping[str, object]) -> bool:
    """Whether the "model" of a card has a name with arguments, or else a class."""
    if made["name"] is None:
        return isinstance(made["class"], str)
    return isinstance(made["name"], str) and isinstance(made["arguments"], dict)
