"""How far a picture is changed: not beyond what its noise explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.nn import functional

from restorekit.restore.safeguard.evidence import (
    LEAST_SIDE,
    Evidence,
    measure_evidence,
    removes_structure,
)
from restorekit.restore.safeguard.reason import Reason

RADIUS = 8  # pixels, of the window in which a change is compared with the noise
# Below the first level a picture is left as it is. Up to the second the bound grows from nothing:
# of weak noise a network removes less than it costs in texture.
_LEAST, _FULL = 1.9 / 255, 3.6 / 255
# By how much the change of a region may exceed what its noise explains; a window's own fluctuation
# is within the first, the levels of correlated noise are less certain. White noise beyond the
# second level hides more than a network takes away; from the first on the factor grows.
_WHITE, _CORRELATED = 1.2, 2.0
_UNDERESTIMATED = 1.6  # the level of correlated noise is found this much too low at most
_MODERATE, _STRONG = 6 / 255, 12 / 255


@dataclass(frozen=True)
class Verdict:
    """What becomes of a picture.

    Attributes:
        reason: why it is left as it is; None where it is changed.
        bound: (256,), the greatest mean square change of a region of each brightness from 0 to 1;
            None for any.
    """

    reason: Reason | None = None
    bound: Tensor | None = None


UNLIMITED = Verdict()


class Guard:
    """Holds the changes of a batch of pictures back.

    Args:
        sigma: (B, C), the estimated noise levels on the [0, 1] scale.
        verdicts: what is known of each picture before it is restored; None where that is to be
            judged by what the network removes.
        impulsive: whether each picture seems to have impulses, whose removal is not limited; none
            has if this is left out.
    """

    def __init__(
        self,
        sigma: Tensor,
        verdicts: Iterable[Verdict | None],
        impulsive: Sequence[bool] | None = None,
    ) -> None:
        self.sigma = sigma
        self.verdicts = list(verdicts)
        self.impulsive = impulsive or (False,) * len(self.verdicts)

    @property
    def reason(self) -> Reason | None:
        """Why all pictures are left as they are; None where one is changed."""
        reasons = {verdict.reason if verdict else None for verdict in self.verdicts}
        return reasons.pop() if len(reasons) == 1 else None

    def leaves(self, samples: slice) -> bool:
        """Whether all of these pictures are left as they are."""
        return all(verdict and verdict.reason for verdict in self.verdicts[samples])

    def judge(self, index: int, noisy: Tensor, restored: Tensor) -> None:
        """Judge a picture by pieces of it, where that has not been done.

        Args:
            index: its place in the batch.
            noisy: (N, C, H, W), the pieces, floats on the [0, 1] scale.
            restored: the same restored.
        """
        if self.verdicts[index] is None:
            sigma, impulsive = self.sigma[index], self.impulsive[index]
            self.verdicts[index] = _judge(noisy, restored, sigma, impulsive)

    def limit(self, samples: slice, noisy: Tensor, restored: Tensor) -> Tensor:
        """What becomes of restored pictures, or of equal parts of them.

        Args:
            samples: their places in the batch; those not judged yet are judged by this.
            noisy: (B, C, H, W).
            restored: the same restored.
        """
        limited = []
        for row, index in enumerate(range(*samples.indices(len(self.verdicts)))):
            given, made = noisy[row : row + 1], restored[row : row + 1]
            self.judge(index, given, made)
            limited.append(_limited(given, made, self.verdicts[index] or UNLIMITED))
        return torch.cat(limited)


@contextmanager
def join_guards(guards: Sequence[Guard | None]) -> Iterator[Guard | None]:
    """The guards of several pictures as one; each has its own verdicts afterwards.

    Args:
        guards: one for each canvas that goes through the network, or None for each.
    """
    known = [guard for guard in guards if guard is not None]
    if len(known) < 2:
        yield known[0] if known else None
        return
    verdicts = [verdict for guard in known for verdict in guard.verdicts]
    impulsive = [each for guard in known for each in guard.impulsive]
    together = Guard(torch.cat([guard.sigma for guard in known]), verdicts, impulsive)
    yield together
    judged = iter(together.verdicts)
    for guard in known:
        guard.verdicts = list(islice(judged, len(guard.verdicts)))


def _judge(noisy: Tensor, restored: Tensor, sigma: Tensor, impulsive: bool) -> Verdict:
    if min(noisy.shape[-2:]) < LEAST_SIDE:
        return UNLIMITED
    if removes_structure(noisy, restored):
        return Verdict("unclear")
    if impulsive:
        return UNLIMITED
    with torch.autocast("cpu", enabled=False):  # in which the network may run
        evidence = measure_evidence(noisy.cpu().float(), restored.cpu().float(), sigma.cpu())
    overall = float(sigma.square().mean().sqrt())
    if evidence.is_correlated:
        farthest = _UNDERESTIMATED * overall
        return Verdict(bound=_CORRELATED * _at_most(evidence, farthest))
    if evidence.sigma < _LEAST:
        return Verdict("clean" if overall < 2 * _LEAST else "unclear")
    return UNLIMITED if evidence.sigma >= _STRONG else Verdict(bound=_bound(evidence))


def _bound(evidence: Evidence) -> Tensor:
    """What white noise explains: at most its own variance, distributed as over smooth areas."""
    sigma = evidence.sigma
    factor = _WHITE * min(1.0, (sigma - _LEAST) / (_FULL - _LEAST))
    factor *= 1 + max(0.0, (sigma - _MODERATE) / (_STRONG - _MODERATE))
    return factor * _at_most(evidence, sigma)


def _at_most(evidence: Evidence, sigma: float) -> Tensor:
    """The noise curve, with a mean over the picture of no more than the variance of that level."""
    return evidence.variance * min(1.0, sigma**2 / max(evidence.mean_variance, 1e-12))


def _limited(noisy: Tensor, restored: Tensor, verdict: Verdict) -> Tensor:
    if verdict.reason is not None:
        return noisy
    if verdict.bound is None:
        return restored
    change = restored - noisy
    power = _window_mean(change.square().mean(1, keepdim=True))
    brightness = restored.mean(1, keepdim=True).clamp(0, 1)
    bound = verdict.bound.to(change)
    allowed = bound[(brightness * (len(bound) - 1)).round().long()]
    return noisy + change * (allowed / power.clamp_min(1e-12)).clamp(max=1)


def _window_mean(values: Tensor) -> Tensor:
    """The mean over squares of pixels, smaller ones at the border."""
    side = 2 * RADIUS + 1
    for kernel, padding in (((side, 1), (RADIUS, 0)), ((1, side), (0, RADIUS))):
        values = functional.avg_pool2d(values, kernel, 1, padding, count_include_pad=False)
    return values
