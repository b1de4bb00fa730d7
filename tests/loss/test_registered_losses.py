"""Properties of every registered loss; a new one is tested as soon as it is registered.

What plugins promise as well is checked in `tests/testing/test_builtin_components.py`.
"""

from __future__ import annotations

import pytest
import torch

from restorekit.components.kinds import losses
from restorekit.errors import InputError
from restorekit.loss.regularizers import KLDivergence
from restorekit.records import Restoration

SIDE = 164  # enough for ms_ssim
REQUIRED = {"perceptual": {"network": torch.nn.Identity()}}


@pytest.fixture(params=losses.names())
def loss(request):
    """Each loss with its defaults."""
    return losses.create(request.param, **REQUIRED.get(request.param, {}))


def example():
    """A restoration with a VAE's extras, and its target."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, SIDE, SIDE, generator=generator)
    extras = {name: torch.randn(2, 8, generator=generator) for name in ("mean", "log_variance")}
    image = target + 0.1 * torch.randn(target.shape, generator=generator)  # leaves [0, 1]
    return Restoration(image, extras), target


def test_a_loss_is_at_least_zero(loss):
    """Also for images beyond [0, 1]."""
    assert loss(*example()) >= 0


def test_a_plain_tensor_is_a_restored_batch(loss):
    """A loss gives the same for the batch alone, and one that needs more says what is missing."""
    restoration, target = example()
    if isinstance(loss, KLDivergence):
        with pytest.raises(InputError, match=r"needs the extra 'mean' of a VAE; .* extras: none"):
            loss(restoration.image, target)
    else:
        assert torch.equal(loss(restoration.image, target), loss(restoration, target))


@pytest.mark.parametrize("name", [n for n in losses.names() if n != "kl_divergence"])
def test_unequal_shapes_are_refused(name):
    """Both shapes are named; torch would broadcast a gray target over colours."""
    images = torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE)
    with pytest.raises(
        InputError, match=r"\(1, 3, 164, 164\) and their targets \(1, 1, 164, 164\)"
    ):
        losses.create(name, **REQUIRED.get(name, {}))(Restoration(images[0]), images[1])
