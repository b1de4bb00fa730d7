"""What datasets with real noise, noise models, architectures and objectives return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import torch
from torch import Generator, Tensor
from torch.export import register_dataclass
from torch.nn.parallel import DistributedDataParallel

from restorekit.errors import InputError

Model = TypeVar("Model")
# Extras with such names are restored images too, those of the earlier stages of a network.
STAGE_PREFIX = "stage_"


@dataclass(frozen=True)
class NoisyImages:
    """Pictures with real noise, and what else is known of their scenes: an image or a batch.

    A dataset returns it in place of a clean image, and an objective gets it as a batch. The noise
    model of the run is not applied to it.

    Attributes:
        noisy: the noisy image (C, H, W), or a batch (B, C, H, W), on the [0, 1] scale.
        clean: the same scenes without noise, of the same shape; None if they are unknown.
        second: other noisy pictures of the same scenes with independent noise, of the same shape;
            None if there are none.

    Raises:
        InputError: the shapes differ.

    Example:
        >>> pair = restorekit.NoisyImages(batch[0] + 0.1, clean=batch[0])
        >>> pair.map(lambda image: image[:, :8, :8]).noisy.shape
        torch.Size([3, 8, 8])
    """

    noisy: Tensor
    clean: Tensor | None = None
    second: Tensor | None = None

    def __post_init__(self) -> None:
        for name, image in self.images.items():
            if image.shape != self.noisy.shape:
                raise InputError(
                    f"the noisy image is {tuple(self.noisy.shape)}, the {name} one "
                    f"{tuple(image.shape)}; they show the same scene and have equal shapes"
                )

    @property
    def images(self) -> dict[str, Tensor]:
        """The images that are known, by the names of their attributes."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: image for name, image in found.items() if image is not None}

    def map(self, function: Callable[[Tensor], Tensor]) -> NoisyImages:
        """Apply a function to each of the images."""
        return NoisyImages(**{name: function(image) for name, image in self.images.items()})

    def __len__(self) -> int:
        return len(self.noisy)

    def __getitem__(self, part: slice) -> NoisyImages:
        return self.map(lambda image: image[part])

    def pin_memory(self) -> NoisyImages:
        """The same in page-locked memory; torch's data loader calls it."""
        return self.map(lambda image: image.pin_memory())


# Clean images, or images with real noise.
Images = Tensor | NoisyImages


def map_images(images: Images, function: Callable[[Tensor], Tensor]) -> Images:
    """Apply a function to clean images, or to each of the images of a `NoisyImages`."""
    return images.map(function) if isinstance(images, NoisyImages) else function(images)


@dataclass(frozen=True)
class Degraded:
    """The output of a noise model.

    Attributes:
        noisy: the noisy batch, (B, C, H, W), on the scale of the clean one; values may lie outside
            [0, 1].
        sigma: standard deviation of the noise in each sample, on the same scale, broadcastable to
            (B, 1, H, W); None if it is unknown.

    Example:
        >>> degraded = restorekit.Degraded(batch + 0.1)
        >>> degraded.noisy.shape, degraded.sigma
        (torch.Size([2, 3, 32, 32]), None)
    """

    noisy: Tensor
    sigma: Tensor | None = None


@dataclass(frozen=True)
class Restoration:
    """The output of an architecture; a pytree for torch, whose transforms see its tensors.

    Attributes:
        image: the restored batch, (B, C, H, W).
        extras: further tensors that loss terms need, by name; for example the mean and the
            log-variance of a VAE.

    Example:
        >>> restoration = restorekit.Restoration(batch, {"mean": torch.zeros(2, 8)})
        >>> restoration.image.shape, list(restoration.extras)
        (torch.Size([2, 3, 32, 32]), ['mean'])
    """

    image: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)


# A network that returns one can be exported by `torch.export`, or mapped by `torch.func`.
for record in (Degraded, Restoration):
    register_dataclass(record, serialized_type_name=f"restorekit.{record.__name__}")


@dataclass(frozen=True)
class TaskBatch:
    """What an objective makes of images: inputs of a network and targets of its outputs.

    Attributes:
        input: input of the network, (B, C, H, W).
        target: target of its output, (B, C, H, W).
        sigma: noise level of the input, if it is known.
        mask: True for pixels that contribute to the loss, broadcastable to the target; None for
            all pixels.
        full_sigma: of an objective that withholds levels, the levels before; None if not all of
            them are known.
        extras: further tensors that an objective needs for its own risk, by name, each with one
            entry for each sample.
    """

    input: Tensor
    target: Tensor
    sigma: Tensor | None = None
    mask: Tensor | None = None
    full_sigma: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def masked(self, answer: Restoration) -> Restoration:
        """The output with masked pixels replaced by the target, so that they add no loss.

        They are replaced in the images of earlier stages too, the extras `stage_1`, ...
        """
        if self.mask is None:
            return answer
        stages = {
            name: torch.where(self.mask, extra, self.target)
            for name, extra in answer.extras.items()
            if name.startswith(STAGE_PREFIX)
        }
        image = torch.where(self.mask, answer.image, self.target)
        return Restoration(image, {**answer.extras, **stages})


@dataclass(frozen=True)
class RecognisedCheckpoint:
    """A checkpoint of another project, converted to a registered architecture.

    Attributes:
        architecture: the registered name of the model.
        arguments: the arguments of the model, which JSON can express.
        tensors: the state dict of that model.
        layout: the name of the layout, for messages and for the card of converted weights; that of
            the component if it is left out.

    Example:
        >>> found = restorekit.RecognisedCheckpoint("dncnn", {"depth": 2}, {"w": torch.ones(1)})
        >>> found.architecture, found.arguments
        ('dncnn', {'depth': 2})
    """

    architecture: str
    arguments: Mapping[str, object]
    tensors: Mapping[str, Tensor]
    layout: str = ""


def degrade(noise: Any, clean: Tensor, generator: Generator | None) -> Degraded:
    """Apply a noise model to a batch (B, C, H, W), with the generator if the model takes one."""
    given = {"generator": generator} if takes(noise, "generator") else {}
    return as_degraded(noise(clean, **given))


def restore_batch(
    model: Callable[..., Restoration | Tensor], noisy: Tensor, sigma: Tensor | None = None
) -> Restoration:
    """Apply a model to a batch (B, C, H, W); `sigma` is passed on if the model takes it.

    Args:
        model: an architecture, possibly wrapped by torch.compile or for data-parallel training.
        noisy: the batch, on the [0, 1] scale.
        sigma: standard deviation of the noise on the same scale, broadcastable to (B, 1, H, W), or
            None.
    """
    given = {"sigma": sigma} if takes(model, "sigma") else {}
    return as_restoration(model(noisy, **given))


def as_degraded(output: Degraded | Tensor) -> Degraded:
    """Convert the output of a noise model, which may be a plain tensor, to a `Degraded`.

    Its sigma has one value or map for each sample.
    """
    if not isinstance(output, Degraded):
        return Degraded(_tensor(output, "noise model", "Degraded"))
    sigma = _per_sample(output.sigma, output.noisy)
    return output if sigma is output.sigma else Degraded(output.noisy, sigma)


def as_restoration(output: Restoration | Tensor) -> Restoration:
    """Convert the output of a model, which may be a plain tensor, to a `Restoration`."""
    if isinstance(output, Restoration):
        return output
    return Restoration(_tensor(output, "model", "Restoration"))


def takes(function: Any, parameter: str) -> bool:
    """Whether a callable accepts `parameter` as a keyword; for example sigma of a model."""
    # `nn.Module.__call__` and wrappers accept anything; the signature of `forward` is the real one.
    called = unwrap_model(function)
    parameters = inspect.signature(getattr(called, "forward", called)).parameters.values()
    return any(
        p.kind is p.VAR_KEYWORD or (p.name == parameter and p.kind is not p.POSITIONAL_ONLY)
        for p in parameters
    )


def unwrap_model(model: Model) -> Model:
    """Remove the wrappers of torch.compile and of data-parallel training."""
    # In a loop, since a compiled model may be wrapped for data-parallel training, or the reverse.
    while (inner := getattr(model, "_orig_mod", None) or _data_parallel(model)) is not None:
        model = inner
    return model


def _data_parallel(model: Any) -> Any:
    return model.module if isinstance(model, DistributedDataParallel) else None


def _per_sample(sigma: object, noisy: Tensor) -> Tensor | None:
    """Expand sigma: a number or one per sample to (B, 1, 1, 1), a shared map to one per sample."""
    if sigma is None:
        return None
    known: Tensor = torch.as_tensor(sigma, device=noisy.device)
    if known.ndim == 4 and len(known) == len(noisy):
        return known
    # Plugins return numbers, vectors and maps; networks and losses see one form.
    known = known.reshape(-1, 1, 1, 1) if known.ndim < 2 else known
    return known.expand(len(noisy), 1, *known.shape[-2:])


def _tensor(output: object, maker: str, record: str) -> Tensor:
    if not isinstance(output, torch.Tensor):
        raise InputError(f"a {maker} returned {type(output).__name__}, not a tensor or {record}")
    return output
