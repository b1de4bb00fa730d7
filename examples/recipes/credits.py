"""Write the credits of the training data: python examples/recipes/credits.py train.csv CREDITS.md.

One line a picture, under its licence and the collection it comes from: its title, linked where the
collection is on GitHub, and its author. Columns: source_repo_or_package, source_path, licence,
author_if_known.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import defaultdict
from pathlib import Path

from restorekit.storage.atomic import atomic_path

LICENSES = {
    "CC-BY": "https://creativecommons.org/licenses/by/{version}/",
    "CC-BY-SA": "https://creativecommons.org/licenses/by-sa/{version}/",
    "CC0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "FAL": "https://artlibre.org/licence/lal/en/",
    "Public domain": "",
}
HEAD = """# Credits

The weights in this folder were trained on {count} photographs, cut from copies that were scaled
down; no photograph is in this package. Thanks to their authors. By licence:

"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", type=Path, help="the CSV file of the training data")
    parser.add_argument("output", type=Path)
    chosen = parser.parse_args()
    with chosen.table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with atomic_path(chosen.output) as temporary:
        temporary.write_text(credits_of(rows), encoding="utf-8")


def credits_of(rows: list[dict[str, str]]) -> str:
    """The text for the rows of the table."""
    by_license: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_license[row["licence"]][row["source_repo_or_package"]].append(line_of(row))
    counts = {name: sum(map(len, groups.values())) for name, groups in by_license.items()}
    order = sorted(by_license, key=lambda name: (-counts[name], name))
    text = HEAD.format(count=len(rows))
    text += "".join(f"- {linked(name)}: {counts[name]}\n" for name in order)
    for name in order:
        text += f"\n## {name}\n"
        for source, lines in sorted(by_license[name].items()):
            text += f"\n### {place_of(source)}\n\n" + "".join(
                f"- {each}\n" for each in sorted(lines)
            )
    return text


def line_of(row: dict[str, str]) -> str:
    """ "Title" by Author, or the file's name where the table knows no title."""
    author = " ".join(row["author_if_known"].split())
    author = re.sub(r"^credit:\s*", "", author, flags=re.IGNORECASE)
    name = row["source_path"].rpartition("/")[2].rpartition(":")[2]
    return f"{name}: {author}" if author else f"{name} (author not stated)"


def place_of(source: str) -> str:
    """A collection; one on GitHub with its address."""
    on_github = re.fullmatch(r"[\w.-]+/[\w.-]+", source)
    return f"[{source}](https://github.com/{source})" if on_github else source


def linked(license: str) -> str:
    """A licence with the address of its text."""
    match = re.match(r"(CC-BY-SA|CC-BY|CC0|FAL|Public domain)(?:-([\d.]+))?", license)
    if match is None:
        return license
    address = LICENSES[match[1]]
    if not address or ("{version}" in address and not match[2]):
        return license
    return f"[{license}]({address.format(version=match[2])})"


if __name__ == "__main__":
    main()
