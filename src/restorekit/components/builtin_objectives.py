"""The built-in training objectives."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


@hookimpl
def restorekit_objectives() -> list[Component]:
    return [
        Component(
            "supervised",
            "restorekit.objective.supervised:Supervised",
            "from images with the run's noise to the clean ones; the default",
            tags=("clean targets",),
        ),
        Component(
            "distillation",
            "restorekit.objective.distillation:Distillation",
            "targets mixed from the clean image and the output of another network",
            "Hinton et al., Distilling the Knowledge in a Neural Network, 2015, "
            "https://arxiv.org/abs/1503.02531",
            ("clean targets", "teacher"),
        ),
        *_of_noisy_images(),
    ]


def _of_noisy_images() -> list[Component]:
    """Those that need no clean image."""
    return [
        Component(
            name,
            f"restorekit.objective.{name}:{attribute}",
            summary,
            source,
            ("noisy targets", *tags),
        )
        for name, attribute, summary, source, tags in (
            (
                "noise2noise",
                "Noise2Noise",
                "from one noisy shot of a scene to another one",
                "Lehtinen et al., Noise2Noise, ICML 2018, https://arxiv.org/abs/1803.04189",
                ("pairs",),
            ),
            (
                "noise2void",
                "Noise2Void",
                "hidden pixels predicted from their neighbours; also N2V2 and structN2V",
                "Krull et al., Noise2Void, CVPR 2019, https://arxiv.org/abs/1811.10980",
                ("blind spots",),
            ),
            (
                "blind_spot",
                "BlindSpot",
                "every pixel predicted by a network that does not see it, such as ssdn or ap_bsn",
                "Laine et al., NeurIPS 2019, https://arxiv.org/abs/1901.10277",
                ("blind spots", "own risk"),
            ),
            (
                "blind2unblind",
                "Blind2Unblind",
                "every pixel predicted from its neighbours, then with what is seen of it",
                "Wang et al., Blind2Unblind, CVPR 2022, https://arxiv.org/abs/2203.06967",
                ("blind spots", "own risk"),
            ),
            (
                "neighbor2neighbor",
                "Neighbor2Neighbor",
                "from one half of the pixels of an image to their neighbours",
                "Huang et al., Neighbor2Neighbor, CVPR 2021, https://arxiv.org/abs/2101.02824",
                ("own risk",),
            ),
            (
                "recorrupted2recorrupted",
                "Recorrupted2Recorrupted",
                "two images with more noise made of one; noise of known level",
                "Pang et al., Recorrupted-to-Recorrupted, CVPR 2021; Monroy et al., 2025, "
                "https://arxiv.org/abs/2412.04648",
                ("known level",),
            ),
            (
                "noisier2noise",
                "Noisier2Noise",
                "more noise of the same kind added, also correlated noise; its model is needed",
                "Moran et al., Noisier2Noise, CVPR 2020, https://arxiv.org/abs/1910.11908",
                ("known level",),
            ),
            (
                "sure",
                "SURE",
                "Stein's unbiased estimate of the squared error; noise of known level",
                "Metzler et al., 2018, https://arxiv.org/abs/1805.10531",
                ("known level", "own risk"),
            ),
            (
                "unsure",
                "UNSURE",
                "Stein's estimate where the noise level is unknown",
                "Tachella et al., UNSURE, ICLR 2025, https://arxiv.org/abs/2409.01985",
                ("own risk",),
            ),
        )
    ]
