"""Stacks of micrographs in HDF5 files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from restorekit.data.stacks import Stacks
from restorekit.extras import needs


class HDF5Stacks(Stacks):
    """Gray frames of arrays in HDF5 files, such as stacks of micrographs.

    The last two axes of an array are height and width; each place along the others is a frame.
    Items are float32 (channels, H, W): the percentiles of each stack become 0 and 1, and values
    beyond are kept up to -0.5 and 1.5. If the frames are noisy, put it into the dataset `noisy`.
    Needs the extra `hdf5`.

    Args:
        path: A file, a folder of files (.h5, .hdf5), a pattern or a list of these.
        key: The name of the array in each file, "group/array"; null if each has one array only.
        patch_size: The side of a patch in pixels; null for whole frames.
        patches_per_image: Patches of each frame per epoch.
        channels: 1, or 3 to repeat the gray frames for a network of colour.
        percentiles: The percentiles of each stack that become 0 and 1.
        signal: The share of random patches that are chosen for their structure: of four patches
            that with the largest standard deviation of means over 4x4 pixels. The background is
            then drawn less often.
        cache_megabytes: Memory for frames, which the data-loading processes share; at most a
            quarter of the free memory is used.

    Raises:
        DataError: a file cannot be read, has no such array, or one that is not of numbers or is
            stored in another file.
        MissingExtraError: h5py is not installed.

    Example:
        >>> import h5py
        >>> with h5py.File("a.h5", "w") as file:
        ...     file["stack"] = np.arange(2 * 32 * 32).reshape(2, 32, 32)
        >>> dataset = restorekit.create_dataset("hdf5", path="a.h5", patch_size=16)
        >>> len(dataset), dataset[0].shape
        (2, torch.Size([1, 16, 16]))
    """

    suffixes = (".h5", ".hdf5", ".he5", ".ims")

    def __init__(
        self,
        path: str | Sequence[str],
        key: str | None = None,
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 1,
        percentiles: tuple[float, float] = (0.1, 99.9),
        signal: float = 0.5,
        cache_megabytes: int = 2048,
    ) -> None:
        self._h5py = needs("h5py", "hdf5", "dataset 'hdf5'")
        super().__init__(
            path, key, patch_size, patches_per_image, channels, percentiles, signal, cache_megabytes
        )

    @contextmanager
    def open(self, path: Path) -> Iterator[Mapping[str, Any]]:
        """The arrays of a file by name."""
        with self._h5py.File(path, "r") as file:
            found: dict[str, Any] = {}

            def add(name: str, item: Any) -> None:
                if isinstance(item, self._h5py.Dataset):
                    found[name] = item

            file.visititems(add)  # follows no links to other files
            yield found

    def check(self, array: Any) -> None:
        """Raise a ValueError for values that are stored in other files."""
        if array.is_virtual or array.external:
            raise ValueError(f"array '{array.name}' is stored in other files")

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_h5py"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._h5py = needs("h5py", "hdf5", "dataset 'hdf5'")
