"""Names of weights with a scheme, which says where they are: "local-dir:FOLDER", for example.

A file is downloaded only for a name with a scheme that the user has given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from restorekit.components.pretrained_weights import SCHEME
from restorekit.errors import CheckpointError, did_you_mean
from restorekit.weights import hub
from restorekit.weights.weights_folder import LOCAL_DIR, weights_in


@dataclass(frozen=True)
class Scheme:
    """A way to name weights.

    Attributes:
        fetch: the file for the rest of a name; may download it.
        cached: the same without a download; None if the file is not on this machine.
    """

    fetch: Callable[[str], Path]
    cached: Callable[[str], Path | None]


def has_scheme(name: str) -> bool:
    """Whether a name begins with a known scheme."""
    match = SCHEME.match(name)
    return match is not None and match[0][:-1] in SCHEMES


def fetch(name: str) -> Path:
    """The weights file for a name with a scheme, downloaded if that is what the scheme does.

    Raises:
        CheckpointError: there is no such file, or it cannot be downloaded.
    """
    scheme, rest = _split(name)
    return scheme.fetch(rest)


def cached(name: str) -> Path | None:
    """The weights file for a name with a scheme if it is on this machine; never downloads.

    Raises:
        CheckpointError: the name is not valid.
    """
    scheme, rest = _split(name)
    return scheme.cached(rest)


def _split(name: str) -> tuple[Scheme, str]:
    word, _, rest = name.partition(":")
    if word not in SCHEMES:
        raise CheckpointError(unknown_scheme(name))
    return SCHEMES[word], rest


def unknown_scheme(name: str) -> str:
    """The message for a name whose scheme is unknown."""
    word = name.partition(":")[0]
    known = ", ".join(f"{scheme}:" for scheme in SCHEMES)
    return f"'{name}': unknown scheme '{word}'.{did_you_mean(word, SCHEMES)} One of: {known}"


def _local(folder: str) -> Path:
    return weights_in(Path(folder), f"{LOCAL_DIR}:{folder}")


SCHEMES = {
    LOCAL_DIR: Scheme(_local, _local),
    hub.SCHEME: Scheme(hub.fetch_from_hub, hub.cached_from_hub),
}
