"""Pack training photographs into archives of limited size, for transfer to a machine with a GPU.

    python examples/recipes/gpu/pack.py PHOTOGRAPHS packed/ --parts 27 38

Writes `packed/0.tar`, `packed/1.tar`, ... of at most the given sizes in MiB. Pictures with more
pixels than `--pixels` are cropped at a random position. A JPEG that is small enough is copied. A
crop is written with the quantisation tables of its picture and on its block grid, which is almost
lossless.
"""

from __future__ import annotations

import argparse
import io
import random
import tarfile
from pathlib import Path

from PIL import Image

_BLOCK = 8  # side of a JPEG block in pixels
_MIB = 1 << 20


def main() -> None:
    """Read photographs and write archives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument(
        "--parts", type=int, nargs="+", default=[55], help="size of each archive in MiB"
    )
    parser.add_argument("--pixels", type=int, default=200_000)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    paths = sorted(path for path in arguments.photographs.iterdir() if path.is_file())
    random.Random(0).shuffle(paths)
    pending = iter(paths)
    packed, path = 0, next(pending, None)
    for number, mebibytes in enumerate(arguments.parts):
        room = mebibytes * _MIB - 2 * tarfile.RECORDSIZE
        with tarfile.open(arguments.target / f"{number}.tar", "w") as archive:
            while path is not None:
                data = cut(path, arguments.pixels)
                size = len(data) + 2 * tarfile.BLOCKSIZE
                if size > room:
                    break
                entry = tarfile.TarInfo(path.name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
                room -= size
                packed, path = packed + 1, next(pending, None)
    print(f"{packed} of {len(paths)} photographs packed")


def cut(path: Path, pixels: int) -> bytes:
    """Return the encoded photograph, cropped to at most `pixels` pixels."""
    image = Image.open(path)
    if image.format == "JPEG" and image.width * image.height <= pixels:
        return path.read_bytes()
    shrink = min(1.0, (pixels / (image.width * image.height)) ** 0.5)
    width, height = (int(side * shrink) // _BLOCK * _BLOCK for side in image.size)
    place = random.Random(path.name)
    left = place.randrange(0, image.width - width + 1, _BLOCK)
    top = place.randrange(0, image.height - height + 1, _BLOCK)
    tables = getattr(image, "quantization", None)
    window = image.convert("RGB").crop((left, top, left + width, top + height))
    buffer = io.BytesIO()
    how = {"qtables": tables} if tables else {"quality": 97}
    window.save(buffer, "JPEG", subsampling=0, optimize=True, **how)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
