"""One process's share of a list of files, where torchrun has started several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from restorekit.distributed import Launch, leave_group

# How long the first to finish waits for the last: as long as a very large folder may take.
_PATIENCE = timedelta(days=30)


@dataclass(frozen=True)
class Worker(Launch):
    """This process among those that share the work."""

    @property
    def can_gather(self) -> bool:
        """Whether there are others, and they can find each other at the end."""
        return self.world > 1 and self.can_meet

    def gather(self, value: Any) -> list[Any]:
        """What every process gives, in order of rank, in each of them, after the last has come.

        torchrun ends all processes when one ends with an error, so none may do so before. Where
        they cannot meet, as when a user set RANK, it is this process's value alone.
        """
        if not self.can_gather:
            return [value]
        from torch import distributed

        self.join("gloo", _PATIENCE)
        try:
            values: list[object] = [None] * self.world
            distributed.all_gather_object(values, value)
        finally:
            leave_group()
        return values

    def device(self, name: str) -> str:
        """The device of that name for this process: each its own GPU, where there are several."""
        if self.world == 1 or name not in ("auto", "cuda"):
            return name
        import torch

        count = torch.cuda.device_count()
        return f"cuda:{self.local_rank % count}" if count else name
