"""Memory: what there is, what a network takes, and a large picture within bounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from restorekit.restore.denoiser import Denoiser
from restorekit.restore.probing import memory

GIB = 2**30


def test_available_memory_is_some_of_what_there_is() -> None:
    """More than nothing, and no more than the machine has."""
    total = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal")
    )
    assert 0 < memory.available_memory(torch.device("cpu")) <= total


@pytest.mark.parametrize("mounted_at_root", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_limits_of_a_container(tmp_path: Path, version: int, mounted_at_root: bool) -> None:
    """What is left of the limit, with the cache of files, which makes room when asked."""
    groups, root = tmp_path / "groups", tmp_path / "cgroup"
    folder = root / ("memory" if version == 1 else "")
    folder = folder if mounted_at_root else folder / "job"
    folder.mkdir(parents=True)
    if version == 1:
        groups.write_text("9:cpu:/job\n4:memory:/job\n")
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    else:
        groups.write_text("0::/job\n")
        names = ("memory.max", "memory.current", "inactive_file")
    (folder / names[0]).write_text(f"{4 * GIB}\n")
    (folder / names[1]).write_text(f"{3 * GIB}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {GIB // 2}\n")
    assert memory._container_memory(groups, root) == [GIB + GIB // 2]


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    """Without control groups, or with the limit "max", nothing is counted."""
    assert memory._container_memory(tmp_path / "none", tmp_path) == []
    (tmp_path / "groups").write_text("0::/\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._container_memory(tmp_path / "groups", tmp_path) == []


def test_little_memory_makes_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what is free has to hold a tile's activations."""
    model = nn.Sequential(nn.Conv2d(3, 64, 1), nn.Conv2d(64, 3, 1))
    image, sizes = torch.rand(3, 1000, 800), list[int]()
    model.register_forward_pre_hook(lambda _, given: sizes.append(given[0][0, 0].numel()))
    monkeypatch.setattr("restorekit.restore.tiles.size.available_memory", lambda device: 30 * 2**20)
    Denoiser(model, precision="float32")(image)
    assert max(sizes[-4:]) * (64 + 3) * 4 < 15 * 2**20


BIG = """
import resource, sys
import numpy as np
from restorekit.restore.denoiser import Denoiser
import torch

class Fading(torch.nn.Module):
    def forward(self, noisy):
        return 0.5 * noisy

image = np.full((12000, 1000, 3), 100, np.uint8)
denoiser = Denoiser(Fading())
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
restored = denoiser(image)
assert restored.shape == image.shape and (restored == 50).all()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * 1024 / image.nbytes)
for name in ("torchvision", "kornia", "matplotlib", "skimage", "scipy"):
    assert name not in sys.modules, name
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_a_large_picture_is_streamed() -> None:
    """Beside the picture there is its result and little else: as floats it would be five of it."""
    done = subprocess.run([sys.executable, "-c", BIG], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 3
