"""What a run left in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from restorekit import load_model


def rows(folder: Path) -> list[dict[str, Any]]:
    """The records of the metrics."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path, name: str = "last") -> dict[str, Tensor]:
    """The saved weights."""
    return load_model(folder / f"{name}.safetensors").state_dict()
