"""Pages of text with noise."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont


def page(height: int, blur: float = 0.6, ink: int = 0) -> np.ndarray:
    """Letters of that height on paper of the value 255, (256, 384), floats.

    Args:
        height: in pixels.
        blur: standard deviation in pixels; 0 for letters as they are rendered.
        ink: value of the letters.
    """
    drawn = Image.new("L", (384, 256), 255)
    draw, font = ImageDraw.Draw(drawn), ImageFont.load_default(height)
    for number, top in enumerate(range(10, 240 - height, height * 3 // 2)):
        draw.text(
            (10, top), f"{number} The quick brown fox jumps over it, and sleeps" * 2, font=font
        )
    if blur:
        drawn = drawn.filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(ink + (255 - ink) * (np.array(drawn) / 255.0))


def noisy(clean: np.ndarray, sigma: float) -> np.ndarray:
    """A picture with white noise, rounded and clipped to 8 bits."""
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
    return np.asarray((clean + noise).round().clip(0, 255).astype(np.uint8))
