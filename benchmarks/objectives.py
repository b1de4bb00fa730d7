"""Networks that learn from noisy photographs alone, against one that learns from clean ones.

    python benchmarks/objectives.py PHOTOGRAPHS TESTSET

A small network is trained from the same start, with the same number of steps and the same patches,
by every objective. A second table has those that need a network that does not add its input to its
output, with such a network. Each photograph has one noise that never changes: Gaussian of standard
deviation 25/255, not clipped. Only `supervised` gets the clean photographs, and only `noise2noise`
a second shot. Prints the mean PSNR in dB on the middles of the pictures of the test set.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor, nn

from restorekit import NoisyImages, Trainer, create_model, create_noise, load_model
from restorekit.data.patches import random_patch
from restorekit.records import restore_batch

SIGMA = 25 / 255
MODEL = {"name": "dncnn", "depth": 7, "width": 24, "channels": 1, "batch_norm": False}
PLAIN = {"name": "unet", "depth": 2, "width": 12, "channels": 1, "residual": False}
STEPS = "steps"  # stands for the number of steps of the run
Known = Literal["clean", "second", "nothing"]
# What each objective is given besides the noisy photographs.
OBJECTIVES: dict[str, tuple[Any, Known]] = {
    "supervised": ("supervised", "clean"),
    "noise2noise": ("noise2noise", "second"),
    "noise2void": ("noise2void", "nothing"),
    "noise2void, median": ({"name": "noise2void", "strategy": "median"}, "nothing"),
    "neighbor2neighbor": ({"name": "neighbor2neighbor", "ramp": 0}, "nothing"),
    "recorrupted2recorrupted": ({"name": "recorrupted2recorrupted", "sigma": SIGMA}, "nothing"),
    "noisier2noise": (
        {"name": "noisier2noise", "alpha": 0.5, "extra": {"name": "gaussian", "std": SIGMA}},
        "nothing",
    ),
    "sure": ({"name": "sure", "sigma": SIGMA}, "nothing"),
    "unsure": ("unsure", "nothing"),
    "blind2unblind": ({"name": "blind2unblind", "ramp": STEPS}, "nothing"),
}
FOR_PLAIN = ("supervised", "noise2void, median", "blind2unblind")


class Photographs:
    """Random patches of photographs in memory, each with its own noise."""

    def __init__(self, clean: Sequence[Tensor], known: Known, side: int) -> None:
        self.pictures = [with_noise(image, seed, known) for seed, image in enumerate(clean)]
        self.side = side

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> NoisyImages:
        return self.pictures[index].map(lambda image: image[:, : self.side, : self.side])

    def sample(self, index: int, generator: Generator) -> NoisyImages:
        """A random patch, the same one of all that is known of the scene."""
        state = generator.get_state()

        def patch(image: Tensor) -> Tensor:
            generator.set_state(state)
            return random_patch(image, self.side, generator)

        return self.pictures[index].map(patch)


def main() -> None:
    """Train every network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("testset", type=Path)
    parser.add_argument("--count", type=int, default=200, help="photographs to train on")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--model", type=json.loads, help="as in a configuration, for all")
    parser.add_argument("--only", action="append", choices=list(OBJECTIVES))
    given = parser.parse_args()
    paths = sorted(path for path in given.photographs.iterdir() if path.is_file())
    chosen = random.Random(0).sample(paths, min(given.count, len(paths)))
    training = [gray_middle(path, 160) for path in chosen]
    clean = torch.stack([gray_middle(path, 192) for path in sorted(given.testset.iterdir())])
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=Generator().manual_seed(10**6))
    wanted = given.only or list(OBJECTIVES)
    print_head()
    show("noisy", psnr(noisy, clean), None, 0)
    try:
        bm3d = create_model("bm3d", profile="np")
        show("BM3D", psnr(restored(bm3d, noisy), clean), None, 0)
    except ImportError as error:
        print(error)
    rest = [name for name in OBJECTIVES if name in wanted and name not in FOR_PLAIN[1:]]
    plain = [name for name in FOR_PLAIN if name in wanted]
    for network, names in ((MODEL, rest), (PLAIN, plain)):
        print_head(str((given.model or network)["name"]))
        reference: float | None = None
        for name in names:
            started = time.process_time()
            objective, known = OBJECTIVES[name]
            dataset = Photographs(training, known, 48)
            model = trained(given.model or network, objective, dataset, given.steps)
            spent = time.process_time() - started
            value = psnr(restored(model, noisy), clean)
            reference = value if name == "supervised" else reference
            show(name, value, reference, spent)


def print_head(network: str = "") -> None:
    """Begin a table."""
    print(f"| {network} | PSNR (dB) | from supervised (dB) | seconds |\n| --- | --- | --- | --- |")


def trained(network: Any, objective: Any, dataset: Photographs, steps: int) -> nn.Module:
    """The network at the end of a run."""
    if isinstance(objective, dict):
        objective = {key: steps if value == STEPS else value for key, value in objective.items()}
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=network,
            noise=create_noise("gaussian", std=SIGMA),
            objective=objective,
            loss="mse",
            dataset=dataset,
            save_weight_path=folder,
            steps=steps,
            batch_size=8,
            learning_rate=2e-3,
            validation_split=0.0,
            checkpoint_every=steps,
            precision="float32",
            device="cpu",
        )
        trainer.fit()
        model: nn.Module = load_model(Path(folder) / "last.safetensors")
    return model.eval()


def with_noise(clean: Tensor, seed: int, known: Known) -> NoisyImages:
    """A photograph with noise that depends on the seed alone, and what is known of its scene."""
    shots = [
        clean + SIGMA * torch.randn(clean.shape, generator=Generator().manual_seed(2 * seed + shot))
        for shot in range(2)
    ]
    return NoisyImages(
        shots[0],
        clean=clean if known == "clean" else None,
        second=shots[1] if known == "second" else None,
    )


def gray_middle(path: Path, side: int) -> Tensor:
    """The middle of a photograph at half its size, (1, side, side)."""
    image = Image.open(path).convert("L")
    image = image.reduce(2) if min(image.size) >= 2 * side else image
    scale = max(1.0, side / min(image.size))
    image = image.resize((round(image.width * scale), round(image.height * scale)))
    left, top = (image.width - side) // 2, (image.height - side) // 2
    pixels = np.asarray(image.crop((left, top, left + side, top + side)), np.float32)
    return torch.from_numpy(pixels / 255)[None]


@torch.no_grad()
def restored(model: nn.Module, noisy: Tensor) -> Tensor:
    """What a network makes of each noisy picture."""
    level = torch.full((1, 1, 1, 1), SIGMA)
    return torch.cat([restore_batch(model, image[None], level).image for image in noisy])


def psnr(images: Tensor, clean: Tensor) -> float:
    """Mean PSNR in dB, clamped to [0, 1]."""
    errors = (images.clamp(0, 1) - clean).square().flatten(1).mean(1)
    return float(-10 * errors.log10().mean())


def show(name: str, value: float, reference: float | None, seconds: float) -> None:
    """Print a row."""
    apart = "" if reference is None else f"{value - reference:+.2f}"
    print(f"| {name} | {value:.2f} | {apart} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
