"""The head of a safetensors file, read without importing torch.

https://github.com/huggingface/safetensors#format: eight bytes say how long a JSON object is, the
object names type, shape and place of every tensor, and their bytes follow.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

from restorekit.errors import CheckpointError

KEY = "restorekit"  # of our card in the metadata
_LONGEST = 100_000_000  # bytes of JSON, the format's own limit


@dataclass(frozen=True)
class Header:
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


def read_header(path: Path) -> Header:
    """The head of a safetensors file.

    Raises:
        CheckpointError: it is none, or is cut short.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST:
                raise ValueError("its header is too long")
            found = json.loads(file.read(length))
        metadata = found.pop("__metadata__", {}) if isinstance(found, dict) else None
        if not isinstance(metadata, dict):
            raise ValueError("its header is no JSON object")
        shapes = {name: tuple(map(int, each["shape"])) for name, each in found.items()}
        ends = [int(each["data_offsets"][1]) for each in found.values()]
        if path.stat().st_size != 8 + length + max(ends, default=0):
            raise ValueError("its length is not the one it says")
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file ({error})") from error
    return Header(metadata, shapes)
