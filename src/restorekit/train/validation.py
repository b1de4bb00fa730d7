"""How good the network is now: losses, PSNR and SSIM on fixed images with fixed noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.evaluate.metrics import psnr, ssim
from restorekit.train.batches import as_image, corrupt
from restorekit.train.plan import Restore, Term
from restorekit.train.runtime import Runtime

Placed = tuple[int, Tensor]
MIN_SSIM_SIDE = 11


@torch.inference_mode()
def validate(
    restore: Restore,
    noise: nn.Module,
    terms: Sequence[Term],
    images: Iterable[Placed],
    runtime: Runtime,
    *,
    batch_size: int,
    seed: int,
) -> dict[str, Any]:
    """Means over the images of the loss, each term, PSNR (dB) and SSIM, noisy and restored.

    Args:
        restore: the network, in evaluation mode.
        noise: what corrupts the images.
        terms: the loss terms.
        images: each with its index, from which its noise is derived: the same at every validation.
        runtime: where to compute.
        batch_size: most images computed at once.
        seed: the run's seed.
    """
    sums: dict[str, float] = defaultdict(float)
    count = 0
    for batch in _batches(images, batch_size):
        clean = runtime.place(torch.stack([image for _, image in batch]))
        degraded = corrupt(noise, clean, seed, "validation", 0, [index for index, _ in batch])
        with runtime.autocast():
            restoration = restore(degraded.noisy, degraded.sigma)
        restored = restoration.image.float()
        measured = {f"term:{t.name}": t.module(restoration, clean) * len(clean) for t in terms}
        measured["psnr"] = psnr(restored, clean).sum()
        measured["psnr_noisy"] = psnr(degraded.noisy, clean).sum()
        if min(clean.shape[-2:]) >= MIN_SSIM_SIDE:
            measured["ssim"] = ssim(restored, clean).sum()
            measured["ssim_noisy"] = ssim(degraded.noisy, clean).sum()
        for name, value in measured.items():
            sums[name] += float(value)
        count += len(clean)
    means = {name: total / count for name, total in sums.items()}
    by_term = {t.name: means.pop(f"term:{t.name}") for t in terms}
    loss = sum(t.weight * by_term[t.name] for t in terms)
    return {"loss": loss, "terms": by_term, **means}


def indexed(dataset: Any, indices: Iterable[int]) -> Iterator[Placed]:
    """The images at some indices, each with its index."""
    return ((index, as_image(dataset[index])) for index in indices)


def _batches(images: Iterable[Placed], size: int) -> Iterator[list[Placed]]:
    """Neighbours of one shape, at most `size` at once."""
    for _, same in groupby(images, key=lambda placed: placed[1].shape):
        while batch := list(islice(same, size)):
            yield batch
