"""The components of this package, which are imported when they are first used."""

from __future__ import annotations

from restorekit import Component, hookimpl


@hookimpl
def restorekit_noises() -> Component:
    return Component(
        "banding",
        "restorekit_banding.noise:Banding",
        "every row shifted by a random amount, as by a sensor's row amplifier",
        tags=("additive", "sensor"),
    )


@hookimpl
def restorekit_models() -> Component:
    return Component(
        "gated_strips",
        "restorekit_banding.network:GatedStrips",
        "gated residual network with long horizontal kernels",
        reference="Dauphin et al., Gated Convolutional Networks, https://arxiv.org/abs/1612.08083",
        tags=("convolutional", "residual"),
    )
