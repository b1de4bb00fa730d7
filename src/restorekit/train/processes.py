"""The processes of a run: one, or as many as torchrun started; launching decides, not the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from restorekit.distributed import Launch
from restorekit.errors import ArgumentError, CheckpointError, ConfigError, RestoreKitError


@dataclass(frozen=True)
class Processes:
    """The place of this process in the run and its communication with the other processes.

    Attributes:
        launch: its rank and the number of processes.
        device: where it computes, which the reductions need to know.
    """

    launch: Launch
    device: torch.device

    @classmethod
    def join(cls, device: torch.device) -> Processes:
        """Join the process group of torchrun, if the environment describes one.

        Raises:
            ArgumentError: the environment describes none that can be.
            RestoreKitError: the processes cannot reach each other.
        """
        launch = Launch.of_environment()
        # A single process without an address needs no group.
        if not launch.by_launcher or (launch.world == 1 and not launch.can_meet):
            return cls(launch, device)
        if str(device) == "cuda":
            if launch.local_rank >= torch.cuda.device_count():
                raise ArgumentError(
                    f"LOCAL_RANK={launch.local_rank}, but there are "
                    f"{torch.cuda.device_count()} GPUs; start as many processes as GPUs"
                )
            device = torch.device("cuda", launch.local_rank)
            torch.cuda.set_device(device)
        if not distributed.is_initialized():
            launch.join("nccl" if device.type == "cuda" else "gloo")
        return cls(launch, device)

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes."""
        return self.launch.is_first

    @property
    def is_group(self) -> bool:
        """Whether there are others to agree with."""
        return distributed.is_available() and distributed.is_initialized()

    def places(self, batch_size: int) -> range:
        """The places of this process in the global batch, which are contiguous.

        Raises:
            ConfigError: the batch has fewer images than there are processes.
        """
        rank, world = self.launch.rank, self.launch.world
        if batch_size < world:
            raise ConfigError(
                [f"train.batch_size: {batch_size} is less than the {world} processes"]
            )
        return range(batch_size * rank // world, batch_size * (rank + 1) // world)

    def sum(self, values: Mapping[str, Tensor | float]) -> dict[str, Tensor | float]:
        """Each value summed over the processes; every process has the same names."""
        if not self.is_group or not values:
            return dict(values)
        # One exchange for all values, in an order that all processes share.
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
        """The step after which all processes start.

        Raises:
            CheckpointError: they found different training states.
        """
        # The largest and the smallest step of all processes.
        if self.largest(step) != -self.largest(-step):
            raise CheckpointError(
                "the processes found different training states; "
                "save_weight_path must be one folder that all of them share"
            )
        return step

    @contextmanager
    def main_within(self, context: AbstractContextManager[None]) -> Iterator[None]:
        """Enter a context in the main process; if that fails, raise an error in all processes.

        Raises:
            RestoreKitError, OSError: what the context raised.
        """
        failure: Exception | None = None
        if self.is_main:
            try:
                context.__enter__()
            except (RestoreKitError, OSError) as error:
                failure = error
        # Every process asks, because the others would otherwise wait forever for the main one.
        failed = self.largest(int(failure is not None))
        if failure is not None:
            raise failure
        if failed:
            raise RestoreKitError("the first process could not start; see its error message")
        try:
            yield
        finally:
            if self.is_main:
                context.__exit__(None, None, None)

    def wait(self) -> None:
        """Go on when every process has come here."""
        if self.is_group:
            distributed.barrier()
