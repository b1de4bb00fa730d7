"""Where, in which number format and among which processes a run computes."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from restorekit.config.train_settings import TrainSettings
from restorekit.devices import dtype_of, native_dtype, resolve_device
from restorekit.seeding import derive_seed, seed_torch
from restorekit.train.processes import Processes

_LOGGER = logging.getLogger(__name__)
_BLOCK = 16  # channels that oneDNN computes together


@dataclass
class Execution:
    """The device, the precision and memory layout of the network, and the processes.

    Attributes:
        device: where the model, the noise and the losses are computed.
        processes: this process among those of the run.
        dtype: what autocast computes convolutions in; None is float32.
        channels_last: whether images and weights are laid out with the channels innermost.
        compiled: whether the network goes through torch.compile.
        sharded: whether the weights are split over the processes (FSDP) or copied (DDP).
    """

    device: torch.device
    processes: Processes
    dtype: torch.dtype | None = None
    channels_last: bool = True
    compiled: bool = False
    sharded: bool = False
    scaler: torch.amp.GradScaler = field(init=False)

    def __post_init__(self) -> None:
        # float16 gradients underflow without a scaler. For other dtypes it is disabled.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    @classmethod
    def start(cls, device: str, settings: TrainSettings) -> Execution:
        """The runtime that a run's settings and the way it was launched ask for."""
        processes = Processes.join(resolve_device(device))
        automatic = settings.precision == "auto"
        sharded = settings.strategy == "fsdp" and processes.is_group
        return cls(
            device=processes.device,
            processes=processes,
            dtype=native_dtype(processes.device) if automatic else dtype_of(settings.precision),
            channels_last=settings.channels_last and not sharded,  # FSDP needs the default layout
            compiled=settings.compile,
            sharded=sharded,
        )

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model on the device, in the layout of the images, joined with its copies."""
        options: dict[str, Any] = {}
        if self.needs_plain_layout(model):
            if self.channels_last:
                _LOGGER.info("channels_last is off: its gradients would be wrong in dilated layers")
            self.channels_last = False
            options["layout_optimization"] = False  # which is the same layout
        model = model.to(self.device).to(memory_format=self._layout)
        if self.processes.launch.world > 1 and self.device.type == "cuda":
            convert = nn.SyncBatchNorm.convert_sync_batchnorm  # supported on CUDA only
            model = convert(model)  # type: ignore[no-untyped-call]
        # A sharded model is neither compiled nor copied: FSDP takes the place of both wrappers.
        if self.sharded:
            return _shard(model)
        # Compiled before it is wrapped, so that DDP sees the parameters of the original module.
        if self.compiled:
            model = torch.compile(model, options=options or None)  # type: ignore[assignment]
        return DistributedDataParallel(model) if self.processes.is_group else model

    def needs_plain_layout(self, model: nn.Module) -> bool:
        """Whether `channels_last` gives wrong gradients of the weights of a model.

        oneDNN, as in torch 2.10 to 2.15, does so in bfloat16 on a CPU, for images of about 33
        pixels or more, with dilated convolutions that are grouped or whose channels (of the input,
        or of the output of a transposed one) do not fill its blocks. Layers are found by their
        attribute `dilation`. A network that permutes its features to this layout is not helped.
        """
        if self.device.type != "cpu" or self.dtype != torch.bfloat16:
            return False
        return any(map(_has_wrong_gradients, model.modules()))

    def frozen(self, model: nn.Module) -> nn.Module:
        """A model that only answers, on the device, in the layout of the images."""
        model = model.to(self.device).to(memory_format=self._layout)
        return model.eval().requires_grad_(False)

    def alone(self, model: nn.Module) -> nn.Module:
        """The model without what ties it to its copies: processes may then run it unequally."""
        return model.module if isinstance(model, DistributedDataParallel) else model

    def fork_rng(self) -> AbstractContextManager[None]:
        """Within it torch's generators are the run's; after it they are as before."""
        return torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else [])

    def place(self, images: Tensor) -> Tensor:
        """A batch on the device, in the layout of the weights."""
        return images.to(self.device, non_blocking=True, memory_format=self._layout)

    def autocast(self, enabled: bool = True) -> AbstractContextManager[object]:
        """The context in which the network computes: the run's precision, or else float32."""
        if self.dtype is None or not enabled:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def accumulating(self, model: nn.Module, last: bool) -> AbstractContextManager[object]:
        """The context of a part of a batch: gradients are exchanged with the last part alone."""
        if last or not isinstance(model, DistributedDataParallel):
            return nullcontext()
        return model.no_sync()

    def seed(self, seed: int, purpose: str, *place: int) -> None:
        """Seed torch's own generators, for what a network draws (dropout, a VAE's sample)."""
        seed_torch(derive_seed(seed, purpose, *place), self.device)

    @property
    def _layout(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format


def _has_wrong_gradients(layer: nn.Module) -> bool:
    if not isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) or max(layer.dilation) == 1:
        return False
    is_transposed = isinstance(layer, nn.ConvTranspose2d)
    channels = layer.out_channels if is_transposed else layer.in_channels
    return layer.groups > 1 or channels % _BLOCK > 0


def _shard(model: nn.Module) -> nn.Module:
    """Split the weights over the processes: each child that has any, then what is left."""
    from torch.distributed.fsdp import fully_shard

    # One group of weights for each block: they are gathered for a block and freed after it.
    for child in model.children():
        if isinstance(child, (nn.ModuleList, nn.Sequential)):
            for block in child:
                if any(True for _ in block.parameters()):
                    fully_shard(block)
        elif any(True for _ in child.parameters()):
            fully_shard(child)
    fully_shard(model)
    return model
