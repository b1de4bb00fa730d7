"""Restoring on the GPU: the result of the CPU, whole or in tiles, from Python or a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from restorekit import Denoiser, create_estimator, create_model, list_estimators
from restorekit.cli.main import main
from restorekit.memory import available_memory

pytestmark = pytest.mark.gpu

SIGMA = 0.1
WEIGHTS = "swift-gaussian"


def noisy(height: int, width: int) -> tuple[Tensor, Tensor]:
    """A smooth colour picture (3, H, W) with white noise, and without."""
    generator = torch.Generator().manual_seed(0)
    coarse = 0.2 + 0.6 * torch.rand(1, 3, 6, 8, generator=generator)
    clean = functional.interpolate(coarse, size=(height, width), mode="bicubic")[0].clamp(0, 1)
    return clean + SIGMA * torch.randn(clean.shape, generator=generator), clean


def psnr(image: Tensor, clean: Tensor) -> float:
    return float(-10 * (image.cpu() - clean).square().mean().log10())


def float32(device: torch.device | str, model: Any = WEIGHTS, **options: Any) -> Denoiser:
    return Denoiser(model, device=device, precision="float32", force=True, **options)


@pytest.mark.parametrize("sigma", [None, SIGMA])
def test_result_equals_the_cpu(sigma: float | None, device: torch.device) -> None:
    """With a given and with an estimated noise level."""
    image, clean = noisy(150, 210)
    expected = float32("cpu", sigma=sigma)(image)
    restored = float32(device, sigma=sigma)(image)
    assert restored.device == image.device
    torch.testing.assert_close(restored, expected, rtol=0, atol=1e-4)
    assert psnr(restored, clean) > psnr(image, clean) + 5


@pytest.mark.parametrize("force", [False, True])
def test_a_tensor_stays_on_the_device(force: bool, device: torch.device) -> None:
    """The result is on the device of the input, also with the limits of the safeguard."""
    image, _ = noisy(150, 210)
    expected = Denoiser(WEIGHTS, device="cpu", precision="float32", force=force)(image)
    restored = Denoiser(WEIGHTS, device=device, precision="float32", force=force)(image.to(device))
    assert restored.device.type == device.type
    torch.testing.assert_close(restored.cpu(), expected, rtol=0, atol=2e-4)


def test_a_module_is_used_on_its_device(device: torch.device) -> None:
    """If no device is named, a network on the GPU computes there."""
    model = create_model("dncnn", depth=3, width=8).eval().to(device)
    image, _ = noisy(40, 50)
    Denoiser(model, force=True)(image)
    assert next(model.parameters()).device.type == device.type


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_arrays_equal_the_cpu(kind: Any, device: torch.device) -> None:
    """Integers differ by one level at most, due to rounding."""
    image, _ = noisy(90, 120)
    white = np.iinfo(kind).max if np.issubdtype(kind, np.integer) else 1
    array = (image.clamp(0, 1).movedim(0, 2).numpy() * white).astype(kind)
    expected, restored = (float32(place, sigma=SIGMA)(array) for place in ("cpu", device))
    assert restored.dtype == kind
    allowed = max(1e-4 * white, 1) if white > 1 else 1e-4
    assert np.abs(restored.astype(float) - expected.astype(float)).max() <= allowed


@pytest.mark.parametrize("tile", [64, 100])
def test_tiles_equal_the_whole(tile: int, device: torch.device) -> None:
    """A convolutional network restores tiles as the whole image, to 1e-5."""
    model = create_model("dncnn", depth=6, width=8).eval()
    image, _ = noisy(230, 310)
    whole, tiled = (float32(device, model, tile=t)(image) for t in ("off", tile))
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["auto", "bfloat16", "float16"])
def test_lower_precision_costs_no_quality(precision: str, device: torch.device) -> None:
    """Within 0.05 dB of float32."""
    if precision == "float16" and device.type == "cpu":
        pytest.skip("float16 is for GPUs")
    image, clean = noisy(150, 210)
    restored = Denoiser(WEIGHTS, device=device, precision=precision, sigma=SIGMA, force=True)(image)
    full = float32(device, sigma=SIGMA)(image)
    assert psnr(restored, clean) > psnr(full, clean) - 0.05


def test_ensemble_equals_the_cpu(device: torch.device) -> None:
    """With all eight flips and rotations."""
    image, _ = noisy(60, 80)
    expected, restored = (
        float32(place, ensemble=True, sigma=SIGMA)(image) for place in ("cpu", device)
    )
    torch.testing.assert_close(restored, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", list_estimators())
def test_estimators_equal_the_cpu(name: str, device: torch.device) -> None:
    """The noise level of each channel, found on the device."""
    image = noisy(150, 210)[0][None]
    estimate = create_estimator(name)
    found = estimate(image.to(device))
    assert found.device.type == device.type
    torch.testing.assert_close(found.cpu(), estimate(image), rtol=1e-3, atol=1e-5)


class Hungry(nn.Module):
    """Allocates too much memory for images above a number of pixels."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit, self.bias = limit, nn.Parameter(torch.tensor(0.25))
        self.sizes: list[int] = []

    def forward(self, noisy: Tensor) -> Tensor:
        self.sizes.append(noisy.shape[-1] * noisy.shape[-2])
        if self.sizes[-1] > self.limit:
            noisy.new_empty(1 << 46)
        return noisy + self.bias


def test_tiles_become_smaller_if_memory_runs_out(device: torch.device) -> None:
    """The error of the allocator of the device is recognised, and the image is restored."""
    model = Hungry(150 * 150)
    image = 0.5 * torch.rand(3, 400, 300, generator=torch.Generator().manual_seed(0))
    outcome = float32(device, model, tile="off").restore(image)
    assert max(model.sizes) > model.limit
    assert outcome.tile is not None
    torch.testing.assert_close(outcome.image, image + 0.25)


def test_a_large_image_within_little_memory(device: torch.device) -> None:
    """With 150 MB for activations that need 240 MB, the result does not change."""
    model = create_model("dncnn", depth=3, width=64, batch_norm=False).eval()
    image, _ = noisy(700, 700)
    denoiser = float32(device, model, tile="off")
    expected = denoiser(image)
    if device.type == "cuda":
        torch.cuda.empty_cache()
        allowed = torch.cuda.memory_reserved(device) + 150e6
        share = allowed / torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(share)
    try:
        outcome = denoiser.restore(image)
    finally:
        if device.type == "cuda":
            torch.cuda.set_per_process_memory_fraction(1.0)
    assert device.type == "cpu" or outcome.tile is not None
    torch.testing.assert_close(outcome.image, expected, rtol=0, atol=1e-5)


def test_free_memory_is_that_of_the_device(device: torch.device) -> None:
    """It decides the size of the tiles."""
    free = available_memory(device)
    assert free > 0
    if device.type == "cuda":
        assert free <= torch.cuda.get_device_properties(device).total_memory


def test_command_line_takes_the_device(tmp_path: Path, device: torch.device) -> None:
    """`denoise --device` writes the same picture as the CPU, within one level."""
    image, _ = noisy(90, 120)
    pixels = (image.clamp(0, 1).movedim(0, 2).numpy() * 255).astype(np.uint8)
    source = tmp_path / "noisy.png"
    Image.fromarray(pixels).save(source)
    results = []
    for place in ("cpu", str(device)):
        target = tmp_path / f"result-{len(results)}.png"
        words = ["--device", place, "--precision", "float32", "-m", WEIGHTS, "--force"]
        assert main(["denoise", str(source), "-o", str(target), *words]) == 0
        results.append(np.asarray(Image.open(target)).astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1
    assert np.abs(results[1] - pixels).max() > 1
