"""Train the bundled networks on one GPU for a given time. The photographs stay in its memory.

    python examples/recipes/gpu/learn.py packed/*.tar --out state --seconds photo=250 gaussian=190

Each network starts from `state/NAME.safetensors` if it exists, else from the bundled weights. Its
running average is written there in float32 every `--save-every` seconds, with the amount of
training data in the metadata. The learning rate decreases with the elapsed time, so a call ends
with a usable network.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import degrade
import safetensors.torch
import torch
from muon import BatchedMuon
from photographs import Photographs, read
from torch import Generator, Tensor

from restorekit.arch.swift import Swift
from restorekit.data.colour import halve_colour

PRETRAINED = Path(__file__).parents[3] / "src" / "restorekit" / "pretrained"
HELD_OUT = 32  # number of photographs, the first ones of the archives
T = TypeVar("T")
Degrade = Callable[[Tensor, Generator], degrade.Batch]


@dataclass(frozen=True)
class Task:
    """A network and its training data."""

    start: str
    size: Literal["small", "medium", "large"]
    noise: Degrade
    channels: int = 3
    blind: bool = False
    halved: float = 0.5
    margin: int = 0  # pixels of the windows around the patches
    rate: float = 2e-3


TASKS = {
    "photo": Task("swift-gaussian", "large", degrade.photograph, halved=0.3, margin=32),
    "gaussian": Task("swift-gaussian", "large", degrade.white),
    "gray": Task("swift-gaussian-gray", "small", degrade.gray_white, channels=1, halved=0.0),
    "impulse": Task("swift-impulse", "medium", degrade.impulse, blind=True),
}


def main() -> None:
    """Train the chosen networks one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archives", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", nargs="+", default=["photo=10"], metavar="NAME=SECONDS")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--save-every", type=float, default=60.0)
    parser.add_argument("--ema", type=float, default=0.9995, help="decay of the running average")
    parser.add_argument("--rate", type=float, help="highest learning rate of all networks")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    arguments.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    pictures = read(arguments.archives)
    held_out = Photographs(pictures[:HELD_OUT], device)
    photographs = Photographs(pictures[HELD_OUT:], device)
    print(f"{len(pictures)} photographs, {photographs.pixels.numel() / 3e6:.0f} megapixels, "
          f"read in {time.monotonic() - began:.1f} s", flush=True)  # fmt: skip
    for asked in arguments.seconds:
        name, _, seconds = asked.partition("=")
        run = Run(name, photographs, held_out, arguments, device)
        run.train(float(seconds))


class Run:
    """The training of one network."""

    def __init__(
        self,
        name: str,
        photographs: Photographs,
        held_out: Photographs,
        arguments: argparse.Namespace,
        device: torch.device,
    ) -> None:
        self.name, self.task, self.device = name, TASKS[name], device
        self.photographs, self.arguments = photographs, arguments
        self.file: Path = arguments.out / f"{name}.safetensors"
        task = self.task
        self.model = Swift(task.channels, task.size, task.blind).to(device)
        self.seen = {"steps": 0, "megapixels": 0.0, "seconds": 0.0}
        self._load()
        self.model.to(memory_format=torch.channels_last)
        self.weights: list[Tensor] = list(self.model.parameters())
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.averages: list[Tensor] = list(self.average.parameters())
        self.rate = torch.zeros((), device=device)
        self.optimizer = BatchedMuon(self.weights, self.rate)
        self.generator = Generator(device).manual_seed(int(time.time()))
        fixed = Generator(device).manual_seed(0)
        self.masked = task.noise(held_out.centres(self._window(1.0)), fixed)
        self.loss = torch.zeros((), device=device)

    def train(self, seconds: float) -> None:
        """Take steps until the time is over. On a GPU they are replayed as a CUDA graph."""
        arguments, task = self.arguments, self.task
        print(f"{self.name}: before {self.validated()}", flush=True)
        batch = degrade.Batch(
            *(x.contiguous(memory_format=torch.channels_last) for x in self.drawn())
        )
        step, how = self._captured(batch)
        peak = arguments.rate or task.rate
        coming = Coming(self.drawn, self.device)
        coming.draw()
        began = saved = reported = time.monotonic()
        steps = 0
        while (elapsed := time.monotonic() - began) < seconds:
            share = elapsed / seconds
            self.rate.fill_(
                peak * min(1.0, (steps + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * share))
            )
            coming.copy_to(batch)
            step()
            coming.draw()
            steps += 1
            if steps % 20 == 0 and self.device.type == "cuda":
                torch.cuda.synchronize()  # so that the clock counts finished work
            now = time.monotonic()
            if now - reported > max(5.0, seconds / 10):
                reported = now
                print(f"{self.name}: {how} step {steps}, {steps / (now - began):.1f} a second, "
                      f"loss {self.loss.item():.5f}, {self.validated()}", flush=True)  # fmt: skip
            if now - saved > arguments.save_every:
                saved = now
                self._save(steps, now - began)
        self._save(steps, time.monotonic() - began)
        print(f"{self.name}: after {steps} steps {self.validated()}", flush=True)

    def drawn(self) -> degrade.Batch:
        """Return a new batch of patches."""
        task, generator = self.task, self.generator
        count, patch = self.arguments.batch, self.arguments.patch
        parts = []
        # A quarter of the pictures is resized by a random factor, drawn for each batch.
        for share, scale in ((3, 1.0), (1, _choice((0.5, 0.6, 0.75, 0.85, 1.0, 1.25, 1.5)))):
            number = max(1, count * share // 4)
            after = scale != 1.0 and task.noise is degrade.photograph and _choice((True, False))
            clean = self.photographs.windows(number, self._window(scale), generator)
            clean = _partly(clean, task.halved, halve_colour)
            if after:
                parts.append(degrade.photograph(clean, generator, scale))
                continue
            if scale != 1.0:
                clean = degrade.scaled(clean, self._window(1.0))
            parts.append(task.noise(clean, generator))
        joined = (torch.cat(pieces)[:count] for pieces in zip(*parts, strict=True))
        top, left = (int(torch.randint(task.margin + 1, ())) for _ in range(2))
        return degrade.Batch(*(x[..., top : top + patch, left : left + patch] for x in joined))

    def step(self, batch: degrade.Batch) -> None:
        """Take one optimizer step on a batch."""
        for weight in self.weights:
            weight.grad = None
        with torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False):
            restored = self.model(batch.noisy, None if self.task.blind else batch.level)
        error = restored.float() - batch.clean
        # The square root of each sample's error, so that weak noise counts as much as strong noise.
        loss = error.abs().mean() + (error.square().mean((1, 2, 3)) + 1e-7).sqrt().mean()
        torch.autograd.backward(loss)
        self.loss.copy_(loss.detach())
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        torch._foreach_lerp_(self.averages, self.weights, 1 - self.arguments.ema)

    @torch.no_grad()
    def validated(self) -> str:
        """Return the PSNR of the average on held-out photographs, with the same noise each time."""
        gains = []
        for clean, noisy, level in zip(*(x.split(8) for x in self.masked), strict=True):
            levels = [None] if self.task.blind else [level]
            if self.task.noise is degrade.photograph:
                levels = [torch.zeros_like(level), degrade.measured_level(clean, noisy)]
            with torch.autocast(self.device.type, torch.bfloat16):
                answers = [self.average(noisy, told) for told in levels]
            gains.append(torch.stack([_psnr(x, clean) for x in (noisy, *answers)]))
        noisy, *rest = torch.cat(gains, 1).mean(1).tolist()
        return f"PSNR {noisy:.2f} to " + ", ".join(f"{value:.3f}" for value in rest)

    def _window(self, scale: float) -> int:
        side: int = self.arguments.patch + self.task.margin
        return 16 * round(side / scale / 16)

    def _captured(self, batch: degrade.Batch) -> tuple[Callable[[], None], str]:
        """Return a function that takes a step on `batch`, and how it runs."""
        plain = partial(self.step, batch)
        if self.device.type != "cuda":
            return plain, "plain"
        torch.backends.cudnn.benchmark = True
        try:
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(3):  # with a rate of 0, so the weights do not change
                    plain()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                plain()
            return graph.replay, "graph"
        except RuntimeError as error:
            print(f"{self.name}: no graph: {str(error).splitlines()[0]}", flush=True)
            torch.cuda.synchronize()
            return plain, "plain"
        finally:
            torch.backends.cudnn.benchmark = False

    def _load(self) -> None:
        """Load the newest weights."""
        path = self.file if self.file.exists() else PRETRAINED / f"{self.task.start}.safetensors"
        with safetensors.safe_open(path, "pt") as file:
            weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
            if path == self.file:
                self.seen = json.loads(file.metadata()["seen"])
        self.model.load_state_dict(weights)

    def _save(self, steps: int, seconds: float) -> None:
        patch, count = self.arguments.patch, self.arguments.batch
        seen = {
            "steps": self.seen["steps"] + steps,
            "megapixels": self.seen["megapixels"] + steps * count * patch**2 / 1e6,
            "seconds": self.seen["seconds"] + seconds,
        }
        weights = {k: v.contiguous().cpu() for k, v in self.average.state_dict().items()}
        unfinished = self.file.with_suffix(".tmp")
        safetensors.torch.save_file(weights, unfinished, {"seen": json.dumps(seen)})
        unfinished.replace(self.file)


class Coming:
    """Generates the next batch on a separate stream while the network trains on the last."""

    def __init__(self, drawn: Callable[[], degrade.Batch], device: torch.device) -> None:
        self.drawn = drawn
        self.stream = torch.cuda.Stream() if device.type == "cuda" else None
        self.batch: degrade.Batch | None = None

    def draw(self) -> None:
        """Start the next batch, after the previous one has been copied."""
        with torch.cuda.stream(self.stream):
            self.batch = self.drawn()

    def copy_to(self, batch: degrade.Batch) -> None:
        """Return the batch. Its memory may be reused when the copy is finished."""
        if self.stream:
            torch.cuda.current_stream().wait_stream(self.stream)
        for fixed, drawn in zip(batch, self.batch or (), strict=True):
            fixed.copy_(drawn)
        if self.stream:
            self.stream.wait_stream(torch.cuda.current_stream())


def _psnr(image: Tensor, clean: Tensor) -> Tensor:
    error = (image.float().clamp(0, 1) - clean).square().mean((1, 2, 3))
    return -10 * error.clamp(min=1e-10).log10()


def _partly(clean: Tensor, share: float, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Return a batch of which the first `share` is changed."""
    count = round(len(clean) * share)
    return torch.cat((change(clean[:count]), clean[count:])) if count else clean


def _choice(values: tuple[T, ...]) -> T:
    return values[int(torch.randint(len(values), ()))]


if __name__ == "__main__":
    main()
