"""Make the weights of a run those that come with the package, with their model card.

    python examples/recipes/release.py swift-photo runs/swift_photo photographs.csv results.json ...

What a card says is in cards.json beside this file, apart from what is counted and measured: the
licences come from the list of the training photographs, PSNR from what `restorekit benchmark` wrote
with --json.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from pathlib import Path

from restorekit.evaluate.results import read_json
from restorekit.weights import annotate

HERE = Path(__file__).parent
PRETRAINED = HERE.parents[1] / "src" / "restorekit" / "pretrained"


def main() -> None:
    """Read weights, write weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("run")
    parser.add_argument("photographs")
    parser.add_argument("results", nargs="*")
    arguments = parser.parse_args()
    with open(arguments.photographs, encoding="utf-8", newline="") as file:
        licences = Counter(family(row["licence"]) for row in csv.DictReader(file))
    fields = {
        **json.loads((HERE / "cards.json").read_text(encoding="utf-8"))[arguments.name],
        "training_data": f"{licences.total()} clean photographs, 229 megapixels, downscaled",
        "licenses": dict(licences.most_common()),
        "credits": "CREDITS.md",
        "license": "MIT",
        "psnr": measured(arguments.results, arguments.name),
        "dataset": None,  # a path of the machine that trained
    }
    # 20 MB is what all of them may take in the package.
    released = PRETRAINED / f"{arguments.name}.safetensors"
    annotate(arguments.run, released, fields, half="bfloat16")  # what they were trained in


def family(licence: str) -> str:
    """A licence without the remark on where it was read."""
    return licence.partition(" (")[0].partition(";")[0]


def measured(files: list[str], name: str) -> dict[str, dict[str, float]]:
    """PSNR in dB of the weights of that name, by data and noise."""
    found: dict[str, dict[str, float]] = {}
    for file in files:
        results = read_json(file)
        rows = found.setdefault(results.data.folder, {})
        for row in results.rows:
            if row.model == name:
                clipped = ", clipped" * (results.protocol.clip or results.protocol.quantize)
                rows[f"{row.noise}{clipped}"] = round(row.psnr, 2)
    return found


if __name__ == "__main__":
    main()
