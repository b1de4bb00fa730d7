"""The architecture and the weights of this package."""

from __future__ import annotations

from pathlib import Path

from restorekit import Component, PretrainedWeights, hookimpl


@hookimpl
def restorekit_models() -> Component:
    return Component(
        "acme_net",
        "restorekit_acme.network:AcmeNet",
        "small residual network that takes the noise level as input",
        tags=("convolutional", "residual", "conditional"),
    )


@hookimpl
def restorekit_weights() -> PretrainedWeights:
    return PretrainedWeights("acme-denoise", Path(__file__).with_name("acme-denoise.safetensors"))
