"""denoise: its options, resuming, and several processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from torch import Tensor

from restorekit import SensorNoise


def value(path: Path) -> Any:
    with Image.open(path) as image:
        return image.getpixel((0, 0))


# Where results go


def test_without_an_output_the_result_is_next_to_the_picture(
    run: Any, pictures: Path, engine: Any
) -> None:
    """The result of photo.jpg is photo-restored.jpg, and its name is printed; also for a folder."""
    outcome = run("denoise", pictures / "a.png")
    assert (outcome.code, outcome.out) == (0, f"{pictures / 'a-restored.png'}\n")
    assert (value(pictures / "a.png"), value(pictures / "a-restored.png")) == (
        (128,) * 3,
        (127,) * 3,
    )
    (pictures / "a-restored.png").unlink()
    assert run("denoise", pictures).code == 0
    made = pictures.parent / "pictures-restored"
    assert sorted(path.name for path in made.rglob("*.png")) == ["a.png", "gray.png", "z.png"]


def test_finished_pictures_of_a_folder_are_skipped(
    run: Any, pictures: Path, engine: Any, tmp_path: Path
) -> None:
    """A second run restores only the missing ones and says so; --overwrite restores all again."""
    call = ("denoise", pictures, "-o", tmp_path / "out")
    run(*call)
    (tmp_path / "out" / "z.png").unlink()
    outcome = run(*call)
    assert outcome.out == f"{tmp_path / 'out' / 'z.png'}\n"
    assert outcome.err == (
        "2 skipped: already done, settings not compared; --overwrite redoes them\n"
    )
    assert len(engine.given) == 4
    outcome = run(*call, "--overwrite")
    assert (outcome.err, len(engine.given)) == ("", 7)


def test_a_single_picture_is_restored_again(
    run: Any, pictures: Path, engine: Any, tmp_path: Path
) -> None:
    """With one picture, a user tries settings, so an old result is replaced."""
    for _ in range(2):
        run("denoise", pictures / "a.png", "-o", tmp_path / "b.png")
    assert len(engine.given) == 2


# What reaches the denoiser


def test_options_reach_the_denoiser(run: Any, pictures: Path, engine: Any) -> None:
    """Each option is an argument; sigma is on the [0, 1] scale."""
    words = (
        "-m x.safetensors --sigma 25.5 --strength 0.5 --strength-luma 0.75 --strength-chroma 1 "
        "--keep-detail 0.25 --ensemble --tile 256 --precision float32 --device cpu "
        "--runtime onnxruntime --scales 3"
    )
    assert run("denoise", pictures / "a.png", *words.split()).code == 0
    second_words = ("--noise-map", "--tile", "off", "--force")
    assert run("denoise", pictures / "a.png", *second_words).code == 0
    first, second = engine.settings
    assert first == {
        "model": "x.safetensors",
        "sigma": pytest.approx(0.1),
        "estimator": None,
        "strength": 0.5,
        "strength_luma": 0.75,
        "strength_chroma": 1.0,
        "keep_detail": 0.25,
        "ensemble": True,
        "tile": 256,
        "precision": "float32",
        "device": "cpu",
        "runtime": "onnxruntime",
        "noise_map": False,
        "stabilize": "auto",
        "scales": 3,
        "impulses": "auto",
        "black": "auto",
        "white": "auto",
        "force": False,
    }
    assert (second["model"], second["sigma"], second["tile"]) == ("auto", None, "off")
    assert (second["noise_map"], second["device"], second["ensemble"]) == (True, "auto", False)
    assert second["scales"] == 1
    assert second["force"] is True
    assert (second["strength_luma"], second["strength_chroma"]) == (None, None)


def test_sigma_names_an_estimator(
    run: Any, refused: Callable[..., str], pictures: Path, engine: Any
) -> None:
    """With arguments; a misspelt one is named."""
    run("denoise", pictures / "a.png", "--sigma", "block_dct:blocks=64")
    assert engine.settings[0]["sigma"] == "estimate"
    assert engine.settings[0]["estimator"] == "block_dct:blocks=64"
    said = refused("denoise", pictures / "a.png", "--sigma", "mda")
    assert said.strip().endswith("auto, or an estimator, not 'mda'. Did you mean 'mad'?")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("--stabilize auto", "auto"),
        ("--stabilize on", "on"),
        ("--stabilize off", "off"),
        ("--noise-curve 2.5,8", SensorNoise(2.5, 8)),
        ("--noise-curve 2.5,8,100 --stabilize on", SensorNoise(2.5, 8, 100)),
    ],
)
def test_noise_that_depends_on_the_brightness(
    run: Any, pictures: Path, engine: Any, words: str, value: object
) -> None:
    """A curve in the units of the file implies that the noise is stabilised."""
    assert run("denoise", pictures / "a.png", *words.split()).code == 0
    assert engine.settings[0]["stabilize"] == value


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16", "float16"])
def test_every_precision_of_the_library_is_an_option(
    run: Any, pictures: Path, engine: Any, precision: str
) -> None:
    """Whether a precision works depends on the device; the help lists all of them."""
    assert run("denoise", pictures / "a.png", "--precision", precision).code == 0
    assert engine.settings[0]["precision"] == precision
    for command in ("denoise", "benchmark"):
        assert precision in " ".join(run(command, "--help").out.partition("--precision")[2].split())


def test_float16_needs_a_gpu(refused: Callable[..., str], pictures: Path) -> None:
    """The message is that of the library."""
    call = ("denoise", pictures / "a.png", "-m", "tv", "--precision", "float16", "--device", "cpu")
    assert refused(*call).startswith("precision 'float16' needs a GPU")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--sigma much", "--sigma is a number from 0 to 255 of 255, estimate, auto, or an"),
        ("--sigma=-1", "--sigma is a number from 0 to 255"),
        ("--sigma nan", "--sigma is a number from 0 to 255"),
        ("--sigma 5 --noise-map", "--noise-map estimates the noise; leave out --sigma"),
        ("--stabilize yes", "--stabilize 'yes' is unknown. One of: auto, on, off"),
        ("--noise-curve 2", "--noise-curve is GAIN,READ or GAIN,READ,PEDESTAL in values of the"),
        ("--noise-curve 2,x", "--noise-curve is GAIN,READ"),
        ("--noise-curve 2,nan", "--noise-curve is GAIN,READ"),
        ("--noise-curve 0,5", "the gain of a sensor is above 0, not 0.0"),
        ("--noise-curve 2,5 --stabilize off", "--noise-curve stabilizes the noise; leave out"),
        ("--noise-curve 2,5 --sigma 5", "--noise-curve replaces the noise level by a curve; leave"),
        ("--stabilize on --noise-map", "--stabilize on replaces the noise level by a curve; leave"),
        ("--strength 1.5", "--strength is a number from 0 to 1, not '1.5'"),
        ("--strength nan", "--strength is a number from 0 to 1"),
        ("--strength-luma 2", "--strength-luma is a number from 0 to 1, not '2'"),
        ("--strength-chroma x", "--strength-chroma is a number from 0 to 1, not 'x'"),
        ("--keep-detail x", "--keep-detail is a number from 0 to 1, not 'x'"),
        ("--tile 0", "--tile is auto, off, or a side in pixels, not '0'"),
        ("--tile big", "--tile is auto, off, or a side"),
        ("--precision float23", "--precision 'float23' is unknown. Did you mean 'float32'?"),
        ("--runtime onnxruntim", "--runtime 'onnxruntim' is unknown. Did you mean 'onnxruntime'?"),
        ("--depth 12", "--depth '12' is unknown."),
        ("--quality 0", "quality is 1 to 100, not 0"),
        ("--quality best", "invalid value for '--quality'"),
        ("--report x.pdf", "report 'x.pdf' is neither .html nor .png nor a folder"),
        ("--strenght 1", "no such option '--strenght'. Did you mean '--strength'?"),
    ],
)
def test_mistakes_in_options(
    refused: Callable[..., str], pictures: Path, engine: Any, words: str, line: str
) -> None:
    """Each gives one line, before any network is loaded."""
    assert refused("denoise", pictures / "a.png", *words.split()).startswith(line)
    assert engine.settings == []


def test_paths_are_checked_before_a_network_is_loaded(
    refused: Callable[..., str], pictures: Path, engine: Any
) -> None:
    """A missing picture and an impossible output are reported before the network is loaded."""
    assert "does not exist" in refused("denoise", pictures / "b.png", "-o", "x.png")
    assert "suffix '.gif'" in refused("denoise", pictures / "a.png", "-o", "x.gif")
    assert engine.settings == []


# Files of every depth


def test_a_deep_scan_keeps_its_pages_and_its_depth(run: Any, tmp_path: Path, engine: Any) -> None:
    """Two pages of 16 bits are restored at that depth and written with it."""
    values = np.random.default_rng(0).integers(0, 65536, (2, 5, 6)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    assert run("denoise", tmp_path / "a.tif", "-o", tmp_path / "b.tif").code == 0
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), 65535 - values)
    assert [image.dtype for image in engine.given] == [np.uint16] * 2


@pytest.mark.parametrize(("depth", "dtype"), [("16", np.uint16), ("float", np.float32)])
def test_a_requested_depth(run: Any, pictures: Path, engine: Any, depth: str, dtype: type) -> None:
    """The denoiser works at that depth, and the file has it."""
    call = ("denoise", pictures / "a.png", "-o", pictures / "b.tif", "--depth", depth)
    assert run(*call).code == 0
    assert engine.given[0].dtype == dtype
    assert tifffile.imread(pictures / "b.tif").dtype == dtype


def test_a_depth_that_the_format_lacks(
    refused: Callable[..., str], pictures: Path, engine: Any
) -> None:
    """A JPEG has 8 bits, so the message is one line and nothing is restored."""
    message = refused("denoise", pictures / "a.png", "-o", pictures / "b.jpg", "--depth", "16")
    assert message.endswith("its format holds 8-bit channels, not 16")
    assert engine.given == []


def test_quality_reaches_the_file(run: Any, tmp_path: Path, engine: Any) -> None:
    """A JPEG of low quality is smaller."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    sizes = []
    for quality in (95, 10):
        run("denoise", tmp_path / "a.png", "-o", tmp_path / "b.jpg", "--quality", quality)
        sizes.append((tmp_path / "b.jpg").stat().st_size)
    assert sizes[1] < sizes[0] / 2


# Messages


def test_warning_of_the_denoiser_is_a_line(
    run: Any, pictures: Path, weights: Path, tmp_path: Path
) -> None:
    """A blind network ignores the noise level that is given, and a warning says so."""
    call = ("denoise", pictures / "a.png", "-o", tmp_path / "b.png", "-m", weights)
    outcome = run(*call, "--sigma", "10", "--force")
    assert outcome.code == 0
    assert outcome.err.startswith(f"warning: model '{weights}' is blind")
    assert outcome.err.count("\n") == 1


def test_a_model_that_fails_on_one_picture_restores_the_others(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that a network raises for one picture becomes one line at the end."""

    def fixed(self: Any, noisy: Tensor, sigma: Any = None) -> Tensor:
        if noisy.shape[-2:] != (24, 32):
            raise RuntimeError("shapes cannot\nbe multiplied")
        return noisy

    monkeypatch.setattr("restorekit.arch.classical.median.Median.forward", fixed)
    (tmp_path / "in").mkdir()
    for name, size in (("a", (32, 24)), ("b", (40, 24)), ("c", (32, 24))):
        Image.new("RGB", size, (9, 90, 200)).save(tmp_path / "in" / f"{name}.png")
    outcome = run("denoise", tmp_path / "in", "-o", tmp_path / "out", "-m", "median", "--force")
    assert outcome.code == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]
    reason = "model 'median' fails on it (40x24 pixels): RuntimeError: shapes cannot be multiplied"
    assert outcome.err.splitlines()[-1] == f"error: '{tmp_path / 'in' / 'b.png'}': {reason}"
