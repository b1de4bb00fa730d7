"""The worker processes that read the data, and the handling of their failures."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor
from torch.utils.data import get_worker_info

from restorekit.errors import DataError
from restorekit.train.interruption import SIGNALS

_REMEDY = "give them more, or read in the training process itself with train.num_workers 0"


@contextmanager
def worker_faults() -> Iterator[None]:
    """Within the block, the death of a data worker is raised as a `DataError`.

    torch raises an error wherever the main process is at that time, even in a training step or
    while another exception is handled. Therefore this must be the outermost block.
    """
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        reason = str(error).partition("\n")[0].strip(" .")
        if not isinstance(error, RuntimeError):
            reason = f"a data worker is gone ({reason or type(error).__name__})"
        # torch has no exception class for this; other errors of the training have the same class.
        elif not reason.startswith("DataLoader worker"):
            raise
        raise DataError(f"{reason}; workers end so when memory runs out: {_REMEDY}") from error


def ignore_signals(_worker: int) -> None:
    """Ignore signals in a worker: they may go to the whole process group, but the main one acts."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def share_memory(images: Tensor) -> Tensor:
    """Move a batch to the memory that a worker shares with the main process.

    torch would do this in a thread whose errors are not reported, so that the main process would
    wait forever.

    Raises:
        DataError: there is not enough shared memory.
    """
    # In the training process itself there is nothing to share.
    if get_worker_info() is None:
        return images
    try:
        images.share_memory_()
    except (RuntimeError, OSError) as error:
        raise _no_memory(error) from error
    return images


def check_shared_memory() -> None:
    """Check that workers can be started, since torch gives no clear error if they cannot.

    Raises:
        DataError: there is no shared memory left.
    """
    try:
        # A lock needs shared memory, as the queues of the workers do.
        multiprocessing.Lock()
    except OSError as error:
        raise _no_memory(error) from error


def _no_memory(error: Exception) -> DataError:
    reason = str(error).partition("\n")[0]
    return DataError(f"the data workers have no shared memory ({reason}): {_REMEDY}")
