"""Augmentations of kornia as noises, by their names there."""

from __future__ import annotations

import inspect
from typing import Any

import kornia.augmentation as augmentations
import torch
from kornia.augmentation import IntensityAugmentationBase2D
from torch import Tensor, nn

from restorekit.components import signatures
from restorekit.components.isolation import attempt
from restorekit.errors import ArgumentError, InputError, did_you_mean, message_of
from restorekit.noise.base import Noise
from restorekit.noise.parameters import Draws, as_probability
from restorekit.noise.random_operations import drawing_from

# What kornia does with a whole batch; here each sample is an image of its own.
_OF_BATCHES = ("same_on_batch", "keepdim")
_DOWNLOADS = "RandomDissolving"  # runs a diffusion model that diffusers fetches


class Kornia(Noise):
    """An augmentation of kornia as a noise.

    Those that change values and leave pixels where they are: blur, motion blur, JPEG, rain, snow,
    erasing, plasma, brightness and others. One that moves pixels, as a rotation does, is refused,
    since the result would not fit the clean image. Each sample draws parameters of its own, also
    those that kornia draws once for a batch. Many clip to [0, 1]; kornia's documentation
    of the augmentation says whether it does.

    Reference: https://kornia.readthedocs.io/en/latest/augmentation.module.html

    Args:
        augmentation: Name of the augmentation, for example "RandomMotionBlur".
        p: Probability that a sample is changed. Unlike in kornia, 1 by default.
        **arguments: The arguments of the augmentation.

    Raises:
        ArgumentError: kornia has no such augmentation, it moves pixels, or it does not take these
            arguments.
        InputError: when called, if the augmentation cannot take such images.

    Example:
        >>> noise = restorekit.create_noise(
        ...     "kornia", augmentation="RandomMotionBlur", kernel_size=5, angle=35, direction=0.5
        ... )
        >>> noise(batch, torch.Generator().manual_seed(1)).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(self, augmentation: str, p: float = 1.0, **arguments: Any) -> None:
        super().__init__()
        self.augmentation = augmentation
        self.p = as_probability(p, "p")
        self.arguments = arguments
        self.transform = _made(_found(augmentation), self.p, arguments)

    def corrupt(self, clean: Tensor, draw: Draws) -> Tensor:
        """The batch after the augmentation of each sample; sigma is unknown."""
        shape = tuple(clean.shape[1:])

        def tell(error: str) -> str:
            return f"{self.augmentation} of kornia fails on an image of shape {shape}: {error}"

        self._move_to(clean.device)
        # Around the whole call, and with copies, since augmentations of kornia 0.8 also draw while
        # they are applied, and write to what they are given.
        with attempt(tell, becomes=InputError), drawing_from(draw.generator):
            changed = [self.transform(image.clone()) for image in clean.float().split(1)]
        if changed[0].shape[1:] != shape:
            raise InputError(
                f"{self.augmentation} of kornia changes the shape of an image from {shape} to "
                f"{tuple(changed[0].shape[1:])}"
            )
        return torch.cat(changed)

    def _move_to(self, device: torch.device) -> None:
        """Let kornia draw on a device, in float32; it remembers both."""
        if self.transform.device != device or self.transform.dtype != torch.float32:
            self.transform.to(device=device, dtype=torch.float32)


def _found(name: str) -> type[IntensityAugmentationBase2D]:
    """The augmentation of that name.

    Raises:
        ArgumentError: there is none, or it cannot be a noise.
    """
    known = available()
    if name in known:
        return known[name]
    if name == _DOWNLOADS:
        raise ArgumentError(f"noise 'kornia': {name} downloads a network, so it is not available")
    other = getattr(augmentations, name, None)
    if inspect.isclass(other) and issubclass(other, nn.Module):
        raise ArgumentError(
            f"noise 'kornia': {name} moves or mixes pixels, so that its result does not fit the "
            f"clean image. Available are: {', '.join(known)}"
        )
    near = did_you_mean(name, known) or f" It has: {', '.join(known)}"
    raise ArgumentError(f"noise 'kornia': kornia has no augmentation '{name}'.{near}")


def available() -> dict[str, type[IntensityAugmentationBase2D]]:
    """The augmentations that leave pixels where they are, by their names."""
    return {
        name: found
        for name, found in sorted(vars(augmentations).items())
        if inspect.isclass(found)
        and issubclass(found, IntensityAugmentationBase2D)
        and found is not IntensityAugmentationBase2D
        and name != _DOWNLOADS
    }


def _made(
    target: type[IntensityAugmentationBase2D], p: float, arguments: dict[str, Any]
) -> IntensityAugmentationBase2D:
    """An augmentation with arguments that were checked against its signature."""
    where = f"noise 'kornia' with {target.__name__}"
    for name in _OF_BATCHES:
        if name in arguments:
            raise ArgumentError(f"{where}: argument '{name}' is about batches; leave it out")
    values: dict[str, Any] = signatures.validate(target, arguments, where)
    try:
        return target(p=p, **values)
    except Exception as error:  # of many types: assertions and errors of kornia's own
        raise signatures.unfit_arguments(where, [message_of(error)]) from error
