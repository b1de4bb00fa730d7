"""Where and in which number format a run computes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from restorekit.devices import resolve_device
from restorekit.seeding import derive_seed

_DTYPES = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass
class Runtime:
    """A device, the number format of the network there, and the memory layout.

    Attributes:
        device: where the model, the noise and the losses are computed.
        dtype: what autocast computes convolutions in; None is float32.
        channels_last: whether images and weights are laid out with the channels innermost.
    """

    device: torch.device
    dtype: torch.dtype | None = None
    channels_last: bool = True
    scaler: torch.amp.GradScaler = field(init=False)

    def __post_init__(self) -> None:
        # float16 gradients underflow without a scaler; for the others it does nothing.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    @classmethod
    def start(cls, device: str, precision: str, channels_last: bool) -> Runtime:
        """The runtime that these settings name, "auto" resolved."""
        resolved = resolve_device(device)
        dtype = _native_dtype(resolved) if precision == "auto" else _DTYPES[precision]
        return cls(resolved, dtype, channels_last)

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model on the device, in the layout of the images."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return model.to(self.device).to(memory_format=layout)

    def place(self, images: Tensor) -> Tensor:
        """A batch on the device, in the layout of the weights."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return images.to(self.device, non_blocking=True, memory_format=layout)

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which the network computes."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def seed(self, seed: int, purpose: str, *place: int) -> None:
        """Seed torch's own generators, for what a network draws (dropout, a VAE's sample)."""
        torch.manual_seed(derive_seed(seed, purpose, *place))


def _native_dtype(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the hardware computes in it, else None: emulated, it is slower."""
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    elif device.type == "cpu":
        native = bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    else:
        native = False
    return torch.bfloat16 if native else None
