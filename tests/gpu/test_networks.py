"""Every registered architecture on the GPU gives the results of the CPU."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from restorekit import create_model, list_models, models
from restorekit.errors import MissingExtraError
from restorekit.records import as_restoration

pytestmark = pytest.mark.gpu

OWN = [name for name in list_models() if models.entry(name).provider.distribution == "restorekit"]
TRAINED = [name for name in OWN if "classical" not in models.entry(name).component.tags]
NOISY = torch.rand(2, 3, 33, 46, generator=torch.Generator().manual_seed(0))
LEVEL = torch.full((1, 1, 1, 1), 0.1)
# float32 sums in another order; the values are about 1.
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


def make(name: str) -> nn.Module:
    """A model of default arguments and known weights, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            return create_model(name).eval()
        except MissingExtraError as error:
            pytest.skip(str(error))


@torch.no_grad()
def restored(model: nn.Module, device: torch.device | str) -> Tensor:
    return as_restoration(model.to(device)(NOISY.to(device), sigma=LEVEL.to(device))).image


@pytest.mark.parametrize("name", OWN)
def test_float32_equals_the_cpu(name: str, device: torch.device) -> None:
    """The same image, on the device, within the rounding of float32."""
    model = make(name)
    expected = restored(model, "cpu")
    image = restored(model, device)
    assert image.device.type == device.type
    torch.testing.assert_close(image.cpu(), expected, **CLOSE)


@pytest.mark.parametrize("name", TRAINED)
def test_channels_last_equals_the_cpu(name: str, device: torch.device) -> None:
    """Also in the memory layout of training and restoring."""
    model = make(name)
    expected = restored(model, "cpu")
    image = restored(model.to(memory_format=torch.channels_last), device)
    torch.testing.assert_close(image.cpu(), expected, **CLOSE)


@pytest.mark.parametrize("name", TRAINED)
def test_bfloat16_is_close(name: str, device: torch.device) -> None:
    """Under autocast the image is float32 and within two percent of that of the CPU."""
    model = make(name)
    expected = restored(model, "cpu")
    with torch.autocast(device.type, torch.bfloat16):
        image = restored(model, device)
    assert image.dtype == torch.float32
    difference = (image.cpu() - expected).square().mean().sqrt()
    assert 0 < difference < 0.02 * expected.square().mean().sqrt()


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_equal_the_cpu(name: str, device: torch.device) -> None:
    """The gradient of each parameter, whose length is the scale of the tolerance."""
    expected, found = (gradients(make(name), place) for place in ("cpu", device))
    for place, gradient in expected.items():
        error = torch.linalg.vector_norm(found[place].cpu() - gradient)
        assert error <= 1e-3 * torch.linalg.vector_norm(gradient) + 1e-6, place


def gradients(model: nn.Module, device: torch.device | str) -> dict[str, Tensor]:
    """The gradients of the mean square of the image."""
    image = as_restoration(model.to(device)(NOISY.to(device), sigma=LEVEL.to(device))).image
    image.square().mean().backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
