"""Random operations of torch that take their numbers from a given generator.

Code of other libraries often cannot be given a generator, and draws from the one of the process.
Seeding that one for a moment would change what other threads draw. Here the operations themselves
are handed the generator, in the thread that asks for it only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from restorekit.errors import InputError


def drawing_from(generator: Generator | None) -> AbstractContextManager[object]:
    """Within the block, random operations that are given no generator use this one.

    Their numbers are drawn on the generator's device and moved to where they are wanted. Nothing is
    changed where `generator` is None.

    Raises:
        InputError: in the block, by a random operation that torch cannot give a generator.
    """
    return nullcontext() if generator is None else _Drawing(generator)


class _Drawing(TorchDispatchMode):
    """Hands a generator to every random operation below autograd."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.generator = generator

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        is_random = torch.Tag.nondeterministic_seeded in func.tags
        if not is_random or given.get("generator") is not None:
            return func(*args, **given)
        return self._draw(_with_generator(func), args, dict(given))

    def _draw(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a random operation returns, drawn on the generator's device."""
        here = self.generator.device
        tensors = [each for each in args if isinstance(each, Tensor)]
        wanted = torch.device(kwargs.get("device") or (tensors[0].device if tensors else "cpu"))
        if wanted.type == here.type:
            return func(*args, **kwargs, generator=self.generator)
        if "device" in kwargs:
            kwargs["device"] = here
        if func._schema.is_mutable:  # it fills its first argument
            filled = torch.empty_like(args[0], device=here)
            rest = _moved(args[1:], here)
            return args[0].copy_(func(filled, *rest, **kwargs, generator=self.generator))
        drawn = func(*_moved(args, here), **kwargs, generator=self.generator)
        return _moved(drawn, wanted)


@cache
def _with_generator(func: Any) -> Callable[..., Any]:
    """The overload of an operation that takes the same arguments and a generator."""
    packet = func.overloadpacket
    same = [func, *(getattr(packet, name) for name in packet.overloads())]
    wanted = _argument_names(func) | {"generator"}
    found: Callable[..., Any] | None = next((o for o in same if _argument_names(o) == wanted), None)
    if found is None:
        raise InputError(f"{func} draws random numbers and takes no generator")
    return found


def _moved(values: Any, device: torch.device) -> Any:
    return tree_map_only(Tensor, lambda each: each.to(device), values)


def _argument_names(func: Any) -> set[str]:
    return {argument.name for argument in func._schema.arguments}
