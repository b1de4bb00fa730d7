"""Schedules: the learning rate as a factor of its peak, over the part of a run that is done."""

from __future__ import annotations

import math


class Constant:
    """The same learning rate throughout.

    Example:
        >>> restorekit.create_schedule("constant")(0.9)
        1.0
    """

    def __call__(self, done: float) -> float:
        """The factor of the learning rate at a part of the run, `done` in [0, 1)."""
        return 1.0


class Cosine:
    """Half a cosine from the learning rate to `final` of it.

    Reference: Loshchilov and Hutter, SGDR, ICLR 2017, https://arxiv.org/abs/1608.03983

    Args:
        final: the factor at the end, from 0 to 1.

    Raises:
        ValueError: `final` is out of its range.

    Example:
        >>> round(restorekit.create_schedule("cosine")(0.5), 6)
        0.5
    """

    def __init__(self, final: float = 0.0) -> None:
        self.final = _within("final", final)

    def __call__(self, done: float) -> float:
        """The factor of the learning rate at a part of the run, `done` in [0, 1)."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * done)) / 2


class Step:
    """The learning rate is multiplied by `factor` at `drops` evenly spaced places.

    Args:
        drops: how many times, at least 1.
        factor: by what, from 0 to 1.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> [restorekit.create_schedule("step")(done) for done in (0, 0.5, 0.9)]
        [1.0, 0.25, 0.0625]
    """

    def __init__(self, drops: int = 4, factor: float = 0.5) -> None:
        if drops < 1:
            raise ValueError(f"drops must be at least 1, not {drops}")
        self.drops, self.factor = drops, _within("factor", factor)

    def __call__(self, done: float) -> float:
        """The factor of the learning rate at a part of the run, `done` in [0, 1)."""
        return float(self.factor ** math.floor(done * (self.drops + 1)))


class OneCycle:
    """A cosine from `start` up to the learning rate, then a cosine down to `final` of it.

    Reference: Smith and Topin, Super-Convergence, 2018, https://arxiv.org/abs/1708.07120

    Args:
        rise: the part of the run that the rise takes, between 0 and 1.
        start: the factor at the start, from 0 to 1.
        final: the factor at the end, from 0 to 1.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> [round(restorekit.create_schedule("one_cycle")(done), 3) for done in (0, 0.3, 0.65)]
        [0.04, 1.0, 0.5]
    """

    def __init__(self, rise: float = 0.3, start: float = 0.04, final: float = 4e-6) -> None:
        if not 0 < rise < 1:
            raise ValueError(f"rise must be between 0 and 1, not {rise}")
        self.rise, self.start, self.final = rise, _within("start", start), _within("final", final)

    def __call__(self, done: float) -> float:
        """The factor of the learning rate at a part of the run, `done` in [0, 1)."""
        if done < self.rise:
            return _between(self.start, 1.0, done / self.rise)
        return _between(1.0, self.final, (done - self.rise) / (1 - self.rise))


def _between(first: float, last: float, place: float) -> float:
    """From one value to another along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * place)) / 2


def _within(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be from 0 to 1, not {value}")
    return value
