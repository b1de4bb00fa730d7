"""LPIPS with random weights against the package of its authors and against its definition."""

from __future__ import annotations

import warnings
from pathlib import Path

import lpips
import pytest
import torch
import torchvision
from torch.nn import functional as F

from restorekit import CheckpointError, create_metric
from tests.metric_parameters import write_metric_parameters

PAIR = torch.rand(2, 2, 3, 64, 48, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_metric_parameters(tmp_path)


def test_it_is_the_distance_of_the_package() -> None:
    """The same random features in the same slices, with the weights of the comparison."""
    state = torch.load("alexnet.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision warns of arguments of the package
        package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    for name, module in package.net.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            number = name.rpartition(".")[2]
            module.load_state_dict({k: state[f"{number}.{k}"] for k in ("weight", "bias")})
    expected = package(*(PAIR * 2 - 1)).flatten()
    torch.testing.assert_close(
        create_metric("lpips", weights="alexnet.pth")(*PAIR), expected.detach(), rtol=0, atol=1e-6
    )


def test_it_is_the_distance_of_the_paper() -> None:
    """Equation 1, with the features of torchvision's network after each of its five ReLUs."""
    features = torchvision.models.alexnet(weights=None).features
    features.load_state_dict(torch.load("alexnet.pth"))
    file = Path(lpips.__file__).parent / "weights" / "v0.1" / "alex.pth"
    comparison = torch.load(file, "cpu", weights_only=True)
    weights = [value for key, value in comparison.items() if key.startswith("lin")]
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1)
    expected = torch.zeros(2)
    with torch.no_grad():
        noisy, clean = ((image * 2 - 1 - shift) / scale for image in PAIR)
        for number, layer in enumerate(features):
            noisy, clean = layer(noisy), layer(clean)
            if isinstance(layer, torch.nn.ReLU):
                difference = F.normalize(noisy) - F.normalize(clean)
                expected += (difference**2 * weights.pop(0)).sum(1).mean((1, 2))
            if number == 11:
                break
    assert not weights
    found = create_metric("lpips", weights="alexnet.pth")(*PAIR)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_weights_of_the_whole_network_are_taken() -> None:
    """As torchvision publishes them, with its classifier; gray images are three channels."""
    state = torch.load("alexnet.pth")
    whole = {f"features.{key}": value for key, value in state.items()}
    torch.save({**whole, "classifier.1.bias": torch.zeros(4)}, "whole.pth")
    gray = PAIR[:, :, :1]
    found, expected = (
        create_metric("lpips", weights=file)(*gray) for file in ("whole.pth", "alexnet.pth")
    )
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        found, create_metric("lpips", weights="alexnet.pth")(*gray.expand(-1, -1, 3, -1, -1))
    )


def test_other_files_are_refused() -> None:
    """A missing file, one of another network, and a pickle; nothing is downloaded."""
    with pytest.raises(CheckpointError, match="does not exist; lpips downloads no weights"):
        create_metric("lpips", weights="missing.pth")
    with pytest.raises(CheckpointError, match=r"no weights of VGG16: no '2\.weight'"):
        create_metric("lpips", weights="alexnet.pth", net="vgg")
    torch.save({"features.0.weight": Path("x")}, "pickle.pth")
    with pytest.raises(CheckpointError, match="no weights of AlexNet"):
        create_metric("lpips", weights="pickle.pth")
    torch.save([1], "list.pth")
    with pytest.raises(CheckpointError, match="no weights of AlexNet"):
        create_metric("lpips", weights="list.pth")
