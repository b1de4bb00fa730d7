"""The card of a weights file: what it says of itself, and what a release adds to that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from restorekit.errors import ArgumentError, CheckpointError, did_you_mean
from restorekit.storage.atomic import atomic_path
from restorekit.untrusted.plain_data import find_unusable, parse_json
from restorekit.weights.foreign_checkpoints import describe_foreign
from restorekit.weights.safetensors_header import (
    KEY,
    SafetensorsHeader,
    is_safetensors,
    read_header,
)
from restorekit.weights.weights_names import find_weights

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
FIELDS = {
    "summary": "one line for listings",
    "purpose": "which pictures and which noise it is for",
    "noise_range": "the noise it was trained for, in words: 'gaussian, sigma 0-75 of 255'",
    "training_data": "what it was trained on",
    "licenses": "licences of the training data, with the number of pictures of each",
    "credits": "the text file beside the weights that names the authors of the training data",
    "license": "the licence of the weights themselves",
    "recipe": "the configuration that trains it again, and how long that took",
    "psnr": "dB by test set and noise: {'CBSD68': {'15': 34.0, '25': 31.4}}",
    "measured": "how and where these figures were measured",
    "limits": "what it does badly",
    "source": "where converted weights came from",
}


def read_card(path: str | Path) -> dict[str, Any]:
    """What a weights file says of itself, and "parameters", the number of its weights.

    Args:
        path: a weights file, a run's folder or a name; also a published checkpoint of a layout
            that is recognised, whose card tells what was recognised.

    Raises:
        CheckpointError: the file is missing, damaged, or says not what it is.
    """
    path = find_weights(path)
    header = read_header(path) if is_safetensors(path) else None
    if header is None or KEY not in header.metadata:
        return describe_foreign(path)
    return {**parse_card(header, path), "parameters": header.parameters}


def parse_card(header: SafetensorsHeader, path: Path) -> dict[str, Any]:
    """The card in a file's metadata.

    Raises:
        CheckpointError: there is none, or a newer restorekit has written it.
    """
    try:
        card = parse_json(header.metadata[KEY], finite=False)
        if (unusable := find_unusable(card)) is not None:
            raise ValueError(unusable)
        if card["format"] > FORMAT:
            raise CheckpointError(
                f"{path}: written by a newer restorekit ({card['restorekit']}); upgrade to read it"
            )
        if not _says_what(card["model"]):
            raise ValueError("no name with arguments, and no class")
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: not written by restorekit, it does not say which architecture it is for"
        ) from error
    return dict(card)


def annotate(
    path_in: str | Path,
    path_out: str | Path,
    fields: Mapping[str, Any],
    *,
    half: Literal["float16", "bfloat16"] | None = None,
) -> dict[str, Any]:
    """Write weights once more, with more on their card: how a run's file becomes a release.

    The tensors stay as they are, byte for byte, unless they are halved.

    Args:
        path_in: a weights file, a run's folder or a name.
        path_out: the file to write; may be `path_in`.
        fields: what `FIELDS` explains. None removes a field, of a run too (its "dataset", say,
            which may hold a path of this machine).
        half: store the weights in half the size: in "bfloat16", as a network trained in it has seen
            them, or in "float16", rounded to 11 bits and not to 8. They are loaded into a network
            of float32 all the same.

    Returns:
        The new card.

    Raises:
        ArgumentError: a field is unknown, or its value is no JSON.
        CheckpointError: there are no such weights, or they have no card.
    """
    import torch
    from safetensors.torch import save

    from restorekit.weights.foreign_checkpoints import read_state_dict

    path = find_weights(path_in)
    card = parse_card(read_header(path), path)
    for name, value in fields.items():
        if value is None:
            card.pop(name, None)
        elif name not in FIELDS:
            near = did_you_mean(name, FIELDS)
            raise ArgumentError(f"unknown field '{name}' of a card.{near} One of: {_known()}")
        else:
            card[name] = value
    tensors = read_state_dict(path)
    if half:
        dtype = getattr(torch, half)
        tensors = {k: t.to(dtype) if t.is_floating_point() else t for k, t in tensors.items()}
        card |= {"checksum": checksum(tensors)}
    try:
        text = json.dumps(card)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"a card holds only what JSON has: {error}") from error
    with atomic_path(path_out) as temporary:
        temporary.write_bytes(save(tensors, metadata={KEY: text}))
    return card


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """A digest of the names, shapes and bytes; safetensors has none of its own."""
    import torch

    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _says_what(made: Any) -> bool:
    """Whether a card's "model" is what no card is without: a name with arguments, or a class."""
    if made["name"] is None:
        return isinstance(made["class"], str)
    return isinstance(made["name"], str) and isinstance(made["arguments"], dict)


def _known() -> str:
    return ", ".join(FIELDS)
