"""Luma, against that of PIL."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from restorekit.luma import luma


def test_it_is_that_of_pil():
    """Up to rounding, as PIL converts colour to gray."""
    levels = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
    expected = np.asarray(Image.fromarray(levels).convert("L")).astype(float)
    made = luma(torch.from_numpy(levels).movedim(-1, 0).double())
    assert made.shape == (1, 16, 20)
    assert np.abs(made[0].numpy() - expected).max() <= 1


def test_images_of_a_batch_have_their_own():
    batch = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(luma(batch), torch.stack([luma(image) for image in batch]))
