"""Invalid arguments of a Denoiser."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from restorekit import Denoiser, InputError, RestoreKitError, denoise


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": None}, "a run's folder or a module, not NoneType"),
        ({"model": 5}, "not int"),
        ({"model": nn.Conv2d}, "not type"),
        ({"precision": torch.float32}, "unknown precision 'torch.float32'. Did you mean 'float32'"),
        ({"precision": None}, "unknown precision 'None'"),
        ({"runtime": None}, "unknown runtime 'None'"),
    ],
)
def test_options_of_a_wrong_type_are_refused(options: dict[str, Any], told: str) -> None:
    """The message is ours, not that of a failing operation."""
    with pytest.raises(RestoreKitError) as caught:
        Denoiser(**{"model": nn.Identity(), **options})
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (torch.zeros(20, 24, 3), r"is \(C, H, W\) .*, not \(20, 24, 3\); .*movedim"),
        (torch.zeros(2, 20, 24, 1), r"is \(C, H, W\) .*, not \(2, 20, 24, 1\); .*movedim"),
        (torch.zeros(3, 8, 8, device="meta"), "not a meta one"),
        (torch.zeros(3, 8, 8).to_sparse(), "not a sparse_coo one"),
    ],
)
def test_tensors_of_a_wrong_shape_are_refused(image: torch.Tensor, told: str) -> None:
    """Tensors with channels last, and those without values."""
    with pytest.raises(InputError, match=told):
        denoise(image, nn.Identity())
