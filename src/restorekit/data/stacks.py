"""Stacks of micrographs as a dataset, whatever the format of their files."""

from __future__ import annotations

import os
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from restorekit.data.patches import PatchDataset, check_least, random_patch
from restorekit.data.path_patterns import find_files
from restorekit.data.picture_cache import PictureCache
from restorekit.errors import ArgumentError, DataError, RestoreKitError, in_one_line
from restorekit.pictures.picture import MAX_PIXELS
from restorekit.pictures.tensors import to_float
from restorekit.records import Images

_CANDIDATES = 4  # patches of which the one with the most structure is taken
_BLOCK = 4  # pixels a side that are averaged before structure is measured, against noise
_MEASURED = 8  # frames of a stack from which its range is measured
_MOST_VALUES = 200_000  # of each of these frames
_LARGEST_CHUNK = 4_000_000_000  # bytes, which are decoded at once
_BEYOND = 0.5  # values further outside of [0, 1] are clipped


@dataclass(frozen=True, slots=True)
class Stack:
    """An array of frames in a file, and its range.

    Attributes:
        path: the file.
        key: the name of the array in it.
        shape: of the array; the last two axes are those of a frame.
        low: the value that becomes 0.
        high: the value that becomes 1.
    """

    path: Path
    key: str
    shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0

    @property
    def frames(self) -> int:
        """The number of frames."""
        return prod(self.shape[:-2])


class Stacks(PatchDataset):
    """Frames of arrays in files; base class of the datasets of a file format.

    Args:
        path: The files: a file, a folder, a pattern or a list of these.
        key: The name of the array in each file; None if each has one array only.
        patch_size: The side of a patch in pixels; None for whole frames.
        patches_per_image: Patches of each frame per epoch.
        channels: 1, or 3 to repeat the gray frames for a network of colour.
        percentiles: The percentiles of each stack that become 0 and 1.
        signal: The share of random patches that are chosen for their structure.
        cache_megabytes: Memory for frames, as for `PictureCache`.

    Raises:
        DataError: a file cannot be read, or has no such array of numbers.
        ArgumentError: a number is out of its range.
    """

    suffixes: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        path: str | Sequence[str],
        key: str | None,
        patch_size: int | None,
        patches_per_image: int,
        channels: Literal[1, 3],
        percentiles: tuple[float, float],
        signal: float,
        cache_megabytes: int,
    ) -> None:
        low, high = percentiles
        if not 0 <= low < high <= 100:
            raise ArgumentError(f"percentiles must rise from 0 to 100, not {low}, {high}")
        if not 0 <= signal <= 1:
            raise ArgumentError(f"signal must be from 0 to 1, not {signal}")
        check_least("cache_megabytes", 0, cache_megabytes)
        noun = f"stack ({', '.join(self.suffixes)})"
        files = find_files(path, self._below, self._is_stack, noun)
        self.stacks = [self._measured(file, key, percentiles) for file in files]
        self._ends = list(accumulate(stack.frames for stack in self.stacks))
        self.signal = signal
        frames = self._ends[-1]
        super().__init__(frames, patch_size, patches_per_image, channels)
        self._cache = PictureCache(frames, frames * patches_per_image, cache_megabytes)

    @abstractmethod
    def open(self, path: Path) -> Any:
        """A context with the content of a file: an array, or a mapping of names to contents.

        What would execute code or read other files is refused by `check`.
        """

    @abstractmethod
    def check(self, array: Any) -> None:
        """Raise a ValueError for an array that is not safe to read."""

    def identify(self, index: int) -> tuple[str, str, int]:
        """The file, the array and the number of the frame of item `index`."""
        stack, frame = self._frame_of(self._locate(index)[0])
        return os.path.realpath(stack.path), stack.key, frame

    def sample(self, index: int, generator: torch.Generator) -> Images:
        """A random patch of the frame of item `index`, flipped and rotated at random.

        Raises:
            DataError: the file is damaged or missing.
        """
        size = self.patch_size
        chance = torch.rand((), generator=generator, device=generator.device)
        if size is None or chance >= self.signal:
            return super().sample(index, generator)

        def draw(image: Tensor) -> Tensor:
            patches = [random_patch(image, size, generator) for _ in range(_CANDIDATES)]
            return max(patches, key=_structure)

        return self._cut_at_random(self._locate(index)[0], draw, generator)

    def cut(self, picture: int, cut: Callable[[Tensor], Tensor]) -> Images:
        """As for `PatchDataset`.

        Raises:
            DataError: the file cannot be read.
        """
        found = self._cache.read(picture, cut)
        if found is None:
            stack, number = self._frame_of(picture)
            values = self._frame(stack, number)
            frame = torch.from_numpy((values - stack.low) / (stack.high - stack.low))
            frame = frame.nan_to_num(0.0).clamp(-_BEYOND, 1 + _BEYOND)[None]
            self._cache.add(picture, frame)
            found = cut(frame)
        return (
            found.repeat(self.channels, 1, 1)
            if found.ndim == 3
            else found.repeat(1, self.channels, 1, 1)
        )

    def _frame_of(self, picture: int) -> tuple[Stack, int]:
        number = bisect_right(self._ends, picture)
        stack = self.stacks[number]
        return stack, picture - (self._ends[number] - stack.frames)

    def _measured(self, path: Path, key: str | None, percentiles: tuple[float, float]) -> Stack:
        with self._array(path, key) as (name, array):
            stack = Stack(path, name, tuple(map(int, array.shape)))
        step = max(stack.frames // _MEASURED, 1)
        frames = (self._frame(stack, at) for at in range(0, stack.frames, step))
        some = [frame.ravel()[:: max(frame.size // _MOST_VALUES, 1)] for frame in frames]
        values = np.concatenate(some[:_MEASURED])
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, percentiles) if finite.size else (0.0, 0.0)
        if not low < high:
            raise DataError(f"'{path}': array '{name}' has the same value everywhere")
        return Stack(path, name, stack.shape, float(low), float(high))

    def _frame(self, stack: Stack, number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        place = np.unravel_index(number, stack.shape[:-2]) if stack.shape[:-2] else ()
        with self._array(stack.path, stack.key) as (_, array):
            if tuple(array.shape) != stack.shape:
                raise DataError(f"'{stack.path}': array '{stack.key}' was changed")
            return np.asarray(array[tuple(map(int, place))], dtype=np.float32)

    @contextmanager
    def _array(self, path: Path, key: str | None) -> Iterator[tuple[str, Any]]:
        """The array of a file and its name; any error within becomes one line with the file."""
        try:
            with self.open(path) as content:
                name, array = _find(content, key)
                _check_array(name, array)
                self.check(array)
                yield name, array
        except RestoreKitError:
            raise
        except Exception as error:  # libraries raise many kinds of errors for damaged files
            raise DataError(f"'{path}' cannot be read as a stack: {in_one_line(error)}") from error

    def _below(self, folder: Path) -> Iterable[Path]:
        if self._is_stack(folder):  # a store may be a folder
            return [folder]
        if not folder.is_dir():
            raise DataError(f"'{folder}' does not exist")
        return (path for path in folder.iterdir() if self._is_stack(path))

    def _is_stack(self, path: Path) -> bool:
        return path.exists() and path.name.lower().endswith(self.suffixes)


def _structure(patch: Tensor) -> float:
    """How much structure a patch (C, H, W) has, without its noise as far as averages remove it."""
    side = min(_BLOCK, *patch.shape[1:])
    return float(avg_pool2d(to_float(patch), side).std(correction=0))


def _find(content: Any, key: str | None) -> tuple[str, Any]:
    """An array of a file by its name; the only one, if there is no name."""
    if not isinstance(content, Mapping):
        return "", content
    if key is not None:
        if key not in content:
            raise ValueError(f"it has no array '{key}', but {', '.join(sorted(content)) or 'none'}")
        return key, content[key]
    if len(content) != 1:
        names = ", ".join(sorted(content)[:8])
        raise ValueError(f"it has {len(content)} arrays ({names}); choose one with 'key'")
    return next(iter(content.items()))


def _check_array(name: str, array: Any) -> None:
    kind, shape = np.dtype(array.dtype).kind, tuple(array.shape)
    if kind not in "uifb":
        raise ValueError(f"array '{name}' has values of type {array.dtype}, not numbers")
    if len(shape) < 2 or not prod(shape):
        raise ValueError(f"array '{name}' has shape {shape}; the last axes are height and width")
    if prod(shape[-2:]) > MAX_PIXELS:
        raise ValueError(f"a frame of {shape[-1]}x{shape[-2]} pixels is too large")
    if prod(array.chunks or ()) * np.dtype(array.dtype).itemsize > _LARGEST_CHUNK:
        raise ValueError(f"array '{name}' has chunks of {array.chunks}, which are too large")
