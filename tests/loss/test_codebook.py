"""The loss that trains the codes of a VQ-VAE."""

from __future__ import annotations

import pytest
import torch

from restorekit import Restoration, create_loss
from restorekit.errors import ArgumentError, InputError

IMAGE = torch.zeros(1, 1, 4, 4)


def test_moves_codes_and_vectors_towards_each_other() -> None:
    """The encoder's gradient is `commitment` times that of the codes, in the other direction."""
    encoded = torch.randn(2, 3, 4, 4, requires_grad=True)
    code = torch.randn(2, 3, 4, 4, requires_grad=True)
    extras = {"encoded": encoded, "code": code}
    loss = create_loss("codebook", commitment=0.5)(Restoration(IMAGE, extras), IMAGE)
    loss.backward()
    assert encoded.grad is not None
    assert code.grad is not None
    difference = (code - encoded).detach()
    assert loss.item() == pytest.approx(1.5 * difference.square().mean().item())
    torch.testing.assert_close(code.grad, 2 * difference / difference.numel())
    torch.testing.assert_close(encoded.grad, -0.5 * code.grad)


def test_other_extras_are_refused() -> None:
    """Missing ones, and those of unequal shapes."""
    with pytest.raises(InputError, match="codebook needs the extra 'encoded' of the model 'vqvae'"):
        create_loss("codebook")(IMAGE, IMAGE)
    extras = {"encoded": torch.zeros(1, 2, 3, 3), "code": torch.zeros(1, 2, 3, 1)}
    with pytest.raises(InputError, match=r"'encoded' has shape \(1, 2, 3, 3\) and 'code' \(1, 2"):
        create_loss("codebook")(Restoration(IMAGE, extras), IMAGE)


def test_a_negative_commitment_is_refused() -> None:
    """It would drive the encoder away from the codes."""
    with pytest.raises(ArgumentError, match="commitment must be at least 0, not -1"):
        create_loss("codebook", commitment=-1.0)
