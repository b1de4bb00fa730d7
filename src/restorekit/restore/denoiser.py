"""Pictures, arrays and tensors through a trained network, each back as what it came as."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from restorekit.data.images import copy_metadata, image_to_tensor, split_alpha, tensor_to_image
from restorekit.devices import resolve_device
from restorekit.errors import CheckpointError, InputError
from restorekit.records import as_restoration
from restorekit.registry import models, origin_of
from restorekit.weights import bare, load_model

Array = np.ndarray[Any, Any]
Kind = TypeVar("Kind", Image.Image, Array, Tensor)

_DTYPES = (torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64)
# Noise of any use leaves [0, 1] by less than this; values of 0 to 255 leave it by far more.
_FARTHEST = 10.0


def denoise(
    image: Kind, model: nn.Module | str | PathLike[str], *, device: str | torch.device = "auto"
) -> Kind:
    """Restore one image; for many, make a `Denoiser`, which loads the network once.

    Args:
        image: a PIL image, an array or a tensor, as `Denoiser` takes it.
        model: a weights file, a run's folder, or a module.
        device: where to run, as for `Denoiser`.

    Returns:
        The same kind of thing, of the same size, type and range.

    Raises:
        InputError: the image cannot be worked with.
        CheckpointError: the weights cannot be loaded.
    """
    return Denoiser(model, device)(image)


class Denoiser:
    """A network ready to restore images.

    Takes, and gives back with the same size, type and range:

    - PIL images of 8 bits: gray, colour, palette (given back as colour), black and white (given
      back as gray); metadata stays.
    - numpy arrays (H, W) or (H, W, C) and tensors (C, H, W) or (B, C, H, W), of uint8 from 0 to
      255, or of floats on the [0, 1] scale. Floats may leave that range, as noise does; what is
      restored is clamped to it.

    One channel is gray, three are colour, and one more is alpha, which is kept as it is (unless
    the network says that it takes that many channels). A gray image goes through a colour network
    as three equal channels, whose mean is taken; a colour image goes through a gray network one
    channel at a time.

    Args:
        model: A weights file, a run's folder, or a module. A module is used where it lies, and is
            in evaluation mode during a call only.
        device: "auto", "cpu", "cuda", "mps". "auto" is the fastest one for a file, and where it
            lies for a module; any other moves the module there.

    Raises:
        CheckpointError: there are no such weights, or they cannot be loaded.
        InputError: there is no such device.
    """

    def __init__(
        self, model: nn.Module | str | PathLike[str], device: str | torch.device = "auto"
    ) -> None:
        if isinstance(model, nn.Module):
            self.model = model if device == "auto" else model.to(resolve_device(device))
        else:
            _refuse_bare_name(model)
            self.model = load_model(Path(model), device)
        self.channels = _channels_of(self.model)

    def __call__(self, image: Kind) -> Kind:
        """The image restored.

        Raises:
            InputError: it is empty, not finite, or of a kind, shape or type not listed above.
        """
        if isinstance(image, Image.Image):
            return self._restore_picture(image)
        if isinstance(image, np.ndarray):
            return self._restore_array(image)
        if isinstance(image, Tensor):
            return self._restore_tensor(image)
        raise InputError(
            f"cannot restore {type(image).__name__}; give a PIL image (open a file with "
            "restorekit.data.images.read_image), an array or a tensor"
        )

    def _restore_picture(self, image: Image.Image) -> Image.Image:
        colour, alpha = split_alpha(image)
        restored = tensor_to_image(self._restore_tensor(image_to_tensor(colour)))
        if alpha is not None:
            restored.putalpha(alpha)
        copy_metadata(image, restored)
        return restored

    def _restore_array(self, image: Array) -> Array:
        if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] > 4):
            raise InputError(
                f"an array is (H, W) or (H, W, C) with up to 4 channels, not {image.shape}"
            )
        if image.dtype.kind not in "uf" or image.dtype.itemsize > 8:
            raise _wrong_type(image.dtype)
        # A copy, since torch wants it writable and in the machine's byte order.
        tensor = torch.from_numpy(image.astype(image.dtype.newbyteorder("=")))
        if image.ndim == 2:
            return self._restore_tensor(tensor[None])[0].numpy()
        return self._restore_tensor(tensor.movedim(2, 0)).movedim(0, 2).contiguous().numpy()

    def _restore_tensor(self, image: Tensor) -> Tensor:
        if image.ndim not in (3, 4):
            raise InputError(f"a tensor is (C, H, W) or (B, C, H, W), not {tuple(image.shape)}")
        if not image.numel():
            raise InputError(f"the image is empty: its shape is {tuple(image.shape)}")
        if image.dtype not in _DTYPES:
            raise _wrong_type(image.dtype)
        batch = image.detach() if image.ndim == 4 else image.detach()[None]
        if image.dtype == torch.uint8:
            restored = (self._restore(batch.float() / 255) * 255).round().to(torch.uint8)
        else:
            _check_range(batch)
            restored = self._restore(batch)
        return restored if image.ndim == 4 else restored[0]

    def _restore(self, batch: Tensor) -> Tensor:
        """(B, C, H, W) with as many channels as the network takes or not, alpha or none."""
        wanted, alpha = self.channels, None
        if batch.shape[1] in (2, 4) and batch.shape[1] != wanted:
            batch, alpha = batch[:, :-1], batch[:, -1:]
        count = batch.shape[1]
        if wanted is None or wanted == count:
            restored = self._run(batch)
        elif wanted == 1:
            restored = self._run(batch.reshape(-1, 1, *batch.shape[2:])).reshape(batch.shape)
        elif count == 1:
            restored = self._run(batch.expand(-1, wanted, -1, -1)).mean(1, keepdim=True)
        else:
            raise InputError(f"the model takes {wanted} channels, the image has {count}")
        return restored if alpha is None else torch.cat([restored, alpha], 1)

    def _run(self, batch: Tensor) -> Tensor:
        """The network's answer to (B, C, H, W), clamped to [0, 1], where and as the batch is."""
        weight = next((p for p in self.model.parameters() if p.is_floating_point()), batch.float())
        given = batch.to(weight.dtype).to(weight.device)
        with torch.inference_mode(), _evaluating(self.model):
            image = as_restoration(self.model(given)).image
        if image.shape != batch.shape:
            raise InputError(
                f"the model made {tuple(image.shape)} of an image {tuple(batch.shape)}; "
                "a denoiser keeps the shape"
            )
        if not bool(torch.isfinite(image).all()):
            raise InputError("the model's output is not finite; its weights may be damaged")
        # Out of inference mode this is an ordinary tensor again.
        return image.clamp(0, 1).to(batch.device).to(batch.dtype)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, and afterwards each of its parts as it was."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _channels_of(model: nn.Module) -> int | None:
    """How many image channels a model says it takes; None where it says nothing."""
    model = bare(model)
    channels = getattr(model, "channels", None)
    if channels is None and (origin := origin_of(model)) is not None:
        channels = origin.arguments.get("channels")
    return channels if isinstance(channels, int) else None


def _refuse_bare_name(model: str | PathLike[str]) -> None:
    if isinstance(model, str) and not Path(model).exists() and model in models.names():
        raise CheckpointError(
            f"'{model}' is an architecture without trained weights; "
            "give a weights file, e.g. runs/last.safetensors"
        )


def _check_range(batch: Tensor) -> None:
    if not bool(torch.isfinite(batch).all()):
        raise InputError("an image's values must be finite; some are NaN or infinite")
    if float(farthest := batch.abs().max()) > _FARTHEST:
        raise InputError(
            f"floats are on the [0, 1] scale, but one is {farthest:g}; divide by 255, say"
        )


def _wrong_type(dtype: Any) -> InputError:
    return InputError(f"an image is of uint8, or of floats in [0, 1], not {dtype}")
