"""Pixel losses against their formulas in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restorekit.loss.pixel import L1, MSE, Charbonnier
from restorekit.records import Restoration

FORMULAS = [
    pytest.param(L1(), lambda d: np.abs(d).mean(), id="l1"),
    pytest.param(MSE(), lambda d: (d**2).mean(), id="mse"),
    pytest.param(Charbonnier(), lambda d: np.hypot(d, 1e-3).mean(), id="charbonnier"),
    pytest.param(Charbonnier(0.5), lambda d: np.hypot(d, 0.5).mean(), id="charbonnier-0.5"),
]


@pytest.mark.parametrize(("loss", "formula"), FORMULAS)
def test_the_formula(loss, formula, batch, generator):
    """The value is the formula's mean over every value of the batch."""
    restored = batch + 0.1 * torch.randn(batch.shape, generator=generator)
    difference = restored.double().numpy() - batch.double().numpy()
    assert loss(Restoration(restored), batch).item() == pytest.approx(formula(difference), rel=1e-5)


@pytest.mark.parametrize("loss", [L1(), MSE()])
def test_equal_images_lose_nothing(loss, batch):
    """The least value is 0, where the images are equal."""
    assert loss(Restoration(batch), batch) == 0


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-12, 1), st.floats(-1.5, 1.5, width=32))
def test_charbonnier_lies_just_above_l1(epsilon, difference):
    """|d| <= value <= |d| + epsilon, so epsilon is its least value."""
    target = torch.zeros(1, 1, 2, 2)
    value = Charbonnier(epsilon)(Restoration(target + difference), target).item()
    assert abs(difference) * (1 - 1e-6) <= value <= (abs(difference) + epsilon) * (1 + 1e-6)


@pytest.mark.parametrize("epsilon", [1e-12, 1e-3, 1.0])
def test_charbonnier_is_smooth_where_the_images_are_equal(epsilon, batch):
    """The gradient there is 0 even for the least epsilon, not the 0/0 of a plain square root."""
    restored = batch.clone().requires_grad_()
    Charbonnier(epsilon)(Restoration(restored), batch).backward()
    assert torch.equal(restored.grad, torch.zeros_like(batch))


@pytest.mark.parametrize("epsilon", [0, -1e-3, 1e-20, 2, float("nan")])
def test_an_epsilon_that_cannot_work_is_refused(epsilon):
    """Zero would have no gradient at equal images, a tiny one neither in float32."""
    with pytest.raises(ValueError, match="epsilon must be between 1e-12 and 1"):
        Charbonnier(epsilon)
