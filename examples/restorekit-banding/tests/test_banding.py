"""The components work as documented, and restorekit finds them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import restorekit
from restorekit.testing import check_model, check_noise


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


def test_banding_keeps_to_the_contract_of_noises() -> None:
    """The generator decides everything, the type stays, and others."""
    check_noise("banding")
    check_noise({"name": "banding", "std": [0.0, 0.2]})


@pytest.mark.parametrize("channels", [1, 3])
def test_the_network_keeps_to_the_contract_of_models(channels: int) -> None:
    """Any size, gradients, precision, weights, tiles."""
    small = {"channels": channels, "width": 4, "depth": 2, "length": 5}
    check_model({"name": "gated_strips", **small})


def test_a_wrong_argument_is_named() -> None:
    """A ValueError of the constructor becomes an ArgumentError of restorekit."""
    with pytest.raises(restorekit.ArgumentError, match="length must be odd, not 4"):
        restorekit.create_model("gated_strips", length=4)
