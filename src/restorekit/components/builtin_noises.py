"""The built-in noise models."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


@hookimpl
def restorekit_noises() -> list[Component]:
    return [*_simple_noises(), *_processed_noises()]


def _simple_noises() -> list[Component]:
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
            "laplace",
            "restorekit.noise.additive:Laplace",
            "additive Laplace noise, of heavier tails than Gaussian noise",
            tags=("additive",),
        ),
        Component(
            "salt_and_pepper",
            "restorekit.noise.impulse:SaltAndPepper",
            "a fraction of the pixels set to white or black",
            tags=("impulse",),
        ),
        Component(
            "random_impulse",
            "restorekit.noise.impulse:RandomImpulse",
            "a fraction of the pixels replaced by random values",
            tags=("impulse",),
        ),
        Component(
            "defective_pixels",
            "restorekit.noise.impulse:DefectivePixels",
            "hot and dead pixels of a sensor",
            tags=("impulse",),
        ),
        Component(
            "masking",
            "restorekit.noise.masking:Masking",
            "cells of the picture hidden by one value",
            tags=("impulse",),
        ),
        Component(
            "poisson",
            "restorekit.noise.photons:Poisson",
            "photon noise, whose variance is the clean value / peak",
            "Giles, Algorithm 955, ACM TOMS 2016, https://doi.org/10.1145/2699466",
            ("signal-dependent",),
        ),
        Component(
            "poisson_gaussian",
            "restorekit.noise.photons:PoissonGaussian",
            "photon and read noise of variance gain * clean + read^2",
            "Foi et al., IEEE TIP 2008, https://doi.org/10.1109/TIP.2008.2001399",
            ("signal-dependent",),
        ),
        Component(
            "speckle",
            "restorekit.noise.multiplicative:Speckle",
            "multiplicative normal noise, of standard deviation std * clean",
            tags=("signal-dependent",),
        ),
        Component(
            "gamma",
            "restorekit.noise.multiplicative:Gamma",
            "multiplicative gamma noise, as of radar images of several looks",
            "Goodman, Some Fundamental Properties of Speckle, JOSA 1976, https://doi.org/10.1364/JOSA.66.001145",
            ("signal-dependent",),
        ),
        Component(
            "rician",
            "restorekit.noise.magnitude:Rician",
            "noise of magnitudes, as of magnetic resonance images",
            "Gudbjartsson and Patz, 1995, https://doi.org/10.1002/mrm.1910340618",
            ("signal-dependent",),
        ),
        Component(
            "stripes",
            "restorekit.noise.readout:Stripes",
            "noise that is the same along each row, and along each column",
            "EMVA Standard 1288",
            ("additive", "correlated"),
        ),
        Component(
            "quantization",
            "restorekit.noise.readout:Quantization",
            "values rounded to few levels",
            "Widrow and Kollar, Quantization Noise, 2008, https://doi.org/10.1017/CBO9780511754661",
            ("compression",),
        ),
        Component(
            "correlated",
            "restorekit.noise.correlated:Correlated",
            "additive Gaussian noise filtered by a kernel",
            tags=("additive", "correlated"),
        ),
        Component(
            "colored",
            "restorekit.noise.correlated:Colored",
            "Gaussian noise with a power spectrum of 1 / f^exponent: pink, brown, blue",
            tags=("additive", "correlated"),
        ),
    ]


def _processed_noises() -> list[Component]:
    return [
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
            "blur",
            "restorekit.noise.blurring:Blur",
            "Gaussian blur of the picture",
            tags=("degradation", "blur"),
        ),
        Component(
            "motion_blur",
            "restorekit.noise.blurring:MotionBlur",
            "blur of the picture by a straight motion of the camera",
            tags=("degradation", "blur"),
        ),
        Component(
            "downscale",
            "restorekit.noise.resizing:Downscale",
            "the picture made smaller, and brought back to its size",
            tags=("degradation",),
        ),
        Component(
            "jpeg",
            "restorekit.noise.compression:JPEG",
            "JPEG compression, its blocks beginning anywhere",
            "Wallace, The JPEG Still Picture Compression Standard, CACM 1991",
            ("compression",),
        ),
        Component(
            "differentiable_jpeg",
            "restorekit.noise.differentiable_jpeg:DifferentiableJPEG",
            "JPEG compression on the device, with gradients, by kornia",
            "Reich et al., Differentiable JPEG: The Devil is in the Details, WACV 2024, "
            "https://arxiv.org/abs/2309.06978",
            ("compression",),
        ),
        Component(
            "kornia",
            "restorekit.noise.kornia_augmentation:Kornia",
            "an augmentation of kornia, by its name there",
            "Riba et al., Kornia, WACV 2020, https://arxiv.org/abs/1910.02190",
            ("augmentation",),
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
