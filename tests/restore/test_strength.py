"""Strength, flips and noise levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

import restorekit
from restorekit.errors import ArgumentError, CheckpointError, InputError, RestoreWarning
from restorekit.restore.denoise import denoise
from restorekit.restore.denoiser import Denoiser


class Answer(nn.Module):
    """Returns a fixed picture."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        self.picture = picture

    def forward(self, noisy: Tensor) -> Tensor:
        return self.picture.expand_as(noisy)


class Blur(nn.Module):
    """Smooths far too much."""

    def forward(self, noisy: Tensor) -> Tensor:
        blurred = gaussian_filter(noisy.numpy(), (0, 0, 1.5, 1.5))
        return torch.from_numpy(blurred)


class Sloped(nn.Module):
    """Multiplies by a factor that depends on the position, so it does not commute with flips."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        nn.init.normal_(self.conv.weight, generator=torch.Generator().manual_seed(1))
        nn.init.zeros_(self.conv.bias)

    def forward(self, noisy: Tensor) -> Tensor:
        return self.conv(noisy.flatten(0, 1)[:, None]).view_as(noisy)


class Heeding(nn.Module):
    """Adds sigma."""

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        return noisy + sigma


# Strength


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_strength_zero_is_the_image_itself(dtype: str) -> None:
    """Bit for bit, for every type, and the network does not run."""
    image = (np.random.default_rng(0).random((9, 7, 3)) * (255 if dtype[0] == "u" else 1)).astype(
        dtype
    )
    assert np.array_equal(denoise(image, nn.Flatten(), strength=0), image)


def test_strength_is_a_blend() -> None:
    """A strength of 1/4 applies a quarter of the change, for floats and integers."""
    image = torch.rand(3, 20, 30)
    restored = denoise(image, Answer(torch.tensor(0.5)), strength=0.25, force=True)
    torch.testing.assert_close(restored, image + 0.25 * (0.5 - image))
    gray = denoise(
        Image.new("L", (4, 4), 100), Answer(torch.tensor(200 / 255)), strength=0.25, force=True
    )
    assert gray.getpixel((0, 0)) == 125


@pytest.mark.parametrize("name", ["strength", "keep_detail"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_shares_are_from_0_to_1(name: str, value: float) -> None:
    """Other numbers are refused."""
    with pytest.raises(ArgumentError, match=f"{name} is a number from 0 to 1"):
        Denoiser(Blur(), **{name: value})


# Flips and turns


@pytest.mark.parametrize("tile", ["off", 20])
def test_an_ensemble_turns_with_its_image(tile: int | str) -> None:
    """Restoring a flipped or rotated image equals flipping or rotating the restored one."""
    denoiser = Denoiser(Sloped(), ensemble=True, tile=tile, precision="float32")  # type: ignore[arg-type]
    image = torch.rand(3, 45, 61) - 0.5
    restored = denoiser(image)
    for turned in (lambda x: x.flip(1), lambda x: x.flip(2), lambda x: x.rot90(1, (1, 2))):
        torch.testing.assert_close(denoiser(turned(image)), turned(restored), rtol=0, atol=1e-5)
    assert not torch.allclose(Denoiser(Sloped())(image.flip(1)), Denoiser(Sloped())(image).flip(1))


def test_an_ensemble_is_the_mean_of_eight() -> None:
    """Compared with a mean of eight separate results."""
    model, image = Sloped(), torch.rand(1, 12, 17)
    views = [image.rot90(k, (1, 2)) for k in range(4)]
    with torch.no_grad():
        answers = [model(view[None])[0].rot90(-k, (1, 2)) for k, view in enumerate(views)]
        answers += [
            model(view.flip(2)[None])[0].flip(2).rot90(-k, (1, 2)) for k, view in enumerate(views)
        ]
    expected = torch.stack(answers).mean(0).clamp(0, 1)
    torch.testing.assert_close(denoise(image, model, ensemble=True), expected)


# Noise levels


def test_sigma_is_estimated_unless_given(estimate: None) -> None:
    """For a network that uses it. The outcome has the estimate."""
    image = torch.rand(3, 20, 20) * 0.5
    estimated = Denoiser(Heeding()).restore(image)
    torch.testing.assert_close(estimated.image, image + 0.125)
    assert estimated.sigma == pytest.approx((0.125,) * 3)
    given = Denoiser(Heeding(), sigma=0.05).restore(image)
    torch.testing.assert_close(given.image, image + 0.05)
    assert given.sigma == pytest.approx((0.05,) * 3)
    assert (given.model, given.precision, given.tile) == ("Heeding", "float32", None)
    assert given.seconds > 0


def test_clean_images_are_recognised(estimate: None) -> None:
    """The outcome says so if no noise was found, but not for a given level."""
    assert Denoiser(Blur()).restore(torch.full((1, 8, 8), 0.5)).already_clean
    assert not Denoiser(Blur()).restore(torch.rand(1, 8, 8)).already_clean
    assert not Denoiser(Heeding(), sigma=0.0).restore(torch.full((1, 8, 8), 0.5)).already_clean


def test_each_tile_gets_its_part_of_the_noise_map(estimate: None) -> None:
    """The map of the test is the image itself."""
    place = torch.linspace(0.1, 0.4, 200).expand(3, 120, 200).contiguous()
    for tile in ("off", 50):
        restored = Denoiser(Heeding(), noise_map=True, tile=tile, force=True)(place)  # type: ignore[arg-type]
        torch.testing.assert_close(restored, 2 * place, rtol=0, atol=0.006)


def test_sigma_for_a_blind_network_gives_a_warning() -> None:
    """Once, although `forward` may accept it; the warning points at the call."""
    model = restorekit.create_model("unet", width=4, depth=1)
    for settings in ({"sigma": 0.1}, {"noise_map": True}):
        denoiser = Denoiser(model, **settings)  # type: ignore[arg-type]
        with pytest.warns(RestoreWarning, match="'unet' is blind: .*has no effect") as caught:
            denoiser(torch.rand(3, 16, 16))
        assert [warning.filename for warning in caught] == [__file__]
        denoiser(torch.rand(3, 16, 16))


@pytest.mark.parametrize(
    ("sigma", "told"),
    [
        (-0.1, "not -0.1$"),
        (25, "not 25; divide 8-bit levels by 255"),
        (np.full((8, 8), 25.0), "not 25; divide 8-bit levels by 255"),
        (float("nan"), "not nan$"),
        ((), "None estimates it"),
        ("auto", "not 'auto'; None estimates it"),
    ],
)
def test_sigma_is_on_the_unit_scale(sigma: object, told: str) -> None:
    """25 in 8-bit levels and the word "auto" are mistakes that are explained."""
    with pytest.raises(ArgumentError, match=told) as caught:
        Denoiser(Heeding(), sigma=sigma)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_sigma_may_be_one_for_each_channel() -> None:
    """Their number must be that of the channels."""
    outcome = Denoiser(Heeding(), sigma=(0.1, 0.2, 0.2), force=True).restore(torch.zeros(3, 4, 4))
    assert outcome.sigma == pytest.approx((0.1, 0.2, 0.2))
    assert outcome.image[0, 0, 0] == pytest.approx(0.03**0.5)
    with pytest.raises(ArgumentError, match=r"each of 3 channels, .*, not \(2,\)"):
        Denoiser(Heeding(), sigma=(0.1, 0.2), force=True)(torch.zeros(3, 4, 4))


def test_a_map_and_a_number_exclude_each_other() -> None:
    """A map is estimated, so it cannot be combined with a given sigma."""
    with pytest.raises(ArgumentError, match="either sigma or noise_map"):
        Denoiser(Heeding(), sigma=0.1, noise_map=True)


# Models by name


def test_models_without_weights_are_given_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered model without weights is created; one that needs weights is refused."""
    monkeypatch.setattr(restorekit.models, "_entries", dict(restorekit.models._entries))
    restorekit.models.register("blur")(Blur)
    assert Denoiser("blur").name == "blur"
    with pytest.raises(CheckpointError, match="without trained weights"):
        Denoiser("unet")


def test_wrong_channels_are_an_input_error() -> None:
    """The message for the wrong number of channels is one line."""
    model = restorekit.create_model("unet", channels=2, width=4, depth=1)
    with pytest.raises(InputError, match="takes 2 channels, the image has 3"):
        denoise(torch.rand(3, 8, 8), model)


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("tile", ["off", 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_map_of_the_level_goes_with_its_pixels(channels: int, tile: Any, ensemble: bool) -> None:
    """For each image of a batch, in tiles, and with flips and rotations."""
    levels = np.random.default_rng(0).random((40, 50)) * 0.1
    denoiser = Denoiser(
        Heeding(), sigma=levels, tile=tile, ensemble=ensemble, precision="float32", force=True
    )
    outcome = denoiser.restore(torch.full((2, channels, 40, 50), 0.5))
    expected = torch.from_numpy(0.5 + levels).float().expand(2, channels, -1, -1)
    torch.testing.assert_close(outcome.image, expected)
    assert outcome.sigma == pytest.approx((levels.mean(),) * channels)
    with pytest.raises(ArgumentError, match=r"a map \(40, 30\), not \(40, 50\)"):
        denoiser(torch.full((channels, 40, 30), 0.5))


def test_the_default_dtype_of_torch_has_no_effect() -> None:
    """With double precision as the default, the picture is the same."""
    image = np.random.default_rng(0).random((40, 40), np.float32)
    expected = denoise(image, Heeding())
    torch.set_default_dtype(torch.float64)
    try:
        assert np.array_equal(denoise(image, Heeding()), expected)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("tile", [np.int64(16), np.uint8(16)])
def test_tile_may_be_any_integer(tile: Any) -> None:
    assert Denoiser(Blur(), tile=tile).restore(torch.rand(3, 40, 40)).tile == 16


@pytest.mark.parametrize(
    "sigma",
    [
        np.float32(0.1),
        torch.tensor(0.1),
        torch.tensor(0.1, requires_grad=True),
        torch.tensor([0.1], dtype=torch.float16),
        np.full(3, 0.1),
        [0.1],
    ],
)
def test_a_level_may_be_any_number(sigma: object) -> None:
    """Also what an estimator returns."""
    outcome = Denoiser(Heeding(), sigma=sigma).restore(np.full((8, 8, 3), 0.5, np.float32))
    assert outcome.sigma == pytest.approx((0.1,) * 3, rel=1e-3)


@pytest.mark.parametrize("sigma", ["25", True, [], [0.1, None], np.nan, object()])
def test_wrong_levels_are_refused(sigma: object) -> None:
    with pytest.raises(ArgumentError, match="sigma is a standard deviation"):
        Denoiser(Heeding(), sigma=sigma)
    with pytest.raises(ArgumentError, match="strength is a number"):
        Denoiser(Heeding(), strength="half")
