"""Augmentations of kornia as noises."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from kornia import augmentation, filters
from torch import Tensor

import restorekit
from restorekit.errors import ArgumentError, InputError
from restorekit.noise.kornia_augmentation import Kornia, available
from tests.noise.correlations import seeded

# What has no default, and rain that fits a small picture.
REQUIRED: dict[str, dict[str, Any]] = {
    "Normalize": {"mean": 0.5, "std": 0.2},
    "Denormalize": {"mean": 0.5, "std": 0.2},
    "RandomGaussianBlur": {"kernel_size": 5, "sigma": [0.5, 2.0]},
    "RandomMotionBlur": {"kernel_size": [3, 9], "angle": [0, 90], "direction": 0.5},
    "RandomRain": {"number_of_drops": [10, 20], "drop_height": [3, 6]},
}


def colours(count: int = 4) -> Tensor:
    return torch.rand(count, 3, 24, 32, generator=seeded())


@pytest.mark.parametrize("name", available())
def test_every_augmentation_follows_the_generator(name: str) -> None:
    """The same generator gives the same batch, and torch's own is left alone."""
    before = torch.get_rng_state()
    noise = Kornia(name, **REQUIRED.get(name, {}))
    clean = colours()
    kept = clean.clone()
    noisy, again = (noise(clean, seeded(1)).noisy for _ in range(2))
    assert torch.equal(noisy, again)
    assert noisy.shape == clean.shape
    assert torch.equal(clean, kept)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_augmentation_is_kornia_s() -> None:
    """A fixed blur equals that of kornia's function."""
    clean = colours()
    noisy = Kornia("RandomGaussianBlur", kernel_size=5, sigma=[1.0, 1.0])(clean, seeded()).noisy
    torch.testing.assert_close(noisy, filters.gaussian_blur2d(clean, (5, 5), (1.0, 1.0)))


def test_noise_has_the_standard_deviation_that_was_asked_for() -> None:
    added = Kornia("RandomGaussianNoise", std=0.1)(torch.full((4, 3, 64, 64), 0.5), seeded()).noisy
    assert float(added.std()) == pytest.approx(0.1, rel=0.02)


def test_each_sample_draws_its_own() -> None:
    """Also the size of a motion blur, which kornia draws once for a batch."""
    point = torch.zeros(1, 1, 31, 31)
    point[..., 15, 15] = 1.0
    blur = Kornia("RandomMotionBlur", kernel_size=[3, 25], angle=[0.0, 0.0], direction=[0.0, 0.0])
    noisy = blur(point.expand(8, -1, -1, -1), seeded()).noisy
    lengths = {int((sample > 1e-6).sum()) for sample in noisy}
    assert len(lengths) > 3


def test_it_is_applied_to_every_sample_by_default() -> None:
    """Kornia applies most augmentations to every second sample."""
    clean = colours(64)
    inverted = Kornia("RandomInvert")(clean, seeded()).noisy
    torch.testing.assert_close(inverted, 1 - clean)
    sometimes = Kornia("RandomInvert", p=0.25)(clean, seeded()).noisy
    assert 4 < (sometimes != clean).flatten(1).any(1).sum() < 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"augmentation": "RandomMotonBlur"}, "no augmentation 'RandomMotonBlur'. Did you mean"),
        ({"augmentation": "motion_blur"}, "Did you mean 'RandomMotionBlur'"),
        ({"augmentation": "Tensor"}, "no augmentation 'Tensor'. It has: ColorJiggle"),
        ({"augmentation": "RandomRotation", "degrees": 5}, "RandomRotation moves or mixes pixels"),
        ({"augmentation": "RandomMixUpV2"}, "moves or mixes pixels"),
        ({"augmentation": "RandomDissolving"}, "downloads a network"),
        ({"augmentation": "RandomGaussianNoise", "sdt": 0.1}, "'sdt'. Did you mean 'std'"),
        ({"augmentation": "RandomGaussianNoise", "std": "much"}, "'std': input should be"),
        ({"augmentation": "RandomGaussianNoise", "std": True}, "'std': input should be a number"),
        ({"augmentation": "RandomMotionBlur", "kernel_size": 3}, "'angle' is missing"),
        (
            {"augmentation": "RandomMotionBlur", "kernel_size": 4, "angle": 0, "direction": 0},
            "with RandomMotionBlur: `kernel_size` must be odd",
        ),
        ({"augmentation": "RandomJPEG", "same_on_batch": True}, "'same_on_batch' is about batches"),
        ({"augmentation": "RandomJPEG", "p": 2}, "p must be between 0 and 1"),
    ],
)
def test_what_cannot_work_is_refused(arguments: dict[str, Any], message: str) -> None:
    """In one line, before anything is made of it."""
    with pytest.raises(ArgumentError) as caught:
        restorekit.create_noise("kornia", **arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_images_that_it_cannot_take_are_refused() -> None:
    """The augmentation and the shape are named, in one line."""
    with pytest.raises(InputError, match=r"RandomHue of kornia fails .* \(1, 8, 8\)") as caught:
        Kornia("RandomHue")(torch.rand(1, 1, 8, 8))
    assert "\n" not in str(caught.value)


def test_another_shape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An augmentation of a later kornia could crop."""

    class Crop(augmentation.IntensityAugmentationBase2D):
        def apply_transform(self, image: Tensor, *_: Any, **__: Any) -> Tensor:
            return image[..., 1:]

    monkeypatch.setattr(augmentation, "Crop", Crop, raising=False)
    with pytest.raises(InputError, match=r"from \(3, 24, 32\) to \(3, 24, 31\)"):
        Kornia("Crop")(colours())


def test_half_precision_is_computed_in_float32() -> None:
    clean = colours().bfloat16()
    noise = Kornia("RandomGaussianBlur", kernel_size=5, sigma=[1.0, 1.0]).bfloat16()
    expected = noise(clean.float(), seeded()).noisy.bfloat16()
    assert torch.equal(noise(clean, seeded()).noisy, expected)


def test_a_formula_names_its_arguments() -> None:
    """Which kornia's signature checks, as those of a mapping."""
    clean = colours()
    named = restorekit.create_noise("kornia(augmentation=RandomGaussianNoise, std=0.1) | blur(1)")
    noise = [{"name": "kornia", "augmentation": "RandomGaussianNoise", "std": 0.1}, "blur(1)"]
    chained = restorekit.create_noise("chain", noises=noise)
    assert torch.equal(named(clean, seeded()).noisy, chained(clean, seeded()).noisy)
    with pytest.raises(ArgumentError, match=r"'sdt'\. Did you mean 'std'"):
        restorekit.create_noise("kornia(augmentation=RandomGaussianNoise, sdt=0.1) | blur")
