"""Fixtures that several test files share."""

from __future__ import annotations

import signal

import pytest
import torch

# A shell ignores Ctrl-C for what it starts in the background; tests send it to themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def generator() -> torch.Generator:
    """A generator of known seed."""
    return torch.Generator().manual_seed(1)


@pytest.fixture
def batch(generator: torch.Generator) -> torch.Tensor:
    """A small colour batch in [0, 1]."""
    return torch.rand(2, 3, 24, 40, generator=generator)
