"""Memory of networks, and large pictures within limited memory."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from restorekit.restore.denoiser import Denoiser

GIB = 2**30


def test_little_memory_makes_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The activations of a tile must fit in half of the free memory."""
    model = nn.Sequential(nn.Conv2d(3, 64, 1), nn.Conv2d(64, 3, 1))
    image, sizes = torch.rand(3, 1000, 800), list[int]()
    model.register_forward_pre_hook(lambda _, given: sizes.append(given[0][0, 0].numel()))
    monkeypatch.setattr(
        "restorekit.restore.tiles.tile_size.available_memory", lambda device: 30 * 2**20
    )
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
denoiser = Denoiser(Fading(), force=True)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
restored = denoiser(image)
assert restored.shape == image.shape and (restored == 50).all()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * 1024 / image.nbytes)
for name in ("torchvision", "kornia", "matplotlib", "skimage", "scipy"):
    assert name not in sys.modules, name
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_a_large_picture_is_streamed() -> None:
    """Memory grows by less than three pictures; the whole picture as floats would take four."""
    done = subprocess.run([sys.executable, "-c", BIG], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 3
