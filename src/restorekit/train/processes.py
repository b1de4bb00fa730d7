"""The processes of a run: one, or as many as torchrun started; launching decides, not the code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from restorekit.errors import CheckpointError, ConfigError


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    Attributes:
        rank: its number.
        world: how many there are.
        device: where it computes, which the reductions need to know.
    """

    rank: int
    world: int
    device: torch.device

    @classmethod
    def join(cls, device: torch.device) -> Processes:
        """Join the group that torchrun's environment describes, if there is one."""
        if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
            return cls(0, 1, device)
        if str(device) == "cuda":
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(device)
        if not distributed.is_initialized():
            backend = "nccl" if device.type == "cuda" else "gloo"
            distributed.init_process_group(backend)
        return cls(distributed.get_rank(), distributed.get_world_size(), device)

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def is_group(self) -> bool:
        """Whether there are others to agree with."""
        return distributed.is_available() and distributed.is_initialized()

    def places(self, batch_size: int) -> range:
        """This process's places in the global batch, a run of neighbours.

        Raises:
            ConfigError: the batch has fewer images than there are processes.
        """
        if batch_size < self.world:
            raise ConfigError(
                [f"train.batch_size: {batch_size} is less than the {self.world} processes"]
            )
        start, end = (batch_size * r // self.world for r in (self.rank, self.rank + 1))
        return range(start, end)

    def sum(self, values: Mapping[str, Tensor | float]) -> dict[str, Tensor | float]:
        """Each value summed over the processes; every process has the same names."""
        if not self.is_group or not values:
            return dict(values)
        scalars = [torch.as_tensor(values[name]).double() for name in sorted(values)]
        stacked = torch.stack(scalars).to(self.device)
        distributed.all_reduce(stacked)
        return dict(zip(sorted(values), stacked.unbind(), strict=True))

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers: how they come to stop at the same step."""
        if not self.is_group:
            return number
        shared = torch.tensor(number, device=self.device)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX)
        return int(shared)

    def agreed(self, step: int) -> int:
        """The step that all begin after.

        Raises:
            CheckpointError: they found different training states.
        """
        if self.largest(step) != -self.largest(-step):
            raise CheckpointError(
                "the processes found different training states; "
                "save_weight_path must be one folder that all of them share"
            )
        return step

    def wait(self) -> None:
        """Go on when every process has come here."""
        if self.is_group:
            distributed.barrier()

    def leave(self) -> None:
        """Leave the group."""
        if self.is_group:
            with suppress(RuntimeError):  # another process has gone already
                distributed.destroy_process_group()
