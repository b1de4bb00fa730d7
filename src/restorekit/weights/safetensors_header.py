"""The head of a safetensors file, read without importing torch.

https://github.com/huggingface/safetensors#format: eight bytes say how long a JSON object is, the
object names type, shape and place of every tensor, and their bytes follow.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restorekit.errors import CheckpointError
from restorekit.untrusted.plain_data import parse_json
from restorekit.untrusted.text import quoted

KEY = "restorekit"  # of our card in the metadata
_LONGEST = 100_000_000  # bytes of JSON, the format's own limit
_BITS = {
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
    "F4": 4,
}


@dataclass(frozen=True)
class SafetensorsHeader:
    """What a safetensors file says before its tensors.

    Attributes:
        metadata: text by name.
        shapes: of the tensors, by name.
    """

    metadata: dict[str, str]
    shapes: dict[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """How many numbers the tensors have together."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def is_safetensors(path: Path) -> bool:
    """Whether a file is one by its name or its first bytes."""
    if path.suffix.lower() == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def read_header(path: Path) -> SafetensorsHeader:
    """The head of a safetensors file.

    Raises:
        CheckpointError: it is none, or is cut short.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST:
                raise ValueError("its header is too long")
            found = parse_json(file.read(length).decode("utf-8"))
        metadata = found.pop("__metadata__", {}) if isinstance(found, dict) else None
        if not isinstance(metadata, dict):
            raise ValueError("its header is no JSON object")
        tensors = {name: _tensor(name, entry) for name, entry in found.items()}
        end = _end(tensors)
        if path.stat().st_size != 8 + length + end:
            raise ValueError("its length is not the one it says")
    except (OSError, struct.error, ValueError) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file ({error})") from error
    texts = {name: text for name, text in metadata.items() if isinstance(text, str)}
    return SafetensorsHeader(texts, {name: tensor.shape for name, tensor in tensors.items()})


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]
    begin: int
    end: int


def _tensor(name: str, entry: Any) -> _Tensor:
    """An entry of the header, if it has the form that the format prescribes."""
    where = f"tensor {quoted(name)}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{where} has no dtype, shape and data_offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    bits = _BITS.get(kind) if isinstance(kind, str) else None
    if bits is None:
        raise ValueError(f"{where} has the unknown type {quoted(kind)}")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{where} has a shape or offsets that are not lists of whole numbers")
    begin, end = offsets
    if 8 * (end - begin) != bits * math.prod(shape):
        raise ValueError(f"{where} has a shape that its bytes do not fit")
    return _Tensor(tuple(shape), begin, end)


def _are_sizes(given: Any) -> bool:
    return isinstance(given, list) and all(type(each) is int and each >= 0 for each in given)


def _end(tensors: Mapping[str, _Tensor]) -> int:
    """Where the last tensor ends, if they follow each other without gaps."""
    end = 0
    for tensor in sorted(tensors.values(), key=lambda each: (each.begin, each.end)):
        if tensor.begin != end:
            raise ValueError("its tensors overlap, or leave gaps")
        end = tensor.end
    return end
