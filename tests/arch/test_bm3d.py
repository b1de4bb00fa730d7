"""BM3D against a plain implementation in numpy, and the parts of it against other libraries."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pywt
import torch
from scipy import fft, linalg, signal
from skimage import data
from torch import Tensor

from restorekit import create_model, create_noise
from restorekit.arch.classical.block_matching import Search, patch_table, similar, strips
from restorekit.arch.classical.bm3d import biorthogonal, hadamard, kaiser
from restorekit.errors import MissingExtraError
from restorekit.metric.image_quality import psnr

Array = np.ndarray[Any, Any]


def level(sigma: float) -> Tensor:
    """A noise level in the form that models accept."""
    return torch.full((1, 1, 1, 1), sigma)


def picture(*shape: int) -> Tensor:
    """A batch in [0, 1] with a smooth part."""
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(0, 1, shape[-1]).expand(shape)
    return 0.3 * noise + 0.7 * ramp


@pytest.fixture(scope="module")
def clean() -> Tensor:
    """A part of a photograph, (1, 3, 72, 72)."""
    pixels = data.astronaut()[40:112, 190:262]
    return torch.from_numpy(pixels.copy()).movedim(2, 0)[None].float() / 255


def noisy_of(clean: Tensor, sigma: float) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return create_noise("gaussian", std=sigma)(clean, generator=generator).noisy


def test_biorthogonal_is_the_wavelet_of_pywavelets() -> None:
    """The periodic transform bior1.5 of eight numbers, with rows of length 1."""
    with pytest.warns(UserWarning, match="boundary effects"):
        bands = pywt.wavedec(np.eye(8), "bior1.5", mode="periodization", level=3, axis=0)
    rows = np.concatenate(bands)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(biorthogonal(8), rows, atol=1e-12)


def test_hadamard_and_kaiser_are_those_of_scipy() -> None:
    """The Hadamard transform has length 1 in each row; the window has beta 2."""
    for count in (1, 2, 8, 32):
        expected = linalg.hadamard(count) / count**0.5
        np.testing.assert_allclose(hadamard(count), expected, atol=1e-6)
    line = signal.windows.kaiser(8, 2.0)
    np.testing.assert_allclose(kaiser(8), np.outer(line, line), atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(12, 9), (31, 76), (150, 13)])
def test_similar_patches_are_those_of_an_exhaustive_search(height: int, width: int) -> None:
    """The nearest ones in the window around each reference, in all strips and tiles."""
    search = Search(size=4, step=3, reach=3, count=5)
    image = search.fit(picture(1, height, width))
    pixels = torch.eye(16).view(16, 1, 4, 4)
    plane = image[0].double().numpy()
    wide = np.lib.stride_tricks.sliding_window_view(plane, (4, 4))
    for strip in strips(image.shape[1], search):
        table = patch_table(image[0, strip.top : strip.bottom], pixels)
        indices, distances = similar(table, strip, search)
        references = [
            (strip.top + strip.first + 3 * y, x)
            for y in range(strip.references)
            for x in range(0, wide.shape[1], 3)
        ]
        for (y, x), found, squares in zip(references, indices, distances, strict=True):
            window = wide[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4]
            expected = np.sort(((window - wide[y, x]) ** 2).sum((2, 3)).ravel())[:5]
            np.testing.assert_allclose(squares, expected, atol=1e-5)
            rows, columns = found // wide.shape[1] + strip.top, found % wide.shape[1]
            assert (int(rows[0]), int(columns[0])) == (y, x)
            patches = wide[rows.numpy(), columns.numpy()]
            np.testing.assert_allclose(
                ((patches - wide[y, x]) ** 2).sum((1, 2)), expected, atol=1e-5
            )


def groups(guide: Array, count: int, farthest: float) -> Iterator[Array]:
    """The places of the patches of each group, nearest first, at most 19 pixels away."""
    height, width = (side - 7 for side in guide.shape)
    for y, x in np.ndindex((height + 2) // 3, (width + 2) // 3):
        y, x = 3 * y, 3 * x
        near = [
            (np.mean((guide[a : a + 8, b : b + 8] - guide[y : y + 8, x : x + 8]) ** 2), a, b)
            for a, b in np.ndindex(height, width)
            if abs(a - y) <= 19 and abs(b - x) <= 19
        ]
        kept = sorted(place for place in near if place[0] <= farthest)[:count]
        yield np.array(kept)[: 1 << (len(kept).bit_length() - 1), 1:].astype(int)


def plain_step(noisy: Array, basic: Array | None, sigma: float) -> Array:
    """One step of BM3D, group by group in float64."""
    wavelet, window = biorthogonal(8).numpy(), np.outer(*[signal.windows.kaiser(8, 2.0)] * 2)
    guide, count, farthest = (noisy, 16, 2500) if basic is None else (basic, 32, 400)
    total, weights = np.zeros_like(noisy), np.zeros_like(noisy)

    def transformed(image: Array, places: Array) -> Array:
        patches = np.stack([image[y : y + 8, x : x + 8] for y, x in places])
        if basic is None:
            flat = wavelet @ patches @ wavelet.T
        else:
            flat = fft.dctn(patches, axes=(1, 2), norm="ortho")
        return np.tensordot(linalg.hadamard(len(places)) / len(places) ** 0.5, flat, 1)

    for places in groups(guide, count, farthest / 255**2):
        stack = transformed(noisy, places)
        if basic is None:
            stack[np.abs(stack) <= 2.7 * sigma] = 0
            weight = 1 / max(np.count_nonzero(stack), 1)
        else:
            power = transformed(basic, places) ** 2
            gain = power / (power + sigma**2)
            stack, weight = stack * gain, 1 / max((gain**2).sum(), 1)
        stack = np.tensordot(linalg.hadamard(len(places)) / len(places) ** 0.5, stack, 1)
        if basic is None:
            back = np.linalg.inv(wavelet)
            patches = back @ stack @ back.T
        else:
            patches = fft.idctn(stack, axes=(1, 2), norm="ortho")
        for (y, x), patch in zip(places, patches, strict=True):
            total[y : y + 8, x : x + 8] += weight * window * patch
            weights[y : y + 8, x : x + 8] += weight * window
    return total / weights


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_plain_algorithm(channels: int) -> None:
    """Gray; and a gray picture as colour, which has brightness alone."""
    image, sigma = picture(1, 1, 17, 29), 0.06
    noisy = image[0, 0].double().numpy()
    expected = plain_step(noisy, plain_step(noisy, None, sigma), sigma)
    # Colour: the brightness is larger by the root of the channels, and so is the noise.
    given = level(sigma * channels**0.5)
    restored = create_model("bm3d")(image.expand(-1, channels, -1, -1), sigma=given)
    if channels == 1:
        np.testing.assert_allclose(restored[0, 0], expected, atol=1e-5)
    else:
        assert float((restored - restored[:, :1]).abs().max()) < 1e-5
        np.testing.assert_allclose(restored[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("sigma", [15, 50])
def test_it_is_better_than_dct(clean: Tensor, sigma: int) -> None:
    """By 0.3 dB or more on a photograph, for weak and for strong noise."""
    noisy = noisy_of(clean, sigma / 255)
    found = {
        name: float(psnr(create_model(name)(noisy, sigma=level(sigma / 255)), clean))
        for name in ("bm3d", "dct")
    }
    assert found["bm3d"] > found["dct"] + 0.3


class TestPackage:
    @pytest.fixture
    def calls(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
        """The arguments with which a stand-in for the package is called."""
        calls: list[tuple[Any, ...]] = []

        def stand_in(function: str) -> Any:
            def call(image: Any, sigma: float, profile: str) -> Any:
                calls.append((function, image.shape, image.dtype.name, sigma, profile))
                return np.full_like(image, np.nan) if np.ptp(image) == 0 else image / 2

            return call

        package = ModuleType("bm3d")
        package.bm3d_rgb = stand_in("rgb")  # type: ignore[attr-defined]
        package.bm3d = stand_in("gray")  # type: ignore[attr-defined]
        package.BM3DProfile = SimpleNamespace  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "bm3d", package)
        return calls

    def test_colour_is_passed_whole_and_gray_by_channel(self, calls: list[Any]) -> None:
        """In float64, with the level unchanged; small images are mirrored to 16 pixels."""
        image = picture(1, 3, 20, 24)
        restored = create_model("bm3d", profile="np")(image, sigma=level(0.25))
        torch.testing.assert_close(restored, image / 2)
        assert calls == [("rgb", (20, 24, 3), "float64", 0.25, "np")]
        calls.clear()
        image = picture(1, 2, 20, 5)
        restored = create_model("bm3d", profile="high")(image, sigma=level(0.25))
        torch.testing.assert_close(restored, image / 2)
        assert calls == [("gray", (20, 16), "float64", 0.25, "high")] * 2

    @pytest.mark.parametrize("channels", [1, 3])
    def test_the_profile_of_the_paper(self, calls: list[Any], channels: int) -> None:
        """A threshold of 2.7 sigma, and a Wiener filter of the whole variance."""
        create_model("bm3d", profile="paper")(picture(1, channels, 20, 24), sigma=level(0.25))
        assert [call[-1] for call in calls] == [SimpleNamespace(lambda_thr3d=2.7, mu2=1, gamma=0)]

    def test_a_flat_colour_picture_is_passed_by_channel(self, calls: list[Any]) -> None:
        """If the package's colour transform would divide by zero, each channel is passed alone."""
        create_model("bm3d", profile="np")(torch.full((1, 3, 20, 20), 0.5), sigma=level(0.25))
        assert [call[0] for call in calls] == ["rgb", "gray", "gray", "gray"]

    def test_a_missing_package_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the profile that needs it; the default needs none."""
        monkeypatch.setitem(sys.modules, "bm3d", None)
        create_model("bm3d")
        with pytest.raises(MissingExtraError) as caught:
            create_model("bm3d", profile="np")
        assert str(caught.value) == (
            "model 'bm3d' with profile 'np' needs bm3d; pip install 'restorekit[bm3d]'"
        )

    def test_the_package_gives_nearly_the_same(self, clean: Tensor) -> None:
        """On a photograph with the parameters of the paper, the PSNR differs by less than 0.2."""
        pytest.importorskip("bm3d", reason="its licence keeps bm3d out of the extra 'test'")
        noisy, sigma = noisy_of(clean, 25 / 255), level(25 / 255)
        own, package = (
            float(psnr(create_model("bm3d", profile=profile)(noisy, sigma=sigma), clean))
            for profile in ("ipol", "paper")
        )
        assert own == pytest.approx(package, abs=0.2)
