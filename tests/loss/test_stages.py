"""The loss on the images of all stages."""

from __future__ import annotations

import pytest
import torch

from restorekit import Restoration, create_loss, create_model
from restorekit.errors import ArgumentError, InputError


def test_is_the_sum_over_the_stages() -> None:
    """Of the loss that it is given, for as many stages as there are; other extras are ignored."""
    target = torch.rand(2, 3, 8, 8)
    extras = {"stage_1": target + 0.3, "stage_2": target - 0.2, "noise": target}
    loss = create_loss("every_stage", loss="l1")
    assert float(loss(Restoration(target + 0.1, extras), target)) == pytest.approx(0.6)


def test_reaches_every_weight_of_mprnet() -> None:
    """Also those that only earlier stages' images depend on."""
    model = create_model("mprnet", preset="tiny")
    target = torch.rand(1, 3, 16, 16)
    create_loss("every_stage")(model(target + 0.1), target).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in model.parameters())


def test_a_network_of_one_stage_is_refused() -> None:
    """The message says what is missing."""
    image = torch.rand(1, 3, 8, 8)
    with pytest.raises(InputError, match="'stage_1' of a network with several stages"):
        create_loss("every_stage")(image, image)


def test_other_things_than_losses_are_refused() -> None:
    """Before anything is trained."""
    with pytest.raises(ArgumentError, match="loss"):
        create_loss("every_stage", loss=3)
