"""The loss of quality by bfloat16, and when it is used."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import restorekit
from restorekit.errors import ArgumentError
from restorekit.networks import precision as precision_module
from restorekit.networks.precision import lossless_dtype
from restorekit.networks.probe_images import probe_picture
from restorekit.restore.denoiser import Denoiser


def network_with(error: float) -> Callable[[Tensor, float], Tensor]:
    """A poor denoiser with a given mean square difference between bfloat16 and float32."""

    def run(noisy: Tensor, sigma: float) -> Tensor:
        clean = probe_picture(3, *noisy.shape[-2:])
        return clean + 0.1 + (error**0.5 if torch.is_autocast_enabled("cpu") else 0.0)

    return run


@pytest.mark.parametrize(
    ("error", "expected"),
    [(0.0, torch.bfloat16), (2.2e-7, torch.bfloat16), (2.4e-7, None), (float("nan"), None)],
)
def test_bfloat16_is_used_if_it_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, error: float, expected: torch.dtype | None
) -> None:
    """Up to 0.01 dB at 40 dB, which is 0.0023 of a mean square error of 1e-4."""
    monkeypatch.setattr(precision_module, "native_dtype", lambda device: torch.bfloat16)
    assert lossless_dtype(network_with(error), 3, torch.device("cpu")) == expected


def test_emulated_bfloat16_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be slower."""
    monkeypatch.setattr(precision_module, "native_dtype", lambda device: None)
    assert lossless_dtype(network_with(0.0), 3, torch.device("cpu")) is None


def test_requested_precision(estimate: None) -> None:
    """bfloat16 is close to float32 but not equal; the sum with the image is in float32."""
    model, image = restorekit.create_model("unet", width=4, depth=1), torch.rand(3, 32, 32)
    full, half = (
        Denoiser(model, precision=name, force=True).restore(image)
        for name in ("float32", "bfloat16")
    )
    assert (full.precision, half.precision) == ("float32", "bfloat16")
    assert not torch.equal(full.image, half.image)
    assert (full.image - half.image).abs().max() < 0.01
    assert not torch.equal(half.image, half.image.bfloat16().float())
    assert Denoiser(model).restore(image).precision == "float32"  # so small, it is no matter
    assert Denoiser(model.double()).restore(image).precision == "float64"


@pytest.mark.parametrize(
    ("precision", "fault"), [("bf16", "Did you mean 'bfloat16'"), ("float16", "needs a GPU")]
)
def test_unusable_precisions_are_refused(precision: str, fault: str) -> None:
    """The message lists the precisions."""
    with pytest.raises(ArgumentError, match=fault):
        Denoiser(nn.Identity(), precision=precision)
