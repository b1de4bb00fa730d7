"""Clean pictures are left alone, and others change by no more than their noise."""

from __future__ import annotations

import logging
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from torch import Tensor, nn
from torch.nn import functional

from restorekit import create_noise
from restorekit.data.samples import sample_path
from restorekit.errors import RestoreWarning
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.safeguard.evidence import Evidence
from restorekit.restore.safeguard.guard import UNLIMITED, Guard, Verdict, correlated_bound
from restorekit.restore.safeguard.window import RADIUS

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")


class Smear(nn.Module):
    """A harmful network, which removes all fine structure."""

    def forward(self, noisy: Tensor) -> Tensor:
        return functional.avg_pool2d(
            functional.pad(noisy, (2, 2, 2, 2), "reflect"), 5, 1, count_include_pad=False
        )


def photograph(name: str, side: int = 288) -> np.ndarray:
    """The centre of a sample photograph, 8 bits."""
    pixels = np.asarray(Image.open(sample_path(name)).convert("RGB"))
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[top : top + side, left : left + side]


def noisy(clean: np.ndarray, sigma: float) -> np.ndarray:
    """An image with noise in 8-bit levels."""
    noise = np.random.default_rng(3).standard_normal(clean.shape)
    return np.clip(np.rint(clean + sigma * noise), 0, 255).astype(np.uint8)


def error(image: np.ndarray, clean: np.ndarray) -> float:
    """The mean square difference, in square levels."""
    return float(((image.astype(float) - clean) ** 2).mean())


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser()


class TestPhotographs:
    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    def test_weak_noise_of_a_camera_costs_nothing(self, denoiser: Denoiser, name: str) -> None:
        """Its noise is coarse and coloured, and weaker than much texture."""
        clean = photograph(name, 256)
        batch = torch.from_numpy(clean.copy()).movedim(2, 0)[None].float() / 255
        noise = create_noise("camera", shot=1e-4)(batch, torch.Generator().manual_seed(0)).noisy
        given = (255 * noise[0].movedim(0, 2)).round().to(torch.uint8).numpy()
        assert error(denoiser(given), clean) <= 1.005 * error(given, clean)

    @pytest.mark.parametrize(("quality", "sigma"), [(75, 25), (92, 15), (92, 25)])
    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    def test_noise_in_a_jpeg_is_removed(
        self, denoiser: Denoiser, name: str, quality: int, sigma: float
    ) -> None:
        """Half of the resolution of colour leaves hardly any noise between the channels."""
        clean, file = photograph(name), BytesIO()
        Image.fromarray(noisy(clean, sigma)).save(file, "JPEG", quality=quality, subsampling=2)
        given = np.asarray(Image.open(file))
        assert error(denoiser(given), clean) < 0.5 * error(given, clean)

    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    @pytest.mark.parametrize("sigma", [0, 1])
    def test_weak_noise_is_left_alone(self, denoiser: Denoiser, name: str, sigma: int) -> None:
        """The picture is unchanged, and the outcome has the reason."""
        given = noisy(photograph(name), sigma) if sigma else photograph(name)
        outcome = denoiser.restore(given)
        assert outcome.left_alone in ("clean", "unclear")
        assert np.array_equal(outcome.image, given)

    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    @pytest.mark.parametrize("sigma", [2, 3, 5])
    def test_no_picture_gets_worse(self, denoiser: Denoiser, name: str, sigma: int) -> None:
        """The result of the bundled network is closer to the clean picture than the noisy one."""
        clean = photograph(name)
        given = noisy(clean, sigma)
        assert error(denoiser(given), clean) <= error(given, clean)

    @pytest.mark.parametrize("name", PHOTOGRAPHS)
    @pytest.mark.parametrize("sigma", [2, 3])
    def test_harm_of_any_network_is_limited(self, name: str, sigma: int) -> None:
        """A filter that smears detail costs little where it is held back, and much where not.

        The change has at most the variance 2 x 1.6^2 of the noise, so with the noise itself the
        error is at most (1 + 2.26)^2 of its variance; a tenth more for the estimate.
        """
        clean = photograph(name)
        given = noisy(clean, sigma)
        held = error(Denoiser(Smear())(given), clean)
        free = error(Denoiser(Smear(), force=True)(given), clean)
        assert held < 1.1 * 3.26**2 * error(given, clean)
        assert held < free / 2

    def test_strong_noise_is_removed_in_full(self, denoiser: Denoiser) -> None:
        """From sigma 12 on, the change is not limited."""
        given = noisy(photograph("astronaut"), 15)
        assert np.array_equal(denoiser(given), Denoiser(force=True)(given))

    def test_sigma_lifts_no_limit_of_a_blind_network(self) -> None:
        """It has no effect there, as the warning says; a network that uses sigma has no limit."""
        given = photograph("chelsea")
        with pytest.warns(RestoreWarning, match="sigma has no effect"):
            outcome = Denoiser("swift-impulse", sigma=10 / 255).restore(given)
        assert outcome.left_alone == "clean"
        assert np.array_equal(outcome.image, given)
        told = Denoiser("swift-gaussian", sigma=10 / 255).restore(given)
        assert told.left_alone is None
        assert not np.array_equal(told.image, given)

    def test_force_restores_a_clean_picture(self) -> None:
        """The result is that of the network."""
        given = photograph("chelsea")
        outcome = Denoiser(Smear(), force=True).restore(given)
        assert outcome.left_alone is None
        assert error(outcome.image, given) > 1

    @pytest.mark.parametrize("name", ["camera", "brick", "moon"])
    @pytest.mark.parametrize("sigma", [2, 3, 5])
    def test_no_gray_picture_gets_worse(self, denoiser: Denoiser, name: str, sigma: int) -> None:
        """A gray picture has no colours to distinguish noise from texture."""
        clean = getattr(data, name)()[100:388, 100:388]
        given = noisy(clean, sigma)
        assert error(denoiser(given), clean) <= error(given, clean)

    @pytest.mark.parametrize("low", [0, 255])
    def test_impulses_of_one_kind_are_removed(self, denoiser: Denoiser, low: int) -> None:
        """Black impulses change a picture in one direction, like letters, but are isolated."""
        clean = photograph("astronaut")
        given = clean.copy()
        given[np.random.default_rng(0).random(clean.shape[:2]) < 0.05] = low
        assert error(denoiser(given), clean) < error(given, clean) / 4


def text(height: int) -> np.ndarray:
    """Black letters with smooth edges on white, (200, 320)."""
    image = Image.new("L", (320, 200), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(height)
    for top in range(4, 200 - height, int(1.4 * height)):
        draw.text((6, top), "The quick brown fox jumps over it", fill=0, font=font)
    return np.array(image)


class TestPages:
    @pytest.mark.parametrize("height", [9, 12, 16])
    @pytest.mark.parametrize("sigma", [1, 5, 15])
    def test_noisy_text_stays(self, denoiser: Denoiser, height: int, sigma: int) -> None:
        """Letters with smooth edges, as in a scan, would be erased by the network."""
        clean = text(height)
        given = noisy(clean, sigma)
        assert error(denoiser(given), clean) <= error(given, clean)

    def test_text_stays(self, denoiser: Denoiser) -> None:
        """For any type, and if the level is given."""
        page = np.full((120, 160), 255, np.uint8)
        page[20:100:12, 10:150:3] = 0
        for given in (page, np.repeat(page[..., None], 3, 2), page.astype(np.float32) / 255):
            outcome = denoiser.restore(given)
            assert outcome.left_alone == "two-valued"
            assert np.array_equal(outcome.image, given)
        assert np.array_equal(Denoiser("swift-gaussian", sigma=0.1)(page), page)

    def test_why_a_page_stays_is_logged(
        self, denoiser: Denoiser, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One line for each, on a level that nobody sees who does not ask for it."""
        with caplog.at_level(logging.INFO, "restorekit"):
            denoiser(text(16))
            denoiser(noisy(photograph("astronaut"), 25))
        (line,) = (each for each in caplog.records if each.name == "restorekit.restore.denoiser")
        assert line.levelno == logging.INFO
        assert "the image is left as it is: it has few distinct values" in line.getMessage()
        assert "force=True" in line.getMessage()

    def test_bits_stay_bits(self) -> None:
        """An image of mode "1" keeps its mode, also with force=True."""
        page = Image.new("1", (64, 48), 1)
        page.paste(0, (10, 10, 40, 12))
        assert Denoiser()(page).tobytes() == page.tobytes()
        assert Denoiser()(page).mode == "1"
        assert Denoiser(Smear(), force=True)(page).mode == "1"


class TestWeakSignals:
    def test_noise_on_a_pedestal_is_not_called_clean(self, denoiser: Denoiser) -> None:
        """It is weak only on the scale of 16 bits; the picture is unchanged."""
        texture = photograph("coffee")[..., 1] / 255
        noise = 40 * np.random.default_rng(0).standard_normal(texture.shape)
        frame = (30000 + 800 * texture + noise).astype(np.uint16)
        outcome = denoiser.restore(frame)
        assert (outcome.left_alone, outcome.already_clean) == ("faint", False)
        assert np.array_equal(outcome.image, frame)

    def test_a_hot_pixel_does_not_make_a_frame_clean(self, denoiser: Denoiser) -> None:
        """It makes the range of the values large, and the noise small in comparison."""
        noise = 60 * np.random.default_rng(0).standard_normal((200, 300))
        frame = np.clip(1000 + noise, 0, None).astype(np.uint16)
        frame[70, 80] = 65000
        assert not denoiser.restore(frame).already_clean

    def test_the_range_can_be_given(self) -> None:
        """The noise is then removed."""
        texture = photograph("coffee")[..., 1] / 255
        clean = 30000 + 800 * texture
        noise = 40 * np.random.default_rng(0).standard_normal(texture.shape)
        frame = (clean + noise).astype(np.uint16)
        restored = Denoiser("swift-gaussian-gray", black=29900, white=30900)(frame)
        assert error(restored, clean) < error(frame, clean) / 2


class TestNeutral:
    @pytest.mark.parametrize("model", ["auto", "swift-photo", "swift-gaussian", "swift-impulse"])
    @pytest.mark.parametrize("force", [False, True])
    def test_gray_stored_as_colour_stays_gray(self, model: str, force: bool) -> None:
        """Its three channels stay equal, although a colour network does not know it is gray."""
        gray = noisy(photograph("coffee", 128)[..., :1], 15)
        restored = Denoiser(model, force=force)(np.repeat(gray, 3, 2))
        assert not force or not np.array_equal(restored[..., 0], gray[..., 0])
        assert (restored == restored[..., :1]).all()

    def test_in_tiles_and_in_place(self) -> None:
        """The results are the same."""
        gray = np.repeat(noisy(photograph("coffee", 200)[..., :1], 15), 3, 2)
        restored = Denoiser(tile=64).restore(gray.copy(), in_place=True).image
        assert (restored == restored[..., :1]).all()


class TestLimit:
    def test_tiles_are_limited_as_the_whole(self) -> None:
        """The window extends beyond the cut, so that there are no seams."""
        given = torch.from_numpy(noisy(photograph("chelsea", 256), 4)).movedim(2, 0)[None] / 255
        bound = torch.full((256,), (3 / 255) ** 2)
        restored = Smear()(given)
        guard = Guard(torch.zeros(1, 3), [Verdict(bound=bound)])
        whole = guard.limit(slice(0, 1), given, restored)
        part = slice(100 - RADIUS, 180 + RADIUS)
        piece = guard.limit(slice(0, 1), given[..., part, part], restored[..., part, part])
        inner = piece[..., RADIUS:-RADIUS, RADIUS:-RADIUS]
        assert torch.allclose(inner, whole[..., 100:180, 100:180], atol=1e-6)
        change = (whole - given).square().mean(1, keepdim=True)
        side = 2 * RADIUS + 1
        assert float(functional.avg_pool2d(change, side, 1).max()) < 1.6 * float(bound[0])

    def test_each_of_a_batch_is_judged_by_itself(self) -> None:
        """One is unlimited, one is left alone, and one has a bound of zero."""
        given, made = torch.rand(3, 1, 40, 40), torch.rand(3, 1, 40, 40)
        verdicts = [UNLIMITED, Verdict("clean"), Verdict(bound=torch.zeros(256))]
        limited = Guard(torch.zeros(3, 1), verdicts).limit(slice(0, 3), given, made)
        assert torch.equal(limited[0], made[0])
        assert torch.equal(limited[1:], given[1:])

    def test_a_batch_with_a_page_and_a_noisy_picture(self) -> None:
        """The page is unchanged and the other is restored, so there is no common reason."""
        given = torch.from_numpy(noisy(photograph("astronaut", 96), 20)).movedim(2, 0) / 255
        page = (given > 0.5).float()
        outcome = Denoiser().restore(torch.stack([page, given]))
        assert outcome.left_alone is None
        assert torch.equal(outcome.image[0], page)
        assert not torch.equal(outcome.image[1], given)


def test_a_residual_with_detail_may_change_less() -> None:
    """A residual of noise alone has the kurtosis of a normal distribution."""
    pure, mixed = (
        correlated_bound(Evidence(3 / 255, True, torch.full((256,), 1e-4), 1e-4, kurtosis), 0.02)
        for kurtosis in (3.0, 9.0)
    )
    assert torch.allclose(pure, 2 * mixed)
