"""`restorekit deblur`, `upscale` and `inpaint` on files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data

import restorekit

Refused = Callable[..., str]
TAG = 0x010E  # ImageDescription


@pytest.fixture
def photo() -> np.ndarray[Any, Any]:
    """A part of a photograph, (40, 48, 3), uint8."""
    return data.astronaut()[60:100, 190:238].copy()


def read(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.asarray(image).astype(float)


def error(image: np.ndarray[Any, Any], clean: np.ndarray[Any, Any]) -> float:
    return float(np.abs(image - clean)[6:-6, 6:-6].mean())


@pytest.mark.parametrize("blur", ["gaussian:1.2", "point.png", "blur(radius=1.2)"])
def test_a_blur_is_undone(run: Any, tmp_path: Path, photo: Any, blur: str) -> None:
    """By its radius or the picture of a point; Exif data is kept, the input not changed."""
    blurred = ndimage.gaussian_filter(photo.astype(float), (1.2, 1.2, 0), mode="mirror")
    exif = Image.Exif()
    exif[TAG] = "a description"
    Image.fromarray(blurred.round().astype(np.uint8)).save(tmp_path / "a.png", exif=exif)
    point = np.zeros((17, 17))
    point[8, 8] = 255 * 9
    spread = ndimage.gaussian_filter(point, 1.2).clip(0, 255)
    Image.fromarray(spread.astype(np.uint8)).save(tmp_path / "point.png")
    before = (tmp_path / "a.png").read_bytes()
    given = tmp_path / blur if blur == "point.png" else blur
    outcome = run("deblur", tmp_path / "a.png", "--blur", given, "-m", "tv")
    assert (outcome.code, outcome.out.strip()) == (0, str(tmp_path / "a-sharp.png"))
    assert error(read(tmp_path / "a-sharp.png"), photo) < 0.8 * error(blurred, photo)
    with Image.open(tmp_path / "a-sharp.png") as image:
        assert image.getexif()[TAG] == "a description"
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_folder_is_enlarged(run: Any, tmp_path: Path, photo: Any) -> None:
    """Bit depth and transparency are kept; a damaged file does not stop the others."""
    folder = tmp_path / "in"
    folder.mkdir()
    alpha = np.full(photo.shape[:2], 200, np.uint8)
    Image.fromarray(np.dstack([photo, alpha])).save(folder / "alpha.png")
    Image.fromarray(photo[..., 0].astype(np.uint16) * 257).save(folder / "deep.tif")
    (folder / "worse.png").write_bytes((folder / "alpha.png").read_bytes()[:200])
    words = ("upscale", folder, "-o", tmp_path / "out", "--factor", "3", "-m", "tv", "--json")
    outcome = run(*words, "--tile", "100")
    assert outcome.code == 2
    assert "worse.png" in outcome.err
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert [row["status"] for row in rows] == ["restored", "restored", "failed"]
    assert rows[0]["pages"][0]["sigma"] == pytest.approx(1 / 255)
    assert rows[0]["pages"][0]["tile"] == 100
    for name, mode in (("alpha.png", "RGBA"), ("deep.tif", "I;16")):
        with Image.open(tmp_path / "out" / name) as image:
            assert (image.size, image.mode) == ((144, 120), mode)
    assert "2 skipped" in run(*words).err


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_metadata_states_the_size_of_the_large_picture(
    run: Any, tmp_path: Path, suffix: str
) -> None:
    """On the command line and of a PIL image; pixels per inch stay."""
    exif = Image.Exif()
    exif[TAG], exif[0x011A], exif[0x011B] = "a description", 300.0, 300.0
    exif.get_ifd(0x8769).update({0xA002: 12, 0xA003: 10})
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (12, 10), (90, 120, 200)).save(path, exif=exif)
    assert run("upscale", path, "-o", tmp_path / f"b{suffix}", "-m", "tv").code == 0
    with Image.open(tmp_path / f"b{suffix}") as from_file, Image.open(path) as opened:
        for large in (from_file, restorekit.upscale(opened, 2, model="tv")):
            found = large.getexif()
            assert large.size == (24, 20)
            assert dict(found.get_ifd(0x8769)) == {0xA002: 24, 0xA003: 20}
            assert (found[TAG], found[0x011A]) == ("a description", 300)


def test_missing_pixels_are_filled(run: Any, tmp_path: Path, photo: Any) -> None:
    """Where the mask is white; all others stay as they are."""
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[20:22] = 255
    mask[5, 5] = 100  # nearer to black
    holes = np.where(mask[..., None] > 127, 0, photo).astype(np.uint8)
    Image.fromarray(holes).save(tmp_path / "a.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    target = tmp_path / "b.png"
    outcome = run(
        "inpaint", tmp_path / "a.png", "--mask", tmp_path / "mask.png", "-o", target, "-m", "tv"
    )
    assert outcome.code == 0
    filled = read(target)
    assert np.array_equal(filled[mask < 127], photo[mask < 127])
    assert np.abs(filled - photo)[20:22].mean() < 0.5 * np.abs(0.0 - photo)[20:22].mean()


def test_an_existing_result_is_kept(run: Any, refused: Refused, tmp_path: Path, photo: Any) -> None:
    """It is replaced only with --overwrite."""
    Image.fromarray(photo).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("kept")
    words = ("upscale", tmp_path / "a.png", "-o", tmp_path / "b.png", "-m", "tv")
    assert "b.png' exists; choose another output" in refused(*words)
    assert (tmp_path / "b.png").read_text() == "kept"
    assert run(*words, "--overwrite").code == 0
    assert read(tmp_path / "b.png").shape == (80, 96, 3)
    blur = ("--blur", "gaussian:1", "--overwrite", "-m", "tv")
    outcome = run("deblur", tmp_path / "a.png", "-o", tmp_path / "a.png", *blur)
    assert outcome.code == 2
    assert "would be overwritten by its own result" in outcome.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["deblur", "a.png", "--blur", "gaussian"], "'gaussian' is not a blur of fixed"),
        (
            ["deblur", "a.png", "--blur", "gauss:2"],
            "unknown blur 'gauss'. Did you mean 'gaussian'? Available: blur, gaussian, motion, "
            "motion_blur",
        ),
        (["deblur", "a.png", "--blur", "blurr(radius=2)"], "unknown blur 'blurr'. Did you mean"),
        (["deblur", "a.png", "--blur", "motion blur"], "Did you mean 'motion_blur'?"),
        (["upscale", "a.png", "--tile", "0"], "--tile is auto, off, or a side in pixels, not '0'"),
        (["deblur", "a.png", "--blur", "gaussian:x"], "write gaussian:RADIUS with numbers"),
        (["deblur", "a.png", "--blur", "gaussian:-1"], "radius"),
        (["deblur", "a.png", "--blur", "gaussian:99"], "radius"),
        (["deblur", "a.png", "--blur", "motion:9"], "write motion:LENGTH,ANGLE with numbers"),
        (["deblur", "a.png", "--blur", "none.png"], "cannot read 'none.png'"),
        (["deblur", "a.png"], "missing option '--blur'"),
        (["deblur", "a.png", "--blur", "gaussian:1", "--sigma", "-3"], "a number from 0 to 255"),
        (["deblur", "a.png", "--blur", "gaussian:1", "-m", "dncnn"], "dncnn"),
        (["upscale", "a.png", "--factor", "5"], "--factor is 2, 3 or 4, not '5'"),
        (["upscale", "a.png", "-m", "median"], "model 'median' does not use sigma"),
        (["upscale", "a.png", "--sigma", "nan"], "a number from 0 to 255"),
        (["inpaint", "a.png", "--mask", "none.png"], "cannot read 'none.png'"),
        (
            ["inpaint", "a.png", "--mask", "small.png"],
            "the mask of missing pixels is 4x4 pixels, the",
        ),
        (["inpaint", "a.png", "--mask", ""], "the path of the mask is empty"),
        (["deblur", "a.png", "--blur", ""], "the blur is empty"),
        (["deblur", "a.png", "--blur", "./nothere"], "cannot read 'nothere': it does not exist"),
        (["deblur", "a.png", "--blur", "gausian:1.5"], "Did you mean 'gaussian'?"),
        (["deblur", "a.png", "--blur", "gaussian:1", "-m", ""], "the name of a model is empty"),
        (["upscale", "a.png", "-m", ""], "the name of a model is empty"),
        (["inpaint", "a.png", "--mask", "a.png", "-m", ""], "the name of a model is empty"),
    ],
)
def test_mistakes_are_one_line(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, told: str
) -> None:
    """With exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (24, 20), (90, 120, 200)).save("a.png")
    Image.new("L", (4, 4)).save("small.png")
    words = words if "-m" in words else [*words, "-m", "tv"]
    assert told in refused(*words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "small.png"]


def test_too_large_a_picture(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says how much memory is needed and how much is free."""
    from restorekit.restore.plug_and_play import parts

    monkeypatch.setattr(parts, "available_memory", lambda device: 100_000)
    Image.new("RGB", (64, 40)).save(tmp_path / "a.png")
    told = refused("upscale", tmp_path / "a.png", "-m", "tv")
    assert "a result of 128x80 pixels needs about" in told
    assert "100 kB are free" in told
