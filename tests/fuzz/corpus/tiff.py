"""TIFF files: layouts, compressions, number types, and what microscopes and cameras write."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tests.fuzz.corpus.pixels import XMP, Array, exif, pixels, profile
from tests.fuzz.structure.tiff import chained, looping

_COMPRESSIONS = (
    "lzw",
    "zlib",
    "packbits",
    "lzma",
    "zstd",
    "jpeg",
    "webp",
    "png",
    "jpeg2000",
    "jpegxl",
)


def files() -> dict[str, bytes]:
    """The files by name."""
    colour, gray, alpha = pixels(3), pixels(1), pixels(4)
    gray16 = pixels(1, "uint16")
    found = {f"tiff-{each}": _written(colour, compression=each) for each in _COMPRESSIONS}
    found |= {
        f"tiff-type-{dtype}": _written(pixels(1, dtype))
        for dtype in (
            "uint8",
            "uint16",
            "uint32",
            "int8",
            "int16",
            "int32",
            "float16",
            "float32",
            "float64",
            "uint64",
        )
    }
    found |= {
        "tiff-bool": _written(gray > 99),
        "tiff-bool-white": _written(gray > 99, photometric="miniswhite"),
        "tiff-complex": _written(gray.astype(np.complex64)),
        "tiff-big-endian": _written(pixels(3, "uint16"), order=">"),
        "tiff-bigtiff": _written(colour, big=True),
        "tiff-predictor": _written(pixels(3, "uint16"), compression="zlib", predictor=True),
        "tiff-predictor-float": _written(pixels(1, "float32"), compression="zlib", predictor=True),
        "tiff-tiles": _written(colour, tile=(16, 16), compression="zlib"),
        "tiff-strips": _written(colour, rowsperstrip=1, compression="packbits"),
        "tiff-planar": _written(
            np.moveaxis(colour, 2, 0).copy(), photometric="rgb", planarconfig="separate"
        ),
        "tiff-white": _written(gray, photometric="miniswhite"),
        "tiff-white-12": _written(gray16 >> 4, photometric="miniswhite"),
        "tiff-12": _written(gray16 >> 4),
        "tiff-palette": _written(gray, photometric="palette", colormap=_palette()),
        "tiff-alpha": _written(alpha, extrasamples=["unassalpha"]),
        "tiff-associated": _written(alpha, extrasamples=["assocalpha"]),
        "tiff-infrared": _written(alpha, extrasamples=["unspecified"]),
        "tiff-two": _written(pixels(2), photometric="minisblack", planarconfig="contig"),
        "tiff-six": _written(pixels(6), photometric="minisblack", planarconfig="contig"),
        "tiff-ink": _written(alpha, photometric="separated"),
        "tiff-lab": _written(colour, photometric="cielab"),
        "tiff-mosaic": _written(
            gray16, photometric="cfa", extratags=[(50706, "B", 4, b"\1\4\0\0", True)]
        ),
        "tiff-nan": _written(np.where(gray > 150, np.nan, gray / 255).astype(np.float32)),
        "tiff-infinite": _written(np.where(gray > 150, np.inf, gray / 255).astype(np.float32)),
        "tiff-metadata": _written(
            colour, iccprofile=profile(), resolution=(300, 200), extratags=_tags()
        ),
    }
    found |= _several(colour, gray16) | _by_pillow(colour)
    found["tiff-loop"] = looping(found["tiff-pages"])
    found["tiff-chain"] = chained(found["tiff-type-uint8"], 3000)
    found["tiff-chain-pictures"] = chained(found["tiff-type-uint8"], 60, keep=True)
    return {f"{name}.tif": content for name, content in found.items()}


def _several(colour: Array, gray16: Array) -> dict[str, bytes]:
    """Files of several pictures, however they are laid out."""
    stack = np.stack([np.roll(gray16, shift) for shift in range(4)])
    planes = [(33628, "I", 8, tuple(range(8)), True), (33629, "I", 24, (0,) * 24, True)]
    return {
        "tiff-pages": _pages([colour, colour[:9], colour[:, :5]]),
        "tiff-pages-types": _pages([colour, gray16, pixels(1, "float32")]),
        "tiff-truncated-stack": _written(stack, metadata=None, truncate=True),
        "tiff-shaped": _written(stack, truncate=True),
        "tiff-imagej": _imagej(stack, metadata={"axes": "ZYX", "Labels": list("abcd")}),
        "tiff-imagej-hyper": _imagej(stack.reshape(2, 2, *gray16.shape), metadata={"axes": "ZCYX"}),
        "tiff-ome": _written(
            stack, ome=True, metadata={"axes": "CYX", "Channel": {"Name": list("abcd")}}
        ),
        "tiff-metamorph": _written(stack, metadata=None, extratags=planes, truncate=True),
        "tiff-volume": _written(stack, volumetric=True, tile=(16, 16, 16)),
        "tiff-pyramid": _pyramid(colour),
        "tiff-reduced": _pages([colour, colour[::2, ::2]], subfiletype=1),
    }


def _by_pillow(colour: Array) -> dict[str, bytes]:
    image = Image.fromarray(colour)
    return {
        "tiff-group4": _saved(image.convert("1"), compression="group4"),
        "tiff-group3": _saved(image.convert("1"), compression="group3"),
        "tiff-jpeg-old": _saved(image, compression="jpeg", quality=90),
        "tiff-exif": _saved(image, exif=exif(5), icc_profile=profile(), dpi=(72, 96)),
    }


def _written(
    values: Array, order: str = "<", big: bool = False, ome: bool = False, **options: Any
) -> bytes:
    target = io.BytesIO()
    if "photometric" not in options:
        options["photometric"] = "rgb" if values.shape[-1] in (3, 4) else "minisblack"
    if not ome and "truncate" not in options:
        options.setdefault("metadata", None)
    with tifffile.TiffWriter(target, byteorder=order, bigtiff=big, ome=ome) as writer:  # type: ignore[arg-type]
        writer.write(values, **options)
    return target.getvalue()


def _pages(pages: list[Array], subfiletype: int = 0) -> bytes:
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        for number, page in enumerate(pages):
            kind = "rgb" if page.ndim == 3 else "minisblack"
            writer.write(
                page, photometric=kind, metadata=None, subfiletype=subfiletype if number else 0
            )
    return target.getvalue()


def _imagej(stack: Array, **options: Any) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, stack, imagej=True, **options)
    return target.getvalue()


def _pyramid(colour: Array) -> bytes:
    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        writer.write(colour, photometric="rgb", subifds=2, metadata=None)
        for step in (2, 4):
            writer.write(
                colour[::step, ::step].copy(), photometric="rgb", subfiletype=1, metadata=None
            )
    return target.getvalue()


def _palette() -> Array:
    return (np.arange(768, dtype=np.uint16).reshape(3, 256) * 85).astype(np.uint16)


def _tags() -> list[tuple[Any, ...]]:
    return [
        (274, "H", 1, 6, True),
        (270, "s", 0, "words \x1b[31m", True),
        (700, "B", len(XMP), XMP, True),
        (33550, "d", 3, (1.0, 1.0, 0.0), True),
        (33922, "d", 6, (0.0,) * 6, True),
        (34735, "H", 4, (1, 1, 0, 0), True),
        (42113, "s", 0, "-9999", True),
    ]


def _saved(image: Image.Image, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, "TIFF", **options)
    return target.getvalue()
