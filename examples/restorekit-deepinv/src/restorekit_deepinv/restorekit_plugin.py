"""The components of this package, which are imported when they are first used."""

from __future__ import annotations

from restorekit import Component, hookimpl


@hookimpl
def restorekit_models() -> list[Component]:
    return [
        Component(
            "deepinv_dncnn",
            "restorekit_deepinv.networks:DnCNN",
            "DnCNN of DeepInverse, without batch normalisation",
            "Zhang et al., Beyond a Gaussian Denoiser, IEEE TIP 2017, https://arxiv.org/abs/1608.03981",
            ("convolutional", "residual"),
        ),
        Component(
            "deepinv_drunet",
            "restorekit_deepinv.networks:DRUNet",
            "DRUNet of DeepInverse, a residual U-Net that takes the noise level",
            "Zhang et al., Plug-and-Play Image Restoration, TPAMI 2021, https://arxiv.org/abs/2008.13751",
            ("convolutional", "multiscale", "conditional"),
        ),
        Component(
            "deepinv_restormer",
            "restorekit_deepinv.networks:Restormer",
            "Restormer of DeepInverse, attention between channels",
            "Zamir et al., Restormer, CVPR 2022, https://arxiv.org/abs/2111.09881",
            ("transformer", "multiscale", "residual"),
        ),
    ]


@hookimpl
def restorekit_noises() -> list[Component]:
    return [
        Component(
            "deepinv_laplace",
            "restorekit_deepinv.noises:Laplace",
            "additive noise with a Laplace distribution",
            tags=("additive",),
        ),
        Component(
            "deepinv_rician",
            "restorekit_deepinv.noises:Rician",
            "noise of the magnitude in magnetic resonance imaging",
            tags=("signal-dependent",),
        ),
        Component(
            "deepinv_poisson_gaussian",
            "restorekit_deepinv.noises:PoissonGaussian",
            "shot noise and additive noise",
            tags=("signal-dependent",),
        ),
        Component(
            "deepinv_log_poisson",
            "restorekit_deepinv.noises:LogPoisson",
            "noise of X-ray transmission, after the logarithm",
            tags=("signal-dependent",),
        ),
    ]
