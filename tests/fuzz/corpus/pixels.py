"""Pixels and metadata that the files of the corpus hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageCms

Array = np.ndarray[Any, Any]

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    b' xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"'
    b' xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"'
    b' GCamera:MicroVideoOffset="400"'
    b' xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def pixels(channels: int, dtype: str = "uint8", height: int = 18, width: int = 23) -> Array:
    """A noisy ramp: (H, W) of one channel, else (H, W, C)."""
    generator = np.random.default_rng(channels)
    ramp = np.linspace(0.1, 0.8, width)[None, :, None] * np.linspace(0.5, 1, height)[:, None, None]
    values = np.clip(ramp + generator.normal(0, 0.05, (height, width, channels)), 0, 1)
    kind = np.dtype(dtype)
    if kind.kind != "f":
        values = np.rint(values * np.iinfo(kind).max)
    values = values.astype(kind)
    return values[..., 0] if channels == 1 else values


def profile() -> bytes:
    """An ICC profile of sRGB."""
    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def exif(orientation: int = 6) -> bytes:
    """An EXIF block with an orientation, texts, a place and numbers of cameras."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "Maker"
    block[0x0132] = "2026:01:02 03:04:05"
    block.get_ifd(0x8769).update({0x829A: 0.01, 0xA002: 23, 0xA003: 18, 0x927C: bytes(200)})
    block.get_ifd(0x8825).update({1: "N", 2: (1.0, 2.0, 3.0)})
    return block.tobytes()
