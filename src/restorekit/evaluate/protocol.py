"""The protocol of a benchmark: how noise is added and quality measured."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from restorekit.config.noise_expressions import NamedNoise
from restorekit.errors import ArgumentError
from restorekit.evaluate.digests import pixel_digest
from restorekit.records import Degraded, degrade
from restorekit.seeding import derive_generator

# Increased whenever equal choices give different results. Version 1 derived the noise from file
# names.
VERSION = 2
# The remark next to results and the option of the command line, for each choice.
_CHOICES = {
    "seed": ("seed {}", "--seed {}"),
    "generator": ("KAIR's noise", "--kair"),
    "clip": ("clipped", "--clip"),
    "quantize": ("8 bits", "--quantize"),
    "round_output": ("output rounded", "--round"),
    "gray": ("gray", "--gray"),
    "crop": ("centre {} px", "--crop {}"),
    "border": ("border of {} px left out", "--border {}"),
    "limit": ("at most {} pictures", "--limit {}"),
    "sigma": ("level estimated", "--estimate"),
    "estimator": ("level estimated by {}", "--estimator {}"),
    "stabilize": ("noise stabilised: {}", "--stabilize {}"),
}


@dataclass(frozen=True)
class Protocol:
    """The choices of a measurement. The defaults are those of the published tables.

    By default, noise is added in float32 to pictures in [0, 1] without clipping, restored pictures
    are clamped to [0, 1], and PSNR and SSIM are computed over all channels of the whole picture and
    averaged over the pictures. The random numbers for a picture depend only on the seed and on its
    clean pixels. They are independent of the model, the spelling of the noise, the selection of
    pictures and the names of the files.

    Attributes:
        seed: seed of the noise.
        generator: "restorekit", as described above; or "kair", Gaussian noise from numpy seeded
            with 0 for each picture, as in the scripts of KAIR (https://github.com/cszn/KAIR).
        clip: clip the noisy picture to [0, 1].
        quantize: round the noisy picture to 8-bit levels, which also clips it.
        round_output: round the restored picture to 8-bit levels before it is measured.
        gray: convert colour pictures to gray first (0.299 R + 0.587 G + 0.114 B, 8 bits).
        crop: use the central square of this many pixels, cropped before noise is added.
        border: this many pixels at each side are restored but not measured.
        limit: use at most this many pictures, evenly spaced in the order of names.
        sigma: "true" gives the models the standard deviation of the noise (before clipping), as in
            published tables; with "estimated" it is estimated from the noisy picture.
        estimator: estimates the level from the noisy picture, whatever `sigma` is; a name with
            arguments if needed: "mad", "block_dct:blocks=4096".
        stabilize: "auto" and "on" measure the noise curve of each picture and make its noise
            constant for the model, see `Denoiser`; the noise level is then estimated as well.

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> protocol = restorekit.Protocol(clip=True, crop=256)
        >>> protocol.options
        ('--clip', '--crop', '256')
    """

    seed: int = 0
    generator: Literal["restorekit", "kair"] = "restorekit"
    clip: bool = False
    quantize: bool = False
    round_output: bool = False
    gray: bool = False
    crop: int | None = None
    border: int = 0
    limit: int | None = None
    sigma: Literal["true", "estimated"] = "true"
    estimator: str | None = None
    stabilize: Literal["off", "auto", "on"] = "off"

    def __post_init__(self) -> None:
        # The window of SSIM has 11 pixels.
        for name, least in (("crop", 11), ("border", 0), ("limit", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ArgumentError(f"protocol: '{name}' must be at least {least}, not {value}")

    @property
    def is_sigma_given(self) -> bool:
        """Whether the models are given the level of the noise, rather than an estimate."""
        is_true = self.sigma == "true" and self.estimator is None
        return is_true and self.stabilize == "off"

    @property
    def changes(self) -> dict[str, object]:
        """The choices that differ from the defaults."""
        return {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        }

    @property
    def remarks(self) -> tuple[str, ...]:
        """The choices that differ from the defaults, as short remarks for tables."""
        return tuple(_CHOICES[name][0].format(value) for name, value in self.changes.items())

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `restorekit benchmark` for these choices."""
        written = (_CHOICES[name][1].format(value) for name, value in self.changes.items())
        return tuple(word for text in written for word in text.split())

    def degrade(self, clean: Tensor, noise: NamedNoise) -> Degraded:
        """Add noise to a clean picture (1, C, H, W), with random numbers derived from its pixels.

        Raises:
            ArgumentError: the generator is "kair" and the noise is not Gaussian.
        """
        if self.generator == "kair":
            degraded = _as_kair_does(clean, noise)
        else:
            # From the pixels, so that a subset of the pictures gets the same noise as the whole
            # set.
            generator = derive_generator(self.seed, f"benchmark {pixel_digest(clean)}")
            with torch.no_grad():
                degraded = degrade(noise.module, clean, generator)
        noisy = degraded.noisy
        if self.clip or self.quantize:
            noisy = noisy.clamp(0.0, 1.0)
        return Degraded(_to_8_bits(noisy) if self.quantize else noisy, degraded.sigma)

    def finish(self, restored: Tensor) -> Tensor:
        """A restored picture as it is measured: clamped, optionally rounded, without border."""
        finished = restored.clamp(0.0, 1.0)
        return self.inside(_to_8_bits(finished) if self.round_output else finished)

    def finish_input(self, noisy: Tensor) -> Tensor:
        """A noisy picture as it is measured: clamped as in a file, without border."""
        return self.inside(noisy.clamp(0.0, 1.0))

    def inside(self, image: Tensor) -> Tensor:
        """The measured part of a picture (1, C, H, W): all but the border."""
        height, width = image.shape[-2:]
        return image[..., self.border : height - self.border, self.border : width - self.border]

    def describe(self, real: bool = False, compared: bool = True) -> str:
        """The choices in one line, for people.

        Args:
            real: whether the pictures have real noise.
            compared: whether clean pictures are known.
        """
        colour = "gray (luma)" if self.gray else "as in the files, colour or gray"
        noise = (
            f"derived from seed {self.seed} and pixels"
            if self.generator == "restorekit"
            else "numpy seeded with 0 for each picture (as KAIR)"
        )
        given = "quantised to 8 bits" if self.quantize else "clipped" if self.clip else "unclipped"
        output = "clamped to [0, 1]" + " and rounded to 8 bits" * self.round_output
        size = "whole pictures" if self.crop is None else f"centre crops of {self.crop} px"
        if self.limit is not None:
            size += f", {self.limit} of them at most, evenly spaced by name"
        border = f"without {self.border} px of border" if self.border else "no border cut"
        stable = "" if self.stabilize == "off" else f", noise stabilised ({self.stabilize})"
        source = "given to" if self.is_sigma_given else "estimated by"
        if self.estimator is not None:
            source = f"estimated by {self.estimator} for"
        made = f"noise {noise}; input {given}; sigma {source} models that take it"
        made = "real noise, sigma estimated" if real else made
        quality = "PSNR and SSIM over all channels" if compared else "no clean pictures"
        return (
            f"{colour}; {size}, {border}; {made}{stable}; "
            f"output {output}; {quality}, mean over pictures"
        )


def _as_kair_does(clean: Tensor, noise: NamedNoise) -> Degraded:
    std = noise.spec.get("std")
    if noise.spec["name"] != "gaussian" or not isinstance(std, (int, float)):
        raise ArgumentError(
            f"the 'kair' generator supports gaussian noise of one level only, not '{noise.label}'"
        )
    _, channels, height, width = clean.shape
    # The old generator of numpy, and channels last, as in those scripts.
    drawn = np.random.RandomState(0).normal(0.0, std, (height, width, channels))
    added = torch.from_numpy(drawn).movedim(2, 0)[None]
    return Degraded((clean + added).to(clean.dtype), torch.full((1, 1, 1, 1), float(std)))


def _to_8_bits(image: Tensor) -> Tensor:
    return (image * 255).round() / 255
