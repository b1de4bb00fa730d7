"""Large images in parts: as the whole image, within the memory that is free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from skimage import data
from torch import Tensor, nn
from torch.nn import functional

from restorekit import Denoiser, InputError, deblur, estimate_sigma, inpaint, noises, upscale
from restorekit.restore.canvas import Canvas
from restorekit.restore.image_types import open_image
from restorekit.restore.plug_and_play import parts as parts_module
from restorekit.restore.plug_and_play.parts import Needs, Parts, choose_parts, solve_parts
from restorekit.restore.plug_and_play.prior import DenoiserPrior
from restorekit.restore.plug_and_play.solver import NoiseField
from restorekit.restore.plug_and_play.tasks import deblurring

SIDE = 64
GAPS = torch.zeros(160, 224, dtype=torch.bool)
GAPS[::3, ::2] = GAPS[50:62, 60:84] = GAPS[78:82] = True  # the seams are at 53, 107, 56 and 112


class Smoother(nn.Module):
    """A fast denoiser: nearer to the mean of 3x3 pixels, the more noise there is."""

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        mean = functional.avg_pool2d(functional.pad(noisy, (1, 1, 1, 1), "reflect"), 3, 1)
        return noisy + (mean - noisy) * (10 * sigma).clamp(max=1)


MODEL = Smoother()


@pytest.fixture(scope="module")
def photo() -> Tensor:
    """A part of a photograph, (3, 160, 224), float32."""
    pixels = data.astronaut()[40:200, 140:364]
    return torch.from_numpy(pixels.copy()).movedim(2, 0) / 255


def blurred(image: Tensor) -> Tensor:
    """An image of the camera: out of focus, with a little noise."""
    soft = noises.build("blur(radius=1)")(image[None]).noisy[0]
    return soft + torch.randn(image.shape, generator=torch.Generator().manual_seed(0)) / 100


@pytest.mark.parametrize(
    "solve",
    [
        lambda image, tile: deblur(blurred(image), "gaussian:1", model=MODEL, tile=tile),
        lambda image, tile: upscale(image[:, ::2, ::2], 2, model=MODEL, tile=tile),
        lambda image, tile: inpaint(image * ~GAPS, GAPS, model=MODEL, tile=tile),
    ],
    ids=["deblur", "upscale", "inpaint"],
)
def test_parts_are_as_the_whole(photo: Tensor, solve: Callable[[Tensor, Any], Tensor]) -> None:
    """To a small part of an 8-bit level, at the seams too, which cross a hole."""
    whole, found = solve(photo, "off"), solve(photo, SIDE)
    assert not torch.equal(found, whole)
    assert float((found - whole).abs().max()) < 0.5 / 255


def test_the_noise_level_is_that_of_the_whole_image(photo: Tensor) -> None:
    """The right half alone would have another one."""
    noisy = blurred(photo)
    noisy[..., 112:] += 0.1 * torch.randn(3, 160, 112, generator=torch.Generator().manual_seed(1))
    levels = [
        deblurring("gaussian:1", None, MODEL, "auto", tile).solve(open_image(image, 3).canvas)
        for image, tile in ((noisy, "off"), (noisy, 112), (noisy[..., 112:], "off"))
    ]
    expected = float(estimate_sigma(noisy[None]).square().mean().sqrt())
    assert levels[0] == (pytest.approx((expected,)), None)
    assert levels[1] == (levels[0].sigma, 112)
    assert levels[2].sigma[0] > 2 * expected


@pytest.mark.parametrize("dtype", [torch.float64, torch.uint8])
def test_known_pixels_stay_exactly(photo: Tensor, dtype: torch.dtype) -> None:
    """Although parts are blended in float32."""
    image = (photo.double() * 200 + 0.1 / 3).to(dtype)
    filled = inpaint(image / 255 if dtype == torch.float64 else image, GAPS, model=MODEL, tile=SIDE)
    expected = image / 255 if dtype == torch.float64 else image
    assert torch.equal(filled[:, ~GAPS], expected[:, ~GAPS])
    assert not torch.equal(filled, expected)


def test_noise_of_a_part_is_cut_from_that_of_the_image() -> None:
    """In each step, across the blocks in which it is drawn."""
    whole = NoiseField((300, 530), slice(0, 300), slice(0, 530))
    part = NoiseField((300, 530), slice(100, 260), slice(130, 528))
    for _ in range(2):
        expected = whole.draw(torch.zeros(1, 2, 300, 530))[..., 100:260, 130:528]
        assert torch.equal(part.draw(torch.zeros(1, 2, 160, 398)), expected)


def test_noise_is_white() -> None:
    """Blocks, channels and steps have different noise of standard deviation 1."""
    field = NoiseField((512, 512), slice(0, 512), slice(0, 512))
    noise = torch.stack([field.draw(torch.zeros(1, 2, 512, 512)) for _ in range(2)])
    blocks = noise.unfold(-2, 256, 256).unfold(-2, 256, 256).flatten(-2).flatten(0, -2)
    assert len(blocks) == 16
    assert float((torch.corrcoef(blocks) - torch.eye(16)).abs().max()) < 5 / 256
    assert float(noise.std()) == pytest.approx(1, abs=0.01)


def test_a_part_draws_little_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not draw that of a large image."""
    drawn, randn = [], torch.randn
    monkeypatch.setattr(torch, "randn", lambda *a, **k: drawn.append(randn(*a, **k)) or drawn[-1])
    field = NoiseField((10_000, 10_000), slice(5000, 5010), slice(9000, 9010))
    assert field.draw(torch.zeros(1, 1, 10, 10)).shape == (1, 1, 10, 10)
    assert sum(noise.numel() for noise in drawn) < 300**2


@pytest.mark.parametrize(
    ("length", "side", "margin", "alignment"), [(500, 90, 37, 16), (64, 9, 5, 6)]
)
def test_parts_are_aligned_at_both_ends(
    length: int, side: int, margin: int, alignment: int
) -> None:
    """Their distances from the borders are multiples; each has its margin on both sides."""
    parts = Parts(side, margin, alignment)
    spans = parts.spans(length)
    assert (spans[0].low, spans[-1].high) == (0, length)
    for span in spans:
        start, stop = parts.extent(span, length)
        assert start % alignment == (length - stop) % alignment == 0
        assert 0 <= start <= max(span.low - margin, 0)
        assert min(span.high + margin, length) <= stop <= length


class TestMemory:
    """Parts are as large as the free memory allows."""

    def chosen(self, monkeypatch: pytest.MonkeyPatch, free: int, tile: Any = "auto") -> Parts:
        """For a gray image of 2000x3000 pixels, 600 MB as a whole; the canvas is never read."""
        monkeypatch.setattr(parts_module, "available_memory", lambda device: free)
        image = torch.empty(1, 1, 1).expand(1, 1, 2000, 3000)
        canvas = Canvas.__new__(Canvas)
        canvas.source = image
        self.canvas = canvas
        self.needs = Needs(100, DenoiserPrior(Denoiser(MODEL, sigma=0.1)), blur=4)
        return choose_parts(canvas, self.needs, tile)

    def test_the_whole_if_it_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Parts only where they are needed."""
        assert self.chosen(monkeypatch, 600_000_000).side is None
        assert self.chosen(monkeypatch, 599_000_000).side == 1500

    @pytest.mark.parametrize("free", [400_000_000, 100_000_000, 20_000_000])
    def test_parts_need_less_than_is_free(self, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        """By counting pixels: with margins on both sides, a part takes half of it or less."""
        side = self.chosen(monkeypatch, free).side
        assert side is not None
        assert 100 * (side + 2 * self.needs.margin) ** 2 < free / 2 < 100 * (2 * side + 300) ** 2

    def test_small_parts_may_take_more_than_half(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the smallest ones fit into the free memory."""
        self.chosen(monkeypatch, 10**9)
        parts = Parts(64, self.needs.margin, self.needs.alignment)
        needed = parts.memory(self.canvas, self.needs)
        assert self.chosen(monkeypatch, needed).side == 64
        assert self.chosen(monkeypatch, needed, 64).side == 64
        for tile in ("auto", 64):
            with pytest.raises(InputError, match="in parts of 64 pixels"):
                self.chosen(monkeypatch, needed - 1, tile)

    def test_work(self) -> None:
        """How often a pixel is solved: by counting those of all parts."""
        image = torch.zeros(200, 300)
        parts = Parts(64, 40, 4)
        rows, columns = ([parts.extent(x, n) for x in parts.spans(n)] for n in image.shape)
        for top, bottom in rows:
            for left, right in columns:
                image[top:bottom, left:right] += 1
        assert parts.work((200, 300)) == pytest.approx(float(image.mean()), rel=1e-5)
        assert Parts().work((200, 300)) == 1

    @pytest.mark.parametrize(("margin", "explained"), [(8, False), (64, True)])
    def test_much_work_is_explained(
        self, caplog: pytest.LogCaptureFixture, margin: int, explained: bool
    ) -> None:
        """Where the margins are wide for the parts."""
        canvas = open_image(torch.rand(1, 200, 200), None).canvas
        with caplog.at_level("INFO"):
            parts = Parts(16, margin)
            solve_parts(canvas, slice(0, 1), parts, lambda y, x: canvas.source[..., y, x].clone())
        assert ("times as long as the whole image" in caplog.text) == explained

    def test_the_margin_follows_from_the_blur_and_the_prior(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Wider for both."""
        self.chosen(monkeypatch, 10**9)
        wide = Needs(100, DenoiserPrior(Denoiser("swift-gaussian", sigma=0.1)), blur=4)
        blurred = Needs(100, wide.prior, blur=10)
        assert self.needs.margin < wide.margin < blurred.margin
        assert wide.margin >= 4 + wide.prior.reach

    @pytest.mark.parametrize("tile", ["auto", None, 1500])
    def test_too_little_memory(self, monkeypatch: pytest.MonkeyPatch, tile: Any) -> None:
        """The message says how much is needed, and how much for parts."""
        told = "a result of 3000x2000 pixels needs about 600 MB of memory.* and 1 MB are free"
        with pytest.raises(InputError, match=told) as caught:
            self.chosen(monkeypatch, 1_000_000, tile)
        assert ("in parts of" in str(caught.value)) == (tile is not None)
