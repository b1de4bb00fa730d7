"""What the reader of a page has: pictures, test sets, a published checkpoint and finished runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image

import restorekit

TEST_SETS = ("CBSD68", "Kodak24", "Set12", "held_out", "pictures")
PAIRS = ("Nam25", "FMDD12")
RUNS = ("mine", "a", "b")
# What a configuration has that a page shows in part.
SMALL_RUN: dict[str, Any] = {
    "model": {"name": "dncnn", "depth": 3, "width": 8},
    "noise": {"name": "gaussian", "std": 0.1},
    "dataset": {"name": "folder", "path": "photos", "patch_size": 32},
    "train": {"steps": 2, "batch_size": 2},
}


def fill(folder: Path) -> None:
    """Write everything into an empty folder."""
    for number, name in enumerate(("photo.jpg", "photos/a.jpg", "photos/b.png", "photos/c.png")):
        write_picture(folder / name, number, (72, 80, 3))
    for number, name in enumerate(("shaken/a.jpg", "small.png", "scratched.png")):
        write_picture(folder / name, number, (72, 80, 3))
    write_picture(folder / "mask.png", 0, (72, 80))
    for number, name in enumerate(TEST_SETS):
        gray = name == "Set12"
        write_picture(folder / name / "one.png", number, (48, 48) if gray else (48, 48, 3))
    for name in PAIRS:
        write_pair(folder / name / "gt" / "one.png", folder / name / "noisy" / "one.png")
    for scene in ("0001_001_S6", "0002_001_S6"):
        place = folder / "SIDD" / scene
        write_pair(place / "GT_SRGB_010.PNG", place / "NOISY_SRGB_010.PNG")
    write_pair(folder / "shots" / "mean" / "cat.png", folder / "shots" / "raw" / "cat_1.png")
    for number, name in enumerate(("cat_1", "cat_2", "dog_1", "dog_2")):
        write_picture(folder / "bursts" / f"{name}.png", number, (48, 48, 3))
    (folder / "pairs.csv").write_text("clean,noisy\nmean/cat.png,raw/cat_1.png\n")
    cells = 100 + np.random.default_rng(3).poisson(200, (2, 64, 72)).astype(np.uint16)
    tifffile.imwrite(folder / "cells.tif", cells, photometric="minisblack")
    torch.save(published_weights(), folder / "dncnn_25.pth")
    (folder / "config.json").write_text(json.dumps(SMALL_RUN))
    train(folder)


def write_picture(path: Path, seed: int, shape: tuple[int, ...]) -> None:
    """A picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8)).save(path)


def write_pair(clean: Path, noisy: Path) -> None:
    """Two pictures of one scene."""
    write_picture(clean, 0, (48, 48, 3))
    write_picture(noisy, 1, (48, 48, 3))


def published_weights() -> dict[str, torch.Tensor]:
    """Random weights in the layout of KAIR's folded DnCNN, three layers of four channels."""
    sizes = [(4, 3), (4, 4), (3, 4)]
    generator = torch.Generator().manual_seed(0)
    weights = [0.1 * torch.randn(*size, 3, 3, generator=generator) for size in sizes]
    named = {f"model.{2 * i}.weight": weight for i, weight in enumerate(weights)}
    return named | {f"model.{2 * i}.bias": torch.zeros(w.shape[0]) for i, w in enumerate(weights)}


def train(folder: Path) -> None:
    """A short run, under several names."""
    first, *others = (folder / "runs" / name for name in RUNS)
    dataset = SMALL_RUN["dataset"] | {"path": str(folder / "photos")}
    config = SMALL_RUN | {"dataset": dataset, "save_weight_path": str(first)}
    restorekit.Trainer(config).fit()
    for other in others:
        shutil.copytree(first, other)
