"""Functions of kornia against what restorekit uses for the same, in turns in one process.

    python benchmarks/kornia_pairs.py [--device cuda] [--turns 15] [--side 256] [--only median]

Prints a table: median times, the median of the ratios of neighbouring turns with their range, and
how far the two results differ. On a CPU it is processor time, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import kornia
import numpy as np
import torch
from kornia import augmentation, color, filters, metrics
from skimage import data, restoration
from timing import add_device, name_of, now
from torch import Generator, Tensor
from torch.nn import functional

from restorekit import create_noise, luma, psnr, ssim
from restorekit.records import as_degraded

WARM_UP = 2
RADIUS, WINDOW = 2.0, 17


@dataclass(frozen=True)
class Pair:
    """Two ways to the same result.

    Attributes:
        name: what is computed.
        ours: what restorekit computes, or what it would without kornia.
        other: what kornia computes.
        decibels: report the difference as PSNR instead of the largest error.
    """

    name: str
    ours: Callable[[], Tensor]
    other: Callable[[], Tensor]
    decibels: bool = False

    def difference(self) -> str:
        """How far the results are apart."""
        ours, other = self.ours().float(), self.other().float()
        if self.decibels:
            return f"{float(psnr(ours, other).mean()):.1f} dB"
        largest = float((ours - other).abs().max())
        return "equal" if largest == 0 else f"{largest:.1e}"


def pictures(side: int, count: int, device: torch.device) -> Tensor:
    """Parts of a photograph, (count, 3, side, side)."""
    photograph = torch.from_numpy(data.astronaut().copy()).movedim(-1, 0)
    parts = [photograph[:, 8 * i : 8 * i + side, :side] for i in range(count)]
    return (torch.stack(parts).float() / 255).to(device)


def pairs(batch: Tensor) -> Iterator[Pair]:
    """All pairs, on a batch of four colour pictures."""
    yield from noises(batch)
    yield from blurs(batch)
    yield from codecs(batch)
    yield from denoisers(batch)
    yield from measures(batch)


def seeded(device: torch.device) -> Generator:
    """A new generator."""
    return Generator(device).manual_seed(1)


def noises(batch: Tensor) -> Iterator[Pair]:
    """Noise that kornia gets from us as parameters."""
    gaussian = create_noise("gaussian", std=0.1)
    added = augmentation.RandomGaussianNoise(p=1.0)
    always = torch.ones(len(batch), device=batch.device)

    def injected_gaussian() -> Tensor:
        noise = torch.randn(batch.shape, generator=seeded(batch.device), device=batch.device)
        made: Tensor = added(batch, params={"gaussian_noise": noise * 0.1, "batch_prob": always})
        return made

    yield Pair(
        "gaussian noise, parameters injected",
        lambda: as_degraded(gaussian(batch, seeded(batch.device))).noisy,
        injected_gaussian,
    )
    impulses = create_noise("salt_and_pepper", amount=0.1)
    set_to = augmentation.RandomSaltAndPepperNoise(p=1.0)

    def injected_impulses() -> Tensor:
        shape = (len(batch), 1, *batch.shape[2:])
        chance = torch.rand(shape, generator=seeded(batch.device), device=batch.device)
        salt = (chance < 0.05).expand_as(batch)
        pepper = ((chance >= 0.05) & (chance < 0.1)).expand_as(batch)
        masks = {"mask_salt": salt, "mask_pepper": pepper, "batch_prob": always}
        made: Tensor = set_to(batch, params=masks)
        return made

    yield Pair(
        "salt and pepper, masks injected",
        lambda: as_degraded(impulses(batch, seeded(batch.device))).noisy,
        injected_impulses,
    )


def blurs(batch: Tensor) -> Iterator[Pair]:
    """Blurs with a value for each sample."""
    count, device = len(batch), batch.device
    for radius in (0.5, 2.0, 4.0):
        blur, size = create_noise("blur", radius=radius), 8 * int(np.ceil(radius)) + 1
        sigma = torch.full((count, 2), radius, device=device)
        yield Pair(
            f"Gaussian blur, radius {radius}",
            lambda blur=blur: as_degraded(blur(batch)).noisy,  # type: ignore[misc]
            lambda size=size, sigma=sigma: filters.gaussian_blur2d(batch, size, sigma),  # type: ignore[misc]
        )
    motion = create_noise("motion_blur", length=13, angle=30)
    turn, even = torch.full((count,), 30.0, device=device), torch.zeros(count, device=device)
    for mode in ("nearest", "bilinear"):
        yield Pair(
            f"motion blur over 13 pixels, {mode}",
            lambda: as_degraded(motion(batch)).noisy,
            lambda mode=mode: filters.motion_blur(batch, 13, turn, even, "reflect", mode),  # type: ignore[misc]
            decibels=True,
        )
    direct = augmentation.RandomGaussianBlur(WINDOW, (RADIUS, RADIUS), p=1.0)
    named = create_noise(
        "kornia", augmentation="RandomGaussianBlur", kernel_size=WINDOW, sigma=[RADIUS, RADIUS]
    )
    yield Pair(
        "Gaussian blur: noise `kornia`, the same augmentation called directly",
        lambda: as_degraded(named(batch, seeded(device))).noisy,
        lambda: direct(batch),
    )


def codecs(batch: Tensor) -> Iterator[Pair]:
    """JPEG at the same place of the blocks."""
    for quality in (30, 75, 95):
        exact = create_noise("jpeg", quality=quality, halved_colour=1.0)
        smooth = create_noise("differentiable_jpeg", quality=quality)
        yield Pair(
            f"JPEG of quality {quality}: libjpeg, kornia's codec",
            lambda exact=exact: as_degraded(exact(batch, seeded(batch.device))).noisy,  # type: ignore[misc]
            lambda smooth=smooth: as_degraded(smooth(batch, seeded(batch.device))).noisy,  # type: ignore[misc]
            decibels=True,
        )


def denoisers(batch: Tensor) -> Iterator[Pair]:
    """Denoisers without weights."""
    for size in (3, 5, 7, 9):
        yield Pair(
            f"median of {size}x{size}: windows gathered, kornia",
            lambda size=size: gathered_medians(batch, size),  # type: ignore[misc]
            lambda size=size: continued_medians(batch, size),  # type: ignore[misc]
        )
    part = batch[:1, :, :64, :64]
    yield Pair(
        "bilateral filter of 9x9: scikit-image, kornia (64 x 64)",
        lambda: bilateral_of_scikit_image(part),
        lambda: filters.bilateral_blur(part, 9, 0.2, (2.0, 2.0), "reflect", "l2"),
        decibels=True,
    )


def gathered_medians(batch: Tensor, size: int) -> Tensor:
    """The general way of model `median`, for any size and device."""
    from restorekit.arch.classical.median import _medians

    planes = batch.flatten(0, 1)
    everywhere = torch.ones_like(planes, dtype=torch.bool).nonzero()
    return _medians(planes, everywhere, size // 2).view_as(batch)


def continued_medians(batch: Tensor, size: int) -> Tensor:
    """By kornia, with border pixels repeated; kornia 0.8 can only continue with zeros."""
    radius = size // 2
    wide = functional.pad(batch, (radius,) * 4, "replicate")
    medians: Tensor = filters.median_blur(wide, size)
    return medians[..., radius:-radius, radius:-radius]


def bilateral_of_scikit_image(batch: Tensor) -> Tensor:
    """Of a batch of one."""
    image = batch[0].movedim(0, -1).cpu().numpy()
    restored = restoration.denoise_bilateral(
        image, win_size=9, sigma_color=0.2, sigma_spatial=2.0, bins=10000, mode="reflect",
        channel_axis=-1,
    )  # fmt: skip
    return torch.from_numpy(restored).movedim(-1, 0)[None].to(batch.device)


def measures(batch: Tensor) -> Iterator[Pair]:
    """Colour conversion, metrics, losses."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=batch.device)
    yield Pair(
        "luma: `luma`, `rgb_to_grayscale`",
        lambda: luma.luma(batch),
        lambda: color.rgb_to_grayscale(batch, weights),
    )
    yield Pair(
        "luma: `luma`, the Y of `rgb_to_ycbcr`",
        lambda: luma.luma(batch),
        lambda: color.rgb_to_ycbcr(batch)[:, :1],
    )
    noisy = as_degraded(create_noise("gaussian", clip=True)(batch)).noisy
    yield Pair(
        "SSIM: pytorch-msssim, kornia",
        lambda: ssim(noisy, batch),
        lambda: metrics.ssim(noisy, batch, 11, padding="valid").mean((1, 2, 3)),
    )
    yield Pair(
        "total variation: differences, kornia",
        lambda: mean_differences(batch),
        lambda: kornia.losses.total_variation(batch, "mean").mean(),
    )


def mean_differences(batch: Tensor) -> Tensor:
    """The total variation by hand."""
    return batch.diff(dim=-1).abs().mean() + batch.diff(dim=-2).abs().mean()


def measured(pair: Pair, turns: int, device: torch.device) -> str:
    """A row of the table."""
    times: list[list[float]] = [[], []]
    for _ in range(WARM_UP + turns):
        for taken, call in zip(times, (pair.ours, pair.other), strict=True):
            began = clock(device)
            call()
            taken.append(clock(device) - began)
    ours, other = (each[WARM_UP:] for each in times)
    ratios = [a / b for a, b in zip(ours, other, strict=True)]
    return (
        f"| {pair.name} | {statistics.median(ours) * 1000:.2f} | "
        f"{statistics.median(other) * 1000:.2f} | {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) | {pair.difference()} |"
    )


def clock(device: torch.device) -> float:
    """Seconds, after the work of the device is finished."""
    return time.process_time() if device.type == "cpu" else now(device)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_device(parser)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--only", default="", help="only pairs with this word in their names")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    batch = pictures(arguments.side, 4, device)
    shape = "x".join(map(str, batch.shape))
    print(f"{name_of(device)}, kornia {kornia.__version__}; {shape}, {arguments.turns} turns")
    print("\n| pair | first, ms | kornia, ms | first / kornia | difference |")
    print("| --- | --- | --- | --- | --- |")
    with torch.no_grad():
        for pair in pairs(batch):
            if arguments.only in pair.name:
                print(measured(pair, arguments.turns, device), flush=True)


if __name__ == "__main__":
    main()
