"""Computing in a process that was forked from one that computed with torch before."""

from __future__ import annotations

import os

_settled = os.getpid()


def settle_threads() -> None:
    """In a forked process, let torch compute with one thread.

    The threads of the parent's OpenMP do not exist in the child, which would wait for them forever.
    torch does the same in its data workers. Called before anything large is computed; it acts once
    in each process, so that a later `torch.set_num_threads` is respected.
    """
    global _settled
    if os.getpid() == _settled:
        return
    import torch

    torch.set_num_threads(1)
    _settled = os.getpid()
