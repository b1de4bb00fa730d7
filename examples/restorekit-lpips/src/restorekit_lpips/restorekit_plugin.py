"""The components of this package, which are imported when they are first used."""

from __future__ import annotations

from restorekit import Component, hookimpl

_PAPER = "Zhang et al., The Unreasonable Effectiveness of Deep Features, CVPR 2018, "
_PAPER += "https://arxiv.org/abs/1801.03924"


@hookimpl
def restorekit_metrics() -> Component:
    return Component(
        "lpips_pretrained",
        "restorekit_lpips.distance:LPIPSMetric",
        "learned perceptual distance with downloaded weights; lower is better",
        _PAPER,
        ("perceptual",),
    )


@hookimpl
def restorekit_losses() -> Component:
    return Component(
        "lpips",
        "restorekit_lpips.distance:LPIPSLoss",
        "learned perceptual distance",
        _PAPER,
        ("perceptual",),
    )
