"""The pictures that a CSV or JSON Lines file lists, as a dataset."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from restorekit.data.file_dataset import FileDataset, Scene
from restorekit.errors import DataError
from restorekit.untrusted.plain_data import parse_json
from restorekit.untrusted.text import quoted

_COLUMNS = ("image", "clean", "noisy")
_LONGEST_LINE = 65_536  # characters


class ImageList(FileDataset):
    """The pictures that a CSV or JSON Lines file lists.

    A row has the path of a clean picture (`image` or `clean`), of a noisy one (`noisy`), or of both
    for a pair. Paths are relative to the folder of the list. Items are float32 (C, H, W) in [0, 1],
    those with a noisy picture a `NoisyImages`. Noisy pictures with the same clean one show one
    scene.

    Args:
        path: The list: a CSV file with names in its first line, or a file with a JSON object a
            line (".jsonl"). Other columns and keys are ignored.
        patch_size: The side of a patch in pixels; null for whole pictures.
        patches_per_image: Patches of each picture per epoch.
        channels: 3 for colour, 1 for gray; files of the other kind are converted.
        cache_megabytes: Memory for decoded pictures, which the data-loading processes share; at
            most a quarter of the free memory is used.

    Raises:
        DataError: the list cannot be read, has no pictures, or names a file that does not exist,
            with the number of the line.

    Example:
        >>> from PIL import Image
        >>> from pathlib import Path
        >>> Image.fromarray(image).save("a.png")
        >>> _ = Path("list.csv").write_text("image,camera\\na.png,X100\\n")
        >>> dataset = restorekit.create_dataset("image_list", path="list.csv", patch_size=16)
        >>> len(dataset), dataset[0].shape
        (1, torch.Size([3, 16, 16]))
    """

    def __init__(
        self,
        path: str,
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 3,
        cache_megabytes: int = 2048,
    ) -> None:
        file = Path(path).expanduser()
        scenes = [_scene(file, number, row) for number, row in _rows(file)]
        if not scenes:
            raise DataError(f"{file}: it lists no pictures")
        super().__init__(scenes, patch_size, patches_per_image, channels, cache_megabytes)


def _rows(file: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    """The number of the line and the values of each row."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            if file.suffix.lower() in (".jsonl", ".ndjson"):
                yield from _json_rows(file, lines)
                return
            reader = csv.DictReader(lines, strict=True)
            if not set(_COLUMNS) & set(reader.fieldnames or ()):
                raise DataError(f"{file}: its first line has no column 'image', 'clean' or 'noisy'")
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{file}: cannot be read as a list of pictures ({reason})") from error


def _json_rows(file: Path, lines: Iterator[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if len(line) > _LONGEST_LINE:
                raise ValueError("it is too long")
            row = parse_json(line)
        except ValueError as error:
            raise DataError(f"{file}: line {number}: {error}") from error
        if not isinstance(row, Mapping):
            raise DataError(f"{file}: line {number}: {quoted(row)} is not a JSON object")
        yield number, row


def _scene(file: Path, number: int, row: Mapping[str, object]) -> Scene:
    found: dict[str, Path] = {}
    for column in _COLUMNS:
        if not (value := row.get(column)):
            continue
        if not isinstance(value, str):
            raise DataError(f"{file}: line {number}: {column} is {quoted(value)}, not a path")
        path = file.parent / value
        if not path.is_file():
            raise DataError(f"{file}: line {number}: {quoted(str(path))} does not exist")
        found[column] = path
    if "image" in found and "clean" in found:
        raise DataError(f"{file}: line {number}: 'image' and 'clean' both name a clean picture")
    if not found:
        raise DataError(f"{file}: line {number}: it names no picture ({', '.join(_COLUMNS)})")
    return Scene(found.get("clean", found.get("image")), found.get("noisy"))
