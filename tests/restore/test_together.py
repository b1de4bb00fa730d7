"""Restoring several images at once gives the same results as one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from restorekit import create_model
from restorekit.errors import InputError
from restorekit.restore.denoiser import Denoiser


class Counting(nn.Module):
    """A network that records the shapes of its inputs."""

    channels = 3

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        self.shapes.append(tuple(noisy.shape))
        restored: Tensor = self.network(noisy, sigma)
        return restored


@pytest.fixture
def network() -> Counting:
    torch.manual_seed(0)
    return Counting(create_model("swift", size="small"))


def noisy(seed: int, side: int, sigma: float) -> Any:
    """A gray picture with noise, (side, side, 3) floats in [0, 1]."""
    noise = np.random.default_rng(seed).normal(0, sigma, (side, side, 3))
    return (0.5 + noise).clip(0, 1).astype(np.float32)


@given(
    sides=st.lists(st.sampled_from([16, 24, 40]), min_size=1, max_size=6),
    options=st.fixed_dictionaries(
        {
            "sigma": st.sampled_from([None, 0.1, [0.05, 0.1, 0.2]]),
            "strength": st.sampled_from([0.0, 0.5, 1.0]),
            "strength_chroma": st.sampled_from([None, 0.0, 0.3]),
            "keep_detail": st.sampled_from([0.0, 0.7]),
            "ensemble": st.booleans(),
        }
    ),
)
@settings(max_examples=15, deadline=None)
def test_each_result_is_as_if_alone(sides: list[int], options: dict[str, Any]) -> None:
    """Images, levels and findings are in the given order, for any mix of sizes."""
    torch.manual_seed(0)
    denoiser = Denoiser(create_model("swift", size="small"), precision="float32", **options)
    images = [noisy(seed, side, 0.02 * (seed + 1)) for seed, side in enumerate(sides)]
    for image, found in zip(images, denoiser.restore_all(images), strict=True):
        alone = denoiser.restore(image)
        np.testing.assert_allclose(found.image, alone.image, atol=1e-5)
        assert found.sigma == pytest.approx(alone.sigma)
        assert (found.already_clean, found.tile, found.precision, found.model) == (
            alone.already_clean,
            alone.tile,
            alone.precision,
            alone.model,
        )


def test_those_of_one_size_are_one_batch(network: Counting) -> None:
    """Kinds of images may differ; only size, type and range must be equal."""
    first, second = (Image.new("RGB", (24, 16), colour) for colour in ("red", "navy"))
    images = [first, np.zeros((8, 8, 3), np.uint8), np.asarray(second), second.convert("L")]
    denoiser = Denoiser(network, sigma=0.1, precision="float32", force=True)
    denoiser(first)  # the first call also finds out whether it uses sigma
    network.shapes.clear()
    restored = [outcome.image for outcome in denoiser.restore_all(images)]
    assert sorted(network.shapes) == [(1, 3, 8, 8), (1, 3, 16, 24), (2, 3, 16, 24)]
    assert [type(image) for image in restored] == [type(image) for image in images]
    assert restored[3].mode == "L"


def test_a_level_is_each_images_own(network: Counting) -> None:
    """Each image of the batch has its own estimate."""
    told: list[Tensor] = []
    network.network.register_forward_pre_hook(lambda _, given: told.append(given[1]))
    denoiser = Denoiser(network, precision="float32")
    denoiser.restore(noisy(0, 64, 0.1))
    told.clear()
    denoiser.restore_all([noisy(1, 64, 0.05), noisy(2, 64, 0.15)])
    [level] = told
    levels = level.flatten().tolist()
    assert levels == pytest.approx([0.05, 0.15], rel=0.15)


KINDS: dict[str, Any] = {
    "white of 12 bits": np.full((16, 16), 3000, np.uint16),
    "white of 16 bits": np.full((16, 16), 60000, np.uint16),
    "alpha": np.full((16, 16, 4), 77, np.uint8),
    "gray": np.full((16, 16), 99, np.uint8),
    "beyond white": np.full((16, 16, 3), [0.5, 1.5, 0.5], np.float32),
    "a batch": torch.full((2, 3, 16, 16), 0.25),
}


def test_different_kinds_are_returned_as_their_kind(network: Counting) -> None:
    """Each occurs twice among others, with its own white, alpha and range."""
    denoiser = Denoiser(network, sigma=np.full((16, 16), 0.1), precision="float32")
    images = [*KINDS.values(), *KINDS.values()]
    for image, found in zip(images, denoiser.restore_all(images), strict=True):
        np.testing.assert_allclose(found.image, denoiser(image), atol=1e-5, rtol=1e-5)
        assert found.image.dtype == image.dtype


def test_a_map_of_each_image_is_estimated(network: Counting) -> None:
    """With `noise_map`, the map is that of the image alone."""
    denoiser = Denoiser(network, noise_map=True, precision="float32")
    images = [noisy(1, 64, 0.05), noisy(2, 64, 0.15)]
    for image, found in zip(images, denoiser.restore_all(images), strict=True):
        np.testing.assert_allclose(found.image, denoiser(image), atol=1e-5)


def test_large_images_are_not_put_together(network: Counting) -> None:
    """A batch of them would only need more memory."""
    denoiser = Denoiser(network, sigma=0.1, precision="float32", tile="off")
    side = int(denoiser.pixels_at_once**0.5)
    network.shapes.clear()
    denoiser.restore_all([noisy(0, side, 0.1)] * 2)
    assert {shape[0] for shape in network.shapes} == {1}


def test_batches_shrink_if_memory_runs_out(network: Counting) -> None:
    """This is tried before tiles."""
    denoiser = Denoiser(network, sigma=0.1, precision="float32")
    images = [noisy(seed, 16, 0.1) for seed in range(5)]
    expected = [denoiser(image) for image in images]

    def small_memory(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        if len(given[0]) > 2:
            raise torch.OutOfMemoryError("too many")

    network.network.register_forward_pre_hook(small_memory)
    found = denoiser.restore_all(images)
    assert [outcome.tile for outcome in found] == [None] * 5
    for outcome, image in zip(found, expected, strict=True):
        np.testing.assert_allclose(outcome.image, image, atol=1e-5)


def test_no_images_give_no_results(network: Counting) -> None:
    assert Denoiser(network, sigma=0.1).restore_all([]) == []


def test_a_bad_one_is_refused(network: Counting, tmp_path: Path) -> None:
    """With the same error as alone."""
    bad = np.full((16, 16, 3), np.nan, np.float32)
    with pytest.raises(InputError, match="finite"):
        Denoiser(network, sigma=0.1).restore_all([noisy(0, 16, 0.1), bad])


@pytest.mark.parametrize("channels", [1, 3])
def test_screens_of_two_and_of_more_values_together(channels: int) -> None:
    """Both are left unchanged, for different reasons."""
    two = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(32, 32)
    more = torch.linspace(0.2, 0.9, 64) * (0.6 + 0.4 * two)
    batch = torch.stack([two, more])[:, None].repeat(1, channels, 1, 1)
    assert torch.equal(Denoiser()(batch), batch)
