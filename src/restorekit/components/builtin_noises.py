"""The built-in noise models."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


@hookimpl
def restorekit_noises() -> list[Component]:
    return [
        Component(
            "gaussian",
            "restorekit.noise.additive:Gaussian",
            "additive white Gaussian noise",
            tags=("additive",),
        ),
        Component(
            "uniform",
            "restorekit.noise.additive:Uniform",
            "additive noise, uniform between -amplitude and +amplitude",
            tags=("additive",),
        ),
        Component(
            "salt_and_pepper",
            "restorekit.noise.impulse:SaltAndPepper",
            "a fraction of the pixels set to white or black",
            tags=("impulse",),
        ),
        Component(
            "camera",
            "restorekit.noise.camera:Camera",
            "shot and read noise in linear light, after demosaicing, colour and gamma",
            "Brooks et al., Unprocessing Images, CVPR 2019, https://arxiv.org/abs/1811.11127",
            ("signal-dependent", "correlated"),
        ),
        Component(
            "blotches",
            "restorekit.noise.blotches:Blotches",
            "coarse noise of the colour differences, without noise of the brightness",
            tags=("additive", "correlated"),
        ),
        Component(
            "grain",
            "restorekit.noise.grain:Grain",
            "film grain: noise of the brightness, strongest in the middle tones",
            tags=("signal-dependent", "correlated"),
        ),
        Component(
            "jpeg",
            "restorekit.noise.compression:JPEG",
            "JPEG compression, its blocks beginning anywhere",
            "Wallace, The JPEG Still Picture Compression Standard, CACM 1991",
            ("compression",),
        ),
        Component(
            "one_of",
            "restorekit.noise.compose:OneOf",
            "one of several noises for each sample, chosen at random by weight",
            tags=("composition",),
        ),
        Component(
            "chain",
            "restorekit.noise.compose:Chain",
            "several noises, one after the other",
            tags=("composition",),
        ),
        Component(
            "luminance",
            "restorekit.noise.compose:Luminance",
            "a noise that is the same in every channel, as in gray pictures",
            tags=("composition",),
        ),
        Component(
            "coarse",
            "restorekit.noise.filtered_noise:Coarse",
            "another noise, blurred without losing strength",
            tags=("composition", "correlated"),
        ),
        Component(
            "smoothed",
            "restorekit.noise.filtered_noise:Smoothed",
            "another noise, of which a camera removed the fine part in flat areas",
            tags=("composition", "correlated"),
        ),
        Component(
            "sharpened",
            "restorekit.noise.filtered_noise:Sharpened",
            "another noise after sharpening",
            tags=("composition", "correlated"),
        ),
        Component(
            "resized",
            "restorekit.noise.resizing:Resized",
            "another noise, made before the picture was resized",
            tags=("composition", "correlated"),
        ),
        Component(
            "classic_mixture",
            "restorekit.noise.presets:classic_mixture",
            "gaussian 0.1, salt-and-pepper 0.03 or uniform 0.2, chosen at random for each sample",
            tags=("composition", "preset"),
        ),
        Component(
            "developed",
            "restorekit.noise.presets:developed",
            "camera noise made coarse, smoothed and sharpened, by a random camera for each sample",
            tags=("composition", "preset"),
        ),
    ]
