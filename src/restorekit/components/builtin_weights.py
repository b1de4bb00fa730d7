"""The bundled weights: every file in the folder `pretrained` of the package."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from restorekit.components.hookspecs import hookimpl
from restorekit.components.pretrained_weights import PretrainedWeights

_DEFAULTS = {"swift-photo"}


@hookimpl
def restorekit_weights() -> list[PretrainedWeights]:
    folder = Path(str(importlib.resources.files("restorekit"))) / "pretrained"
    return [
        PretrainedWeights(path.stem, path, default=path.stem in _DEFAULTS)
        for path in sorted(folder.glob("*.safetensors"))
    ]
