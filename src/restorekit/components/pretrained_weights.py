"""Trained weights as a hook declares them: a name, and a file or a reference to one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from restorekit.untrusted.text import quoted

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
SCHEME = re.compile(r"[a-z][a-z0-9-]+:(?=.)")  # two letters or more, unlike a drive of Windows
_SHA256 = re.compile(r"([0-9a-f]{64})?")


@dataclass(frozen=True)
class PretrainedWeights:
    """Trained weights as the hook `restorekit_weights` of a plugin returns them.

    Attributes:
        name: what they are loaded by, for example "acme-denoise".
        file: the absolute path of a file in the package, usually
            `Path(__file__).with_name("acme-denoise.safetensors")`; or a reference such as
            "hf-hub:acme/denoise@v1", which is downloaded only if the user gives it as a name.
        summary: one line for listings, if the card of the file has none.
        sha256: the SHA-256 of the file in hexadecimal digits. A reference needs it.
        size: the size of the file in bytes. A reference needs it.
        card: fields that complete the card of the file, and stand for it before a download.
        default: whether `create_model(..., pretrained=True)` takes these weights, if there are
            several for the architecture.

    What is wrong with it is an error when it is registered.

    Example:
        >>> weights = restorekit.PretrainedWeights(
        ...     "acme-large", "hf-hub:acme/large@v1", sha256="0" * 64, size=12_300_000
        ... )
        >>> weights.is_reference
        True
    """

    name: str
    file: str | os.PathLike[str]
    summary: str = ""
    sha256: str = ""
    size: int = 0
    card: Mapping[str, object] = field(default_factory=dict)
    default: bool = False

    @property
    def fault(self) -> str | None:
        """Why they cannot be registered, in one line; None if they can."""
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            return f"name of weights {self.name!r} may have letters, digits, '-', '_' and '.' only"
        fault = self._fault_of_file() or self._fault_of_facts()
        return f"weights '{self.name}': {fault}" if fault else None

    def _fault_of_file(self) -> str | None:
        file: object = self.file
        if not isinstance(file, (str, os.PathLike)):
            return f"file is a path or a reference, not {quoted(file)}"
        if not self.is_reference and not Path(self.file).is_absolute():
            return f"'{self.file}' is not an absolute path; use Path(__file__).with_name(...)"
        if self.is_reference and not (self.sha256 and self.size):
            return "a reference needs its sha256 and size"
        return None

    def _fault_of_facts(self) -> str | None:
        facts: tuple[object, ...] = (self.sha256, self.size, self.summary, self.card)
        sha256, size, summary, card = facts
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            return "sha256 is not 64 hexadecimal digits in lower case"
        if not isinstance(size, int) or size < 0:
            return f"size is a number of bytes, not {quoted(size)}"
        if not isinstance(summary, str) or not isinstance(card, Mapping):
            return "summary is text, and card maps fields to values"
        return None

    @property
    def is_reference(self) -> bool:
        """Whether the file is elsewhere, and is named by a scheme."""
        return SCHEME.match(str(self.file)) is not None
