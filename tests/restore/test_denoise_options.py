"""The options of a restoration are declared once, and every call accepts all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import nn

from restorekit import ArgumentError, Denoiser, denoise, denoise_files
from restorekit.restore.denoise_options import DenoiseKeywords, DenoiseOptions

DEFAULTS = {option.name: option.default for option in fields(DenoiseOptions)}


def test_each_option_is_a_keyword() -> None:
    """The record and the typed keywords list the same names."""
    assert set(DenoiseKeywords.__annotations__) == set(DEFAULTS)


@pytest.mark.parametrize(
    ("function", "missing"), [(Denoiser, set()), (denoise, set()), (denoise_files, {"alpha"})]
)
def test_a_signature_shows_the_options(function: Callable[..., Any], missing: set[str]) -> None:
    """`help` lists every option with its default, and no collective `**options`."""
    parameters = inspect.signature(function).parameters
    shown = {name: each.default for name, each in parameters.items() if name in DEFAULTS}
    assert shown == {name: DEFAULTS[name] for name in DEFAULTS.keys() - missing}
    assert all(each.kind is not each.VAR_KEYWORD for each in parameters.values())


def test_an_unknown_option_is_refused() -> None:
    """As for any function in Python."""
    with pytest.raises(TypeError, match="'sigm'"):
        Denoiser(nn.Identity(), sigm=0.1)  # type: ignore[call-arg]


def test_options_by_position() -> None:
    """`denoise` still takes sigma, strength and the others by position, each one once."""
    image = torch.rand(1, 8, 8)

    class Black(nn.Module):
        def forward(self, noisy: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(noisy)

    half = denoise(image, Black(), None, 0.5, force=True)  # type: ignore[call-overload]
    torch.testing.assert_close(half, image / 2)
    with pytest.raises(TypeError, match="multiple values"):
        denoise(image, Black(), None, sigma=0.1)  # type: ignore[call-overload]


def test_a_copy_for_another_level_is_checked() -> None:
    """A denoiser that estimates a map is not given a level, at first or later."""
    denoiser = Denoiser(nn.Identity(), noise_map=True)
    with pytest.raises(ArgumentError, match="either sigma or noise_map"):
        denoiser.with_sigma(0.1)
    with pytest.raises(ArgumentError, match="8-bit levels by 255"):
        Denoiser(nn.Identity()).with_sigma(25)
