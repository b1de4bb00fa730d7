"""Coarse noise is removed at several scales, and all other options work as at one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from torch import Tensor, nn

from restorekit import ArgumentError, Denoiser
from restorekit.estimate.noise_curve import NoiseCurve
from restorekit.restore import several_scales


def photograph(name: str = "coffee") -> Tensor:
    """The centre of a photograph of skimage, (3, 192, 256)."""
    pixels: np.ndarray = getattr(data, name)()
    top, left = (pixels.shape[0] - 192) // 2, (pixels.shape[1] - 256) // 2
    return torch.from_numpy(pixels[top:, left:][:192, :256]).movedim(2, 0).float() / 255


def coarse(clean: Tensor, blur: float, level: float = 15 / 255) -> Tensor:
    """The picture with blurred white noise of this standard deviation."""
    noise = np.random.default_rng(0).standard_normal(tuple(clean.shape))
    noise = gaussian_filter(noise, (0, blur, blur), mode="wrap")
    return clean + torch.from_numpy(noise * level / noise.std()).float()


def psnr(restored: Tensor, clean: Tensor) -> float:
    """Peak signal to noise ratio for white 1."""
    return -10 * math.log10(float((restored - clean).square().mean()))


class Recorder(nn.Module):
    """Changes nothing that matters, uses sigma, and records it."""

    channels = 3

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.levels: list[float] = []
        self.pixels = 0

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """The image itself, but for a trace of sigma."""
        self.levels.append(float(sigma.mean()))
        self.pixels += noisy[:, 0].numel()
        return noisy + 1e-6 * sigma + self.weight


@pytest.fixture(params=[False, True], ids=["small", "large"])
def is_large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether images are restored as large ones are: in less time, at one position of the grid."""
    if request.param:
        monkeypatch.setattr(several_scales, "_LARGE", 0)
    return bool(request.param)


@pytest.mark.usefixtures("is_large")
@pytest.mark.parametrize(("blur", "gain"), [(1, 3), (2, 2), (3, 1)])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_coarse_noise_is_removed(name: str, blur: float, gain: float) -> None:
    """The result is better than the input by the gain, and better than that of one scale."""
    clean = photograph(name)
    noisy = coarse(clean, blur)
    before = psnr(noisy, clean)
    restored = Denoiser("swift-gaussian", scales="auto")(noisy)
    assert psnr(restored, clean) > before + gain
    assert psnr(restored, clean) > psnr(Denoiser("swift-gaussian")(noisy), clean) + 1


def test_a_blind_denoiser_gains_too() -> None:
    """It is not given a level."""
    clean = photograph()
    noisy = coarse(clean, 2)
    one, several = (psnr(Denoiser("tv", scales=n, force=True)(noisy), clean) for n in (1, 3))
    assert several > one + 1


@pytest.mark.parametrize("model", ["swift-gaussian", "swift-photo"])
def test_white_noise_is_restored_at_one_scale(model: str) -> None:
    """The automatic choice changes nothing then."""
    noisy = coarse(photograph(), 0)
    assert torch.equal(Denoiser(model, scales="auto")(noisy), Denoiser(model)(noisy))
    assert Denoiser(model, scales="auto").restore(noisy).scales == 1


@pytest.mark.usefixtures("is_large")
@pytest.mark.parametrize("size", [(192, 256), (151, 203)])
def test_tiles_equal_the_whole_image(size: tuple[int, int]) -> None:
    """Seams are invisible at every scale."""
    noisy = coarse(photograph(), 2)[:, : size[0], : size[1]]
    options = {"sigma": 15 / 255, "scales": 3, "precision": "float32"}
    whole = Denoiser("swift-gaussian", tile="off", **options)(noisy)
    tiled = Denoiser("swift-gaussian", tile=64, **options)(noisy)
    assert float((whole - tiled).abs().max()) < 1e-4


@pytest.mark.usefixtures("is_large")
def test_a_network_that_changes_nothing() -> None:
    """Neither does the way to the coarse scales and back."""
    noisy = coarse(photograph(), 2)
    restored = Denoiser(Recorder(), sigma=0.1, scales=4)(noisy)
    assert torch.allclose(restored, noisy.clamp(noisy.min(), noisy.max()), atol=1e-6)


def test_levels_of_the_scales_add_up() -> None:
    """The squares of the levels that the network is given sum to that of the noise."""
    network = Recorder()
    denoiser = Denoiser(network, sigma=0.06, scales=3, force=True)
    noisy = coarse(photograph(), 1)
    denoiser(noisy)
    network.levels.clear()
    denoiser(noisy)
    given = list(dict.fromkeys(network.levels))
    assert len(given) == 3
    assert sum(level**2 for level in given) == pytest.approx(0.06**2, rel=1e-3)


@pytest.mark.parametrize(("scales", "most"), [(2, (1.6, 1.3)), (4, (1.75, 1.4))])
def test_the_cost_of_the_scales(scales: int, most: tuple[float, float], is_large: bool) -> None:
    """How many pixels the network sees, for each pixel of the image; in large ones fewer."""
    network = Recorder()
    denoiser = Denoiser(network, sigma=0.06, scales=scales, force=True)
    noisy = coarse(photograph(), 1)
    denoiser(noisy)
    network.pixels = 0
    denoiser(noisy)
    assert network.pixels < most[is_large] * noisy[0].numel()


def test_noise_in_equal_squares() -> None:
    """It is removed in averages of its squares, at one position, and nothing more at 1x."""
    clean = photograph()
    small = torch.randn(3, 97, 129, generator=torch.Generator().manual_seed(0))
    noise = small.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, 1:193, :256]
    noisy = ((clean + 15 / 255 * noise).clamp(0, 1) * 255).round().byte()
    outcome = Denoiser().restore(noisy)
    assert outcome.model == "swift-gaussian"
    assert outcome.scales == 2
    photo = Denoiser("swift-photo")(noisy)
    better, before = (psnr(each / 255, clean) for each in (outcome.image, photo))
    assert better > before + 1
    network = Recorder()
    Denoiser(network, scales="auto").restore(noisy)
    squares, pixels = network.levels[-2:]
    assert squares == pytest.approx(15 / 255, rel=0.1)
    assert pixels == 0


def test_a_level_map() -> None:
    """Where the map is 0, a network that uses it changes little."""
    clean = photograph()
    noisy = coarse(clean, 1)
    sigma = np.zeros((192, 256))
    sigma[:, 128:] = 15 / 255
    restored = Denoiser("swift-gaussian", sigma=sigma, scales=3)(noisy)
    change = (restored - noisy).square().mean((0, 1)).sqrt()
    assert float(change[:64].mean()) < 0.25 * float(change[192:].mean())


def test_strength_and_batches() -> None:
    """Half of the strength makes half of the change; images of a batch do not affect each other."""
    first, second = coarse(photograph("coffee"), 1), coarse(photograph("astronaut"), 1)
    options = {"sigma": 15 / 255, "scales": 2, "force": True}
    full = Denoiser("swift-gaussian", **options)(first)
    half = Denoiser("swift-gaussian", strength=0.5, **options)(first)
    assert torch.allclose(half, (first + full) / 2, atol=1e-5)
    batch = Denoiser("swift-gaussian", **options)(torch.stack([first, second]))
    assert torch.allclose(batch[0], full, atol=1e-4)


def test_alpha_gray_and_tiny_images() -> None:
    """Alpha is kept, gray stays gray, and images smaller than the coarse scales are restored."""
    pixels = (coarse(photograph(), 2).clamp(0, 1) * 255).byte().movedim(0, 2).numpy()
    denoiser = Denoiser("swift-gaussian", sigma=15 / 255, scales=4)
    alpha = np.arange(pixels[..., :1].size, dtype=np.uint8).reshape(pixels[..., :1].shape)
    assert np.array_equal(denoiser(np.concatenate([pixels, alpha], 2))[..., 3:], alpha)
    gray = denoiser(np.repeat(pixels[..., 1:2], 3, 2))
    assert np.array_equal(gray[..., 0], gray[..., 1])
    assert np.array_equal(gray[..., 0], gray[..., 2])
    assert denoiser(pixels[..., 1]).shape == pixels.shape[:2]
    for side in (1, 2, 5, 33):
        assert denoiser(pixels[:side, : side + 1]).shape == (side, side + 1, 3)


def test_the_outcome_has_the_scales_and_the_level() -> None:
    """The level is that of the coarse noise, which an estimator for white noise misses."""
    outcome = Denoiser("swift-gaussian", scales="auto").restore(coarse(photograph(), 2))
    assert outcome.scales >= 3
    assert np.mean(outcome.sigma) == pytest.approx(15 / 255, rel=0.3)


@pytest.mark.parametrize("scales", [0, 5, True, "many", 2.5, None])
def test_wrong_numbers_of_scales(scales: object) -> None:
    """They are refused with the range."""
    with pytest.raises(ArgumentError, match="scales is 'auto' or a number from 1 to 4"):
        Denoiser("swift-gaussian", scales=scales)  # type: ignore[arg-type]


def test_a_transform_of_the_noise_works_at_every_scale() -> None:
    """A noise curve makes the level constant before the network sees a scale."""
    clean = photograph()
    noisy = coarse(clean, 1)
    curve = NoiseCurve(gain=1e-4, variance=(15 / 255) ** 2)
    one, several = (
        psnr(Denoiser("swift-gaussian", stabilize=curve, scales=n)(noisy), clean) for n in (1, 3)
    )
    assert several > one + 1


def test_bands_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large images are averaged in bands of rows, which leave no trace."""
    noisy = coarse(photograph(), 2)[:, :150, :203]
    options = {"sigma": 15 / 255, "scales": 4, "precision": "float32"}
    whole = Denoiser("swift-gaussian", **options)(noisy)
    monkeypatch.setattr("restorekit.restore.several_scales._ROWS", 16)
    banded = Denoiser("swift-gaussian", **options)(noisy)
    # A convolution may add in another order from call to call.
    torch.testing.assert_close(banded, whole, rtol=0, atol=1e-5)
