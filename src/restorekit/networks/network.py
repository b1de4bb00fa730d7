"""A loaded network as a function of a float batch, with its channels, sigma and precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.components.component_records import origin_of
from restorekit.errors import InputError
from restorekit.memory import is_out_of_memory
from restorekit.networks.activation_memory import activation_bytes
from restorekit.networks.precision import lossless_dtype
from restorekit.networks.probe_images import probe_picture
from restorekit.networks.receptive_field import Reach, measure_reach
from restorekit.networks.temporary_modes import evaluation_mode, full_precision
from restorekit.networks.tile_alignment import measure_alignment
from restorekit.records import restore_batch, takes, unwrap_model

# Tiles start at multiples of this, even if a network needs a smaller multiple or none.
_LEAST_ALIGNMENT, _MOST_ALIGNMENT = 16, 1024
_MEASURED = (
    "accepted_channels",
    "alignment",
    "reach",
    "is_blind",
    "bytes_per_pixel",
    "lossless_dtype",
)
MakeRun = Callable[[], Callable[..., object] | None]
_SIDE = 64  # side of the picture that shows whether a network uses sigma


class Network:
    """A module ready to restore float batches on the [0, 1] scale.

    Args:
        module: the network, on its device.
        make_run: makes the function that is called instead, for example a session of another
            runtime; if it returns None, the module itself is called.

    Attributes:
        module: the network.
        channels: number of image channels; None if the network does not declare it, until it fails
            with one number and works with another.
        takes_sigma: whether it accepts the standard deviation of the noise.
        sigma_is_optional: whether it works without it too; it declares so by `optional_sigma`.
        multiple: the `size_multiple` that it declares; None if it does not.
        dtype: dtype of its weights.
        device: device of its weights; None if it has none.
    """

    def __init__(self, module: nn.Module, make_run: MakeRun = lambda: None) -> None:
        self.module = module
        self._make_run = make_run
        self._run = make_run() or module
        self._weights = fingerprint(module)
        self.channels = model_channels(module)
        self.takes_sigma = takes(module, "sigma")
        declared = getattr(unwrap_model(module), "optional_sigma", None)
        self.sigma_is_optional = self.takes_sigma and declared is True
        self.multiple = _count(getattr(unwrap_model(module), "size_multiple", None))
        if (self.multiple or 1) > _MOST_ALIGNMENT:
            raise InputError(
                f"the model's size_multiple is {self.multiple}; at most {_MOST_ALIGNMENT}"
            )
        weight = next((p for p in module.parameters() if p.is_floating_point()), None)
        self.dtype = torch.float32 if weight is None else weight.dtype
        self.device = None if weight is None else weight.device
        # Without matrix weights there is nothing that bfloat16 could accelerate.
        self.multiplies = any(parameter.ndim > 1 for parameter in module.parameters())

    @property
    def is_torch(self) -> bool:
        """Whether the module itself runs, not another runtime."""
        return self._run is self.module

    def renew(self) -> None:
        """If the weights have changed, discard the measurements and make the function again."""
        # Not torch's version counter, which misses writes through `.data` and inference tensors.
        weights = fingerprint(self.module)
        if weights == self._weights:
            return
        self._weights = weights
        for name in _MEASURED:
            self.__dict__.pop(name, None)
        self._run = self._make_run() or self.module

    @property
    def probe_channels(self) -> int:
        """The number of channels of the images by which the network is measured."""
        return self.channels or self.accepted_channels or 3

    @cached_property
    def accepted_channels(self) -> int | None:
        """Three or one, whichever the network restores first; None if it restores neither."""
        with self.running(None):
            return next((count for count in (3, 1) if self._takes(count)), None)

    @cached_property
    def alignment(self) -> int:
        """The first row and column of a tile must be multiples of it, as declared or measured."""
        if self.multiple is not None:
            return math.lcm(self.multiple, _LEAST_ALIGNMENT)
        with self.running(None):
            try:
                measured = measure_alignment(self.probe, self.probe_channels)
            except Exception:  # a network may raise anything for an unsupported size
                measured = None
        return measured or _LEAST_ALIGNMENT

    @cached_property
    def reach(self) -> Reach | None:
        """The receptive field; None if the network does not accept other sizes."""
        with self.running(None):
            try:
                return measure_reach(self.probe, self.probe_channels, self.alignment)
            except Exception:  # a network may raise anything for an unsupported size
                return None

    @cached_property
    def is_blind(self) -> bool:
        """Whether the output does not depend on sigma, even if the network accepts it."""
        if not self.takes_sigma:
            return True
        picture = probe_picture(self.probe_channels, _SIDE, _SIDE)
        with self.running(None):
            try:
                weak, strong = (self.probe(picture, sigma) for sigma in (0.05, 0.2))
            except Exception:  # a network may raise anything for an unsupported size
                return False
        # Exactly: a network that uses sigma changes at least some rounding.
        return torch.equal(weak, strong)

    @cached_property
    def bytes_per_pixel(self) -> float:
        """Upper bound of the memory of its activations, in float32."""
        with self.running(None):
            return activation_bytes(self.module, self.probe, self.probe_channels)

    @cached_property
    def lossless_dtype(self) -> torch.dtype | None:
        """The native dtype below float32 that does not reduce quality; None if there is none."""
        if not self.multiplies or self.dtype != torch.float32 or not self.is_torch:
            return None
        with self.running(None):
            device = self.device or torch.device("cpu")
            return lossless_dtype(self.probe, self.probe_channels, device)

    @contextmanager
    def running(self, dtype: torch.dtype | None) -> Iterator[None]:
        """Put the module in evaluation mode and compute in `dtype`; restore its mode afterwards.

        This uses autocast instead of converting the weights: it is as fast, and the sum of image
        and predicted noise stays in float32.
        """
        device = (self.device or torch.device("cpu")).type
        with (
            evaluation_mode(self.module),
            torch.inference_mode(),
            full_precision(device) if dtype is None else torch.autocast(device, dtype),
        ):
            yield

    def __call__(
        self, batch: Tensor, sigma: Tensor | None = None, colours: int | None = None
    ) -> Tensor:
        """Restore a batch (B, C, H, W); the result has the same dtype and device.

        A gray batch goes through a colour network as equal channels, whose mean is the result. A
        colour batch goes through a gray network one channel at a time, as do batches of more than
        three channels through any network.

        Args:
            batch: (B, C, H, W), without alpha.
            sigma: (B, C or 1, 1 or H, 1 or W), for a network that takes it.
            colours: number of leading channels that belong together, if there are more.

        Raises:
            InputError: the number of channels is unsupported, or the output has another shape or is
                not finite.
        """
        wanted, count = self.channels, batch.shape[1]
        if wanted is not None and colours is not None and wanted in (1, 3) and colours < count:
            return self._in_parts(batch, sigma, [colours] + [1] * (count - colours))
        if wanted is None:
            return self._undeclared(batch, sigma, colours)
        if wanted == count:
            return self._checked(batch, _joined(sigma))
        if wanted == 1:
            # Channels become samples, so that all are restored in one pass.
            alone = batch.reshape(-1, 1, *batch.shape[2:])
            if sigma is not None:
                sigma = sigma.expand(-1, count, -1, -1).reshape(-1, 1, *sigma.shape[2:])
            return self._checked(alone, sigma).reshape(batch.shape)
        if count == 1:
            return self._checked(batch.expand(-1, wanted, -1, -1), sigma).mean(1, keepdim=True)
        if wanted != 3:
            raise InputError(f"the model takes {wanted} channels, the image has {count}")
        return self._in_parts(batch, sigma, [1] * count)

    def _undeclared(self, batch: Tensor, sigma: Tensor | None, colours: int | None) -> Tensor:
        """Restore by a network that does not declare `channels`; if it fails, find them out."""
        try:
            return self._checked(batch, _joined(sigma))
        except Exception as error:
            # Another picture of that many channels shows whether they are the reason.
            if is_out_of_memory(error) or self._takes(batch.shape[1]):
                raise
            if self.accepted_channels is None:
                raise
        self.channels = self.accepted_channels
        return self(batch, sigma, colours)

    def _takes(self, channels: int) -> bool:
        """Whether the network restores a picture of that many channels."""
        picture = probe_picture(channels, _SIDE, _SIDE)
        try:
            return self.probe(picture, 0.1).shape == picture.shape
        except Exception:  # a network may raise anything for what it does not take
            return False

    def _in_parts(self, batch: Tensor, sigma: Tensor | None, sizes: Sequence[int]) -> Tensor:
        """Restore groups of channels one after the other."""
        levels: Sequence[Tensor | None] = [sigma] * len(sizes)
        if sigma is not None and sigma.shape[1] == batch.shape[1]:
            levels = torch.split(sigma, list(sizes), 1)
        parts = torch.split(batch, list(sizes), 1)
        return torch.cat([self(*each) for each in zip(parts, levels, strict=True)], 1)

    def _checked(self, batch: Tensor, sigma: Tensor | None) -> Tensor:
        image = self._forward(self._run, batch, sigma)
        if image.shape != batch.shape:
            raise InputError(
                f"the output of the model has shape {tuple(image.shape)}, its input "
                f"{tuple(batch.shape)}; a denoiser keeps the shape"
            )
        if not math.isfinite(float(image.sum(dtype=torch.float64))):  # much faster than isfinite
            raise InputError("the model's output is not finite; its weights may be damaged")
        return image.to(batch.device).to(batch.dtype)

    def _forward(self, run: Callable[..., Any], batch: Tensor, sigma: Tensor | None) -> Tensor:
        given = batch.to(self.device or batch.device, self.dtype)
        # The layout in which convolutions are fastest, as in training.
        given = given.contiguous(memory_format=torch.channels_last)
        if given.data_ptr() == batch.data_ptr():  # a network may change its input in place
            given = given.clone()
        if sigma is None and self.sigma_is_optional:  # an exported network has no default
            sigma = given.new_zeros(len(given), 1, 1, 1)
        level = sigma.to(given) if sigma is not None and self.takes_sigma else None
        return restore_batch(run, given, level).image

    def probe(self, batch: Tensor, sigma: float) -> Tensor:
        """The unchecked output of the module for a synthetic batch.

        Never that of another runtime, whose ReLU may drop the NaN by which the receptive field is
        measured.
        """
        return self._forward(self.module, batch, torch.full((len(batch), 1, 1, 1), sigma))


def fingerprint(module: nn.Module) -> tuple[float, ...]:
    """Numbers that change with the weights, even by a write that torch's version counter misses.

    Two sums over the weights take less than 1 % of the time of the smallest restoration.
    """
    tensors = [*module.parameters(), *module.buffers()]
    real = [t.detach() for t in tensors if t.is_floating_point() and t.element_size() > 1]
    sums = [t.sum().item() for t in real] + [torch.linalg.vector_norm(t).item() for t in real]
    return tuple(0.0 if math.isnan(each) else each for each in sums)


def _joined(sigma: Tensor | None) -> Tensor | None:
    """One sigma for all channels, from their mean variance."""
    return None if sigma is None else sigma.square().mean(1, keepdim=True).sqrt()


def model_channels(model: nn.Module) -> int | None:
    """Number of image channels of a model; None if it does not declare it."""
    model = unwrap_model(model)
    channels = getattr(model, "channels", None)
    if channels is None and (origin := origin_of(model)) is not None:
        channels = origin.arguments.get("channels")
    return _count(channels)


def _count(value: Any) -> int | None:
    """A positive integer, or None for anything else; a module may use the attribute otherwise."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_count else None


def model_name(model: nn.Module | str | PathLike[str]) -> str:
    """Name of a model in messages: its registered name, its class, or the given name or path."""
    if not isinstance(model, nn.Module):
        return str(model)
    origin = origin_of(unwrap_model(model))
    return type(model).__name__ if origin is None else origin.name
