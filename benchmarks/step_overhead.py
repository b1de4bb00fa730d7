"""Compare a step of the Trainer with the same loop written by hand, in turns, in one process.

    python benchmarks/step_overhead.py [--steps 40] [--model dncnn] [--precision float32]
        [--device cuda]

Prints the median time of each and the median of the ratios pair by pair. Both read the same
dataset through a DataLoader, draw Gaussian noise, and take one AdamW step; the hand-written loop is
what a person would write with torch alone.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
from collections.abc import Iterator

import torch
from timing import add_device, name_of, now
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from restorekit import Trainer

BATCH, SIDE, STD = 16, 64, 0.1


def hand_written(
    model: torch.nn.Module, images: Tensor, dtype: str, device: torch.device
) -> Iterator[float]:
    """Return the seconds of each step of a plain loop."""
    channels_last = dtype == "bfloat16"
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0, fused=True)
    loader = DataLoader(
        TensorDataset(images),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        pin_memory=device.type == "cuda",
    )
    model.train()
    while True:
        batches = iter(loader)
        for _ in range(len(loader)):
            start = now(device)
            (clean,) = next(batches)
            layout = torch.channels_last if channels_last else torch.preserve_format
            clean = clean.to(device, non_blocking=True, memory_format=layout)
            noisy = clean + STD * torch.randn_like(clean)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=channels_last):
                restored = model(noisy)
            functional.l1_loss(restored.float(), clean).backward()
            optimizer.step()
            yield now(device) - start


def with_trainer(trainer: Trainer, device: torch.device) -> Iterator[float]:
    """Return the seconds of each step of the Trainer, including data loading."""
    batches, number = iter(trainer.batches(0)), 0
    while True:
        start = now(device)
        clean = next(batches)
        number += 1
        trainer.step(number, clean)
        yield now(device) - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--model", default="dncnn")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--against", default=None, choices=["float32", "bfloat16"])
    add_device(parser)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    images = torch.rand(128, 3, SIDE, SIDE)
    trainer = Trainer(
        model=arguments.model,
        noise={"name": "gaussian", "std": STD},
        dataset=list(images),
        save_weight_path=tempfile.mkdtemp(),
        device=arguments.device,
        precision=arguments.precision,
        channels_last=arguments.precision == "bfloat16",
        steps=10**6,
        batch_size=BATCH,
        schedule="constant",
        validation_split=0,
    )
    model = copy.deepcopy(trainer.model).to(memory_format=torch.contiguous_format)
    ours = with_trainer(trainer, device)
    theirs = hand_written(model, images, arguments.against or arguments.precision, device)
    for _ in range(5):
        next(ours), next(theirs)
    pairs = [(next(ours), next(theirs)) for _ in range(arguments.steps)]
    ratio = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    print(
        f"{name_of(device)}\n{arguments.model}, batch {BATCH} of {SIDE}x{SIDE}: "
        f"trainer {arguments.precision} {a:.1f} ms, by hand "
        f"{arguments.against or arguments.precision} {b:.1f} ms, median ratio {ratio:.3f}"
    )


if __name__ == "__main__":
    main()
