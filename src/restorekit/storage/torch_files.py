"""Tensors from files of `torch.save`, without running what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from restorekit.errors import CheckpointError
from restorekit.storage.file_content import describe_content


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
        raise CheckpointError(f"'{path}' has no {what}: {describe_fault(path, error)}") from error


def describe_fault(path: str | Path, error: Exception) -> str:
    """Why torch did not read a file, in words: "it is an empty file".

    Args:
        path: the file.
        error: what `torch.load` raised.
    """
    if isinstance(error, FileNotFoundError):
        return "it does not exist"
    if (content := describe_content(Path(path))) is not None:
        return f"it is {content}"
    reason = str(error).partition("\n")[0]
    if isinstance(error, EOFError) or "unexpected EOF" in reason:
        return "it ends too early; get the file again"
    # torch advises to execute what is in the file.
    if not reason or reason.isdigit() or "weights_only" in reason:
        return f"torch does not read its content ({type(error).__name__})"
    return f"it is damaged, or torch does not read it ({reason.partition('. ')[0]})"
