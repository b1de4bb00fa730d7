"""Make the weights of a run the bundled weights, with their model card.

    python examples/recipes/release.py swift-photo runs/swift_photo photographs.csv
    python examples/recipes/figures.py measure TESTSETS
    python examples/recipes/figures.py write

The text of the cards is in cards.json. The licences are counted in the list of the training
photographs, and figures.py measures and adds the figures.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from pathlib import Path

from restorekit.weights import annotate

HERE = Path(__file__).parent
PRETRAINED = HERE.parents[1] / "src" / "restorekit" / "pretrained"


def main() -> None:
    """Write the weights and their card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("run")
    parser.add_argument("photographs")
    arguments = parser.parse_args()
    with open(arguments.photographs, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    licences = Counter(family(row["licence"]) for row in rows)
    megapixels = sum(int(row["width"]) * int(row["height"]) for row in rows) / 1e6
    fields = {
        **json.loads((HERE / "cards.json").read_text(encoding="utf-8"))[arguments.name],
        "training_data": f"{len(rows)} clean photographs, {megapixels:.0f} megapixels, downscaled",
        "licenses": dict(licences.most_common()),
        "credits": "CREDITS.md",
        "license": "MIT",
        "psnr": None,  # the figures of the previous weights
        "measured": None,
        "dataset": None,  # a path of the training machine
    }
    # All weights of the package may take 24 MB together.
    released = PRETRAINED / f"{arguments.name}.safetensors"
    annotate(arguments.run, released, fields, half="bfloat16")  # the precision of training


def family(licence: str) -> str:
    """A licence without the remark on its source."""
    return licence.partition(" (")[0].partition(";")[0]


if __name__ == "__main__":
    main()
