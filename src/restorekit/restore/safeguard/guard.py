"""Limits the change of a picture to what its noise explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from restorekit.estimate.noise_curve import NoiseCurve
from restorekit.restore.safeguard.coloured_letters import applied_share, is_page
from restorekit.restore.safeguard.evidence import (
    LEAST_SIDE,
    Evidence,
    measure_evidence,
    removes_structure,
)
from restorekit.restore.safeguard.reason import Reason
from restorekit.restore.safeguard.sharp_edges import share_at_edges
from restorekit.restore.safeguard.weak_stars import Sky, find_sky, with_weak_stars
from restorekit.restore.safeguard.window import RADIUS, window_mean

# Below the first level a picture is left unchanged. Between the two levels the bound grows from 0,
# because removing weak noise costs more texture than it gains.
_LEAST, _FULL = 1.9 / 255, 3.6 / 255
# The same for correlated noise. Film grain and the compression of clean photographs have up to
# 1.4/255, noisy photographs of cameras at least 1.6/255.
_LEAST_CORRELATED = 1.5 / 255
# Factors by which the change of a region may exceed the variance of its noise. The first covers
# the random variation within a window; the level of correlated noise is less certain. For white
# noise the first factor grows from _MODERATE on, and above _STRONG the change is unlimited, because
# such noise hides more detail than a network removes.
_WHITE, _CORRELATED = 1.2, 2.0
# The residual of correlated noise contains detail if its kurtosis is larger than that of noise.
# From the first to the second number, its factor falls to 1.
_PURE, _MIXED = 4.5, 6.0
_UNDERESTIMATED = 1.6  # the estimate for correlated noise is too low by at most this factor
_MODERATE, _STRONG = 6 / 255, 12 / 255
# For noise with a known curve: a factor, a number of photons, and the steps of brightness.
_KNOWN, _PHOTONS, _STEPS = 1.3, 3.0, 4097


@dataclass(frozen=True)
class Verdict:
    """The decision about a picture.

    Attributes:
        reason: why it is left unchanged; None if it is restored.
        bound: largest mean square change of a region for evenly spaced brightness from 0 to 1; None
            if it is unlimited.
        page_sigma: level of the noise of a page, which may have coloured letters; None for other
            pictures.
        sky: the sky of a picture of stars; None for other pictures.
        spares_edges: whether less of the change is applied at sharp edges.
    """

    reason: Reason | None = None
    bound: Tensor | None = None
    page_sigma: float | None = None
    sky: Sky | None = None
    spares_edges: bool = False


UNLIMITED = Verdict()


def curve_verdict(curve: NoiseCurve, sigma: float) -> Verdict | None:
    """The verdict on a picture of which the noise curve is known; None if its noise is weak.

    Args:
        curve: the variance of its noise.
        sigma: level of the noise relative to the range of the picture, after the transform that
            makes it constant.
    """
    if sigma < _LEAST:
        return None
    brightness = torch.linspace(0, 1, _STEPS)
    # In a dark region, a few more photons than expected are a large share of the noise.
    photons = _PHOTONS * curve.gain**2 / (2 * RADIUS + 1) ** 2
    variance = (curve.gain * brightness + curve.variance).clamp_min(0)
    return Verdict(bound=_KNOWN * (variance + photons))


class Guard:
    """Limits the changes of a batch of pictures.

    Args:
        sigma: (B, C), the estimated noise levels on the [0, 1] scale.
        verdicts: the verdict on each picture; None if it depends on what the network removes.
        impulsive: whether each picture has impulses, whose removal is not limited; by default none
            has.

    Attributes:
        is_luma: whether it guards the luma of colour pictures, from which only noise that cannot be
            texture is removed.
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
        self.is_luma = False

    @classmethod
    def of_all(cls, guards: Sequence[Guard]) -> Guard:
        """The guard of all pictures of several guards."""
        verdicts = [verdict for guard in guards for verdict in guard.verdicts]
        impulsive = [each for guard in guards for each in guard.impulsive]
        # One level may stand for all channels.
        count = max(guard.sigma.shape[1] for guard in guards)
        sigma = torch.cat([guard.sigma.expand(-1, count) for guard in guards])
        return cls(sigma, verdicts, impulsive)

    @property
    def reason(self) -> Reason | None:
        """Why all pictures are left unchanged; None if one is restored."""
        reasons = {verdict.reason if verdict else None for verdict in self.verdicts}
        return reasons.pop() if len(reasons) == 1 else None

    def leaves(self, samples: slice) -> bool:
        """Whether all of these pictures are left unchanged."""
        return all(verdict and verdict.reason for verdict in self.verdicts[samples])

    def judge(self, index: int, noisy: Tensor, restored: Tensor) -> None:
        """Judge a picture by pieces of it, unless that has been done.

        Args:
            index: index of the picture in the batch.
            noisy: (N, C, H, W), the pieces, floats on the [0, 1] scale.
            restored: the restored pieces.
        """
        if self.verdicts[index] is None:
            sigma, impulsive = self.sigma[index], self.impulsive[index]
            verdict = _judge(noisy, restored, sigma, impulsive, self.is_luma)
            overall = float(sigma.square().mean().sqrt())
            if verdict.reason is None and not impulsive:
                page_sigma = overall if is_page(restored, overall) else None
                sky = find_sky(noisy, restored)
                verdict = replace(verdict, page_sigma=page_sigma, sky=sky)
            self.verdicts[index] = verdict

    def limit(self, samples: slice, noisy: Tensor, restored: Tensor) -> Tensor:
        """Limit the change of restored pictures, or of corresponding parts of them.

        Args:
            samples: the pictures of the batch; a picture without a verdict is judged by this part.
            noisy: (B, C, H, W).
            restored: the restored pictures.
        """
        limited = []
        for row, index in enumerate(range(*samples.indices(len(self.verdicts)))):
            given, made = noisy[row : row + 1], restored[row : row + 1]
            self.judge(index, given, made)
            verdict = self.verdicts[index] or UNLIMITED
            made = _limited(given, made, verdict)
            sky = verdict.sky
            limited.append(made if sky is None else with_weak_stars(given, made, sky))
        return torch.cat(limited)


@contextmanager
def join_guards(guards: Sequence[Guard | None]) -> Iterator[Guard | None]:
    """Join the guards of several pictures; afterwards each has its own verdicts.

    Args:
        guards: one for each canvas of a batch, or None for all of them.
    """
    known = [guard for guard in guards if guard is not None]
    if len(known) < 2:
        yield known[0] if known else None
        return
    together = Guard.of_all(known)
    yield together
    judged = iter(together.verdicts)
    for guard in known:
        guard.verdicts = list(islice(judged, len(guard.verdicts)))


def _judge(
    noisy: Tensor, restored: Tensor, sigma: Tensor, impulsive: bool, is_luma: bool
) -> Verdict:
    # Too small to be measured, so the network is trusted.
    if min(noisy.shape[-2:]) < LEAST_SIDE:
        return Verdict("unclear") if is_luma else UNLIMITED
    if removes_structure(noisy, restored):
        return Verdict("unclear")
    if impulsive:
        return UNLIMITED
    with torch.autocast("cpu", enabled=False):  # the network may run in autocast
        evidence = measure_evidence(noisy.cpu().float(), restored.cpu().float(), sigma.cpu())
    if is_luma and evidence.certain is None:
        return Verdict("unclear")
    if is_luma and evidence.certain == "correlated":
        # What smooth areas lost is its level, which the estimate may miss.
        return Verdict(bound=correlated_bound(evidence, evidence.mean_variance**0.5))
    overall = float(sigma.square().mean().sqrt())
    if evidence.is_correlated:
        is_weak = evidence.mean_variance < _LEAST_CORRELATED**2
    else:
        is_weak = evidence.sigma < _LEAST
    if is_weak:
        return Verdict("clean" if overall < 2 * _LEAST else "unclear")
    if evidence.is_correlated:
        return Verdict(bound=correlated_bound(evidence, overall))
    if evidence.sigma >= _STRONG:
        return UNLIMITED
    spares_edges = evidence.is_clipped and evidence.sigma < _MODERATE
    return Verdict(bound=_bound(evidence), spares_edges=spares_edges)


def _bound(evidence: Evidence) -> Tensor:
    """The change that white noise explains: its variance, distributed over brightness."""
    sigma = evidence.sigma
    factor = _WHITE * min(1.0, (sigma - _LEAST) / (_FULL - _LEAST))
    factor *= 1 + max(0.0, (sigma - _MODERATE) / (_STRONG - _MODERATE))
    return factor * _noise_curve(evidence, sigma)


def correlated_bound(evidence: Evidence, overall: float) -> Tensor:
    """The change that correlated noise explains, distributed over brightness.

    Args:
        evidence: of correlated noise.
        overall: its estimated level.
    """
    pure = min(1.0, max(0.0, (_MIXED - evidence.kurtosis) / (_MIXED - _PURE)))
    factor = 1 + (_CORRELATED - 1) * pure
    return factor * _noise_curve(evidence, _UNDERESTIMATED * overall)


def _noise_curve(evidence: Evidence, sigma: float) -> Tensor:
    """Variance of the noise for each brightness, scaled so that its mean is at most sigma^2."""
    return evidence.variance * min(1.0, sigma**2 / max(evidence.mean_variance, 1e-12))


def _limited(noisy: Tensor, restored: Tensor, verdict: Verdict) -> Tensor:
    if verdict.reason is not None:
        return noisy
    change = restored - noisy
    applied: Tensor | float = 1.0
    if verdict.page_sigma is not None:
        applied = applied_share(restored, verdict.page_sigma, RADIUS)
    if verdict.spares_edges:
        applied = applied * share_at_edges(restored)
    if verdict.bound is None:
        return restored if verdict.page_sigma is None else noisy + change * applied
    power = window_mean(change.square().mean(1, keepdim=True))
    brightness = restored.mean(1, keepdim=True).clamp(0, 1)
    bound = verdict.bound.to(change)
    allowed = window_mean(bound[(brightness * (len(bound) - 1)).round().long()])
    return noisy + change * (allowed / power.clamp_min(1e-12)).clamp(max=1) * applied
