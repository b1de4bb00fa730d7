"""Temporary settings, shared by all threads that restore at the same time.

The mode of a module and the flags of cuDNN belong to the whole process. The first thread sets them
and the last one restores them. If each thread restored them, it would change them for the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn


@dataclass
class _Hold:
    """A setting in use: its previous value, and the number of blocks that need it."""

    before: bool
    count: int = 0


# One table for the process, since several denoisers may have one module or share a flag.
_lock = threading.RLock()
_holds: dict[Hashable, _Hold] = {}


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode; the last block that ends restores its previous mode.

    A thread that trains the module at the same time would train it in evaluation mode.
    """
    parts = list(module.modules())
    with _lock:
        for part in parts:
            # Each part separately, because some may be frozen in evaluation mode.
            _take(id(part), part.training)
        if any(part.training for part in parts):
            module.eval()
    try:
        yield
    finally:
        with _lock:
            for part in parts:
                _leave(id(part), partial(setattr, part, "training"))


@contextmanager
def full_precision(device: str) -> Iterator[None]:
    """Disable TF32, with which convolutions on CUDA round float32 to ten bits of mantissa."""
    if device != "cuda":
        yield
        return
    flags = torch.backends.cudnn
    with _lock:
        _take("tf32", flags.allow_tf32)
        flags.allow_tf32 = False
    try:
        yield
    finally:
        with _lock:
            _leave("tf32", partial(setattr, flags, "allow_tf32"))


def _take(key: Hashable, now: bool) -> None:
    _holds.setdefault(key, _Hold(now)).count += 1


def _leave(key: Hashable, restore: Callable[[bool], object]) -> None:
    hold = _holds[key]
    # Blocks of several threads overlap; only the last one knows that nobody needs the mode.
    hold.count -= 1
    if not hold.count:
        del _holds[key]
        restore(hold.before)
