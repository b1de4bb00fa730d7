"""Bounds on what a component may allocate while it is built.

The sizes of tensors that a target creates are known before they are allocated: each creation is
first tried on the meta device, which takes no memory. A network beyond the bounds is refused before
it takes any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from restorekit.errors import ArgumentError
from restorekit.memory import available_memory, format_size

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Made = TypeVar("Made")
MOST_TENSORS = 10_000
_SMALL = 64 << 20  # bytes that are simply allocated
_CREATORS = (
    *("empty", "zeros", "ones", "full", "rand", "randn", "randint", "randperm", "arange"),
    *("linspace", "logspace", "eye", "hann_window", "hamming_window", "kaiser_window"),
)
_FILLERS = ("normal_", "uniform_", "fill_", "zero_")
_INITS = ("normal_", "uniform_", "constant_", "kaiming_uniform_")  # of torch.nn.init


class TooLargeError(ArgumentError):
    """The object that is being built exceeds the limits."""


def build_within_memory(make: Callable[[], Made], where: str) -> Made:
    """What `make` returns, unless the tensors that it creates do not fit the memory there is.

    What is small is built at once. Anything else is built on the meta device first: how much it
    takes is then known before any memory is taken.

    Args:
        make: builds a component on the CPU.
        where: what is built, for the message.

    Raises:
        ArgumentError: it takes more memory than there is, or has more than 10,000 tensors.
    """
    import torch

    try:
        # Most components are small, and a trial on the meta device would double their time.
        with bounded_allocation(_SMALL, what=where):
            return make()
    except TooLargeError:  # larger than the limit of this first attempt
        pass
    most = available_memory(torch.device("cpu"))
    limit = f"the {format_size(most)} of memory that are free"
    try:
        with torch.device("meta"), bounded_allocation(most, what=where, limit=limit):
            make()
    except TooLargeError:
        raise
    except Exception:  # not every network can be built without memory
        pass
    with bounded_allocation(most, what=where, limit=limit):
        return make()


def bounded_allocation(
    size: int, tensors: int = MOST_TENSORS, *, what: str, limit: str = ""
) -> AbstractContextManager[object]:
    """Within the block, this thread's torch creates no more tensors than that.

    Args:
        size: bytes that they may have together.
        tensors: how many there may be.
        what: what is built, for the message.
        limit: what sets the limit of `size`, for the message.

    Raises:
        TooLargeError: within the block, before a tensor that would be too much.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    creators = {getattr(torch, name) for name in _CREATORS}
    fillers = {getattr(torch.Tensor, name) for name in _FILLERS}
    fillers |= {getattr(torch.nn.init, name) for name in _INITS}

    class Bounded(TorchFunctionMode):
        taken = 0
        created = 0

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> object:
            kwargs = kwargs or {}
            # A call with `out` writes into a tensor that has been counted already. A tensor that is
            # put on the meta device takes nothing: trials within the block are not counted.
            if func in creators and kwargs.get("out") is None and not _is_meta(kwargs):
                self.taken += _bytes_of(func, args, kwargs, what)
                # Many small tensors exhaust memory and time too.
                self.created += 1
                if self.created > tensors:
                    raise TooLargeError(f"{what}: more than {tensors:,} tensors")
                if self.taken > size:
                    taken = format_size(self.taken)
                    raise TooLargeError(f"{what}: takes at least {taken}, more than {limit}")
            if func in fillers:
                filled = args[0] if args else kwargs.get("tensor")
                if filled is not None and filled.is_meta:
                    return filled  # meta tensors have no values, and the call would be slow
            return func(*args, **kwargs)

    return Bounded()


def _is_meta(kwargs: Any) -> bool:
    return str(kwargs.get("device")) == "meta"


def _bytes_of(func: Any, args: Any, kwargs: Any, what: str) -> int:
    """The size of the tensors that a call would create, in bytes."""
    # A generator of the CPU and pinned memory do not fit the meta device.
    here = {k: v for k, v in kwargs.items() if k not in ("generator", "pin_memory")}
    try:
        tried = func(*args, **{**here, "device": "meta"})
    except (RuntimeError, TypeError, OverflowError) as error:
        if "overflow" not in str(error).lower():
            return 0  # another kind of mistake, for which the call itself raises an error
        raise TooLargeError(f"{what}: a tensor is too large for any memory") from error
    return int(tried.numel()) * int(tried.element_size())
