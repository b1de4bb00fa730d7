"""The rank of this process and the number of processes, from the variables that torchrun sets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from restorekit.errors import ArgumentError, RestoreKitError


@dataclass(frozen=True)
class Launch:
    """The place of this process among those that were started together.

    Attributes:
        rank: number of this process, from 0.
        world: number of processes.
        local_rank: number of this process on its machine, from 0.
        by_launcher: whether a launcher such as torchrun started it.
        can_meet: whether the address of the other processes is known.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    by_launcher: bool = False
    can_meet: bool = False

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which prints for all processes."""
        return self.rank == 0

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT.

        Raises:
            ArgumentError: a variable is missing, or two contradict each other.
        """
        if "RANK" not in environment and "WORLD_SIZE" not in environment:
            return cls()
        rank, world = (_number(environment, name) for name in ("RANK", "WORLD_SIZE"))
        if rank >= world:
            raise ArgumentError(f"RANK={rank} is not below WORLD_SIZE={world}; ranks begin at 0")
        local_rank = _number(environment, "LOCAL_RANK") if "LOCAL_RANK" in environment else 0
        can_meet = bool(environment.get("MASTER_ADDR"))
        if can_meet and not 0 < _number(environment, "MASTER_PORT") < 65536:
            raise ArgumentError(f"MASTER_PORT={environment['MASTER_PORT']} is not a port")
        return cls(rank, world, local_rank, True, can_meet)

    def join(self, backend: str, timeout: timedelta | None = None) -> None:
        """Join torch's process group.

        Args:
            backend: "gloo" or "nccl".
            timeout: how long to wait for another process; None for torch's default.

        Raises:
            ArgumentError: MASTER_ADDR is not set.
            RestoreKitError: the processes cannot reach each other.
        """
        if not self.can_meet:
            raise ArgumentError(
                f"WORLD_SIZE={self.world}, but MASTER_ADDR is not set; torchrun sets both, "
                "and without WORLD_SIZE and RANK one process works alone"
            )
        from torch import distributed

        _joined.add(self.rank)
        try:
            distributed.init_process_group(backend, timeout=timeout)
        except (RuntimeError, ValueError) as error:
            where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
            reason = str(error).partition("\n")[0]
            raise RestoreKitError(f"the processes cannot meet at {where}: {reason}") from error


_joined: set[int] = set()  # the ranks with which this process has joined a group


def has_joined_group() -> bool:
    """Whether this process has joined a process group, even if it has left it.

    Threads of the group may outlive it. One that needs the interpreter while it shuts down aborts
    the process ("terminate called without an active exception"), and the launcher then takes a
    finished run for a failed one. Such a process should end by `os._exit`.
    """
    return bool(_joined)


def leave_group() -> None:
    """Leave torch's process group, if this process is in one."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        with suppress(RuntimeError):  # another process has gone already
            distributed.destroy_process_group()


def _number(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name)
    if value is None:
        raise ArgumentError(
            f"{name} is not set; torchrun sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT"
        )
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise ArgumentError(f"{name}={value} is not a number from 0")
    return int(value)
