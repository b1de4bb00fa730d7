"""What every registered loss keeps to: a new one is tested by being registered."""

from __future__ import annotations

import pytest
import torch

from restorekit.components.kinds import losses
from restorekit.errors import InputError
from restorekit.loss.regularizers import KLDivergence
from restorekit.records import Restoration

SIDE = 164  # enough for ms_ssim


@pytest.fixture(params=losses.names())
def loss(request):
    """Each loss with its defaults."""
    return losses.create(request.param)


def example(channels: int = 3, dtype: torch.dtype = torch.float32):
    """A restoration with a VAE's extras, whose values and gradients can be looked at."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, channels, SIDE, SIDE, generator=generator)
    noise = torch.randn(target.shape, generator=generator)
    leaves = {
        "image": target + 0.1 * noise,  # leaves [0, 1]
        "mean": torch.randn(2, 8, generator=generator),
        "log_variance": torch.randn(2, 8, generator=generator),
    }
    leaves = {name: leaf.to(dtype).requires_grad_() for name, leaf in leaves.items()}
    extras = {name: leaves[name] for name in ("mean", "log_variance")}
    return Restoration(leaves["image"], extras), target, leaves


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_a_float32_scalar_with_a_gradient(loss, channels, dtype):
    """Gray and colour, every floating dtype: a finite float32 scalar, a finite gradient."""
    restoration, target, leaves = example(channels, dtype)
    value = loss(restoration, target)
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value.device == target.device
    assert value.isfinite()
    assert value >= 0
    value.backward()
    gradients = [leaf.grad for leaf in leaves.values() if leaf.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_changes_nothing(loss, dtype):
    """Under bfloat16 autocast the value is that of float32 without it, to the last bit."""
    restoration, target, _ = example(dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(restoration, target)
    extras = {name: extra.float() for name, extra in restoration.extras.items()}
    outside = loss(Restoration(restoration.image.float(), extras), target)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, outside)


def test_a_plain_tensor_is_a_restored_batch(loss):
    """A loss gives the same for the batch alone, and one that needs more says what is missing."""
    restoration, target, _ = example()
    if isinstance(loss, KLDivergence):
        with pytest.raises(InputError, match=r"needs the extra 'mean' of a VAE; .* extras: none"):
            loss(restoration.image, target)
    else:
        assert torch.equal(loss(restoration.image, target), loss(restoration, target))


def test_samples_count_equally(loss):
    """The loss of a batch is the mean of those of its samples, whatever the batch size."""
    restoration, target, _ = example()
    whole = loss(restoration, target)
    singles = [
        loss(
            Restoration(
                restoration.image[i : i + 1],
                {name: extra[i : i + 1] for name, extra in restoration.extras.items()},
            ),
            target[i : i + 1],
        )
        for i in range(2)
    ]
    torch.testing.assert_close(whole, torch.stack(singles).mean(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in losses.names() if n != "kl_divergence"])
def test_unequal_shapes_are_refused(name):
    """Both shapes are named; torch would broadcast a gray target over colours."""
    images = torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 1, SIDE, SIDE)
    with pytest.raises(
        InputError, match=r"\(1, 3, 164, 164\) and their targets \(1, 1, 164, 164\)"
    ):
        losses.create(name)(Restoration(images[0]), images[1])
