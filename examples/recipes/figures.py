"""Measure the published figures, and write the model cards and docs/figures.md from them.

    python examples/recipes/figures.py measure TESTSETS   # run all commands again, or
                                          # with --only Nam25 those that contain "Nam25"
    python examples/recipes/figures.py add r.json ...     # add JSON files of the benchmark
    python examples/recipes/figures.py write              # write the cards, docs/figures.md
                                          # and the table of the README

results.json holds the results, each with the command that measures it, and the figures that they
are compared with (published figures, other software, goals), each with its source. TESTSETS is the
folder that contains CBSD68, Set12, Kodak24, Nam25 and FMDD12.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from restorekit.evaluate.benchmark_results import read_json
from restorekit.evaluate.protocol import Protocol
from restorekit.storage.atomic import atomic_path
from restorekit.weights import annotate, read_card

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
CARDS = HERE / "cards.json"  # what a card says besides figures
PRETRAINED = HERE.parents[1] / "src" / "restorekit" / "pretrained"
PAGE = HERE.parents[1] / "docs" / "figures.md"
README = HERE.parents[1] / "README.md"
BEGIN, END = "<!-- written by examples/recipes/figures.py -->\n", "<!-- end -->\n"
# The rows of the table in the README: test set, non-default options, model, noise and its name.
OVERVIEW: tuple[tuple[str, dict[str, Any], str, str, str], ...] = (
    ("CBSD68", {}, "swift-gaussian", "gaussian:25", "Gaussian, sigma 25"),
    ("Kodak24", {}, "swift-gaussian", "gaussian:25", "Gaussian, sigma 25"),
    ("CBSD68", {"gray": True}, "swift-gaussian-gray", "gaussian:25", "gray, Gaussian, sigma 25"),
    ("Set12", {}, "swift-gaussian-gray", "gaussian:25", "gray, Gaussian, sigma 25"),
    ("CBSD68", {}, "swift-impulse", "salt_and_pepper:0.05", "salt and pepper, 5 %"),
    ("Nam25", {}, "swift-photo", "real", "noise of cameras"),
)
COLUMNS = ("BM3D", "DnCNN", "FFDNet", "DRUNet")
MEANS = ("psnr_noisy", "psnr_unclamped", "psnr", "ssim", "worst_change", "worsened")


def main() -> None:
    """Measure, add or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    measuring = actions.add_parser("measure")
    measuring.add_argument("folder", type=Path)
    measuring.add_argument("--only", default="", metavar="TEXT")
    actions.add_parser("add").add_argument("files", nargs="+", type=Path)
    actions.add_parser("write")
    arguments = parser.parse_args()
    if arguments.action == "measure":
        measure(arguments.folder, arguments.only)
    elif arguments.action == "add":
        add(arguments.files)
    else:
        write()


def measure(folder: Path, only: str) -> None:
    """Run the commands that contain a text again, on the test sets below a folder."""
    for found in load()["measured"]:
        if only not in found["command"]:
            continue
        words = shlex.split(found["command"])[1:]
        place = words.index("--data") + 1
        words[place] = str(folder / words[place])
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "results.json"
            call = [sys.executable, "-m", "restorekit", *words, "--json", str(file)]
            subprocess.run(call, check=True)
            add([file])


def add(files: Iterable[Path]) -> None:
    """Add results and replace those of the same command."""
    everything = load()
    for file in files:
        new = condensed(file)
        commands = [each["command"] for each in everything["measured"]]
        if new["command"] in commands:
            everything["measured"][commands.index(new["command"])] = new
        else:
            everything["measured"].append(new)
    with atomic_path(RESULTS) as temporary:
        temporary.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


def write() -> None:
    """Update the cards and the page from the results."""
    everything = load()
    texts = json.loads(CARDS.read_text(encoding="utf-8"))
    for path in sorted(PRETRAINED.glob("*.safetensors")):
        write_card(path, {**texts[path.stem], **card_fields(everything, path.stem)})
    for page, table_of in ((PAGE, sections), (README, overview)):
        text = with_generated(page.read_text(encoding="utf-8"), table_of(everything))
        with atomic_path(page) as temporary:
            temporary.write_text(text, encoding="utf-8")


def load() -> dict[str, Any]:
    """Return the results and the figures that they are compared with."""
    return dict(json.loads(RESULTS.read_text(encoding="utf-8")))


def condensed(file: Path) -> dict[str, Any]:
    """Return the results of one command without those of single pictures."""
    results = read_json(file)
    data = dataclasses.asdict(results.data)
    return {
        "command": results.command,
        "protocol_version": results.protocol_version,
        "protocol": results.protocol.changes,
        "data": {key: data[key] for key in ("folder", "pictures", "megapixels", "digest")},
        "environment": dataclasses.asdict(results.environment),
        "rows": [
            {
                "model": row.model,
                "weights": results.models[row.model].weights,
                "noise": row.noise,
                "precision": row.precision,
                **{key: rounded(results.means(row)[key]) for key in MEANS},
            }
            for row in results.rows
        ],
    }


def rounded(value: float | None) -> float | None:
    """Round to four decimals."""
    return None if value is None else round(value, 4)


def card_fields(everything: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the figures for a model card, each labelled with its non-default options."""
    psnr: dict[str, dict[str, float]] = {}
    measured: dict[str, None] = {}
    for found in everything["measured"]:
        remarks = Protocol(**found["protocol"]).remarks
        for row in found["rows"]:
            if row["model"] == name:
                label = ", ".join((row["noise"], *remarks))
                psnr.setdefault(found["data"]["folder"], {})[label] = round(row["psnr"], 2)
                measured[where(found, row["precision"])] = None
    return {"psnr": psnr, "measured": "; ".join(measured)}


def where(found: dict[str, Any], precision: str) -> str:
    """Return how and on which machine something was measured, in short."""
    environment = found["environment"]
    return (
        f"restorekit benchmark, protocol {found['protocol_version']}, {precision}, "
        f"{environment['processor']}, {environment['date'][:10]}"
    )


def write_card(path: Path, fields: dict[str, Any]) -> None:
    """Change fields of the card of a weights file. The tensors are not changed.

    Raises:
        RuntimeError: a byte of the tensors would have changed.
    """
    card = read_card(path)
    if all(card.get(key) == value for key, value in fields.items()):
        return
    with tempfile.TemporaryDirectory() as scratch:
        annotate(path, tried := Path(scratch) / path.name, fields)
        if tensor_bytes(tried) != tensor_bytes(path):
            raise RuntimeError(f"{path}: its tensors would not stay the same")
    annotate(path, path, fields)


def tensor_bytes(path: Path) -> bytes:
    """Return the content of a safetensors file after its header."""
    content = path.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


def with_generated(text: str, generated: str) -> str:
    """Return a page with its generated part replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{generated}{END}{after}"


def sections(everything: dict[str, Any]) -> str:
    """Return the sections of all commands, those of one test set together."""
    measured = everything["measured"]
    folders = list(dict.fromkeys(each["data"]["folder"] for each in measured))
    ordered = sorted(measured, key=lambda each: folders.index(each["data"]["folder"]))
    return "".join(section(found, everything["compared"]) for found in ordered)


def overview(everything: dict[str, Any]) -> str:
    """Return the table of the README: some results next to those of other methods."""
    lines = [["mean PSNR in dB", "noisy", "restorekit", *COLUMNS, "other"]]
    for folder, protocol, model, noise, title in OVERVIEW:
        found, row = measured_row(everything["measured"], folder, protocol, model, noise)
        others = {
            each["name"]: f"{each['psnr'][noise]:.2f}"
            for each in reversed(everything["compared"])  # the first of a name is kept
            if each["command"] == found["command"] and noise in each["psnr"]
        }
        others.pop("goal", None)
        known = [others.pop(name, "") for name in COLUMNS]
        other = ", ".join(f"{value} ({name})" for name, value in others.items())
        ours = f"**{row['psnr']:.2f}**"
        lines.append([f"{folder}, {title}", f"{row['psnr_noisy']:.2f}", ours, *known, other])
    return f"{table(lines)}\n"


def measured_row(
    measured: Sequence[dict[str, Any]],
    folder: str,
    protocol: dict[str, Any],
    model: str,
    noise: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the result of a protocol, and its row for a model and a noise."""
    for found in measured:
        if (found["data"]["folder"], found["protocol"]) == (folder, protocol):
            for row in found["rows"]:
                if (row["model"], row["noise"]) == (model, noise):
                    return found, row
    raise LookupError(f"{model} was not measured on {folder} with {noise} and {protocol}")


def section(found: dict[str, Any], others: Sequence[dict[str, Any]]) -> str:
    """Return a command, its table, and how it was measured."""
    compared = [each for each in others if each["command"] == found["command"]]
    rows = found["rows"]
    models = list(dict.fromkeys(row["model"] for row in rows))
    noises = list(dict.fromkeys(row["noise"] for row in rows))
    by_place = {(row["noise"], row["model"]): row for row in rows}
    lines = [["noise", "noisy", *(f"`{model}`" for model in models)]]
    lines[0] += [f"{each['name']} [{n}]" for n, each in enumerate(compared, start=1)]
    for noise in noises:
        here = [by_place[noise, model] for model in models]
        more = [compared_cell(each, noise, by_place) for each in compared]
        lines.append([noise, f"{here[0]['psnr_noisy']:.2f}", *map(cell, here), *more])
    remarks = Protocol(**found["protocol"]).remarks
    data = found["data"]
    title = ", ".join((data["folder"], kind(noises), *remarks))
    precision = ", ".join(dict.fromkeys(row["precision"] for row in rows))
    notes = [f"[{n}] {each['source']}" for n, each in enumerate(compared, start=1)]
    notes.append(f"{where(found, precision)}; {data['pictures']} pictures, digest {data['digest']}")
    listed = "\n".join(f"- {note}" for note in notes)
    return f"## {title}\n\n```shell\n{found['command']}\n```\n\n{table(lines)}\n{listed}\n\n"


def kind(noises: Sequence[str]) -> str:
    """Return the kind of the noises."""
    names = dict.fromkeys(noise.partition(":")[0].replace("_", "-") for noise in noises)
    return f"{' and '.join(names)} noise"


def cell(row: dict[str, Any]) -> str:
    """Return the PSNR, and how many pictures became worse, if any."""
    worse = f" ({row['worsened']} worse)" if row["worsened"] else ""
    return f"{row['psnr']:.2f}{worse}"


def compared_cell(
    compared: dict[str, Any], noise: str, rows: dict[tuple[str, str], dict[str, Any]]
) -> str:
    """Return a figure for comparison. For a goal it says whether it is missed."""
    value = compared["psnr"].get(noise)
    if value is None:
        return ""
    reached = rows[noise, compared["goal_of"]]["psnr"] if "goal_of" in compared else value
    short = value - round(reached, 2)
    return f"{value:.2f}" + (f" (missed by {short:.2f})" if short > 0.004 else "")


def table(lines: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table. The first row is the header."""
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (lines[0], rule, *lines[1:]))


if __name__ == "__main__":
    main()
