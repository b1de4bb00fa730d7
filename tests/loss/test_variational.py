"""The variational objective of VDN, compared with the distributions of torch."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.distributions import Gamma, InverseGamma, Normal, kl_divergence

from restorekit import Restoration, create_loss
from restorekit.errors import ArgumentError, InputError


def output(target: Tensor, error: float = 0.01) -> Restoration:
    """What a network might return for an image."""
    maps = torch.rand(4, *target.shape, generator=torch.Generator().manual_seed(1))
    extras = {
        "noise": 0.3 * (maps[0] - 0.5),
        "image_log_variance": -9 + maps[1],
        "log_alpha": 1.5 + maps[2],
        "log_beta": -2 + maps[3],
    }
    return Restoration(target + error, extras)


def target(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_is_the_negative_lower_bound() -> None:
    """Divergences by torch.distributions, the window by SciPy, the likelihood by many draws."""
    clean = target(1, 2, 9, 12)
    restored = output(clean)
    noise, log_variance, log_alpha, log_beta = restored.extras.values()
    alpha, beta, deviation = log_alpha.exp(), log_beta.exp(), (log_variance / 2).exp()
    true_square = (noise + restored.image - clean).square()
    mode = torch.stack(
        [
            torch.from_numpy(gaussian_filter(channel.numpy(), 3, mode="mirror", radius=3))
            for channel in true_square[0]
        ]
    )[None]
    posterior = Normal(restored.image, deviation)
    image = kl_divergence(posterior, Normal(clean, 5e-5**0.5)).mean()
    # The divergence of inverse gamma distributions is that of the gamma distributions of 1 / x.
    level = kl_divergence(Gamma(alpha, beta), Gamma(torch.tensor(23.5), 24.5 * mode)).mean()
    torch.manual_seed(0)
    draws = posterior.sample((4000,)), InverseGamma(alpha, beta).sample((4000,)).sqrt()
    noisy = restored.image + noise
    likelihood = Normal(*draws).log_prob(noisy).mean()
    found = create_loss("vdn")(restored, clean)
    assert float(found) == pytest.approx(float(image + level - likelihood), rel=2e-3)


def test_is_least_for_the_truth() -> None:
    """Of all levels and images, the true ones have the lowest loss."""
    clean = torch.full((1, 1, 48, 48), 0.5)
    noise = 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    loss = create_loss("vdn")

    def value(level: float, error: float) -> float:
        alpha = torch.full_like(clean, 23.5)
        extras = {
            "noise": noise - error,
            "image_log_variance": torch.full_like(clean, 5e-5).log(),
            "log_alpha": alpha.log(),
            "log_beta": (24.5 * level**2 * torch.ones_like(clean)).log(),
        }
        return float(loss(Restoration(clean + error, extras), clean))

    best = value(0.1, 0.0)
    assert best < min(value(0.07, 0.0), value(0.14, 0.0), value(0.1, 0.02))


def test_extreme_outputs_stay_finite() -> None:
    """Logarithms are bounded, and an image without noise has a least variance."""
    clean = target(1, 1, 8, 8)
    for scale in (-1e3, 1e3):
        extras = dict.fromkeys(
            ("image_log_variance", "log_alpha", "log_beta"), torch.full_like(clean, scale)
        )
        restored = Restoration(clean, {"noise": torch.zeros_like(clean), **extras})
        assert bool(create_loss("vdn")(restored, clean).isfinite())


def test_other_models_are_refused() -> None:
    """The message names what is missing and who returns it."""
    with pytest.raises(InputError, match=r"vdn needs the extra 'noise' of the model 'vdn'"):
        create_loss("vdn")(target(1, 1, 8, 8), target(1, 1, 8, 8))


@pytest.mark.parametrize("arguments", [{"image_variance": 0.0}, {"radius": 0}])
def test_impossible_arguments_are_refused(arguments: dict[str, float]) -> None:
    """Variance and radius are positive."""
    with pytest.raises(ArgumentError, match=r"loss 'vdn': (image_variance|radius) must be"):
        create_loss("vdn", **arguments)
