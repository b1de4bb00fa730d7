"""The recipe for a GPU, at a tiny size on the CPU."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch
from PIL import Image
from skimage import data

from restorekit.optim.muon import Muon

FOLDER = Path(__file__).parents[2] / "examples" / "recipes" / "gpu"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch):
    """The modules of the recipe, which import each other by name."""
    monkeypatch.syspath_prepend(FOLDER)
    names = ("degrade", "jpeg", "learn", "muon", "pack", "photographs")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    modules = {name: __import__(name) for name in names}
    yield type("Recipe", (), modules)
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of scikit-image as JPEG files."""
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        picture = Image.fromarray(getattr(data, name)())
        picture.save(tmp_path / f"{name}.jpg", quality=95, subsampling=0)
    return tmp_path


def packed(recipe, folder: Path, monkeypatch: pytest.MonkeyPatch, pixels: int = 40_000) -> Path:
    target = folder / "packed"
    arguments = ["pack.py", str(folder), str(target), "--parts", "1", "--pixels", str(pixels)]
    monkeypatch.setattr(sys, "argv", arguments)
    recipe.pack.main()
    return target / "0.tar"


def test_packed_photographs_are_windows_of_the_originals(recipe, folder, monkeypatch):
    """Nearly every pixel of a packed picture is unchanged, up to rounding."""
    with tarfile.open(packed(recipe, folder, monkeypatch)) as archive:
        names = [entry.name for entry in archive]
    (window,) = recipe.photographs.read([folder / "packed" / "0.tar"])[:1]
    original = np.asarray(Image.open(folder / names[0])).astype(int)
    height, width = window.shape[:2]
    assert height * width <= 40_000
    least = min(
        np.abs(original[top : top + height, left : left + width] - window).mean()
        for top in range(0, original.shape[0] - height + 1, 8)
        for left in range(0, original.shape[1] - width + 1, 8)
    )
    assert least < 0.6


def test_windows_show_the_pictures(recipe):
    """The pixels of a window are neighbours in the picture, possibly flipped or rotated."""
    rows, columns = np.mgrid[:40, :60]
    picture = np.stack((rows * 4, columns * 4, np.full_like(rows, 7)), -1).astype(np.uint8)
    photographs = recipe.photographs.Photographs([picture], torch.device("cpu"))
    windows = photographs.windows(20, 32, torch.Generator().manual_seed(0)) * 255 / 4
    steps = [windows.diff(dim=axis).abs().sum(1) for axis in (2, 3)]
    for step in steps:
        assert torch.allclose(step, torch.ones_like(step), atol=1e-3)


@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("quality", [50, 90])
def test_jpeg_is_near_to_libjpeg(recipe, quality, halved):
    """The result equals that of libjpeg, up to rounding between the steps."""
    image = np.ascontiguousarray(data.astronaut()[:160, :160])
    batch = torch.from_numpy(image).movedim(-1, 0)[None].float() / 255
    ours = recipe.jpeg.jpeg(batch, torch.tensor([float(quality)]), torch.tensor([halved]))
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=2 if halved else 0)
    theirs = torch.from_numpy(np.array(Image.open(file))).movedim(-1, 0) / 255
    lost = (theirs - batch[0]).square().mean().sqrt()
    assert (ours[0] - theirs).square().mean().sqrt() < 0.5 * lost


def test_steps_equal_those_of_the_library(recipe):
    """One step of the batched optimizer equals one of `Muon` for the same gradients."""
    torch.manual_seed(0)
    shapes = [(8, 3, 3, 3), (8, 8, 3, 3), (8, 8, 3, 3), (16, 8, 2, 2), (3, 8, 3, 3)]
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in ours]
    optimizer = recipe.muon.BatchedMuon(ours, torch.tensor(0.01))
    library = Muon(theirs, lr=0.01, betas=(0.9, 0.99))
    for _ in range(3):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            other.grad = mine.grad.clone()
        optimizer.step()
        library.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=3e-4, rtol=0)


@pytest.mark.parametrize("name", ["white", "gray_white", "impulse", "photograph"])
def test_noise_keeps_size_and_range(recipe, name):
    """Every kind of noise gives finite batches on one grid, and changes the picture."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(6, 3, 64, 64, generator=generator)
    batch = getattr(recipe.degrade, name)(clean, generator)
    assert batch.clean.shape == batch.noisy.shape
    assert batch.level.shape == (6, 1, 64, 64)
    assert all(x.isfinite().all() for x in batch)
    assert not torch.equal(batch.noisy, batch.clean)


@pytest.mark.parametrize("name", ["white", "gray_white", "impulse", "photograph"])
def test_noise_reads_nothing_back(recipe, name):
    """A batch is generated without waiting for the device: it works where values do not exist."""
    batch = getattr(recipe.degrade, name)(torch.zeros(6, 3, 64, 64, device="meta"), None)
    assert batch.noisy.device.type == "meta"


def test_white_noise_has_the_level_it_states(recipe):
    """Without clipping, its standard deviation is the level."""
    generator = torch.Generator().manual_seed(0)
    batch = recipe.degrade.white(torch.full((64, 3, 64, 64), 0.5), generator)
    level = batch.level.square().mean((1, 2, 3)).sqrt()
    measured = (batch.noisy - batch.clean).std((1, 2, 3))
    weak = (level < 0.12) & (level > 0.01)
    assert weak.sum() > 10
    assert torch.allclose(measured[weak] / level[weak], torch.ones(()), atol=0.05)


def test_training_starts_and_resumes(recipe, folder, monkeypatch):
    """It writes weights that can be loaded, and resumes at the step where it stopped."""
    archive = packed(recipe, folder, monkeypatch)
    monkeypatch.setattr(recipe.learn, "HELD_OUT", 1)
    out = folder / "out"
    arguments = ["learn.py", str(archive), "--out", str(out), "--seconds", "impulse=0.5"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--batch", "4", "--patch", "32"])
    seen = []
    for _ in range(2):
        recipe.learn.main()
        with safetensors.safe_open(out / "impulse.safetensors", "pt") as file:
            seen.append(json.loads(file.metadata()["seen"])["steps"])
    assert 0 < seen[0] < seen[1]
