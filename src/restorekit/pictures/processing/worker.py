"""One process's share of a list of files, where torchrun has started several."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from restorekit.distributed import Launch

# How long the first to finish waits for the last: as long as a very large folder may take.
_PATIENCE = timedelta(days=30)


@dataclass(frozen=True)
class Worker:
    """This process among those that share the work.

    Attributes:
        rank: its number.
        world: how many there are.
        meets: whether they can find each other at the end.
    """

    rank: int = 0
    world: int = 1
    can_gather: bool = False

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Worker:
        """The share that RANK and WORLD_SIZE describe; the whole where they are not set.

        Raises:
            ArgumentError: some are missing or contradict each other.
        """
        launch = Launch.of_environment(environment)
        return cls(launch.rank, launch.world, launch.world > 1 and launch.can_meet)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that speaks."""
        return self.rank == 0

    def gather(self, value: Any) -> list[Any]:
        """What every process gives, in order of rank, in each of them, after the last has come.

        torchrun ends all processes when one ends with an error, so none may do so before. Where
        they cannot meet, as when a user set RANK, it is this process's value alone.
        """
        if not self.can_gather:
            return [value]
        from torch import distributed

        Launch(self.rank, self.world, can_meet=True).join("gloo", _PATIENCE)
        try:
            values: list[Any] = [None] * self.world
            distributed.all_gather_object(values, value)
        finally:
            distributed.destroy_process_group()
        return values

    def device(self, name: str, environment: Mapping[str, str] = os.environ) -> str:
        """The device of that name for this process: each its own GPU, where there are several."""
        if self.world == 1 or name not in ("auto", "cuda"):
            return name
        import torch

        count = torch.cuda.device_count()
        local_rank = Launch.of_environment(environment).local_rank
        return f"cuda:{local_rank % count}" if count else name
