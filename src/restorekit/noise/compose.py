"""Compositions of noises: one of several at random, several in sequence, one for all channels."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate, islice, product
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.components.kinds import noises as registered
from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws
from restorekit.records import Degraded, degrade

Alternatives = list[tuple[nn.Module, float]]
# Each alternative of a chain is measured in every validation, and their number is a product.
MOST_ALTERNATIVES = 16


class OneOf(Noise):
    """One of several noises for each sample, chosen at random.

    Clips where the chosen noise does. Each noise is called once a batch, on the samples that
    chose it.

    Args:
        noises: The noises: names, {"name": ..., argument: ...} mappings or modules.
        weights: How often each is chosen relative to the others; equally often if left out.

    Raises:
        ValueError: there is no noise, something given is none, there is not one weight a noise,
            or a weight cannot be used.
        UnknownNameError: no noise has that name.
        ArgumentError: a noise was given an argument it cannot use.

    Example:
        >>> noise = restorekit.create_noise(
        ...     "one_of", noises=["gaussian", {"name": "jpeg", "quality": 30}], weights=[3, 1]
        ... )
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        noises: Sequence[str | Mapping[str, Any] | nn.Module],
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.noises = build_noises(noises)
        self.weights = _check_weights(weights, len(self.noises))

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with a random noise for each sample, and sigma if all of these know theirs."""
        choices = self._choose(draw)
        groups = {i: [at for at, c in enumerate(choices) if c == i] for i in sorted(set(choices))}
        # The usual case of small batches, without the copies of splitting and merging.
        if len(groups) == 1:
            return degrade(self.noises[choices[0]], clean, draw.generator)
        parts = [
            degrade(self.noises[i], _take(clean, places), draw.generator)
            for i, places in groups.items()
        ]
        order = [place for places in groups.values() for place in places]
        return _merge(parts, order, clean.dtype)

    def alternatives(self) -> Alternatives:
        """All noises that can be chosen, with their probabilities; compositions are expanded."""
        total = sum(self.weights)
        return [
            (each, weight / total * chance)
            for noise, weight in zip(self.noises, self.weights, strict=True)
            if weight
            for each, chance in _alternatives(noise)
        ]

    def _choose(self, draw: Draws) -> list[int]:
        steps = list(accumulate(self.weights))
        chances: list[float] = draw.uniform(draw.count).tolist()
        # `bisect` skips steps of width 0, so that a weight of 0 is never chosen.
        return [bisect(steps, chance * steps[-1]) for chance in chances]


class Chain(Noise):
    """Several noises, one after the other.

    Clips where one of them does.

    Args:
        noises: The noises, first to last: names, {"name": ..., argument: ...} mappings or modules.

    Raises:
        ValueError: the list is empty, or has an item that is not a noise.
        UnknownNameError: no noise has that name.
        ArgumentError: a noise was given an argument it cannot use.

    Example:
        >>> shot, read = {"name": "gaussian", "std": 0.03}, {"name": "gaussian", "std": 0.04}
        >>> degraded = restorekit.create_noise("chain", noises=[shot, read])(batch)
        >>> round(float(degraded.sigma[0]), 3)
        0.05
    """

    def __init__(self, noises: Sequence[str | Mapping[str, Any] | nn.Module]) -> None:
        super().__init__()
        self.noises = build_noises(noises)

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch after all noises in sequence.

        As sigma the root of the summed squares (the noises are independent) where all are known.
        """
        noisy = clean
        sigmas: list[Tensor | None] = []
        for noise in self.noises:
            degraded = degrade(noise, noisy, draw.generator)
            noisy = degraded.noisy
            sigmas.append(degraded.sigma)
        return Degraded(noisy, _sum_in_square(sigmas, clean))

    def alternatives(self) -> Alternatives:
        """A chain for each combination of the cases of its noises, with its probability.

        Itself alone where there are more than 16.
        """
        chains = list(islice(product(*map(_alternatives, self.noises)), MOST_ALTERNATIVES + 1))
        if not 1 < len(chains) <= MOST_ALTERNATIVES:
            return [(self, 1.0)]
        return [
            (Chain([noise for noise, _ in chain]), math.prod(chance for _, chance in chain))
            for chain in chains
        ]


class Luminance(Noise):
    """A noise that is the same in every channel: gray pictures kept in colour, the grain of film.

    What the noise changes in the mean of the channels is added to each of them. A gray picture in
    three equal channels stays gray.

    Args:
        noise: The noise: a name, a {"name": ..., argument: ...} mapping or a module.
        clip: Whether to clip to [0, 1]; the noise itself may clip the mean, not each channel.

    Raises:
        ValueError: the argument is not a noise.
        UnknownNameError: no noise has that name.
        ArgumentError: the noise was given an argument it cannot use.

    Example:
        >>> gray = batch[:, :1].expand(-1, 3, -1, -1)
        >>> noisy = restorekit.create_noise("luminance", noise="gaussian")(gray).noisy
        >>> torch.allclose(noisy[:, 0], noisy[:, 1])
        True
    """

    def __init__(self, noise: str | Mapping[str, Any] | nn.Module, clip: bool = False) -> None:
        super().__init__()
        (self.noise,) = build_noises([noise])
        self.clip = clip

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded:
        """The batch with the noise of the mean of its channels added to each channel."""
        gray = clean.mean(1, keepdim=True)
        degraded = degrade(self.noise, gray, draw.generator)
        return Degraded(clean + (degraded.noisy - gray), degraded.sigma)


def build_noises(specs: Sequence[str | Mapping[str, Any] | nn.Module]) -> nn.ModuleList:
    """The noises of a composition.

    Args:
        specs: names, {"name": ..., argument: ...} mappings or modules.

    Raises:
        ValueError: there is no noise, or something given is none.
        UnknownNameError: no noise has that name.
        ArgumentError: a noise was given an argument it cannot use.
    """
    if not specs:
        raise ValueError("noises is empty; give at least one")
    built = [registered.build(spec) for spec in specs]
    for noise in built:
        if not isinstance(noise, nn.Module):
            raise ValueError(f"{noise!r} is not a noise: give a name, a mapping or a module")
    return nn.ModuleList(built)


def _alternatives(noise: nn.Module) -> Alternatives:
    apart = getattr(noise, "alternatives", None)
    return apart() if callable(apart) else [(noise, 1.0)]


def _check_weights(weights: Sequence[float] | None, count: int) -> tuple[float, ...]:
    checked = tuple(map(float, weights)) if weights is not None else (1.0,) * count
    if len(checked) != count:
        raise ValueError(f"{count} noises need {count} weights, got {len(checked)}")
    if any(weight < 0.0 or not math.isfinite(weight) for weight in checked) or not any(checked):
        raise ValueError(f"weights must be at least 0, and one of them more, not {list(checked)}")
    return checked


def _merge(parts: list[Degraded], order: list[int], dtype: torch.dtype) -> Degraded:
    """The parts as one batch, whose sample at `order[i]` is the i-th of the parts' samples."""
    places = sorted(range(len(order)), key=order.__getitem__)
    noisy = _take(torch.cat([part.noisy.to(dtype) for part in parts]), places)
    sigmas = [part.sigma.float() for part in parts if part.sigma is not None]
    # A network that uses sigma cannot use one that is known for only some of the samples.
    if len(sigmas) < len(parts):
        return Degraded(noisy)
    # Single values and maps in one batch: all become maps.
    height, width = (max(sigma.shape[axis] for sigma in sigmas) for axis in (-2, -1))
    maps = [sigma.to(dtype).expand(-1, 1, height, width) for sigma in sigmas]
    return Degraded(noisy, _take(torch.cat(maps), places))


def _take(batch: Tensor, places: list[int]) -> Tensor:
    """batch[places], several times as fast."""
    return batch.index_select(0, torch.tensor(places, device=batch.device))


def _sum_in_square(sigmas: list[Tensor | None], clean: Tensor) -> Tensor | None:
    # In float32, because squares of small levels underflow in half precision.
    variance = clean.new_zeros((len(clean), 1, 1, 1), dtype=torch.float32)
    for sigma in sigmas:
        if sigma is None:
            return None
        variance = variance + sigma.float().square()
    return variance.sqrt().to(clean.dtype)
