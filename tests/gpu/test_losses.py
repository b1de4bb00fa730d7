"""Every registered loss on the GPU: the value and the gradients of the CPU."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from restorekit.components.kinds import losses
from restorekit.records import Restoration

pytestmark = pytest.mark.gpu

SIDE = 164  # enough for ms_ssim
REQUIRED = {"perceptual": {"network": torch.nn.AvgPool2d(3, 1)}}


def example(device: torch.device | str) -> tuple[dict[str, Tensor], Tensor]:
    """The tensors of a VAE's restoration, leaves of the graph, and the target."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, SIDE, SIDE, generator=generator)
    leaves = {
        "image": target + 0.1 * torch.randn(target.shape, generator=generator),
        "mean": torch.randn(2, 8, generator=generator),
        "log_variance": torch.randn(2, 8, generator=generator),
    }
    placed = {name: leaf.to(device).requires_grad_() for name, leaf in leaves.items()}
    return placed, target.to(device)


def measured(
    name: str, device: torch.device | str, autocast: bool = False
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss, on its device, and the gradients, on the CPU."""
    leaves, target = example(device)
    extras = {key: leaves[key] for key in ("mean", "log_variance")}
    kind = torch.device(device).type
    with torch.autocast(kind, torch.bfloat16, enabled=autocast):
        loss = losses.create(name, **REQUIRED.get(name, {})).to(device)
        value: Tensor = loss(Restoration(leaves["image"], extras), target)
    value.backward()
    found = {key: leaf.grad.cpu() for key, leaf in leaves.items() if leaf.grad is not None}
    return value, found


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("name", losses.names())
def test_value_and_gradients_equal_the_cpu(name: str, autocast: bool, device: torch.device) -> None:
    """Under bfloat16 autocast too, since a loss is computed in float32 whatever surrounds it."""
    value, gradients = measured(name, device, autocast)
    expected, known = measured(name, "cpu")
    assert value.device.type == device.type
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.cpu(), expected, rtol=1e-4, atol=1e-6)
    assert gradients.keys() == known.keys()
    for key, gradient in gradients.items():
        scale = float(known[key].abs().max())
        torch.testing.assert_close(gradient, known[key], rtol=1e-3, atol=1e-4 * scale)
