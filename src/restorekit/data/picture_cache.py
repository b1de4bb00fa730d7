"""A bounded cache of decoded pictures, shared by the processes that load data."""

from __future__ import annotations

import math
import mmap
import multiprocessing
import os
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from restorekit.memory import available_memory

_ALIGNMENT = 64  # bytes
_LARGEST_SHARE = 4  # a cache takes at most this fraction of the free memory
_DTYPES = (torch.uint8, torch.float32)
_OPEN: weakref.WeakSet[_SharedPictures] = weakref.WeakSet()


class PictureCache:
    """Decoded pictures in memory that the process shares with the workers it forks.

    Pictures are kept until the memory is full. With a shuffled epoch that is larger than the cache,
    replacing the oldest ones would give fewer hits. If fewer than half of the kept pictures are
    still used, all are dropped, and the cache fills again. Where workers are not forked, each has
    its share of the memory.

    Args:
        pictures: the number of pictures, which have the keys 0, 1, ...
        reads: how often pictures are read in an epoch.
        megabytes: the most memory for all processes of this machine. At most a quarter of the
            memory that is free and not promised to other caches is taken.
    """

    def __init__(self, pictures: int, reads: int, megabytes: int) -> None:
        self._pictures, self._reads, self._bytes = pictures, reads, megabytes * 1_000_000
        # Made before workers are forked, so that they share it. Pages take memory when written.
        self._shared: _SharedPictures | None = self._open(1)

    def read(self, key: int, cut: Callable[[Tensor], Tensor]) -> Tensor | None:
        """What a function makes of a picture; None if the picture is not in the cache.

        Args:
            key: the picture.
            cut: a function of (C, H, W), uint8 or float32. It returns a new tensor, never a part
                of the picture, and may be called in vain.
        """
        if not self._bytes:
            return None
        if self._shared is None:
            self._shared = self._open(getattr(get_worker_info(), "num_workers", 1))
        return None if self._shared is None else self._shared.read(key, cut)

    def add(self, key: int, pixels: Tensor) -> None:
        """Keep a picture (C, H, W), uint8 or float32, if there is space."""
        if self._shared is not None:
            self._shared.add(key, pixels)

    def __getstate__(self) -> dict[str, Any]:
        # Shared memory goes to forked processes only. Others begin with an empty cache.
        return {**self.__dict__, "_shared": None}

    def _open(self, sharers: int) -> _SharedPictures | None:
        ranks = max(int(os.environ.get("LOCAL_WORLD_SIZE") or 1), 1)
        promised = sum(cache.unused for cache in _OPEN)
        free = max(available_memory(torch.device("cpu")) - promised, 0) // _LARGEST_SHARE
        size = min(self._bytes, free) // (ranks * sharers)
        if not size or not self._pictures:
            return None
        try:
            return _SharedPictures(self._pictures, self._reads, size)
        except (OSError, ValueError, OverflowError):  # no memory, or no semaphores
            return None


class _SharedPictures:
    """The memory of a cache, and a table of what is where.

    The memory is filled from its beginning. A generation is what was added since it was last
    emptied. Readers take no lock: one that finds another generation after reading than before has
    read pixels that may have been overwritten, and drops them.
    """

    def __init__(self, pictures: int, reads: int, size: int) -> None:
        self.size = size
        self._memory = mmap.mmap(-1, size)
        columns = ("generation", "offset", "channels", "height", "width", "dtype", "window")
        rows = np.frombuffer(mmap.mmap(-1, 8 * len(columns) * pictures), np.int64)
        self._table = dict(zip(columns, rows.reshape(len(columns), pictures), strict=True))
        # Any two epochs' worth of successive reads has a whole epoch, which uses every picture.
        self._window = 2 * reads
        self._state = np.frombuffer(mmap.mmap(-1, 8 * len(_State)), np.int64)
        self._state[_State["generation"]] = 1
        self._lock = multiprocessing.Lock()
        _OPEN.add(self)

    @property
    def unused(self) -> int:
        """Bytes that may still be taken."""
        return self.size - self._get("filled")

    def read(self, key: int, cut: Callable[[Tensor], Tensor]) -> Tensor | None:
        """As for `PictureCache`."""
        self._count_read()
        row = {name: int(column[key]) for name, column in self._table.items()}
        generation = self._get("generation")
        if row["generation"] != generation:
            return None
        if row["window"] != self._get("window"):
            self._table["window"][key] = self._get("window")
            self._add("used", 1)
        shape = row["channels"], row["height"], row["width"]
        stored = torch.frombuffer(
            self._memory,
            dtype=_DTYPES[row["dtype"]],
            count=math.prod(shape),
            offset=row["offset"],
        )
        found = cut(stored.reshape(shape))
        return found if self._get("generation") == generation else None

    def add(self, key: int, pixels: Tensor) -> None:
        """As for `PictureCache`."""
        if pixels.dtype not in _DTYPES:
            return
        with self._lock:
            offset = -(-self._get("filled") // _ALIGNMENT) * _ALIGNMENT
            generation = self._get("generation")
            has_it = int(self._table["generation"][key]) == generation
            if has_it or offset + pixels.nbytes > self.size:
                return
            kept = torch.frombuffer(
                self._memory, dtype=pixels.dtype, count=pixels.numel(), offset=offset
            )
            kept.copy_(pixels.reshape(-1))
            values = (offset, *pixels.shape, _DTYPES.index(pixels.dtype), self._get("window"))
            for column, value in zip(list(self._table.values())[1:], values, strict=True):
                column[key] = value
            self._table["generation"][key] = generation  # last: from here on it is read
            self._set("filled", offset + pixels.nbytes)
            self._add("kept", 1)
            self._add("used", 1)

    def _count_read(self) -> None:
        """Begin a new window after enough reads; drop everything if most of it was not used."""
        # Several processes may count at once and lose a few reads; the window need not be exact.
        self._add("reads", 1)
        if self._get("reads") < self._window:
            return
        with self._lock:
            if self._get("reads") < self._window:  # another process was first
                return
            if 2 * self._get("used") < self._get("kept"):
                self._add("generation", 1)
                self._set("filled", 0)
                self._set("kept", 0)
            self._set("reads", 0)
            self._set("used", 0)
            self._add("window", 1)

    def _get(self, name: str) -> int:
        return int(self._state[_State[name]])

    def _set(self, name: str, value: int) -> None:
        self._state[_State[name]] = value

    def _add(self, name: str, value: int) -> None:
        self._state[_State[name]] += value


_State = {
    name: at for at, name in enumerate(("filled", "generation", "reads", "window", "used", "kept"))
}
