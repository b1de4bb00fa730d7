"""BRISQUE and NIQE against other implementations, and on images without statistics."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import piq
import pytest
import scipy.io
import scipy.ndimage
import scipy.special
import scipy.stats
import torch
from skimage import data
from torch import Tensor

from restorekit import CheckpointError, InputError, create_metric
from restorekit.metric.natural_scenes import asymmetric_fit, halved, symmetric_fit
from tests.metric_parameters import write_metric_parameters

PHOTOGRAPH = torch.from_numpy(data.camera())[None, None, 100:400, 100:420].double() / 255
COLOUR = torch.from_numpy(data.astronaut()[:200, 150:350]).permute(2, 0, 1)[None].double() / 255


@pytest.fixture(autouse=True)
def _parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_metric_parameters(tmp_path)


def without_ties(images: Tensor) -> Tensor:
    """Change blue where the luma is half a level, which libraries round in different ways."""
    levels = (images * 255).round()
    thousandths = (levels * torch.tensor([299.0, 587.0, 114.0]).double().view(3, 1, 1)).sum(1)
    away = torch.where(levels[:, 2] < 128, 1.0, -1.0)
    levels[:, 2] += torch.where((thousandths.round() % 1000) == 500, away, 0.0)
    return levels / 255


@pytest.mark.parametrize("images", [PHOTOGRAPH, COLOUR], ids=["gray", "colour"])
def test_brisque_is_that_of_piq(images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same weights file, on clean and on noisy photographs."""
    if images.shape[1] == 3:
        images = without_ties(images)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0)).double()
    noisy = ((images + 0.1 * noise).clamp(0, 1) * 255).round() / 255
    batch = torch.cat([images, without_ties(noisy) if images.shape[1] == 3 else noisy])
    module = sys.modules["piq.brisque"]
    monkeypatch.setattr(module, "load_url", lambda *_, **__: torch.load("brisque.pt"))
    expected = torch.cat([piq.brisque(each[None], reduction="none") for each in batch])
    found = create_metric("brisque", weights="brisque.pt")(batch)
    torch.testing.assert_close(found, expected.flatten(), rtol=0, atol=1e-4)


def test_brisque_reads_models_of_libsvm() -> None:
    """The same vectors as text give the same value, but for the offset in the file."""
    coefficients, vectors = torch.load("brisque.pt")
    rows = [
        f"{float(weight)!r} " + " ".join(f"{i}:{float(x)!r}" for i, x in enumerate(row, 1))
        for weight, row in zip(coefficients, vectors, strict=True)
    ]
    head = "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\nrho -100\nSV\n"
    Path("allmodel").write_text(head + "\n".join(rows) + "\n")
    text = create_metric("brisque", weights="allmodel")(PHOTOGRAPH)
    torch.testing.assert_close(
        text - 100, create_metric("brisque", weights="brisque.pt")(PHOTOGRAPH) - 153.591
    )


def test_niqe_is_the_distance_of_an_implementation_with_numpy() -> None:
    """Filters and gamma functions of scipy, resizing of piq, one block after the other."""
    statistics = np.load("niqe.npz")
    found = create_metric("niqe", statistics="niqe.npz")(PHOTOGRAPH)
    features = reference_features(PHOTOGRAPH[0, 0].numpy() * 255)
    middle = (statistics["cov_pris_param"] + np.cov(features.T)) / 2
    away = statistics["mu_pris_param"] - features.mean(0)
    expected = np.sqrt(away @ np.linalg.pinv(middle) @ away)
    assert found.item() == pytest.approx(expected, abs=1e-4)


def test_niqe_reads_statistics_of_matlab() -> None:
    """The names and shapes are those of the authors' file."""
    arrays = np.load("niqe.npz")
    names = {
        "mu_prisparam": arrays["mu_pris_param"][None],
        "cov_prisparam": arrays["cov_pris_param"],
    }
    scipy.io.savemat("modelparameters.mat", names)
    found, expected = (
        create_metric("niqe", statistics=file)(PHOTOGRAPH)
        for file in ("modelparameters.mat", "niqe.npz")
    )
    torch.testing.assert_close(found, expected)


def test_niqe_of_photographs_is_better_than_of_noisy_ones() -> None:
    """With statistics of the photograph itself; blocks without texture do not count."""
    features = reference_features(PHOTOGRAPH[0, 0].numpy() * 255)
    spread = np.cov(features.T) + 1e-3 * np.eye(36)
    np.savez("own.npz", mu_pris_param=features.mean(0), cov_pris_param=spread)
    metric = create_metric("niqe", statistics="own.npz")
    noise = torch.randn(PHOTOGRAPH.shape, generator=torch.Generator().manual_seed(0))
    values = [metric((PHOTOGRAPH + std * noise).clamp(0, 1)).item() for std in (0, 0.05, 0.1)]
    assert values == sorted(values)
    flat = PHOTOGRAPH[..., :192, :].clone()
    flat[..., :96, :] = 0.5
    assert metric(flat).isfinite().all()
    assert metric(torch.full_like(flat, 0.5)).isnan().all()


def test_the_values_do_not_depend_on_the_precision_of_the_images() -> None:
    """A luma of half a level is rounded up in float32 and in float64."""
    for name, arguments in (
        ("brisque", {"weights": "brisque.pt"}),
        ("niqe", {"statistics": "niqe.npz"}),
    ):
        metric = create_metric(name, **arguments)
        torch.testing.assert_close(metric(COLOUR.float()), metric(COLOUR), rtol=0, atol=0)


def test_brisque_of_a_flat_image_is_finite() -> None:
    """It has no statistics."""
    assert create_metric("brisque", weights="brisque.pt")(torch.zeros(1, 1, 32, 32)).isfinite()


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
def test_fits_find_the_shape_of_a_distribution(shape: float) -> None:
    """Of samples of scipy's generalised normal distribution; the right half is twice as wide."""
    drawn = scipy.stats.gennorm.rvs(shape, size=(400, 500), random_state=0)
    found, variance = symmetric_fit(torch.from_numpy(drawn))
    assert found.item() == pytest.approx(shape, rel=0.03)
    assert variance.item() == pytest.approx(scipy.stats.gennorm.var(shape), rel=0.03)
    # The halves of the asymmetric distribution have masses as their widths.
    sides = np.random.default_rng(0).random(drawn.shape) < 2 / 3
    found, left, right = asymmetric_fit(
        torch.from_numpy(np.where(sides, 2 * np.abs(drawn), -np.abs(drawn)))
    )
    assert found.item() == pytest.approx(shape, rel=0.05)
    assert (right / left).item() == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("size", [(40, 24), (41, 24), (33, 47)])
def test_halving_keeps_the_places_of_pixels(size: tuple[int, int]) -> None:
    """Even sizes as piq does; of a ramp, the means of neighbours, also at odd sizes."""
    image = torch.rand(1, 1, *size, dtype=torch.float64)
    small = halved(image)
    assert small.shape[-2:] == tuple(-(-side // 2) for side in size)
    if not size[0] % 2 and not size[1] % 2:
        expected = piq.functional.imresize(image, sizes=(size[0] // 2, size[1] // 2))
        torch.testing.assert_close(small, expected, rtol=0, atol=1e-6)
    ramp = torch.arange(size[1]).double().expand(1, 1, *size)
    inner = halved(ramp)[0, 0, 5, 3:-3]
    torch.testing.assert_close(inner, 0.5 + 2 * torch.arange(3, 3 + len(inner)).double())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("brisque", None, "'file' does not exist; brisque downloads no parameters"),
        ("brisque", b"hello", "neither a model of libsvm nor weights of piq"),
        ("brisque", b"svm_type c_svc\nkernel_type rbf\nSV\n", "c_svc with the kernel rbf"),
        ("niqe", b"hello", "'file' has no statistics of NIQE"),
        ("niqe", bytes(5_000_000), "'file' has 5,000,000 bytes, too many"),
    ],
)
def test_other_files_are_refused(name: str, content: bytes | None, message: str) -> None:
    """In one line; a pickle is not executed."""
    if content is not None:
        Path("file").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        create_metric(
            name, **{"niqe": {"statistics": "file"}, "brisque": {"weights": "file"}}[name]
        )


def test_statistics_of_other_sizes_are_refused() -> None:
    """The arrays must be those of 36 features."""
    np.savez("file.npz", mu_pris_param=np.zeros(20), cov_pris_param=np.eye(36))
    with pytest.raises(CheckpointError, match=r"has no statistics of NIQE: .*size 20"):
        create_metric("niqe", statistics="file.npz")
    np.savez("file.npz", mean=np.zeros(36))
    with pytest.raises(CheckpointError, match="no array mu_pris_param"):
        create_metric("niqe", statistics="file.npz")


def test_images_of_other_channels_are_refused() -> None:
    """Two channels have no luma."""
    with pytest.raises(InputError, match="brisque needs gray or colour images, got 2"):
        create_metric("brisque", weights="brisque.pt")(torch.rand(1, 2, 32, 32))


def reference_features(image: np.ndarray) -> np.ndarray:
    """The features of NIQE of each block of 96x96 pixels, (n, 36)."""
    height, width = (side // 96 * 96 for side in image.shape)
    image = image[:height, :width]
    small = piq.functional.imresize(
        torch.from_numpy(image.copy())[None, None], sizes=(height // 2, width // 2)
    )
    return np.concatenate(
        [scale_features(image, 96), scale_features(small[0, 0].numpy(), 48)], axis=1
    )


def scale_features(image: np.ndarray, side: int) -> np.ndarray:
    places = np.arange(-3, 4)
    window = np.exp(-(places**2) / (2 * (7 / 6) ** 2))
    window = np.outer(window, window) / window.sum() ** 2
    mean = scipy.ndimage.correlate(image, window, mode="nearest")
    variance = scipy.ndimage.correlate(image**2, window, mode="nearest") - mean**2
    values = (image - mean) / (np.sqrt(np.abs(variance)) + 1)
    rows, columns = (length // side for length in values.shape)
    blocks = [
        values[i * side : (i + 1) * side, j * side : (j + 1) * side]
        for i in range(rows)
        for j in range(columns)
    ]
    return np.array([block_features(block) for block in blocks])


def block_features(block: np.ndarray) -> list[float]:
    gamma = scipy.special.gamma
    shape, left, right = reference_fit(block)
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = reference_fit(block * np.roll(block, shift, (0, 1)))
        found += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return found


def reference_fit(values: np.ndarray) -> tuple[float, float, float]:
    gamma, shapes = scipy.special.gamma, np.arange(0.2, 10.0005, 0.001)
    left, right = (np.sqrt((values[m] ** 2).mean()) for m in (values < 0, values > 0))
    uneven = left / right
    ratio = np.abs(values).mean() ** 2 / (values**2).mean()
    ratio *= (uneven**3 + 1) * (uneven + 1) / (uneven**2 + 1) ** 2
    table = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
    shape = shapes[np.argmin((table - ratio) ** 2)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale
