"""Whole pictures of any kind come back as what they are, and unchanged with strength 0."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from tests.fuzz.cases import Broken
from tests.fuzz.command import command
from tests.fuzz.corpus.pixels import Array, profile

_TYPES = ("uint8", "uint16", "float32")
_RARE = ("int8", "int16", "uint32", "int32", "float16", "float64")


@dataclass(frozen=True)
class Held:
    """What a file holds, as another library reads it: its pages, each (H, W, C)."""

    pages: list[Array]
    alpha: bool


def attack(random: Random, home: Path) -> str:
    """One picture, restored; then once more with strength 0."""
    make = random.choice([_png, _png_deep, _tiff, _tiff, _tiff, _webp, _bmp])
    path = home / make(random, home)
    before = held(path)
    restored, same = home / f"restored{path.suffix}", home / f"same{path.suffix}"
    model = "median" if random.random() < 0.9 else "swift-photo"
    for target, strength in ((restored, "1"), (same, "0")):
        said = command("denoise", path, "-m", model, "-o", target, "--strength", strength)
        if said.code:
            raise Broken(f"{path.name} is refused: {said.err}")
    _check_alike(before, held(restored))
    after = held(same)
    _check_alike(before, after)
    for page, other in zip(before.pages, after.pages, strict=True):
        if not np.array_equal(page, other):
            raise Broken("changed with strength 0")
    return "done"


def held(path: Path) -> Held:
    """A file as tifffile, imagecodecs or Pillow reads it."""
    content = path.read_bytes()
    if path.suffix == ".tif":
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            pages = [_last_channels(page.asarray(), page.axes == "SYX") for page in tiff.pages]
            return Held(pages, list(tiff.pages.first.extrasamples) in ([1], [2]))
    if path.suffix == ".png" and content[24] == 16:
        page = _last_channels(imagecodecs.png_decode(content))
        return Held([page], page.shape[2] in (2, 4))
    with Image.open(io.BytesIO(content)) as opened:
        image: Image.Image = opened
        if image.mode not in ("L", "LA", "RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        return Held([_last_channels(np.asarray(image))], image.mode in ("LA", "RGBA"))


def _check_alike(before: Held, after: Held) -> None:
    kinds = [[(page.dtype, page.shape) for page in each.pages] for each in (before, after)]
    if kinds[0] != kinds[1]:
        raise Broken(f"{kinds[0]} came back as {kinds[1]}")
    if before.alpha != after.alpha:
        raise Broken(f"alpha {before.alpha} came back as {after.alpha}")
    for page, other in zip(before.pages, after.pages, strict=True):
        if before.alpha and not np.array_equal(page[..., -1], other[..., -1]):
            raise Broken("alpha was changed")
        if page.dtype.kind == "f" and not np.isfinite(other).all():
            raise Broken("not finite")


def _png(random: Random, home: Path) -> str:
    mode = random.choice(["L", "LA", "RGB", "RGBA"])
    image = Image.fromarray(_values(random, len(mode), "uint8"))
    return _saved(image, home / "a.png", **_further(random, gray=mode in ("L", "LA")))


def _png_deep(random: Random, home: Path) -> str:
    values = _values(random, random.choice([1, 2, 3, 4]), "uint16")
    (home / "a.png").write_bytes(imagecodecs.png_encode(values, level=random.choice([0, 1, 9])))
    return "a.png"


def _webp(random: Random, home: Path) -> str:
    image = Image.fromarray(_values(random, random.choice([3, 4]), "uint8"))
    return _saved(image, home / "a.webp", lossless=True, exact=True)


def _bmp(random: Random, home: Path) -> str:
    return _saved(Image.fromarray(_values(random, random.choice([1, 3]), "uint8")), home / "a.bmp")


def _tiff(random: Random, home: Path) -> str:
    dtype = random.choice(_TYPES if random.random() < 0.6 else _RARE)
    channels = random.choice([1, 1, 2, 3, 3, 4])
    options: dict[str, Any] = {
        "compression": random.choice([None, "zlib", "lzw", "packbits", "zstd"])
    }
    options["photometric"] = "rgb" if channels > 2 else "minisblack"
    options["planarconfig"] = "contig" if channels > 1 else None
    if channels in (2, 4):
        options["extrasamples"] = [random.choice(["unassalpha", "assocalpha", "unspecified"])]
    if random.random() < 0.3:
        options["tile"] = (16, 32)
    if random.random() < 0.3:
        options["resolution"] = (random.uniform(1, 600), random.uniform(1, 600))
    if random.random() < 0.3 and channels > 2:
        options["iccprofile"] = profile()
    order, big = random.choice("<>"), random.random() < 0.2
    with tifffile.TiffWriter(home / "a.tif", byteorder=order, bigtiff=big) as writer:  # type: ignore[arg-type]
        for _ in range(random.choice([1, 1, 2, 4])):
            writer.write(_values(random, channels, dtype), metadata=None, **options)
    return "a.tif"


def _values(random: Random, channels: int, dtype: str) -> Array:
    """Noise about a level, of any size from one pixel on, sometimes with few or extreme values."""
    generator = np.random.default_rng(random.randrange(2**32))
    shape = (random.randint(1, 70), random.randint(1, 70), channels)
    values = np.clip(generator.normal(random.random(), random.choice([0, 0.02, 0.3]), shape), 0, 1)
    if dtype.startswith("float"):
        values = values.astype(dtype)
    else:
        values = np.rint(values * np.iinfo(dtype).max).astype(dtype)
    return values[..., 0] if channels == 1 else values


def _further(random: Random, gray: bool) -> dict[str, Any]:
    further: dict[str, Any] = {}
    if random.random() < 0.3:
        further["dpi"] = (random.randint(1, 600), random.randint(1, 600))
    if random.random() < 0.3 and not gray:
        further["icc_profile"] = profile()
    return further


def _saved(image: Image.Image, path: Path, **options: Any) -> str:
    image.save(path, **options)
    return path.name


def _last_channels(values: Array, first: bool = False) -> Array:
    values = np.moveaxis(values, 0, 2) if first else values
    return values if values.ndim == 3 else values[..., None]
