"""The components work as documented, and restorekit finds them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import restorekit


def test_both_components_are_found_by_name() -> None:
    """The entry point works: restorekit knows the names without importing this package."""
    assert "banding" in restorekit.list_noises()
    assert "gated_strips" in restorekit.list_models()


def test_the_config_is_valid() -> None:
    """restorekit accepts every name and argument in config.json."""
    path = Path(__file__).parents[1] / "config.json"
    config = restorekit.TrainConfig.from_file(path)
    assert config.model.name == json.loads(path.read_text())["model"]["name"]


def test_banding_shifts_whole_rows_by_its_std() -> None:
    """The difference is constant along a row, and its deviation over the rows is std."""
    clean = torch.full((1, 3, 20000, 4), 0.5)
    degraded = restorekit.create_noise("banding", std=0.1)(clean)
    offsets = degraded.noisy - clean
    assert torch.equal(offsets, offsets[:, :1, :, :1].expand_as(offsets))
    assert float(offsets[0, 0, :, 0].std()) == pytest.approx(0.1, rel=0.05)


def test_banding_draws_only_from_the_generator() -> None:
    """The same seed gives the same noise, even if other code draws random numbers."""
    noise, clean = restorekit.create_noise("banding", std=(0.0, 0.2)), torch.zeros(2, 1, 8, 8)
    first = noise(clean, torch.Generator().manual_seed(1))
    torch.rand(7)
    second = noise(clean, torch.Generator().manual_seed(1))
    assert torch.equal(first.noisy, second.noisy)


@pytest.mark.parametrize("size", [(1, 1), (17, 5), (32, 48)])
def test_the_network_takes_any_size(size: tuple[int, int]) -> None:
    """The restored batch has the shape of the noisy one."""
    noisy = torch.rand(2, 1, *size)
    model = restorekit.create_model("gated_strips", channels=1, width=4, depth=2, length=5)
    assert model(noisy).shape == noisy.shape


def test_a_wrong_argument_is_named() -> None:
    """A ValueError of the constructor becomes an ArgumentError of restorekit."""
    with pytest.raises(restorekit.ArgumentError, match="length must be odd, not 4"):
        restorekit.create_model("gated_strips", length=4)
