"""The loss of CBDNet, against its formula, and a training with it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from restorekit import Restoration, create_loss, create_model
from restorekit.errors import ArgumentError, InputError


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_is_the_formula_of_the_paper() -> None:
    """Pixel by pixel: ||x - y||^2 + 0.5 |0.3 - [e < s]| (e - s)^2 + 0.05 (dh^2 + dv^2)."""
    image, target, level = (numbers(2, 2, 4, 5, seed=seed) for seed in range(3))
    sigma = torch.tensor([0.3, 0.6]).reshape(2, 1, 1, 1)
    total = 0.0
    for place in torch.cartesian_prod(*(torch.arange(n) for n in level.shape)).tolist():
        sample, channel, row, column = place
        estimate, true = float(level[tuple(place)]), float(sigma[sample])
        total += (float(image[tuple(place)]) - float(target[tuple(place)])) ** 2
        total += 0.5 * abs(0.3 - (estimate < true)) * (estimate - true) ** 2
        if row > 0:
            total += 0.05 * (estimate - float(level[sample, channel, row - 1, column])) ** 2
        if column > 0:
            total += 0.05 * (estimate - float(level[sample, channel, row, column - 1])) ** 2
    restored = Restoration(image, {"noise_level": level, "sigma": sigma})
    assert float(create_loss("cbdnet")(restored, target)) == pytest.approx(total / level.numel())


def test_too_low_is_worse_than_too_high() -> None:
    """By 0.7 / 0.3 for an error of the same size; with alpha = 0.5 both count the same."""
    image, sigma = numbers(1, 1, 6, 6), torch.full((1, 1, 1, 1), 0.2)

    def value(error: float, **arguments: float) -> float:
        extras = {"noise_level": torch.full_like(image, 0.2 + error), "sigma": sigma}
        return float(create_loss("cbdnet", **arguments)(Restoration(image, extras), image))

    assert value(-0.1) / value(0.1) == pytest.approx(7 / 3, rel=1e-4)
    assert value(-0.1, alpha=0.5) == pytest.approx(value(0.1, alpha=0.5))


@pytest.mark.parametrize("extras", [{}, {"sigma": torch.zeros(1, 1, 1, 1)}], ids=["none", "zero"])
def test_without_a_true_level_only_the_other_terms_count(extras: dict[str, Tensor]) -> None:
    """Real photographs have none, and 0 stands for an unknown one; a single pixel has no
    variation."""
    image, target = numbers(1, 3, 1, 1), numbers(1, 3, 1, 1, seed=1)
    restored = Restoration(image, {"noise_level": numbers(1, 3, 1, 1), **extras})
    expected = (image - target).square().mean()
    torch.testing.assert_close(create_loss("cbdnet")(restored, target), expected)


def test_a_training_estimates_the_level() -> None:
    """The tiny network comes closer to the level of its noise, and removes some of it."""
    torch.manual_seed(0)
    model, loss = create_model("cbdnet", preset="tiny"), create_loss("cbdnet")
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    sigma = torch.full((1, 1, 1, 1), 0.2)

    def batch() -> tuple[Tensor, Tensor]:
        clean = torch.rand(4, 3, 1, 1).expand(-1, -1, 16, 16)
        return clean, clean + sigma * torch.randn_like(clean)

    clean, noisy = batch()
    before = model(noisy).extras["noise_level"].detach()
    for _ in range(60):
        clean, noisy = batch()
        optimizer.zero_grad()
        loss(model(noisy, sigma), clean).backward()
        optimizer.step()
    clean, noisy = batch()
    with torch.no_grad():
        found = model(noisy)
        level = found.extras["noise_level"]
    assert float((level - sigma).abs().mean()) < 0.6 * float((before - sigma).abs().mean())
    assert (found.image - clean).square().mean() < 0.8 * (noisy - clean).square().mean()


def test_other_models_are_refused() -> None:
    """The message names what is missing and who returns it."""
    with pytest.raises(InputError, match="cbdnet needs the extra 'noise_level' of the model"):
        create_loss("cbdnet")(numbers(1, 1, 8, 8), numbers(1, 1, 8, 8))


@pytest.mark.parametrize("arguments", [{"alpha": 0.0}, {"asymmetric": -1.0}, {"variation": -1.0}])
def test_impossible_arguments_are_refused(arguments: dict[str, float]) -> None:
    """In one line with the argument."""
    (name,) = arguments
    with pytest.raises(ArgumentError, match=f"loss 'cbdnet': {name} must be"):
        create_loss("cbdnet", **arguments)
