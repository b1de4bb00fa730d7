"""How good the network is now: losses, PSNR and SSIM on fixed images with fixed noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.utils import make_grid

from restorekit.atomic import atomic_path
from restorekit.evaluate.metrics import psnr, ssim
from restorekit.train.batches import as_image, corrupt
from restorekit.train.plan import Restore, Term
from restorekit.train.runtime import Runtime

Placed = tuple[int, Tensor]
MIN_SSIM_SIDE = 11
SHOWN = 4
MAX_PSNR = 100.0


class Validation:
    """Images to be restored again and again, their noise derived from their index.

    Args:
        dataset: where the images are.
        indices: which of its images are used, by all processes together.
        noise: what corrupts them.
        terms: the loss terms.
        runtime: where to compute; each process takes every n-th image.
        batch_size: most images computed at once.
        seed: the run's seed.
    """

    def __init__(
        self,
        dataset: Any,
        indices: Sequence[int],
        noise: nn.Module,
        terms: Sequence[Term],
        runtime: Runtime,
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        self.dataset, self.indices = dataset, list(indices)
        self.noise, self.terms, self.runtime = noise, terms, runtime
        self.batch_size, self.seed = batch_size, seed
        self.shown: list[tuple[Tensor, Tensor, Tensor]] = []

    def __bool__(self) -> bool:
        return bool(self.indices)

    @torch.no_grad()
    def measure(self, restore: Restore) -> dict[str, Any]:
        """Means over all images of the loss, each term, PSNR (dB) and SSIM, noisy and restored.

        Args:
            restore: the network, in evaluation mode.
        """
        processes = self.runtime.processes
        # Split weights are gathered at each call: there, all must make the same calls.
        shared = not self.runtime.sharded
        mine = self.indices[processes.rank :: processes.world] if shared else self.indices
        names = (*(f"term:{t.name}" for t in self.terms), "psnr", "psnr_noisy")
        sums = dict.fromkeys((*names, "ssim", "ssim_noisy", "images", "ssim_images"), 0.0)
        self.shown = []
        for batch in _batches(((i, as_image(self.dataset[i])) for i in mine), self.batch_size):
            for name, value in self._measure_batch(restore, batch).items():
                sums[name] += float(value)
        totals = {n: float(v) for n, v in (processes.sum(sums) if shared else sums).items()}
        images, ssim_images = totals.pop("images"), totals.pop("ssim_images")
        similarity = {name: totals.pop(name) for name in ("ssim", "ssim_noisy")}
        means = {name: total / images for name, total in totals.items()}
        if ssim_images:
            means |= {name: total / ssim_images for name, total in similarity.items()}
        by_term = {t.name: means.pop(f"term:{t.name}") for t in self.terms}
        loss = sum(t.weight * by_term[t.name] for t in self.terms)
        return {"loss": loss, "terms": by_term, **means}

    def draw(self, path: Path) -> None:
        """Write some of the images last measured as rows of clean | noisy | restored."""
        same = [row for row in self.shown if row[0].shape == self.shown[0][0].shape]
        if same:
            grid = make_grid([image for row in same for image in row], nrow=3, pad_value=1.0)
            pixels = grid.mul(255).round().byte().permute(1, 2, 0).numpy()
            with atomic_path(path) as temporary:
                Image.fromarray(pixels).save(temporary)

    def _measure_batch(self, restore: Restore, batch: list[Placed]) -> dict[str, Tensor]:
        clean = self.runtime.place(torch.stack([image for _, image in batch]))
        places = [index for index, _ in batch]
        degraded = corrupt(self.noise, clean, self.seed, "validation", 0, places)
        with self.runtime.autocast():
            restoration = restore(degraded.noisy, degraded.sigma)
        restored, count = restoration.image.float(), torch.tensor(len(clean))
        measured = {
            f"term:{t.name}": t.measure(restoration, clean) * len(clean) for t in self.terms
        }
        # An untouched image has an infinite PSNR, which no mean survives.
        measured |= {"psnr": psnr(restored, clean).clamp(max=MAX_PSNR).sum(), "images": count}
        measured["psnr_noisy"] = psnr(degraded.noisy, clean).clamp(max=MAX_PSNR).sum()
        if min(clean.shape[-2:]) >= MIN_SSIM_SIDE:
            measured |= {"ssim": ssim(restored, clean).sum(), "ssim_images": count}
            measured["ssim_noisy"] = ssim(degraded.noisy, clean).sum()
        rows = zip(clean, degraded.noisy, restored, strict=True)
        self.shown += [_shown(*row) for row in islice(rows, SHOWN - len(self.shown))]
        return measured


def _shown(*images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Images as a picture file can hold them: three channels, or one."""
    channels = 3 if len(images[0]) >= 3 else 1
    clean, noisy, restored = (image[:channels].clamp(0, 1).float().cpu() for image in images)
    return clean, noisy, restored


def _batches(images: Iterable[Placed], size: int) -> Iterator[list[Placed]]:
    """Neighbours of one shape, at most `size` at once."""
    for _, same in groupby(images, key=lambda placed: placed[1].shape):
        while batch := list(islice(same, size)):
            yield batch
