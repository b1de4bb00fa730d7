"""Picture files as a dataset of patches: of clean pictures, or of scenes with real noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from restorekit.data.patches import PatchDataset, check_least
from restorekit.data.picture_cache import PictureCache
from restorekit.errors import DataError, ImageFileError
from restorekit.pictures.tensors import read_tensor
from restorekit.records import Images, NoisyImages


@dataclass(frozen=True, slots=True)
class Scene:
    """The files of one item: a clean picture, or a noisy one and what belongs to it.

    Attributes:
        clean: the clean picture, if there is one.
        noisy: the picture with real noise, if there is one.
        second: another noisy picture of the same scene, if there is one.
        name: a file that all items of the scene have in common; the clean one if left out.
    """

    clean: Path | None = None
    noisy: Path | None = None
    second: Path | None = None
    name: Path | None = None

    @property
    def files(self) -> dict[str, Path]:
        """The files by what they are, the noisy one first."""
        found = {"noisy": self.noisy, "clean": self.clean, "second": self.second}
        return {name: path for name, path in found.items() if path is not None}

    @property
    def picture(self) -> Path:
        """The file that stands for the scene."""
        return self.name or self.clean or next(iter(self.files.values()))


class FileDataset(PatchDataset):
    """Patches of picture files.

    Decoding takes most of the time, so decoded pictures are cached up to a limit: 8-bit pictures as
    uint8, others as float32.

    Args:
        scenes: the files of each picture.
        patch_size: as for `PatchDataset`, and so on.
        patches_per_image: patches of each picture per epoch.
        channels: 3 for colour, 1 for gray.
        cache_megabytes: as for `PictureCache`; 0 for no cache.
        halved_colour: as for `PatchDataset`.

    Raises:
        ArgumentError: as for `PatchDataset`.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        patch_size: int | None,
        patches_per_image: int,
        channels: Literal[1, 3],
        cache_megabytes: int,
        halved_colour: float = 0.0,
    ) -> None:
        super().__init__(len(scenes), patch_size, patches_per_image, channels, halved_colour)
        check_least("cache_megabytes", 0, cache_megabytes)
        self.scenes = tuple(scenes)
        files = dict.fromkeys(path for scene in scenes for path in scene.files.values())
        self._keys = {path: key for key, path in enumerate(files)}
        reads = sum(len(scene.files) for scene in scenes) * patches_per_image
        self._cache = PictureCache(len(files), reads, cache_megabytes)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, in the order of the pictures."""
        return tuple(self._keys)

    def identify(self, index: int) -> Path:
        """The file that stands for the scene of item `index`, as an absolute path without links."""
        return self._resolved[self.scenes[self._locate(index)[0]].picture]

    def cut(self, picture: int, cut: Callable[[Tensor], Tensor]) -> Images:
        """As for `PatchDataset`.

        Raises:
            DataError: a file is damaged or missing, or the pictures of a scene differ in size.
        """
        scene = self.scenes[picture]
        shapes: dict[Path, tuple[int, ...]] = {}

        def measured(path: Path) -> Tensor:
            def cut_and_note(image: Tensor) -> Tensor:
                shapes[path] = tuple(image.shape)
                return cut(image)

            return self._cut_file(path, cut_and_note)

        found = {name: measured(path) for name, path in scene.files.items()}
        _check_sizes(shapes)
        return NoisyImages(**found) if "noisy" in found else found["clean"]

    def __getstate__(self) -> dict[str, Any]:
        # Made again where it is needed, which is not in workers.
        return {key: value for key, value in self.__dict__.items() if key != "_resolved"}

    @cached_property
    def _resolved(self) -> dict[Path, Path]:
        """Each file as an absolute path without links; made once, since it reads every folder."""
        folders = {path.parent for path in self._keys}
        real = {folder: folder.resolve() for folder in folders}
        return {
            path: path.resolve() if path.is_symlink() else real[path.parent] / path.name
            for path in self._keys
        }

    def _cut_file(self, path: Path, cut: Callable[[Tensor], Tensor]) -> Tensor:
        key = self._keys[path]
        if (found := self._cache.read(key, cut)) is not None:
            return found
        try:
            pixels = read_tensor(path, self.channels)
        except ImageFileError as error:
            raise DataError(str(error)) from error
        self._cache.add(key, pixels)
        return cut(pixels)


def _check_sizes(shapes: dict[Path, tuple[int, ...]]) -> None:
    first, *others = shapes.items()
    for path, shape in others:
        if shape != first[1]:
            raise DataError(
                f"'{path}' has {_size(shape)} pixels, '{first[0]}' of the same scene "
                f"{_size(first[1])}"
            )


def _size(shape: Sequence[int]) -> str:
    return f"{shape[2]}x{shape[1]}"
