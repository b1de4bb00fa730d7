"""Train a small U-Net for about a minute and restore a photograph that it was not trained on.

Writes the weights, the metrics, the loss map and `before_after.png` to a folder, by default `demo`.
The photographs are part of scikit-image, so nothing is downloaded.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

import restorekit
from restorekit.metric.image_quality import psnr, ssim

HELD_OUT = "astronaut"  # the photograph to restore
VALIDATION = "chelsea"  # the photograph that selects the best weights
TEXTURES = ["brick", "grass", "gravel"]  # close-ups: one minute is too short to learn them too
NOISE = {"name": "gaussian", "std": 0.1}  # 25.5 in 8-bit levels
SECONDS = 60
TV_WEIGHTS = (0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.15)
CROP = (slice(0, 256), slice(100, 356))  # the part shown in before_after.png, at full resolution

Array = np.ndarray[Any, Any]
console = Console()


def make_trainer(folder: Path, steps: int) -> restorekit.Trainer:
    """Return a Trainer on the sample photographs, without the held-out ones."""
    exclude = [HELD_OUT, VALIDATION, *TEXTURES]
    return restorekit.Trainer(
        model={"name": "unet", "width": 16, "depth": 2},
        noise=NOISE,
        loss={"l1": 1.0, "ssim": 0.1},
        dataset={"name": "samples", "exclude": exclude, "patches_per_image": 32, "patch_size": 64},
        validation_dataset={"name": "samples", "pictures": [VALIDATION], "patch_size": 256},
        save_weight_path=folder,
        steps=steps,
        batch_size=4,
        learning_rate=2e-3,
        warmup_steps=50,
        clip_norm=1.0,
    )


def steps_in(seconds: float, folder: Path) -> int:
    """Measure how many steps this machine computes in the given time, limited to 500 to 5000.

    On a busy machine several threads can be slower than one, so one is tried too, and the faster
    number of threads is kept.
    """
    trainer, batch = make_trainer(folder, steps=1), torch.rand(4, 3, 64, 64)
    pace = {}
    for threads in {torch.get_num_threads(), 1}:
        torch.set_num_threads(threads)
        pace[threads] = statistics.median(_seconds(trainer, batch) for _ in range(10))
    fastest = min(pace, key=pace.__getitem__)
    torch.set_num_threads(fastest)
    return int(min(max(seconds / pace[fastest], 500), 5000))


def _seconds(trainer: restorekit.Trainer, batch: Tensor) -> float:
    began = time.perf_counter()
    trainer.step(1, batch)["loss"].item()
    return time.perf_counter() - began


def best_total_variation(noisy: Tensor, clean: Tensor) -> tuple[Tensor, float]:
    """Return the total-variation result with the highest PSNR, and its weight.

    The weight is chosen with the clean picture, which is not available in practice. The comparison
    therefore favours total variation.
    """
    results = {
        weight: _batch(denoise_tv_chambolle(_array(noisy), weight=weight, channel_axis=2))
        for weight in TV_WEIGHTS
    }
    best = max(results, key=lambda weight: float(psnr(results[weight], clean)))
    return results[best], best


def show_table(results: dict[str, Tensor], clean: Tensor) -> None:
    """Print PSNR and SSIM of each result."""
    table = Table("", "PSNR (dB)", "SSIM")
    for label, image in results.items():
        table.add_row(label, f"{float(psnr(image, clean)):.2f}", f"{float(ssim(image, clean)):.3f}")
    console.print(table)


def save_picture(path: Path, results: dict[str, Tensor], clean: Tensor) -> None:
    """Draw the same part of the clean picture and of each result side by side, unscaled."""
    labels = {"clean": clean} | {
        f"{label}, {float(psnr(image, clean)):.2f} dB": image for label, image in results.items()
    }
    height, width = (part.stop - part.start for part in CROP)
    figure = Figure(figsize=(len(labels) * width / 100, height / 100 + 0.3), dpi=100)
    for number, (label, image) in enumerate(labels.items()):
        place = (number / len(labels), 0, 1 / len(labels), height / (height + 30))
        axes = figure.add_axes(place)
        axes.imshow(_array(image.clamp(0, 1))[CROP], interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(label, fontsize=10)
    figure.savefig(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, restore, compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="output folder")
    parser.add_argument("--steps", type=int, help="training steps; default: about a minute")
    given = parser.parse_args(arguments)

    clean = restorekit.create_dataset("samples", pictures=[HELD_OUT], patch_size=None)[0][None]
    noise = restorekit.noises.build(NOISE)
    noisy = noise(clean, torch.Generator().manual_seed(0)).noisy

    steps = given.steps or steps_in(SECONDS, given.folder)
    console.print(f"training for {steps} steps")
    outcome = make_trainer(given.folder, steps).fit()
    if outcome.exit_code:  # Ctrl-C
        raise SystemExit(outcome.exit_code)

    restored = restorekit.denoise(noisy, model=given.folder)
    smoothed, weight = best_total_variation(noisy, clean)
    results = {"noisy": noisy, "total variation": smoothed, "restored": restored}
    console.print(f"'{HELD_OUT}', not used for training, with Gaussian noise of std 0.1:")
    show_table(results, clean)
    console.print(
        f"Total variation uses the weight that is best for this picture ({weight}).\n"
        f"In {given.folder}/: best.safetensors, loss_map.png, before_after.png.\n"
        f"Your own picture: restorekit denoise PICTURE.jpg -m {given.folder} -o restored.png",
        highlight=False,
        soft_wrap=True,
    )
    save_picture(given.folder / "before_after.png", results, clean)


def _array(image: Tensor) -> Array:
    """(1, C, H, W) as (H, W, C)."""
    return image[0].movedim(0, 2).numpy()


def _batch(array: Array) -> Tensor:
    """(H, W, C) as (1, C, H, W)."""
    return torch.from_numpy(array).float().movedim(2, 0)[None]


if __name__ == "__main__":
    main()
