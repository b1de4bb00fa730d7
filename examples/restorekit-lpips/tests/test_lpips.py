"""The metric and the loss keep to their contracts. Nothing is downloaded: weights are random."""

from __future__ import annotations

from typing import Any

import lpips
import pytest
import torch

import restorekit
from restorekit.testing import check_loss, check_metric


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_the_metric_keeps_to_its_contract(net: str) -> None:
    """One value for each image, lower is better, and its least side."""
    check_metric({"name": "lpips_pretrained", "net": net, "pretrained": False})


def test_the_loss_keeps_to_its_contract() -> None:
    """One number, a gradient, the same under autocast."""
    check_loss({"name": "lpips", "net": "alex", "pretrained": False})


def test_smaller_images_are_refused() -> None:
    """With the smallest side that the network takes."""
    metric = restorekit.create_metric("lpips_pretrained", pretrained=False)
    with pytest.raises(restorekit.InputError, match="at least 31x31 pixels"):
        metric(torch.zeros(1, 3, 30, 40), torch.zeros(1, 3, 30, 40))


def test_it_is_the_distance_of_the_authors() -> None:
    """The same network, for images on their scale of [-1, 1]; gray is three equal channels."""
    metric: Any = restorekit.create_metric("lpips_pretrained", pretrained=False)
    clean, noisy = torch.rand(2, 2, 1, 40, 40).unbind(0)
    network: lpips.LPIPS = metric.distance.network
    given = [image.expand(-1, 3, -1, -1) * 2 - 1 for image in (noisy, clean)]
    torch.testing.assert_close(metric(noisy, clean), network(*given).flatten())


def test_nothing_of_it_is_trained() -> None:
    """It has no trainable weight, and stays in evaluation when a run trains."""
    loss: Any = restorekit.create_loss("lpips", net="alex", pretrained=False).train()
    assert not any(weight.requires_grad for weight in loss.parameters())
    assert not loss.distance.training
