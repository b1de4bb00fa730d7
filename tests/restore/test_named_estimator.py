"""The estimator of the noise level can be chosen by name, with arguments, or be a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import restorekit
from restorekit.components.kinds import estimators
from restorekit.errors import ArgumentError, PluginError, UnknownNameError
from restorekit.evaluate.protocol import Protocol

NOISY = torch.normal(0.5, 0.1, (3, 64, 64), generator=torch.Generator().manual_seed(0))


class Recorder(nn.Module):
    """A network that returns its input and remembers sigma."""

    optional_sigma = True

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.seen: list[Tensor] = []

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        if sigma is not None:
            self.seen.append(sigma.detach().clone())
        return noisy * self.weight + (0 if sigma is None else 0.01 * sigma)


@pytest.fixture
def constant() -> Iterator[None]:
    """An estimator that returns its argument."""

    @estimators.register("constant")
    class Constant:
        """A fixed level."""

        def __init__(self, level: float = 0.25) -> None:
            self.level = level

        def __call__(self, image: Tensor) -> Tensor:
            return torch.full(image.shape[:2], self.level)

    yield
    del estimators._entries["constant"]


@pytest.mark.parametrize(
    ("estimator", "level"),
    [
        ("constant", 0.25),
        ("constant:level=0.5", 0.5),
        ({"name": "constant", "level": 0.125}, 0.125),
        (lambda image: torch.full(image.shape[:2], 0.75), 0.75),
    ],
)
def test_the_network_is_given_what_the_estimator_finds(
    constant: None, estimator: Any, level: float
) -> None:
    """Also a network that works without a level, since an estimator was asked for."""
    network = Recorder()
    outcome = restorekit.Denoiser(network, estimator=estimator, force=True).restore(NOISY)
    assert outcome.sigma == pytest.approx([level] * 3)
    assert network.seen[-1].unique().tolist() == [level]
    assert restorekit.estimate_sigma(NOISY[None], estimator).unique().tolist() == [level]


def test_the_noise_map_uses_it(constant: None) -> None:
    network = Recorder()
    restorekit.Denoiser(network, estimator="constant", noise_map=True, force=True)(NOISY)
    assert network.seen[-1].shape[-2:] == NOISY.shape[-2:]
    torch.testing.assert_close(network.seen[-1], torch.full_like(network.seen[-1], 0.25))


def test_it_is_either_a_level_or_an_estimator(constant: None) -> None:
    """A copy for a given level no longer estimates."""
    with pytest.raises(ArgumentError, match="either sigma or an estimator"):
        restorekit.Denoiser(Recorder(), sigma=0.1, estimator="constant")
    network = Recorder()
    denoiser = restorekit.Denoiser(network, estimator="constant", force=True)
    denoiser.with_sigma(0.1)(NOISY)
    assert network.seen[-1].unique().tolist() == pytest.approx([0.1])
    denoiser.with_sigma(None)(NOISY)
    assert network.seen[-1].unique().tolist() == [0.25]


@pytest.mark.parametrize(
    ("estimator", "error", "said"),
    [
        ("md", UnknownNameError, "unknown estimator 'md'. Did you mean 'mad'?"),
        ("block_dct:block=3", ArgumentError, "Did you mean 'blocks'?"),
        ("block_dct:3", ArgumentError, "'block_dct:3': write block_dct:key=value"),
    ],
)
def test_a_mistake_is_named_before_an_image_is_opened(
    estimator: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        restorekit.Denoiser(Recorder(), estimator=estimator)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (lambda image: torch.zeros(3), r"returned \(3,\), not a tensor \(1, 3\)"),
        (lambda image: 0.1, "returned float, not a tensor"),
        (lambda image: torch.full(image.shape[:2], -0.1), "returned .* negative or not finite"),
        (
            lambda image: torch.full(image.shape[:2], torch.nan),
            "returned .* negative or not finite",
        ),
    ],
)
def test_a_wrong_result_is_an_error(measure: Callable[[Tensor], Any], said: str) -> None:
    """It names the estimator, and does not become a wrong level."""
    with pytest.raises(PluginError, match=f"estimator 'function' {said}"):
        restorekit.Denoiser(Recorder(), estimator=measure, force=True)(NOISY)


def test_a_benchmark_uses_it(constant: None, tmp_path: Any) -> None:
    """Instead of the true level, which the protocol and its options then say."""
    from PIL import Image

    Image.fromarray((NOISY.clamp(0, 1) * 255).byte().movedim(0, 2).numpy()).save(tmp_path / "a.png")
    network, protocol = Recorder(), Protocol(estimator="constant:level=0.5")
    restorekit.benchmark({"net": network}, tmp_path, "gaussian:25", protocol)
    assert network.seen[-1].unique().tolist() == [0.5]
    assert protocol.options == ("--estimator", "constant:level=0.5")
    assert "sigma estimated by constant:level=0.5 for models" in protocol.describe()
