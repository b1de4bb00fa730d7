"""The header of a safetensors file, read without importing torch.

The format (https://github.com/huggingface/safetensors#format) is: eight bytes with the length of a
JSON object, that object with dtype, shape and offsets of each tensor, and the bytes of the tensors.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from restorekit.errors import CheckpointError
from restorekit.storage.file_content import describe_content
from restorekit.untrusted.plain_data import parse_json
from restorekit.untrusted.text import quoted

KEY = "restorekit"  # of the card in the metadata
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
    """The metadata of a safetensors file, and the shapes of its tensors.

    Attributes:
        metadata: texts by name.
        shapes: shapes of the tensors by name.
    """

    metadata: dict[str, str]
    shapes: dict[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """The number of values in all tensors together."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def is_safetensors(path: Path) -> bool:
    """Whether a file is safetensors by its name or its first bytes."""
    if path.suffix.lower() == ".safetensors":
        return True
    with path.open("rb") as file:
        # Without the suffix: after the length of the header comes its JSON.
        return file.read(9)[8:] == b"{"


def read_header(path: Path) -> SafetensorsHeader:
    """Read and check the header of a safetensors file.

    Raises:
        CheckpointError: the file is of another kind, or truncated.
    """
    try:
        with path.open("rb") as file:
            found, length = _read_json(file, path.stat().st_size)
        metadata = found.pop("__metadata__", {}) if isinstance(found, dict) else None
        if not isinstance(metadata, dict):
            raise ValueError("its header is not a JSON object")
        tensors = {name: _tensor(name, entry) for name, entry in found.items()}
        end = _end(tensors)
        # Found here, a truncated file costs no reading of tensors.
        if (size := path.stat().st_size) != (whole := 8 + length + end):
            raise ValueError(f"it has {size:,} bytes, by its header it should have {whole:,}")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: not a complete safetensors file ({error})") from error
    texts = {name: text for name, text in metadata.items() if isinstance(text, str)}
    return SafetensorsHeader(texts, {name: tensor.shape for name, tensor in tensors.items()})


def _read_json(file: BinaryIO, size: int) -> tuple[Any, int]:
    """The JSON object at the start of a file of some size, and its length in bytes.

    Raises:
        ValueError: there is none; the message says what the file is instead.
    """
    first = file.read(8)
    length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
    if not length or length > min(_LONGEST, size - 8):
        if (content := describe_content(Path(file.name))) is not None:
            raise ValueError(f"it is {content}")
        raise ValueError(f"its header is longer than its {size:,} bytes: it is cut off")
    try:
        return parse_json(file.read(length).decode("utf-8")), length
    except ValueError as error:
        raise ValueError(f"its header is not JSON: {error}") from error


@dataclass(frozen=True)
class _Tensor:
    shape: tuple[int, ...]
    begin: int
    end: int


def _tensor(name: str, entry: object) -> _Tensor:
    """Check and convert the entry of a tensor in the header."""
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
        raise ValueError(f"{where} has a shape that differs from the number of its bytes")
    return _Tensor(tuple(shape), begin, end)


def _are_sizes(given: object) -> bool:
    # `type` and not isinstance, since JSON's true is an int in Python.
    return isinstance(given, list) and all(type(each) is int and each >= 0 for each in given)


def _end(tensors: Mapping[str, _Tensor]) -> int:
    """The end of the last tensor, in bytes; the tensors must be contiguous."""
    end = 0
    for tensor in sorted(tensors.values(), key=lambda each: (each.begin, each.end)):
        # The format forbids gaps, which could hide other content.
        if tensor.begin != end:
            raise ValueError("its tensors overlap, or there are gaps between them")
        end = tensor.end
    return end
