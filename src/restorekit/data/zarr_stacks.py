"""Stacks of micrographs in Zarr stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from restorekit.data.stacks import Stacks
from restorekit.extras import needs

# What zarr may decode with. Others are refused, since numcodecs has one that unpickles.
_CODECS = frozenset(
    {"blosc", "bytes", "crc32c", "gzip", "zstd", "zlib", "lz4", "lzma", "bz2", "transpose"}
    | {"sharding_indexed", "delta", "shuffle", "fixedscaleoffset", "quantize", "bitround"}
    | {"astype", "packbits", "crc32", "adler32", "fletcher32"}
)


class ZarrStacks(Stacks):
    """Gray frames of arrays in Zarr stores, such as stacks of micrographs.

    As the dataset `hdf5`, for folders and zip files of Zarr. In an OME-Zarr, the key "0" is the
    image at full resolution. Needs the extra `zarr`.

    Args:
        path: A store (.zarr, .zarr.zip), a folder of stores, a pattern or a list of these.
        key: The name of the array in each store, "group/array"; null if each has one array only.
        patch_size: The side of a patch in pixels; null for whole frames.
        patches_per_image: Patches of each frame per epoch.
        channels: 1, or 3 to repeat the gray frames for a network of colour.
        percentiles: The percentiles of each stack that become 0 and 1.
        signal: The share of random patches that are chosen for their structure; see `hdf5`.
        cache_megabytes: Memory for frames, which the data-loading processes share; at most a
            quarter of the free memory is used.

    Raises:
        DataError: a store cannot be read, has no such array, or one that is not of numbers or has
            a codec that is not known to be safe.
        MissingExtraError: zarr is not installed.

    Example:
        >>> import zarr
        >>> array = zarr.create_array("a.zarr", shape=(2, 32, 32), dtype="uint16")
        >>> array[:] = np.arange(2 * 32 * 32).reshape(2, 32, 32)
        >>> dataset = restorekit.create_dataset("zarr", path="a.zarr", patch_size=16)
        >>> len(dataset), dataset[0].shape
        (2, torch.Size([1, 16, 16]))
    """

    suffixes = (".zarr", ".zarr.zip")

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
        needs("zarr", "zarr", "dataset 'zarr'", lowest="3.1.3")
        super().__init__(
            path, key, patch_size, patches_per_image, channels, percentiles, signal, cache_megabytes
        )

    @contextmanager
    def open(self, path: Path) -> Iterator[Any]:
        """The array of a store, or its arrays by name."""
        zarr = needs("zarr", "zarr", "dataset 'zarr'")
        store = zarr.storage.ZipStore(path, mode="r") if path.is_file() else path
        found = zarr.open(store, mode="r")
        try:
            is_array = isinstance(found, zarr.Array)
            members = {} if is_array else dict(found.members(max_depth=4))
            arrays = {name: each for name, each in members.items() if isinstance(each, zarr.Array)}
            yield found if is_array else arrays
        finally:
            if path.is_file():
                found.store.close()

    def check(self, array: Any) -> None:
        """Raise a ValueError for a codec that may execute code."""
        for name in _codec_names(array.metadata.to_dict()):
            if name.removeprefix("numcodecs.").lower() not in _CODECS:
                raise ValueError(f"codec '{name}' is not known to be safe")


def _codec_names(metadata: Any) -> Iterator[str]:
    """The names of all codecs in the metadata of an array, of Zarr 2 and 3."""
    if isinstance(metadata, (list, tuple)):
        for each in metadata:
            yield from _codec_names(each)
    elif isinstance(metadata, Mapping):
        for key in ("filters", "compressor", "codecs", "index_codecs", "configuration"):
            each = metadata.get(key)
            yield from _names_of(each) if key != "configuration" else _codec_names(each)


def _names_of(codecs: Any) -> Iterator[str]:
    for codec in codecs if isinstance(codecs, (list, tuple)) else [codecs]:
        if isinstance(codec, Mapping):
            yield str(codec.get("id", codec.get("name")))
            yield from _codec_names(codec)
        elif codec is not None:
            yield str(getattr(codec, "codec_id", codec))  # for Zarr 2, an object in zarr 3.1.0
