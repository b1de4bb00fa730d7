"""The noises of other libraries, of the strengths that restorekit has in `noise_throughput.py`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

Made = Callable[[Tensor], object]


def others(name: str, clean: Tensor, peak: float) -> dict[str, Made]:
    """Functions that make a kind of noise, by library, of the libraries that are installed.

    Args:
        name: the kind.
        clean: the batch; some libraries take its images one by one.
        peak: photons of a white pixel. scikit-image takes none: it counts the values of a picture.
    """
    found: dict[str, Made] = {}
    for library, of_library in (
        ("torch", _torch),
        ("skimage", _skimage),
        ("albumentations", _albumentations),
        ("kornia", _kornia),
        ("deepinv", _deepinv),
    ):
        with suppress(ImportError):
            kinds = dict(of_library(clean, peak))
            if name in kinds:
                found[library] = kinds[name]
    return found


def _torch(_: Tensor, peak: float) -> Iterator[tuple[str, Made]]:
    yield "poisson", lambda batch: torch.poisson(batch * peak) / peak


def _skimage(clean: Tensor, _: float) -> Iterator[tuple[str, Made]]:
    random_noise = importlib.import_module("skimage.util").random_noise
    images = list(clean.movedim(1, -1).numpy())
    generator = np.random.default_rng(0)

    def each(mode: str, **arguments: float) -> Made:
        return lambda _: [
            random_noise(image, mode, rng=generator, clip=False, **arguments) for image in images
        ]

    yield "gaussian", each("gaussian", var=0.01)
    yield "speckle", each("speckle", var=0.01)
    yield "poisson", each("poisson")
    yield "salt_and_pepper", each("s&p", amount=0.05)


def _albumentations(clean: Tensor, peak: float) -> Iterator[tuple[str, Made]]:
    library = importlib.import_module("albumentations")
    images = list(clean.movedim(1, -1).contiguous().numpy())

    def each(transform: Callable[..., object]) -> Made:
        return lambda _: [transform(image=image) for image in images]

    yield "gaussian", each(library.GaussNoise(std_range=(0.1, 0.1), p=1))
    additive = library.AdditiveNoise
    for name, kind, parameters in (
        ("uniform", "uniform", {"ranges": [(-0.1, 0.1)]}),
        ("laplace", "laplace", {"mean_range": (0.0, 0.0), "scale_range": (0.1, 0.1)}),
    ):
        made = additive(kind, "per_pixel", noise_params=parameters, p=1)
        yield name, each(made)
    yield "poisson", each(library.ShotNoise(scale_range=(1 / peak, 1 / peak), p=1))
    yield "speckle", each(library.MultiplicativeNoise((0.7, 1.3), True, True, p=1))
    yield "salt_and_pepper", each(library.SaltAndPepper(amount=(0.05, 0.05), p=1))


def _kornia(_: Tensor, __: float) -> Iterator[tuple[str, Made]]:
    library = importlib.import_module("kornia.augmentation")
    yield "gaussian", library.RandomGaussianNoise(0.0, 0.1, p=1.0)
    yield "salt_and_pepper", library.RandomSaltAndPepperNoise((0.05, 0.05), p=1.0)


def _deepinv(_: Tensor, peak: float) -> Iterator[tuple[str, Made]]:
    library = importlib.import_module("deepinv").physics
    yield "gaussian", library.GaussianNoise(0.1)
    yield "uniform", library.UniformNoise(0.1)
    yield "poisson", library.PoissonNoise(1 / peak)
    yield "poisson_gaussian", library.PoissonGaussianNoise(1 / peak, 0.05)
    yield "gamma", library.GammaNoise(4.0)
    yield "salt_and_pepper", library.SaltPepperNoise(0.025, 0.025)
    for name in ("laplace", "rician"):
        with suppress(AttributeError):
            yield name, getattr(library, f"{name.capitalize()}Noise")(0.1)
