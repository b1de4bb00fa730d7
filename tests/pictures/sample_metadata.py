"""Pixels and metadata for tests of written files."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CAMERA = Image.Exif()
CAMERA[0x0110] = "a camera"
CAMERA.get_ifd(0x8769)[0x829A] = 0.25
EXIF = CAMERA.tobytes()[6:]


def random(dtype: Any, channels: int = 3, size: tuple[int, int] = (9, 13)) -> Any:
    generator = np.random.default_rng(0)
    if np.dtype(dtype).kind == "f":
        return generator.random((*size, channels), np.float32)
    return generator.integers(0, int(np.iinfo(dtype).max) + 1, (*size, channels)).astype(dtype)
