"""The processes that read the data, and what can happen to them."""

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
    """Within the block the end of a data worker is a `DataError`.

    torch raises it wherever the main process happens to be, even within a training step or while
    another exception is on its way: the block shall be the outermost.
    """
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        reason = str(error).partition("\n")[0].strip(" .")
        if not isinstance(error, RuntimeError):
            reason = f"a data worker is gone ({reason or type(error).__name__})"
        elif not reason.startswith("DataLoader worker"):
            raise
        raise DataError(f"{reason}; workers end so when memory runs out: {_REMEDY}") from error


def ignore_signals(_worker: int) -> None:
    """Leave signals, which may go to the whole process group, to the main process."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def share_memory(images: Tensor) -> Tensor:
    """A batch in the memory that a worker shares with the main process.

    torch would move it there in a thread of its own, whose failure nobody hears of: the main
    process would wait for ever.

    Raises:
        DataError: there is not enough shared memory.
    """
    if get_worker_info() is None:
        return images
    try:
        images.share_memory_()
    except (RuntimeError, OSError) as error:
        raise _no_memory(error) from error
    return images


def check_shared_memory() -> None:
    """Whether workers can be started at all, for which torch has no clean failure.

    Raises:
        DataError: there is no shared memory left.
    """
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise _no_memory(error) from error


def _no_memory(error: Exception) -> DataError:
    reason = str(error).partition("\n")[0]
    return DataError(f"the data workers have no shared memory ({reason}): {_REMEDY}")
