"""The built-in components that a training run measures and learns with."""

from __future__ import annotations

from restorekit.components.hookspecs import hookimpl
from restorekit.components.registry import Component

_QUALITY = "restorekit.metric.image_quality"


@hookimpl
def restorekit_metrics() -> list[Component]:
    return [
        Component("psnr", f"{_QUALITY}:PSNR", "peak signal-to-noise ratio in dB", tags=("pixel",)),
        Component(
            "psnr_y",
            f"{_QUALITY}:PSNRY",
            "peak signal-to-noise ratio of the luma in dB",
            "ITU-R BT.601",
            ("pixel",),
        ),
        Component(
            "ssim",
            f"{_QUALITY}:SSIM",
            "structural similarity",
            "Wang et al., Image Quality Assessment, IEEE TIP 2004, "
            "https://doi.org/10.1109/TIP.2003.819861",
            ("structure",),
        ),
        Component(
            "ms_ssim",
            f"{_QUALITY}:MSSSIM",
            "structural similarity over several scales",
            "Wang et al., Multiscale Structural Similarity, Asilomar 2003, "
            "https://doi.org/10.1109/ACSSC.2003.1292216",
            ("structure",),
        ),
    ]
