"""Properties of every registered loss; a new one is tested as soon as it is registered.

What plugins promise as well is checked in `tests/testing/test_builtin_components.py`.
"""

from __future__ import annotations

import pytest
import torch

from restorekit.components.kinds import losses
from restorekit.errors import InputError
from restorekit.records import Restoration

SIDE = 164  # enough for ms_ssim
IGNORE_THE_TARGET = {"kl_divergence", "codebook"}
REQUIRED = {"perceptual": {"network": torch.nn.Identity()}}


@pytest.fixture(params=losses.names())
def loss(request):
    """Each loss with its defaults."""
    return losses.create(request.param, **REQUIRED.get(request.param, {}))


def example(loss):
    """A restoration with the extras that a loss needs, and its target."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, SIDE, SIDE, generator=generator)
    needed = getattr(loss, "example_extras", lambda *_: {})
    extras = needed(target, generator)
    image = target + 0.1 * torch.randn(target.shape, generator=generator)  # leaves [0, 1]
    return Restoration(image, extras), target


def test_a_loss_is_at_least_zero(loss):
    """Also for images beyond [0, 1]."""
    assert loss(*example(loss)) >= 0


def test_a_plain_tensor_is_a_restored_batch(loss):
    """A loss gives the same for the batch alone, and one that needs more says what is missing."""
    restoration, target = example(loss)
    if hasattr(loss, "example_extras"):
        with pytest.raises(InputError, match=r"needs the extra '\w+' of .*; .* extras: none"):
            loss(restoration.image, target)
    else:
        assert torch.equal(loss(restoration.image, target), loss(restoration, target))


@pytest.mark.parametrize("name", sorted({*losses.names()} - IGNORE_THE_TARGET))
def test_unequal_shapes_are_refused(name):
    """Both shapes are named; torch would broadcast a gray target over colours."""
    loss = losses.create(name, **REQUIRED.get(name, {}))
    restoration, target = example(loss)
    with pytest.raises(
        InputError, match=r"\(2, 3, 164, 164\) and their targets \(2, 1, 164, 164\)"
    ):
        loss(restoration, target[:, :1])
