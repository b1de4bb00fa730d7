"""A denoiser with another runtime, in several threads and with changing weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from restorekit import Denoiser, create_model

THREADS = 6
pytestmark = pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])


def test_from_many_threads(runtime: str) -> None:
    """The results equal those of sequential calls."""
    torch.manual_seed(0)
    images = list(torch.rand(30, 3, 24, 24))
    denoiser = Denoiser(create_model("dncnn", depth=3, width=4), runtime=runtime)
    alone = [denoiser(image) for image in images]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(denoiser, images))
    torch.testing.assert_close(together, alone)


def test_new_weights_are_used(runtime: str) -> None:
    """A session has a copy of the weights, which is updated."""
    torch.manual_seed(0)
    model = create_model("dncnn", depth=2, width=4).eval()
    image = torch.rand(3, 32, 32)
    denoiser = Denoiser(model, runtime=runtime, force=True)
    before = denoiser(image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    by_torch = Denoiser(model, precision="float32", force=True)(image)
    assert not torch.allclose(before, by_torch, atol=1e-3)
    torch.testing.assert_close(denoiser(image), by_torch, atol=1e-4, rtol=0)
