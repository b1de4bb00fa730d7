"""Sharing a list of files between processes that torchrun has started."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from restorekit.distributed import Launch, leave_group

# How long the first process waits for the last one, which may have a very large folder.
_PATIENCE = timedelta(days=30)


@dataclass(frozen=True)
class Worker(Launch):
    """One of the processes that share the work."""

    @property
    def can_gather(self) -> bool:
        """Whether there are several processes that can communicate."""
        return self.world > 1 and self.can_meet

    def gather(self, value: Any) -> list[Any]:
        """Wait for all processes, and return their values in order of rank.

        torchrun stops all processes as soon as one fails, so none may exit with an error before
        the others are finished. If the processes cannot communicate, for example because a user
        set RANK, only the value of this process is returned.
        """
        if not self.can_gather:
            return [value]
        from torch import distributed

        # Only now: a group that exists during the work would end all processes with one of them.
        self.join("gloo", _PATIENCE)
        try:
            values: list[object] = [None] * self.world
            distributed.all_gather_object(values, value)
        finally:
            leave_group()
        return values

    def device(self, name: str) -> str:
        """The device for this process; several GPUs are distributed among the processes."""
        if self.world == 1 or name not in ("auto", "cuda"):
            return name
        import torch

        count = torch.cuda.device_count()
        return f"cuda:{self.local_rank % count}" if count else name
