"""A denoiser in other processes, and what is shown of it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from restorekit import Denoiser, NoiseCurve

FORKING = """
import multiprocessing, torch
from restorekit import Denoiser, create_model

def restore(image):
    return denoiser(image), torch.get_num_threads()

torch.set_num_threads(2)
generator = torch.Generator().manual_seed(0)
denoiser = Denoiser(create_model("dncnn", depth=3), tile="off", precision="float32", force=True)
images = [torch.rand(3, 64, 64, generator=generator) for _ in range(2)]
expected = [denoiser(image) for image in images]  # starts the threads of OpenMP
with multiprocessing.get_context("fork").Pool(1) as pool:
    for (found, threads), image in zip(pool.map(restore, images), expected, strict=True):
        torch.testing.assert_close(found, image, atol=1e-5, rtol=0)
        assert threads == 1
assert torch.get_num_threads() == 2
"""


class Dropping(nn.Module):
    """A network that is random in training mode."""

    channels = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.5))
        self.dropout = nn.Dropout(0.5)

    def forward(self, noisy: Tensor) -> Tensor:
        return self.dropout(noisy * self.scale)


def image() -> Tensor:
    """A small noisy image."""
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))


def same(one: Denoiser, other: Denoiser) -> bool:
    """Whether two denoisers give equal results."""
    return torch.equal(one(image()), other(image()))


def restore(denoiser: Denoiser) -> tuple[Tensor, bool]:
    """In another process: a result, and whether the network is in training mode afterwards."""
    return denoiser(image()), denoiser.model.training


@pytest.mark.parametrize("model", ["median", "auto", Dropping()])
def test_a_denoiser_can_be_pickled_and_copied(model: Any) -> None:
    """The copy has the same model and options, and gives the same results."""
    denoiser = Denoiser(model, strength=0.5, tile=64)
    for again in (pickle.loads(pickle.dumps(denoiser)), copy.deepcopy(denoiser)):
        assert repr(again) == repr(denoiser)
        assert again.model is not denoiser.model
        assert same(again, denoiser)


def test_arrays_and_curves_among_the_options_are_pickled() -> None:
    """A map of the noise level, a noise curve, and an estimator."""
    for options in (
        {"sigma": np.full((32, 32), 0.1)},
        {"stabilize": NoiseCurve(0.01, 1e-4)},
        {"estimator": "mad"},
    ):
        denoiser = Denoiser("swift-photo", **options)
        assert same(pickle.loads(pickle.dumps(denoiser)), denoiser)


def test_another_sigma_shares_the_network() -> None:
    """Only the level differs."""
    denoiser = Denoiser(Dropping(), strength=0.5)
    other = denoiser.with_sigma(0.2)
    assert other.model is denoiser.model
    assert repr(denoiser) == "<Denoiser 'Dropping' on cpu, strength=0.5>"
    assert repr(other) == "<Denoiser 'Dropping' on cpu, sigma=0.2, strength=0.5>"


def test_a_denoiser_is_sent_to_a_spawned_process() -> None:
    """With a module in training mode, whose mode is kept there."""
    denoiser = Denoiser(Dropping().train(), tile="off", precision="float32", force=True)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found, training = pool.submit(restore, denoiser).result()
    torch.testing.assert_close(found, image() * 0.5)
    assert training


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
def test_a_forked_process_restores() -> None:
    """Also after its parent computed with several threads, which do not exist in the child."""
    # In a process of its own, since a fork copies whatever threads the tests have started.
    subprocess.run([sys.executable, "-c", FORKING], check=True, timeout=300)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, "<Denoiser 'Dropping' on cpu>"),
        ({"sigma": 0.1, "tile": 64}, "<Denoiser 'Dropping' on cpu, sigma=0.1, tile=64>"),
        ({"sigma": 0, "strength": 1.0}, "<Denoiser 'Dropping' on cpu, sigma=0>"),
        ({"white": 4095, "force": True}, "<Denoiser 'Dropping' on cpu, white=4095, force=True>"),
    ],
)
def test_the_repr_has_model_device_and_options(options: dict[str, Any], shown: str) -> None:
    """Only the options that differ from the defaults."""
    assert repr(Denoiser(Dropping(), **options)) == shown


def test_the_repr_of_large_options_is_one_short_line() -> None:
    """A map of the noise level is abbreviated."""
    text = repr(Denoiser("median", sigma=torch.full((500, 500), 0.1)))
    assert text.startswith("<Denoiser 'median' on auto, sigma=tensor(")
    assert len(text) < 200
    assert "\n" not in text
