"""Tensors from files of `torch.save`, without running what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from restorekit.errors import CheckpointError


def load_tensors(path: str | Path, what: str) -> Any:
    """What a file of `torch.save` holds, if it is only tensors and containers of them.

    Args:
        path: the file.
        what: what it should hold, for the message.

    Raises:
        CheckpointError: it cannot be read, or holds something else.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no common class for what a damaged file raises
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"'{path}' has no {what}: {reason}") from error
