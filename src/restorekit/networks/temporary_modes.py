"""Settings that a restoration needs for a while, shared by all threads that restore at the time.

The mode of a module and the flags of cuDNN belong to the whole process. The first thread sets them,
and the last one puts them back: each putting back on its own would change them under the others.
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
    """A setting in use: what it was before, and by how many blocks it is held."""

    before: bool
    count: int = 0


_lock = threading.RLock()
_holds: dict[Hashable, _Hold] = {}


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Within it a module is in evaluation mode; after the last such block it is as it was before.

    Another thread that trains the module at the same time would train it in evaluation mode.
    """
    parts = list(module.modules())
    with _lock:
        for part in parts:
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
    """Within it float32 is float32: convolutions on CUDA would else round to ten bits (TF32)."""
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


def _leave(key: Hashable, put_back: Callable[[bool], object]) -> None:
    hold = _holds[key]
    hold.count -= 1
    if not hold.count:
        del _holds[key]
        put_back(hold.before)
