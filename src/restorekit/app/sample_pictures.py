"""Pictures to try the page with: photographs of scikit-image if it is installed, a drawing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restorekit.data.samples import sample_path
from restorekit.errors import DataError, MissingExtraError
from restorekit.operations.noise_files import add_noise_files

_GRAINY = {"name": "gaussian", "std": 25 / 255}
_DIM = {"name": "camera", "shot": 0.004, "smooth": 0.0}
_SPECKED = {"name": "salt_and_pepper", "amount": 0.05}
# By label: the sample of scikit-image, None for the drawing, and the noise that is added.
_NOISY: dict[str, tuple[str | None, dict[str, Any]]] = {
    "Portrait, grainy": ("astronaut", _GRAINY),
    "Cat, dim light": ("chelsea", _DIM),
    "Coffee, white and black specks": ("coffee", _SPECKED),
    "Photographer, gray, grainy": ("camera", _GRAINY),
    "Drawing, grainy": (None, _GRAINY),
}


def noisy_samples() -> list[str]:
    """The labels of the samples that are available."""
    return [label for label, (name, _) in _NOISY.items() if _is_available(name)]


def clean_samples() -> list[str]:
    """The labels of the same pictures without noise."""
    return [label.partition(",")[0] for label in noisy_samples()]


def write_sample(label: str, folder: Path) -> Path:
    """Write a sample as a PNG file.

    Args:
        label: a label of `noisy_samples` or `clean_samples`.
        folder: where it is written.

    Raises:
        DataError: there is no such sample.
    """
    for known, (name, noise) in _NOISY.items():
        word = known.partition(",")[0]
        if label not in (known, word) or not _is_available(name):
            continue
        clean = folder / f"{word.lower()}.png"
        if name is None:
            Image.fromarray(_drawing()).save(clean)
        else:
            shutil.copyfile(sample_path(name), clean)
        if label == word:
            return clean
        noisy = clean.with_stem(f"{clean.stem}-noisy")
        add_noise_files(clean, noisy, noise)
        return noisy
    raise DataError(f"there is no sample '{label}'")


def _is_available(name: str | None) -> bool:
    try:
        return name is None or sample_path(name).is_file()
    except (DataError, MissingExtraError):
        return False


def _drawing(height: int = 400, width: int = 480) -> NDArray[np.uint8]:
    """Discs with soft shading and stripes before a sky."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    picture = np.stack([0.35 + 0.3 * y, 0.5 + 0.25 * y, 0.85 - 0.25 * y], -1)
    ground = y > 0.62 + 0.05 * np.sin(7 * x)
    stripes = 0.04 * np.sin(90 * x + 30 * y)
    picture[ground] = np.stack([0.3 + stripes, 0.45 + stripes, 0.25 + stripes], -1)[ground]
    discs = (((0.3, 0.5), 0.2, (0.8, 0.3, 0.2)), ((0.68, 0.42), 0.16, (0.9, 0.75, 0.3)))
    for (across, down), radius, colour in discs:
        distance = np.hypot((x - across) * width / height, y - down) / radius
        light = np.clip(1.05 - 0.6 * np.hypot(x - across + 0.06, y - down + 0.08) / radius, 0.15, 1)
        picture = np.where((distance < 1)[..., None], light[..., None] * colour, picture)
    drawn: NDArray[np.uint8] = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    return drawn
