"""How much of the light of catalogued stars and galaxies is left after restoring a frame.

    python benchmarks/star_light.py FRAME.tif CATALOGUE [--radius 3]

The catalogue is one of SExtractor, as text with a header; X_IMAGE and Y_IMAGE are its second and
third column. Light is what a circle has above the median of the frame. Sources are grouped by
their light relative to its error, which is that of the noise of single pixels.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

import restorekit
from restorekit.pictures.tensors import read_image

Floats = npt.NDArray[np.float64]
_LIMITS = (0.0, 10.0, 20.0, 50.0, np.inf)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("frame", type=Path)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--radius", type=float, default=3.0, help="of the circles, in pixels")
    arguments = parser.parse_args()
    frame = read_image(arguments.frame)
    outcome = restorekit.Denoiser().restore(frame)
    print(outcome.left_alone or (outcome.choice and outcome.choice.words))
    noisy, restored = np.asarray(frame, float), np.asarray(outcome.image, float)
    places = np.loadtxt(arguments.catalogue)[:, 1:3] - 1
    above = [image - np.median(noisy) for image in (noisy, restored)]
    before, after = (light(image, places, arguments.radius) for image in above)
    significance = before / light_error(noisy, arguments.radius)
    print(f"{'light in errors':>20}{'sources':>9}{'left: median':>14}{'least':>7}")
    for low, high in pairwise(_LIMITS):
        left = (after / before)[(significance >= low) & (significance < high)]
        if len(left):
            name, middle = f"{low:.0f} to {high:.0f}", np.median(left)
            print(f"{name:>20}{len(left):9}{middle:14.3f}{left.min():7.3f}")


def light(image: Floats, places: Floats, radius: float) -> Floats:
    """The light of each source, in the units of the image, whose sky is 0."""
    rows, columns = np.indices(image.shape)
    circles = (np.hypot(rows - y, columns - x) <= radius for x, y in places)
    return np.array([image[circle].sum() for circle in circles])


def light_error(image: Floats, radius: float) -> float:
    """The error of the light of a source, from the differences of neighbouring pixels."""
    noise = np.median(np.abs(np.diff(image))) / 0.6745 / np.sqrt(2)
    return float(noise * np.sqrt(np.pi) * radius)


if __name__ == "__main__":
    main()
