"""The denoisers without weights: common properties, and each against another library."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft, ndimage
from skimage import data
from torch import Tensor

from restorekit import create_model, create_noise, list_models, models
from restorekit.errors import ArgumentError, InputError, MissingExtraError
from restorekit.metric.image_quality import psnr

CLASSICAL = [name for name in list_models() if "classical" in models.entry(name).component.tags]
every_one = pytest.mark.parametrize("name", CLASSICAL)
# Those that need a noise level, or estimate it.
LEVELLED = [name for name in CLASSICAL if name != "median"]
LEVEL = 25 / 255


def level(sigma: float, batch: int = 1) -> Tensor:
    """A noise level in the form that models accept."""
    return torch.full((batch, 1, 1, 1), sigma)


def picture(*shape: int) -> Tensor:
    """A batch in [0, 1]."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def clean() -> Tensor:
    """A part of a photograph, (1, 3, 96, 96)."""
    pixels = data.astronaut()[30:126, 180:276]
    return torch.from_numpy(pixels.copy()).movedim(2, 0)[None].float() / 255


@pytest.fixture(scope="module")
def noisy(clean: Tensor) -> Tensor:
    """The same with gaussian noise of sigma 25/255."""
    generator = torch.Generator().manual_seed(1)
    return create_noise("gaussian", std=LEVEL)(clean, generator=generator).noisy


def test_all_are_registered() -> None:
    """They have the names that tables of the literature use."""
    names = "bilateral bm3d dct guided median nl_bayes nlm tv wavelet"
    assert names.split() == CLASSICAL


@every_one
def test_published_reference_is_named(name: str) -> None:
    """The class's docstring links the paper and describes each argument of the signature."""
    description = models.describe(name)
    assert description.reference.rpartition("https://")[2] in description.doc
    assert all(argument.description for argument in description.arguments)


@every_one
def test_nothing_to_train(name: str) -> None:
    """They have neither parameters nor buffers, so no weights are needed."""
    assert create_model(name).state_dict() == {}
    assert list(create_model(name).parameters()) == []


@every_one
@settings(deadline=None, max_examples=12)
@given(height=st.integers(1, 40), width=st.integers(1, 40), channels=st.integers(1, 4))
def test_takes_any_size_and_channels(name: str, height: int, width: int, channels: int) -> None:
    """The image keeps its shape and type and is finite."""
    given_ = picture(1, channels, height, width)
    restored = create_model(name)(given_, sigma=level(0.1))
    assert restored.shape == given_.shape
    assert restored.dtype == given_.dtype
    assert bool(restored.isfinite().all())


@every_one
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_result_has_the_dtype_of_the_input(name: str, dtype: torch.dtype) -> None:
    """The result has the dtype of the input, whatever the model computes in."""
    assert create_model(name)(picture(1, 3, 16, 16).to(dtype), sigma=level(0.1)).dtype == dtype


@every_one
def test_treats_samples_alone_and_leaves_its_input(name: str) -> None:
    """Each image of a batch is restored with its own noise level, as it would be alone."""
    model, batch = create_model(name), picture(2, 3, 32, 24)
    before = batch.clone()
    sigma = torch.tensor([0.05, 0.2]).view(2, 1, 1, 1)
    together = model(batch, sigma=sigma)
    assert torch.equal(batch, before)
    for index in range(2):
        part = slice(index, index + 1)
        assert torch.equal(together[part], model(batch[part], sigma=sigma[part]))


@every_one
def test_takes_a_batch_with_the_channels_last(name: str) -> None:
    """As tiles come from an image; the result is the same."""
    model, noisy = create_model(name), picture(2, 3, 16, 12)
    last = noisy.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(model(last, level(LEVEL, 2)), model(noisy, level(LEVEL, 2)))


@pytest.mark.parametrize("name", LEVELLED)
def test_a_map_of_equal_levels_is_that_level(name: str) -> None:
    """A map (B, 1, H, W) stands for its root mean square; a level of zero changes nothing."""
    model, batch = create_model(name), picture(1, 3, 32, 24)
    as_map = model(batch, sigma=torch.full((1, 1, 32, 24), 0.1))
    torch.testing.assert_close(as_map, model(batch, sigma=level(0.1)))
    assert torch.equal(model(batch, sigma=level(0.0)), batch)


@pytest.mark.parametrize("name", LEVELLED)
def test_an_unknown_level_is_estimated(name: str, noisy: Tensor, clean: Tensor) -> None:
    """Without sigma the result is nearly as good as with the true one, and gains 5 dB."""
    model = create_model(name)
    told, untold = (float(psnr(model(noisy, sigma=s), clean)) for s in (level(LEVEL), None))
    before = float(psnr(noisy, clean))
    assert min(told, untold) > before + 5
    assert untold == pytest.approx(told, abs=0.6)


@every_one
@pytest.mark.parametrize(
    ("shape", "fact"),
    [((3, 16, 16), "image[None]"), ((16, 16), "2 dimensions"), ((1, 3, 0, 16), "at least 1")],
)
def test_wrong_shapes_are_refused(name: str, shape: tuple[int, ...], fact: str) -> None:
    """A missing batch dimension, another rank or an empty image is named, in one line."""
    with pytest.raises(InputError) as caught:
        create_model(name)(torch.zeros(shape))
    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


@every_one
def test_integers_are_refused(name: str) -> None:
    """An 8-bit batch is refused, because values in [0, 1] are expected."""
    with pytest.raises(InputError, match="divide 8-bit images by 255"):
        create_model(name)(torch.zeros(1, 3, 16, 16, dtype=torch.uint8))


def test_a_level_that_does_not_fit_is_refused() -> None:
    """Two levels for three images are refused."""
    with pytest.raises(InputError, match="takes sigma as \\(3, 1, 1, 1\\)"):
        create_model("tv")(picture(3, 1, 8, 8), sigma=level(0.1, 2))


@pytest.mark.parametrize("channels", [1, 3])
def test_bilateral_is_the_weighted_mean_of_the_definition(channels: int) -> None:
    """Computed pixel by pixel in float64, with the mean squared difference of the channels."""
    batch, sigmas = picture(2, channels, 9, 12), torch.tensor([0.05, 0.2])
    model = create_model("bilateral", size=5, strength=1.5, radius=1.2)
    restored = model(batch, sigma=sigmas.view(2, 1, 1, 1))
    rows, columns = np.mgrid[-2:3, -2:3]
    for image, sigma, result in zip(batch.double().numpy(), sigmas.tolist(), restored, strict=True):
        wide, expected = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="reflect"), image.copy()
        for y, x in np.ndindex(9, 12):
            window = wide[:, y : y + 5, x : x + 5]
            difference = ((window - image[:, y, x][:, None, None]) ** 2).mean(0)
            weights = np.exp(-difference / (2 * (1.5 * sigma) ** 2))
            weights *= np.exp(-(rows**2 + columns**2) / (2 * 1.2**2))
            expected[:, y, x] = (window * weights).sum((1, 2)) / weights.sum()
        np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_guided_is_the_mean_of_linear_models(channels: int) -> None:
    """Each window is regressed on itself in float64, with a penalty of its slopes."""
    batch, sigmas = picture(2, channels, 9, 12), torch.tensor([0.05, 0.2])
    model = create_model("guided", size=3, strength=1.5)
    restored = model(batch, sigma=sigmas.view(2, 1, 1, 1))
    for image, sigma, result in zip(batch.double().numpy(), sigmas.tolist(), restored, strict=True):
        wide = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="reflect")
        slopes = np.zeros((channels, channels, 9, 12))
        offsets = np.zeros((channels, 9, 12))
        for y, x in np.ndindex(9, 12):
            window = wide[:, y : y + 3, x : x + 3].reshape(channels, 9)
            covariance = np.cov(window, bias=True).reshape(channels, channels)
            slope = np.linalg.solve(covariance + (1.5 * sigma) ** 2 * np.eye(channels), covariance)
            slopes[:, :, y, x] = slope
            offsets[:, y, x] = window.mean(1) - slope.T @ window.mean(1)

        def mean(maps: Any) -> Any:
            return ndimage.uniform_filter(maps, [1] * (maps.ndim - 2) + [3, 3], mode="mirror")

        expected = np.einsum("gcyx,gyx->cyx", mean(slopes), image) + mean(offsets)
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_shifts_of_the_wavelet_are_averaged() -> None:
    """The mean of the results for the picture extended by mirroring at its top and left."""
    image, plain = picture(1, 1, 40, 37), create_model("wavelet")
    expected = torch.zeros_like(image)
    for y, x in np.ndindex(2, 2):
        moved = np.pad(image.numpy(), ((0, 0), (0, 0), (y, 0), (x, 0)), mode="symmetric")
        expected += plain(torch.from_numpy(moved), level(0.1))[..., y:, x:] / 4
    torch.testing.assert_close(create_model("wavelet", shifts=2)(image, level(0.1)), expected)


def test_shifts_of_the_wavelet_help(noisy: Tensor, clean: Tensor) -> None:
    """By 0.5 dB or more on a photograph."""
    one, two = (create_model("wavelet", shifts=count)(noisy, level(LEVEL)) for count in (1, 2))
    assert psnr(two, clean) > psnr(one, clean) + 0.5


def test_dct_is_that_of_scipy_patch_by_patch() -> None:
    """Gray: each patch is transformed, thresholded at 3 sigma and transformed back."""
    image = picture(1, 1, 7, 9)
    wide = np.pad(image[0, 0].double().numpy(), 3, mode="reflect")
    total = np.zeros_like(wide)
    for y, x in np.ndindex(10, 12):
        coefficients = fft.dctn(wide[y : y + 4, x : x + 4], norm="ortho")
        kept = np.abs(coefficients) > 3 * 0.1
        kept[0, 0] = True
        total[y : y + 4, x : x + 4] += fft.idctn(coefficients * kept, norm="ortho")
    restored = create_model("dct", size=4)(image, level(0.1))
    np.testing.assert_allclose(restored[0, 0], total[3:-3, 3:-3] / 16, atol=1e-5)


class TestMedian:
    @pytest.mark.parametrize("size", [3, 5])
    def test_the_plain_filter_is_scipy_s(self, size: int) -> None:
        """Borders are repeated, and each channel of each image is filtered separately."""
        batch = picture(2, 3, 19, 23)
        expected = ndimage.median_filter(batch.numpy(), size=(1, 1, size, size), mode="nearest")
        np.testing.assert_array_equal(create_model("median", size=size)(batch), expected)

    @pytest.mark.parametrize("per_channel", [False, True])
    def test_switching_changes_only_what_was_hit(self, clean: Tensor, per_channel: bool) -> None:
        """Other values are unchanged, and the PSNR under salt and pepper rises by 15 dB or more."""
        inner = clean.clamp(1 / 255, 254 / 255)
        noise = create_noise("salt_and_pepper", amount=0.2, per_channel=per_channel)
        noisy = noise(inner, generator=torch.Generator().manual_seed(3)).noisy
        restored = create_model("median", switching=True, per_channel=per_channel)(noisy)
        untouched = noisy == inner
        assert torch.equal(restored[untouched], inner[untouched])
        assert bool(((restored > 0) & (restored < 1)).all())
        assert psnr(restored, inner) > psnr(noisy, inner) + 15

    def test_a_hit_pixel_becomes_the_median_around(self) -> None:
        """Computed by hand for eight neighbours of 0.1 to 0.8 and the hit pixel."""
        image = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.0, 0.5], [0.6, 0.7, 0.8]])[None, None]
        expected = image.clone()
        expected[0, 0, 1, 1] = 0.4  # of 0, 0.1, ... 0.8
        assert torch.equal(create_model("median", switching=True)(image), expected)

    def test_white_stays_white(self) -> None:
        """A hit pixel in a white region becomes white, although its neighbours look like salt."""
        image = torch.ones(1, 3, 9, 9)
        image[..., 4, 4] = 0.0
        assert torch.equal(create_model("median", switching=True)(image), torch.ones(1, 3, 9, 9))

    @pytest.mark.parametrize("size", [1, 4, 33, 10**9 + 1])
    def test_an_even_or_a_huge_window_is_refused(self, size: int) -> None:
        """The message is one line."""
        with pytest.raises(ArgumentError, match=f"'size' must be odd, from 3 to 31, not {size}"):
            create_model("median", size=size)


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("bilateral", "size", 4),
        ("bilateral", "strength", 0.0),
        ("bilateral", "radius", -1.0),
        ("dct", "size", 17),
        ("dct", "threshold", 0.0),
        ("guided", "size", 65),
        ("guided", "strength", 0.0),
        ("tv", "strength", 0.0),
        ("nlm", "patch_size", 0),
        ("nlm", "patch_size", 10**9),
        ("nlm", "patch_distance", 32),
        ("wavelet", "wavelet", "bd2"),
        ("wavelet", "shifts", 0),
        ("wavelet", "shifts", 17),
    ],
)
def test_arguments_out_of_range_are_refused(name: str, argument: str, value: Any) -> None:
    """The argument is named."""
    with pytest.raises(ArgumentError, match=f"model '{name}': .*{argument}"):
        create_model(name, **{argument: value})


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("tv", "skimage.restoration", "classical"),
        ("nlm", "skimage.restoration", "classical"),
        ("wavelet", "pywt", "classical"),
    ],
)
def test_a_missing_package_names_its_extra(
    name: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message appears when the model is made, and states what to install."""
    monkeypatch.setitem(sys.modules, module, None)  # as if it could not be found
    with pytest.raises(MissingExtraError) as caught:
        create_model(name)
    package = module.partition(".")[0]
    expected = f"model '{name}' needs {package}; pip install 'restorekit[{extra}]'"
    assert str(caught.value) == expected


def test_groups_of_patches_are_better_than_the_others(noisy: Tensor, clean: Tensor) -> None:
    """The PSNR of a photograph at sigma 25 is 1 dB higher or more; only `dct` comes nearer."""
    found = {
        name: float(psnr(create_model(name)(noisy, sigma=level(LEVEL)), clean))
        for name in CLASSICAL
    }
    best, dct = min(found.pop("bm3d"), found.pop("nl_bayes")), found.pop("dct")
    assert best > dct
    assert best > max(found.values()) + 1
