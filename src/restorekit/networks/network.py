"""A loaded network as a function of a float batch: its channels, its sigma, its number format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.components.registry import origin_of
from restorekit.errors import InputError
from restorekit.networks.activation_memory import activation_bytes
from restorekit.networks.precision import lossless_dtype
from restorekit.networks.probe_images import probe_picture
from restorekit.networks.receptive_field import Reach, measure_reach
from restorekit.networks.temporary_modes import evaluation_mode, full_precision
from restorekit.records import restore_batch, takes, unwrap_model

# Tiles start at multiples of this even where a network names a smaller one, or none.
_LEAST_ALIGNMENT, _MOST_ALIGNMENT = 16, 1024
_MEASURED = ("reach", "is_blind", "bytes_per_pixel", "lossless_dtype")
MakeRun = Callable[[], Callable[..., Any] | None]
_SIDE = 64  # of the picture that shows whether a network heeds sigma


class Network:
    """A module ready to restore float batches on the [0, 1] scale.

    Args:
        module: the network, on its device.
        make_run: makes what is called in its place, such as a session of another runtime; where it
            makes None, the module itself is called.

    Attributes:
        module: the network.
        channels: how many it says that it takes; None where it says nothing.
        takes_sigma: whether it can be called with the noise's standard deviation.
        alignment: what the first row and column of a tile is a multiple of.
        dtype: the type of its weights.
        device: where they lie; None where there are none.
    """

    def __init__(self, module: nn.Module, make_run: MakeRun = lambda: None) -> None:
        self.module = module
        self._make_run = make_run
        self._run = make_run() or module
        self._weights = fingerprint(module)
        self.channels = model_channels(module)
        self.takes_sigma = takes(module, "sigma")
        multiple = _count(getattr(unwrap_model(module), "size_multiple", None)) or 1
        if multiple > _MOST_ALIGNMENT:
            raise InputError(f"the model's size_multiple is {multiple}; at most {_MOST_ALIGNMENT}")
        self.alignment = math.lcm(multiple, _LEAST_ALIGNMENT)
        weight = next((p for p in module.parameters() if p.is_floating_point()), None)
        self.dtype = torch.float32 if weight is None else weight.dtype
        self.device = None if weight is None else weight.device
        # Without a matrix among its weights there is nothing that bfloat16 could make faster.
        self.multiplies = any(parameter.ndim > 1 for parameter in module.parameters())

    @property
    def is_torch(self) -> bool:
        """Whether the module itself is what runs."""
        return self._run is self.module

    def renew(self) -> None:
        """Where the weights have changed, forget what was measured and make anew what runs."""
        weights = fingerprint(self.module)
        if weights == self._weights:
            return
        self._weights = weights
        for name in _MEASURED:
            self.__dict__.pop(name, None)
        self._run = self._make_run() or self.module

    @cached_property
    def reach(self) -> Reach | None:
        """How far a pixel's influence reaches; None where the network takes no other sizes."""
        with self.running(None):
            try:
                return measure_reach(self._probe, self.channels or 3, self.alignment)
            except Exception:  # a network may raise anything at a size it does not know
                return None

    @cached_property
    def is_blind(self) -> bool:
        """Whether it makes nothing of the noise's standard deviation, though it may take it."""
        if not self.takes_sigma:
            return True
        picture = probe_picture(self.channels or 3, _SIDE, _SIDE)
        with self.running(None):
            try:
                weak, strong = (self._probe(picture, sigma) for sigma in (0.05, 0.2))
            except Exception:  # a network may raise anything at a size it does not know
                return False
        return torch.equal(weak, strong)

    @cached_property
    def bytes_per_pixel(self) -> float:
        """What its activations take, at most, in float32."""
        with self.running(None):
            return activation_bytes(self.module, self._probe, self.channels or 3)

    @cached_property
    def lossless_dtype(self) -> torch.dtype | None:
        """The native number format below float32 that costs no quality; None where none does."""
        if not self.multiplies or self.dtype != torch.float32 or not self.is_torch:
            return None
        with self.running(None):
            device = self.device or torch.device("cpu")
            return lossless_dtype(self._probe, self.channels or 3, device)

    @contextmanager
    def running(self, dtype: torch.dtype | None) -> Iterator[None]:
        """Within it the module is in evaluation mode and computes in `dtype`; then it is as before.

        Autocast, and not converted weights: it is as fast, and the sum of image and predicted
        noise stays in float32.
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
        """The restored batch (B, C, H, W), in the type, and on the device, of the given one.

        Gray goes through a colour network as equal channels, whose mean is taken; colour through
        a gray network one channel at a time, and so do more than three through either.

        Args:
            batch: (B, C, H, W), alpha left out.
            sigma: (B, C or 1, 1 or H, 1 or W), for a network that takes it.
            colours: how many of the first channels belong together, where more follow.

        Raises:
            InputError: the channels do not fit, or the network answers with another shape
                or with what is not finite.
        """
        wanted, count = self.channels, batch.shape[1]
        if wanted is not None and colours is not None and wanted in (1, 3) and colours < count:
            return self._in_parts(batch, sigma, [colours] + [1] * (count - colours))
        if wanted is None or wanted == count:
            return self._checked(batch, _joined(sigma))
        if wanted == 1:
            alone = batch.reshape(-1, 1, *batch.shape[2:])
            if sigma is not None:
                sigma = sigma.expand(-1, count, -1, -1).reshape(-1, 1, *sigma.shape[2:])
            return self._checked(alone, sigma).reshape(batch.shape)
        if count == 1:
            return self._checked(batch.expand(-1, wanted, -1, -1), sigma).mean(1, keepdim=True)
        if wanted != 3:
            raise InputError(f"the model takes {wanted} channels, the image has {count}")
        return self._in_parts(batch, sigma, [1] * count)

    def _in_parts(self, batch: Tensor, sigma: Tensor | None, sizes: Sequence[int]) -> Tensor:
        """Groups of channels restored one after the other."""
        levels: Sequence[Tensor | None] = [sigma] * len(sizes)
        if sigma is not None and sigma.shape[1] == batch.shape[1]:
            levels = torch.split(sigma, list(sizes), 1)
        parts = torch.split(batch, list(sizes), 1)
        return torch.cat([self(*each) for each in zip(parts, levels, strict=True)], 1)

    def _checked(self, batch: Tensor, sigma: Tensor | None) -> Tensor:
        image = self._forward(self._run, batch, sigma)
        if image.shape != batch.shape:
            raise InputError(
                f"the model made {tuple(image.shape)} of an image {tuple(batch.shape)}; "
                "a denoiser keeps the shape"
            )
        if not math.isfinite(float(image.sum(dtype=torch.float64))):  # much faster than isfinite
            raise InputError("the model's output is not finite; its weights may be damaged")
        return image.to(batch.device).to(batch.dtype)

    def _forward(self, run: Callable[..., Any], batch: Tensor, sigma: Tensor | None) -> Tensor:
        given = batch.to(self.device or batch.device, self.dtype)
        given = given.contiguous(memory_format=torch.channels_last)
        level = sigma.to(given) if sigma is not None and self.takes_sigma else None
        return restore_batch(run, given, level).image

    def _probe(self, batch: Tensor, sigma: float) -> Tensor:
        """The module's answer, whatever it is, to a batch made up here.

        Not that of another runtime, whose ReLU may lose the NaN by which the reach is measured.
        """
        return self._forward(self.module, batch, torch.full((len(batch), 1, 1, 1), sigma))


def fingerprint(module: nn.Module) -> tuple[float, ...]:
    """Numbers that differ after any change of the weights, also one that torch does not count.

    Two sums over the weights take less time than a hundredth of the smallest restoration.
    """
    tensors = [*module.parameters(), *module.buffers()]
    real = [t.detach() for t in tensors if t.is_floating_point() and t.element_size() > 1]
    sums = [t.sum().item() for t in real] + [torch.linalg.vector_norm(t).item() for t in real]
    return tuple(0.0 if math.isnan(each) else each for each in sums)


def _joined(sigma: Tensor | None) -> Tensor | None:
    """One sigma for all channels: that of their mean variance."""
    return None if sigma is None else sigma.square().mean(1, keepdim=True).sqrt()


def model_channels(model: nn.Module) -> int | None:
    """How many image channels a model says that it takes; None where it says nothing."""
    model = unwrap_model(model)
    channels = getattr(model, "channels", None)
    if channels is None and (origin := origin_of(model)) is not None:
        channels = origin.arguments.get("channels")
    return _count(channels)


def _count(value: Any) -> int | None:
    """A whole number above 0 as it is; None for anything else, which a module may also hold."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value if is_count else None


def model_name(model: nn.Module | str | PathLike[str]) -> str:
    """What a model is called in messages: its registered name or class, or what it is given by."""
    if not isinstance(model, nn.Module):
        return str(model)
    origin = origin_of(unwrap_model(model))
    return type(model).__name__ if origin is None else origin.name
