"""restorekit finds the network and its weights, and they remove noise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import restorekit
from restorekit.testing import check_model


def test_the_network_keeps_the_contract_of_models() -> None:
    """Sizes, channels, gradients, half precision, saving and loading."""
    check_model("acme_net")


def test_the_weights_are_found_by_name() -> None:
    """They are in this package, and the default of the architecture."""
    (listed,) = restorekit.describe_weights("acme-denoise")
    assert listed.architecture == "acme_net"
    assert listed.provider.startswith("restorekit-acme ")
    assert "acme_net" in restorekit.list_models(pretrained=True)
    default = restorekit.create_model("acme_net", pretrained=True)
    named = restorekit.load_model("acme-denoise")
    for key, tensor in named.state_dict().items():
        assert torch.equal(tensor, default.state_dict()[key])


def test_the_card_names_no_folder_of_the_author() -> None:
    """And it has a summary and a licence."""
    card = restorekit.read_card("acme-denoise")
    assert (card["license"], bool(card["summary"])) == ("MIT", True)
    assert str(Path.home()) not in str(card)


@pytest.mark.parametrize("sigma", [0.05, 0.1])
def test_noise_is_removed(sigma: float) -> None:
    """A photograph is at least 3 dB better than with the noise."""
    clean = restorekit.create_dataset("samples", patch_size=128)[0][None]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = clean + sigma * noise
    restored = restorekit.denoise(noisy, "acme-denoise", sigma=sigma)
    gain = restorekit.psnr(restored.clamp(0, 1), clean) - restorekit.psnr(noisy, clean)
    assert float(gain) > 3
