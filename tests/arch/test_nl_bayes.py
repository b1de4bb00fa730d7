"""NL-Bayes against a plain implementation in numpy, and its properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import fft
from skimage import data
from torch import Tensor

from restorekit import create_model, create_noise
from restorekit.arch.classical import nl_bayes
from restorekit.metric.image_quality import psnr

Array = np.ndarray[Any, Any]


def level(sigma: float) -> Tensor:
    """A noise level in the form that models accept."""
    return torch.full((1, 1, 1, 1), sigma)


def noise(*shape: int, seed: int = 1) -> Tensor:
    """Gaussian noise of standard deviation 1."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def picture(*shape: int) -> Tensor:
    """A batch in about [0, 1] with an edge and a smooth part."""
    ramp = torch.linspace(0, 1, shape[-1]).expand(shape).clone()
    ramp[..., : shape[-2] // 2, :] *= 0.3
    ramp[:, 1:] = ramp[:, 1:].flip(-1)  # some colour
    return ramp + 0.1 * noise(*shape)


def nearest(guide: Array, y: int, x: int, size: int, reach: int) -> list[tuple[float, int, int]]:
    """Squared distance and place of the patches around (y, x), the nearest first."""
    height, width = (side - size + 1 for side in guide.shape[1:])
    patch = guide[:, y : y + size, x : x + size]
    return sorted(
        (float(((guide[:, a : a + size, b : b + size] - patch) ** 2).sum()), a, b)
        for a in range(max(y - reach, 0), min(y + reach + 1, height))
        for b in range(max(x - reach, 0), min(x + reach + 1, width))
    )


def gaussian(group: Array, model: Array, variance: float, added: float) -> Array:
    """The best linear estimate of each row of a group whose covariance is that of `model`."""
    covariance = np.atleast_2d(np.cov(model, rowvar=False)) + added * np.eye(model.shape[1])
    mean = group.mean(0)
    gain = (covariance - variance * np.eye(len(covariance))) @ np.linalg.inv(covariance)
    estimates: Array = mean + (group - mean) @ gain.T
    return estimates


def plain_step(
    noisy: Array, basic: Array | None, sigma: float, size: int, count: int, beta: float
) -> Array:
    """One step of NL-Bayes, group by group, for (C, H, W) of decorrelated channels."""
    step, variance = size // 2 + 1, beta * sigma**2
    below, right = (-(side - size) % step for side in noisy.shape[1:])
    border = ((0, 0), (0, below), (0, right))
    wide = np.pad(noisy, border, mode="symmetric")
    guide = wide[:1] if basic is None else np.pad(basic, border, mode="symmetric")
    total, weights = np.zeros_like(wide), np.zeros(wide.shape[1:])
    for y in range(0, wide.shape[1] - size + 1, step):
        for x in range(0, wide.shape[2] - size + 1, step):
            found = nearest(guide, y, x, size, count // 4)
            farthest = found[min(count, len(found)) - 1][0]
            if basic is not None:
                farthest = max(farthest, (4 / 255) ** 2 * size**2 * len(noisy))
            places = [(a, b) for distance, a, b in found if distance <= farthest]

            def group(image: Array, places: list[tuple[int, int]] = places) -> Array:
                return np.stack([image[:, a : a + size, b : b + size] for a, b in places])

            stack = group(wide)
            if basic is not None:
                model = group(np.pad(basic, border, mode="symmetric")).reshape(len(places), -1)
                flat = stack.reshape(len(places), -1)
                stack = gaussian(flat, model, variance, variance).reshape(stack.shape)
            elif np.mean([np.var(stack[:, c], ddof=1) for c in range(len(noisy))]) <= (
                1.05 * sigma**2
            ):
                stack = np.broadcast_to(stack.mean((0, 2, 3), keepdims=True), stack.shape)
            else:
                rows = [stack[:, c].reshape(len(places), -1) for c in range(len(noisy))]
                filtered = [gaussian(x, x, variance, 1e-6 * sigma**2) for x in rows]
                stack = np.stack(filtered, 1).reshape(stack.shape)
            for (a, b), patch in zip(places, stack, strict=True):
                total[:, a : a + size, b : b + size] += patch
                weights[a : a + size, b : b + size] += 1
    mean: Array = total / weights
    return mean[:, : noisy.shape[1], : noisy.shape[2]]


@pytest.mark.parametrize(
    ("channels", "sigma", "first", "second"),
    [
        (1, 25, (5, 45, 1.0), (5, 25, 1.0)),
        (1, 12, (5, 45, 1.1), (5, 15, 1.1)),
        (1, 60, (7, 90, 1.0), (5, 30, 0.9)),
        (3, 12, (3, 27, 1.0), (3, 27, 1.2)),
        (3, 25, (5, 75, 1.0), (3, 27, 1.2)),
    ],
)
def test_it_is_the_plain_algorithm(
    channels: int, sigma: int, first: tuple[int, int, float], second: tuple[int, int, float]
) -> None:
    """With sizes of patches, numbers of them and factors of the noise from the article."""
    image, std = picture(1, channels, 16, 23), sigma / 255
    apart = fft.dct(image[0].double().numpy(), axis=0, norm="ortho")
    basic = plain_step(apart, None, std, *first)
    expected = fft.idct(plain_step(apart, basic, std, *second), axis=0, norm="ortho")
    restored = create_model("nl_bayes")(image, sigma=level(std))
    np.testing.assert_allclose(restored[0], expected, atol=1e-5)


def test_groups_without_detail_become_even(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than a tenth of the noise on a constant picture is left, and less than without it."""
    model, noisy = create_model("nl_bayes"), 0.5 + 0.1 * noise(1, 1, 48, 48)

    def left() -> float:
        return float((model(noisy, sigma=level(0.1)) - 0.5).square().mean().sqrt())

    found = left()
    monkeypatch.setattr(nl_bayes, "_FLAT", 0.0)
    assert found < 0.01
    assert found < 0.9 * left()


def test_brightness_and_orientation_make_no_difference() -> None:
    """A lighter or transposed picture gives the lighter or transposed result."""
    model, image = create_model("nl_bayes"), picture(1, 3, 20, 26)
    restored = model(image, sigma=level(0.1))
    torch.testing.assert_close(model(image + 0.2, sigma=level(0.1)), restored + 0.2)
    torch.testing.assert_close(model(image.mT, sigma=level(0.1)), restored.mT)


def test_the_size_of_the_blocks_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that are filtered one by one give the result of those that are filtered together."""
    model, image = create_model("nl_bayes"), picture(1, 1, 20, 26)
    together = model(image, sigma=level(0.1))
    monkeypatch.setattr(nl_bayes, "_VALUES", 1)
    torch.testing.assert_close(model(image, sigma=level(0.1)), together)


def test_small_pictures_with_little_noise_hardly_change() -> None:
    """The covariance of few patches is singular; the result stays near the picture even so."""
    for size in (1, 6, 9):
        image = picture(1, 3, size, size)
        restored = create_model("nl_bayes")(image, sigma=level(1e-6))
        torch.testing.assert_close(restored, image, atol=1e-4, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_as_good_as_bm3d(channels: int) -> None:
    """On a photograph at level 25: 0.3 dB better than dct, and near BM3D."""
    pixels = torch.from_numpy(data.astronaut()[40:112, 190:262].copy())
    clean = pixels.movedim(2, 0)[None, :channels].float() / 255
    generator = torch.Generator().manual_seed(1)
    noisy = create_noise("gaussian", std=25 / 255)(clean, generator=generator).noisy
    found = {
        name: float(psnr(create_model(name)(noisy, sigma=level(25 / 255)), clean))
        for name in ("nl_bayes", "bm3d", "dct")
    }
    assert found["nl_bayes"] > found["dct"] + 0.3
    assert found["nl_bayes"] == pytest.approx(found["bm3d"], abs=0.5)
