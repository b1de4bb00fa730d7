"""Deblurring, enlarging and filling with a denoiser as the prior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage import data
from torch import Tensor
from torch.nn import functional

from restorekit import (
    ArgumentError,
    InputError,
    UnknownNameError,
    deblur,
    inpaint,
    noises,
    psnr,
    upscale,
)
from restorekit.restore.missing_pixels import from_around
from restorekit.restore.plug_and_play.degradation import Degradation
from restorekit.restore.plug_and_play.kernels import (
    Kernel,
    blur_of_text,
    read_kernel,
    reducing_kernel,
)
from restorekit.restore.plug_and_play.linear_equations import conjugate_gradients
from restorekit.restore.plug_and_play.solver import solve

POINT_SPREAD = np.array([[0, 1, 0], [2, 4, 1], [0, 0, 8], [0, 0, 3], [1, 0, 0]], float)


def picture(*shape: int, seed: int = 0) -> Tensor:
    """Random numbers in float64."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def photo() -> Tensor:
    """A part of a photograph, (3, 48, 48), uint8."""
    pixels = data.astronaut()[60:108, 190:238]
    return torch.from_numpy(pixels.copy()).movedim(2, 0)


class TestDegradation:
    def test_a_blur_is_the_convolution_of_scipy(self) -> None:
        """With the image of a point that has no symmetry, and continued by repetition."""
        image = picture(1, 2, 12, 15)
        blurred = Degradation(read_kernel(POINT_SPREAD), 1, image)(image)
        for channel, found in zip(image[0].numpy(), blurred[0], strict=True):
            weights = POINT_SPREAD / POINT_SPREAD.sum()
            np.testing.assert_allclose(found, ndimage.convolve(channel, weights, mode="wrap"))

    @pytest.mark.parametrize("blur", ["blur(radius=1.3)", "motion_blur(length=7, angle=20)"])
    def test_the_blur_of_a_noise_is_measured(self, blur: str) -> None:
        """As the noise itself blurs, away from the border."""
        image = picture(1, 3, 40, 44).float()
        expected = Degradation(read_kernel(blur), 1, image)(image)[..., 8:-8, 8:-8]
        blurred = noises.build(blur)(image).noisy[..., 8:-8, 8:-8]
        torch.testing.assert_close(expected, blurred, rtol=0, atol=1e-5)

    @pytest.mark.parametrize("scale", [2, 3, 4])
    def test_a_reduction_is_that_of_bicubic_resizing(self, scale: int) -> None:
        """With antialiasing, away from the border."""
        image = picture(1, 1, 12 * scale, 10 * scale)
        found = Degradation(reducing_kernel(scale), scale, image)(image)
        resized = functional.interpolate(image, size=(12, 10), mode="bicubic", antialias=True)
        torch.testing.assert_close(
            found[..., 3:-3, 3:-3], resized[..., 3:-3, 3:-3], rtol=0, atol=1e-6
        )

    @pytest.mark.parametrize("scale", [1, 2])
    @pytest.mark.parametrize("share", [0.0, 0.3])
    def test_the_explanation_has_the_least_squares(self, scale: int, share: float) -> None:
        """Of a matrix that has the degradation of each single pixel as its columns."""
        image = picture(1, 1, 6, 8)
        degradation = Degradation(Kernel(picture(2, 3, seed=1), (0, 1)), scale, image)
        basis = torch.eye(48, dtype=torch.float64).view(48, 1, 6, 8)
        matrix = degradation(basis).flatten(1).T
        observed = picture(1, 1, 6 // scale, 8 // scale, seed=2)
        known = picture(1, 1, 6 // scale, 8 // scale, seed=3) >= share
        rows = known.flatten()
        a, y = matrix[rows], observed.flatten()[rows]
        right = a.T @ y + 0.01 * image.flatten()
        expected = torch.linalg.solve(a.T @ a + 0.01 * torch.eye(48).double(), right)
        found = degradation.explain(observed, known, image, 0.01)
        torch.testing.assert_close(found.flatten(), expected, rtol=0, atol=3e-3)

    def test_conjugate_gradients_solve_exactly_at_once_what_is_preconditioned(self) -> None:
        """One round, if the inverse is known; and zeros without a right side."""
        right, calls = picture(2, 1, 4, 4), []

        def double(x: Tensor) -> Tensor:
            calls.append(None)
            return 2 * x

        found = conjugate_gradients(double, lambda x: x / 2, right)
        torch.testing.assert_close(found, right / 2)
        assert len(calls) == 1
        assert not conjugate_gradients(double, lambda x: x / 2, 0 * right).any()


def test_the_assumed_noise_falls_to_that_of_the_image() -> None:
    """From 49/255 by equal ratios; the denoiser sees the image in all eight orientations."""
    image, seen = picture(1, 1, 4, 6), []

    def prior(batch: Tensor, sigma: float) -> Tensor:
        seen.append((sigma * 255, tuple(batch.shape[-2:])))
        return batch

    degradation = Degradation(Kernel(torch.ones(1, 1), (0, 0)), 1, image)
    found = solve(image, torch.ones(1) > 0, degradation, 0 * image, 7 / 255, prior, 8)
    assert [level for level, _ in seen[::7]] == pytest.approx([49, 7])
    ratios = [seen[i + 1][0] / seen[i][0] for i in range(7)]
    assert ratios == pytest.approx([7 ** (-1 / 7)] * 7)
    assert [shape for _, shape in seen] == [(4, 6)] * 4 + [(6, 4)] * 4
    torch.testing.assert_close(found, image, rtol=0, atol=1e-3)


class TestPhotographs:
    """With the bundled weights: better than the input by a good part of a decibel or more."""

    def gain(self, restored: Tensor, before: Tensor, clean: Tensor) -> float:
        """In dB."""
        after, start = (float(psnr(x[None] / 255, clean[None] / 255)) for x in (restored, before))
        return after - start

    @pytest.mark.parametrize("blur", ["blur(radius=1.2)", "motion_blur(length=9, angle=30)"])
    def test_deblurring(self, photo: Tensor, blur: str) -> None:
        """Of 8 bits, whose border was blurred with what is beyond it."""
        blurred = noises.build(blur)(photo[None] / 255).noisy[0].mul(255).round().byte()
        assert self.gain(deblur(blurred, blur), blurred, photo) > 3

    def test_enlarging(self, photo: Tensor) -> None:
        """Compared with bicubic resizing."""
        image = Image.fromarray(photo.movedim(0, 2).numpy())
        small = image.resize((24, 24), Image.Resampling.BICUBIC)
        large, bicubic = upscale(small, 2), small.resize((48, 48), Image.Resampling.BICUBIC)
        found, before = (torch.from_numpy(np.array(x)).movedim(2, 0) for x in (large, bicubic))
        assert self.gain(found, before, photo) > 1

    def test_filling(self, photo: Tensor) -> None:
        """Compared with interpolation; half of the pixels are missing."""
        missing = picture(48, 48) < 0.5
        holes = photo.clone()
        holes[:, missing] = 0
        filled = inpaint(holes, missing)
        assert torch.equal(filled[:, ~missing], photo[:, ~missing])
        known = (~missing).float().expand(1, 3, 48, 48)
        before = from_around(photo * known, known)[0]
        assert self.gain(filled, before, photo) > 2

    def test_pixels_without_a_value_are_filled_where_they_are_missing(self, photo: Tensor) -> None:
        """Those of the mask as if they had any value; another one is not used, and stays."""
        missing = picture(48, 48) < 0.3
        missing[5, 5] = False
        known = photo / 255
        holes, empty = known.clone(), torch.zeros(48, 48, dtype=torch.bool)
        holes[:, missing], holes[:, 5, 5], empty[5, 5] = torch.nan, torch.nan, True
        filled = inpaint(holes, missing, model="bilateral")
        assert torch.equal(filled.isnan(), empty.expand(3, -1, -1))
        also = inpaint(known, missing | empty, model="bilateral")
        torch.testing.assert_close(filled[:, ~empty], also[:, ~empty], rtol=0, atol=1e-5)

    def test_values_outside_the_mask_stay(self) -> None:
        """Those of the other channels and images where some have no value, to the last bit."""
        images, missing = picture(2, 3, 24, 24).float(), torch.zeros(24, 24, dtype=torch.bool)
        images[0, :, 5, 5] = images[0, 1, 9, 9] = torch.nan
        missing[15, 15] = True
        filled = inpaint(images, missing, model="guided")
        outside = (~missing).expand_as(images)
        assert torch.equal(filled[outside].view(torch.int32), images[outside].view(torch.int32))
        assert not torch.equal(filled[..., 15, 15], images[..., 15, 15])
        alone = inpaint(images[1], missing, model="guided")
        torch.testing.assert_close(filled[1], alone, rtol=0, atol=1e-6)

    def test_a_channel_without_any_value(self) -> None:
        """There is nothing to fill its missing pixels from."""
        images = picture(2, 3, 16, 16).float()
        images[1, 2] = torch.nan
        with pytest.raises(InputError, match="all pixels are missing"):
            inpaint(images, np.eye(16), model="tv")


def test_the_estimated_noise_is_at_most_that_of_the_range() -> None:
    """Of random values, and of a checkerboard of black and white: it is estimated as above 1."""
    random = (picture(40, 40) > 0.5).byte() * 255
    board = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).repeat(20, 20)
    for image in (random, board):
        assert deblur(image.numpy(), "gaussian:1", model="tv").shape == (40, 40)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (10, 9), 100),
        Image.new("RGBA", (10, 9), (10, 200, 30, 128)),
        np.full((9, 10), 3000, np.uint16),
        np.full((2, 9, 10, 3), 77, np.uint8),
        torch.full((3, 9, 10), 0.5),
        torch.full((2, 1, 9, 10), 0.5, dtype=torch.float64),
    ],
    ids=["gray", "alpha", "16 bits", "batch", "tensor", "tensors"],
)
def test_results_are_like_their_images(image: Any, tmp_path: Path) -> None:
    """Of the same kind and type, and flat where the image is; only `upscale` changes the size."""
    mask = np.zeros((9, 10), bool)
    mask[4] = True
    for made, factor in (
        (deblur(image, "blur(radius=1)", model="tv"), 1),
        (upscale(image, 3, model="tv"), 3),
        (inpaint(image, mask, model="tv"), 1),
    ):
        assert type(made) is type(image)
        pixels, before = np.asarray(made), np.asarray(image)
        assert pixels.dtype == before.dtype
        assert pixels.size == before.size * factor**2
        # The noise that `inpaint` adds is not removed to the last bit by so plain a prior.
        assert float(np.ptp(pixels)) == pytest.approx(
            float(np.ptp(before)), abs=float(pixels.max()) / 30
        )
    if isinstance(image, Image.Image):
        image.save(tmp_path / "a.png")
        assert upscale(tmp_path / "a.png", 2, model="tv").size == (20, 18)


def test_the_noise_is_estimated_for_each_image(photo: Tensor) -> None:
    """The result of an image does not depend on the others of its batch."""
    noisy = photo / 255 + 0.2 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    batch = torch.stack([photo / 255, noisy.clamp(0, 1)])
    together = deblur(batch, "gaussian:1", model="tv")
    for image, found in zip(batch, together, strict=True):
        torch.testing.assert_close(deblur(image, "gaussian:1", model="tv"), found)


def test_the_former_name_of_the_model(photo: Tensor) -> None:
    """It works, and warns."""
    expected = upscale(photo, 2, model="tv")
    with pytest.warns(DeprecationWarning, match="prior= is now model="):
        assert torch.equal(upscale(photo, 2, prior="tv"), expected)


class TestWords:
    """A blur on the command line: what is taken for a path, and what for a name."""

    @pytest.mark.parametrize(
        "word", ["point.png", "point(1).TIF", "folder/point", "./point", "0.5.png"]
    )
    def test_paths(self, word: str) -> None:
        """Of pictures, which need not exist."""
        assert blur_of_text(word) == Path(word)

    def test_what_exists(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever it is called."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "blur(radius=1)").touch()
        assert blur_of_text("blur(radius=1)") == Path("blur(radius=1)")

    @pytest.mark.parametrize(
        "word",
        ["blur", "gausian:1.5", "1.5", "blur(radius=1.5)", "x" * 5000, "a\0b", "", "[1/2]"],
    )
    def test_names(self, word: str) -> None:
        """A suffix of digits is part of a number; a long text is not a path."""
        assert blur_of_text(word) == word

    @pytest.mark.parametrize("word", ['{"name": "blur", "radius": 1.5}', "gaussian:1.5"])
    def test_other_forms_of_a_blur(self, word: str) -> None:
        """They are as its formula."""
        found, expected = read_kernel(blur_of_text(word)), read_kernel("blur(radius=1.5)")
        assert torch.equal(found.weights, expected.weights)

    @pytest.mark.parametrize("blur", ["[]", "1.5", '{"name": "blot"}', {"name": "/"}, "y" * 5000])
    def test_an_unknown_name(self, blur: Any) -> None:
        """The names of blurs alone are listed, in a short message."""
        with pytest.raises(UnknownNameError, match=r"unknown blur .* Available: blur,") as caught:
            read_kernel(blur)
        assert "poisson" not in str(caught.value)
        assert len(str(caught.value)) < 400


class TestWrongArguments:
    @pytest.mark.parametrize("blur", [1.5, None, 3, [1.0, 2.0], True])
    def test_a_blur_of_a_wrong_type(self, photo: Tensor, blur: Any) -> None:
        """A number could be a radius or a length; the message shows how to write it."""
        with pytest.raises(ArgumentError, match=r"blur is .*give 'gaussian:1.5' \(radius\)"):
            deblur(photo, blur, model="tv")

    @pytest.mark.parametrize("sigma", [-0.1, 1.5, float("nan"), "0.1", True, [0.1]])
    def test_a_noise_level_of_a_wrong_type(self, photo: Tensor, sigma: Any) -> None:
        """Each of the three functions refuses it."""
        for call in (
            lambda: deblur(photo, "gaussian:1", sigma=sigma, model="tv"),
            lambda: upscale(photo, 2, sigma=sigma, model="tv"),
            lambda: inpaint(photo, np.zeros((48, 48)), sigma=sigma, model="tv"),
        ):
            with pytest.raises(ArgumentError, match="sigma is a number from 0 to 1"):
                call()

    def test_a_blur_larger_than_the_image(self, photo: Tensor) -> None:
        """It would need a far larger image than there is."""
        with pytest.raises(InputError, match="the blur reaches 60 pixels, farther than the image"):
            deblur(photo, np.ones((121, 121)), model="tv")

    @pytest.mark.parametrize(
        "blur", ["gaussian(std=0.1)", "blur(radius=[1, 2])", "salt_and_pepper(amount=0.1)"]
    )
    def test_what_is_not_a_blur(self, blur: str) -> None:
        """Noise, or a blur of random strength."""
        with pytest.raises(ArgumentError, match="is not a blur of fixed parameters"):
            read_kernel(blur)

    def test_what_differs_from_pixel_to_pixel(self) -> None:
        """A reduction and enlargement in one: a point becomes another at the next pixel."""
        with pytest.raises(ArgumentError, match=r"'downscale\(factor=2\)' is not a blur: it is"):
            read_kernel("downscale(factor=2)")

    @pytest.mark.parametrize("weights", [np.zeros((3, 3)), np.ones(3), np.full((3, 3), np.nan)])
    def test_weights_of_no_blur(self, weights: Any) -> None:
        """All 0, of one dimension, or not finite."""
        with pytest.raises(ArgumentError, match="the weights of a blur are"):
            read_kernel(weights)

    def test_a_prior_without_a_strength(self, photo: Tensor) -> None:
        """A blind denoiser, as a module or by name."""
        for prior in ("median", torch.nn.Identity()):
            with pytest.raises(ArgumentError, match="does not use sigma"):
                deblur(photo, POINT_SPREAD, model=prior)

    def test_numbers_out_of_range(self, photo: Tensor) -> None:
        """The scale and the noise level."""
        for scale in (1, 5, 2.5, True):
            with pytest.raises(ArgumentError, match="from 2 to 4"):
                upscale(photo, scale, model="tv")  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="sigma is a number from 0 to 1"):
            deblur(photo, POINT_SPREAD, sigma=25, model="tv")

    def test_masks_that_do_not_fit(self, photo: Tensor) -> None:
        """Another size, or nothing left."""
        with pytest.raises(InputError, match="is 40x48 pixels, the image 48x48"):
            inpaint(photo, np.zeros((48, 40)), model="tv")
        with pytest.raises(InputError, match=r"is \(H, W\), not \(48, 48, 3\)"):
            inpaint(photo, np.zeros((48, 48, 3)), model="tv")
        with pytest.raises(InputError, match="all pixels are missing"):
            inpaint(photo, np.ones((48, 48)), model="tv")
