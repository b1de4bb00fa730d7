"""Tiles: positions and blending, and equality with the whole image."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import restorekit
from restorekit.errors import ArgumentError, InputError, InsufficientMemoryError, RestoreWarning
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.tiles.tile_layout import divide_axis, read_extent


class Toy(nn.Module):
    """Like the network of a plugin: reflecting borders, a dilation, a stride, no declarations."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 5, padding=2, padding_mode="reflect")
        self.wide = nn.Conv2d(6, 6, 3, padding=4, dilation=4)
        self.last = nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, noisy: Tensor) -> Tensor:
        height, width = noisy.shape[-2:]
        x = functional.pad(noisy, (0, -width % 4, 0, -height % 4), mode="replicate")
        x = functional.gelu(self.first(x))
        x = functional.interpolate(functional.avg_pool2d(x, 4), scale_factor=4.0) + self.wide(x)
        return noisy + self.last(x)[..., :height, :width]


class Scaling(nn.Module):
    """Divides by the mean of the whole image."""

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy * 0.5 / noisy.mean(dim=(2, 3), keepdim=True)


class Hungry(nn.Module):
    """Runs out of memory above a number of pixels."""

    def __init__(self, limit: int, message: str = "CUDA out of memory. Tried to") -> None:
        super().__init__()
        self.limit, self.message, self.sizes = limit, message, list[int]()

    def forward(self, noisy: Tensor) -> Tensor:
        self.sizes.append(noisy.shape[-1] * noisy.shape[-2])
        if self.sizes[-1] > self.limit:
            raise RuntimeError(self.message)
        return noisy + 0.25


@cache
def made(name: str) -> nn.Module:
    """A network with random weights, all of which affect the result."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        if name == "toy":
            return Toy()
        arguments = {
            "unet": {"width": 6, "depth": 2},
            "deep": {"width": 4, "depth": 4},
            "dncnn": {"width": 8, "depth": 6},
        }[name]
        return restorekit.create_model(name.replace("deep", "unet"), **arguments)


@cache
def tiling(name: str, tile: int | None) -> Denoiser:
    """Made once, because the receptive field is measured for each."""
    return Denoiser(made(name), tile=tile, precision="float32")


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


# Planning


@settings(deadline=None)
@given(st.integers(1, 700), st.integers(1, 300), st.integers(0, 80))
def test_weights_sum_to_one(length: int, tile: int, blend: int) -> None:
    """Every row is written with weights that sum to one, and seams are at most a tile apart."""
    total = torch.zeros(length, dtype=torch.float64)
    for segment in divide_axis(length, tile, blend):
        total[segment.low : segment.high] += segment.weights(torch.float64, total.device)
        assert segment.high - segment.low <= tile + blend
    torch.testing.assert_close(total, torch.ones(length, dtype=torch.float64))


@settings(deadline=None)
@given(
    low=st.integers(0, 300),
    size=st.integers(1, 100),
    rest=st.integers(0, 300),
    margin=st.integers(0, 60),
    alignment=st.sampled_from([1, 8, 16]),
    mirrored=st.booleans(),
)
def test_extents_include_the_margin_and_are_aligned(
    low: int, size: int, rest: int, margin: int, alignment: int, mirrored: bool
) -> None:
    """An extent includes the margin, is within the image, and is aligned at both ends."""
    high, length = low + size, low + size + rest
    start, stop = read_extent(low, high, length, margin, alignment, mirrored)
    assert 0 <= start <= max(low - margin, 0)
    assert min(high + margin, length) <= stop <= length
    if mirrored:
        start, stop = length - stop, length - start
    assert start % alignment == 0
    assert stop % alignment == 0 or stop == length


# Against the whole image


@settings(deadline=None, max_examples=8)
@given(
    height=st.integers(1, 190),
    width=st.integers(1, 190),
    tile=st.integers(1, 100),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("name", ["unet", "dncnn", "toy", "deep"])
def test_tiles_equal_the_whole_image(
    name: str, height: int, width: int, tile: int, seed: int
) -> None:
    """To 1e-5 in float32, for any sizes of image and tile."""
    if name == "toy":  # it reflects about its border, which a smaller image has not room for
        height, width = height + 8, width + 8
    tile = max(tile, max(height, width) // 6)  # any, but not thousands of them
    image = picture(height, width, seed)
    whole = Denoiser(made(name), tile="off", precision="float32")(image)
    tiled = tiling(name, tile)(image)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["unet", "toy"])
def test_ensemble_of_tiles_is_that_of_the_whole(name: str) -> None:
    """Flipped tiles have the alignment of the flipped image."""
    image = picture(91, 118)
    whole, tiled = (
        Denoiser(made(name), tile=tile, ensemble=True, precision="float32")(image)
        for tile in ("off", 40)
    )
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


def test_batches_and_integers_are_tiled() -> None:
    """Each image of a batch keeps its position; bytes equal those of the whole image."""
    batch = torch.stack([picture(70, 50, seed) for seed in range(3)])
    whole, tiled = (Denoiser(made("dncnn"), tile=tile, precision="float32") for tile in ("off", 32))
    torch.testing.assert_close(tiled(batch), whole(batch), rtol=0, atol=1e-5)
    levels = (batch * 255).byte()
    assert (tiled(levels).int() - whole(levels).int()).abs().max() <= 1  # 0.5 may round either way


def test_a_large_image_is_tiled_automatically(estimate: None) -> None:
    """The outcome has the size of the tiles, and None for a small image."""
    denoiser = Denoiser(made("dncnn"), precision="float32")
    outcome = denoiser.restore(image := picture(60, 900))
    assert outcome.tile is not None
    assert outcome.tile < 900
    whole = Denoiser(made("dncnn"), tile="off", precision="float32")(image)
    torch.testing.assert_close(outcome.image, whole, rtol=0, atol=1e-5)
    assert denoiser.restore(picture(60, 90)).tile is None


# Networks that see everything


def test_the_difference_of_tiles_is_reported_for_global_networks() -> None:
    """Once, with a number measured on the image; not for a whole image."""
    image = picture(200, 300) * torch.linspace(0.2, 1, 300)
    denoiser = Denoiser(Scaling(), tile=100, force=True)
    told = r"'Scaling'.*tiles of 100.*/255.*tile='off'"
    with pytest.warns(RestoreWarning, match=told) as caught:
        tiled = denoiser(image)
    denoiser(image)  # a second warning would be an error
    assert "\n" not in str(caught[0].message)
    whole = Denoiser(Scaling(), tile="off", force=True)(image)
    assert not torch.allclose(tiled, whole, atol=0.01)


@pytest.mark.parametrize("given", [{"sigma": 0.1}, {"sigma": (0.1, 0.2, 0.3)}, {"noise_map": True}])
def test_global_networks_that_use_the_level_are_reported_too(
    given: dict[str, Any], estimate: None
) -> None:
    """The level of the image, or its map, is given when the difference is measured."""

    class WithSigma(Scaling):
        def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(noisy) + 0.1 * sigma

    image = picture(200, 300) * torch.linspace(0.2, 1, 300)
    with pytest.warns(RestoreWarning, match=r"'WithSigma'.*tiles of 70.*/255"):
        assert Denoiser(WithSigma(), tile=70, **given, force=True)(image).shape == image.shape


def test_global_networks_get_the_whole_image_if_memory_allows() -> None:
    """Tiles are used on request only."""
    image = picture(40, 800)
    assert torch.equal(Denoiser(Scaling())(image), Denoiser(Scaling(), tile="off")(image))


def test_networks_of_a_fixed_size_get_no_tiles() -> None:
    """A network that accepts one size only gets the whole image."""

    class Fixed(nn.Module):
        def forward(self, noisy: Tensor) -> Tensor:
            if noisy.shape[-2:] != (50, 80):
                raise ValueError("not my size")
            return noisy + 0.1

    image = picture(50, 80) * 0.5
    torch.testing.assert_close(Denoiser(Fixed(), tile=20, force=True)(image), image + 0.1)


# Memory


def test_tiles_are_halved_when_memory_runs_out() -> None:
    """Until they fit; the next image starts with the requested size."""
    model = Hungry(limit=100 * 150)
    image = picture(400, 300) * 0.5
    torch.testing.assert_close(Denoiser(model, force=True)(image), image + 0.25)
    assert model.sizes[0] == 400 * 300
    assert max(model.sizes[-4:]) <= 100 * 150


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("x")])
def test_other_ways_to_run_out_of_memory(error: Exception) -> None:
    """Errors of Python and torch are recognised, too."""

    class Failing(Hungry):
        def forward(self, noisy: Tensor) -> Tensor:
            if noisy.shape[-1] > 150:
                raise error
            return noisy

    image = picture(80, 270)
    torch.testing.assert_close(Denoiser(Failing(0), force=True)(image), image)


def test_too_little_memory_for_any_tile() -> None:
    """The message is one line."""
    with pytest.raises(
        InputError, match=r"not enough memory for model 'Hungry'.*300x400"
    ) as caught:
        Denoiser(Hungry(limit=10))(picture(400, 300))
    assert "\n" not in str(caught.value)


def test_too_little_memory_with_the_network_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An allocation that fails outside of the network gives one line, too."""

    def fail(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8")

    monkeypatch.setattr("restorekit.restore.level_choice.estimated_level", fail)
    with pytest.raises(InsufficientMemoryError, match=r"^not enough memory to restore an image"):
        Denoiser(Hungry(limit=10**6))(picture(40, 30))


def test_too_little_memory_for_a_network_of_a_fixed_size() -> None:
    """The message does not mention tiles, which were not tried."""

    class Fixed(nn.Module):
        def forward(self, noisy: Tensor) -> Tensor:
            raise MemoryError if noisy.shape[-2:] == (50, 80) else ValueError("not my size")

    with pytest.raises(InputError, match=r"image of 80x50 pixels, which it takes only whole"):
        Denoiser(Fixed())(picture(50, 80))


def test_other_errors_are_not_swallowed() -> None:
    """An error that is not about memory is raised unchanged."""
    with pytest.raises(RuntimeError, match="something else"):
        Denoiser(Hungry(limit=10, message="something else"))(picture(40, 30))


@pytest.mark.parametrize("tile", [0, -5, 1.5, "of", True])
def test_unusable_tiles_are_refused(tile: object) -> None:
    """The message states the valid values."""
    with pytest.raises(ArgumentError, match="'auto' or 'off'"):
        Denoiser(Toy(), tile=tile)  # type: ignore[arg-type]
