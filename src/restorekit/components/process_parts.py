"""The parts of process-wide state, and how each of them is read and restored."""

from __future__ import annotations

import logging
import operator
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

RANDOM = "the random state"
_MISSING = object()


@dataclass(frozen=True)
class Part:
    """A part of the process-wide state.

    Attributes:
        name: what it is called in messages.
        module: the module it belongs to; before that is loaded there is nothing to read.
        read: gives its value, given the module.
        write: puts a value back, given the module.
        same: whether two values are the same.
    """

    name: str
    module: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], object]
    same: Callable[[Any, Any], bool] = operator.eq


def _attributes(name: str, module: str, *attributes: str) -> Part:
    def write(owner: object, values: tuple[object, ...]) -> None:
        for attribute, value in zip(attributes, values, strict=True):
            setattr(owner, attribute, value)

    return Part(name, module, lambda owner: tuple(getattr(owner, a) for a in attributes), write)


def _torch(name: str, reader: str, writer: str) -> Part:
    """A setting that one function of torch returns and another one sets."""
    return Part(
        name,
        "torch",
        lambda torch: getattr(torch, reader)(),
        lambda torch, value: getattr(torch, writer)(value),
    )


def _kept(before: Mapping[Any, Any], now: Mapping[Any, Any]) -> bool:
    """Whether all earlier values are unchanged; new ones may have been added."""
    return all(now.get(key, _MISSING) == value for key, value in before.items())


def _directory(_: object) -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


def _set_directory(_: object, folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _set_search_path(_: object, value: tuple[list[str], tuple[str, ...]]) -> None:
    # Both the list object and its content: a plugin may replace the one or change the other.
    sys.path, sys.path[:] = value


def _set_environment(_: object, before: dict[str, str]) -> None:
    for name in _foreign_variables(os.environ, before):
        del os.environ[name]
    os.environ.update(before)


def _same_environment(before: dict[str, str], now: dict[str, str]) -> bool:
    return _kept(before, now) and not _foreign_variables(now, before)


def _foreign_variables(now: Iterable[str], before: dict[str, str]) -> list[str]:
    """The new variables but those that torch itself sets when its compiler is imported."""
    return [v for v in now if v not in before and not v.startswith("TORCHINDUCTOR_")]


def _set_filters(_: Any, value: tuple[list[Any], tuple[Any, ...]]) -> None:
    warnings.filters, content = value
    warnings.resetwarnings()  # also clears Python's cache of the filters
    value[0][:] = content


def _same_filters(before: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    """Whether the general filters are equal and override no more of the others than before.

    Many libraries add filters for their own warnings.
    """
    earlier, later = _overridden(before[1], before[1]), _overridden(now[1], before[1])
    return [rule for rule, _ in earlier] == [rule for rule, _ in later] and all(
        after <= before for (_, before), (_, after) in zip(earlier, later, strict=True)
    )


def _overridden(rules: tuple[Any, ...], known: tuple[Any, ...]) -> list[tuple[Any, set[Any]]]:
    """Each general filter with the known filters after it, which have no effect."""
    return [
        (rule, {other for other in rules[place + 1 :] if other in known})
        for place, rule in enumerate(rules)
        if _is_broad(rule)
    ]


def _is_broad(rule: tuple[object, ...]) -> bool:
    _, message, category, module, _ = rule
    patterns = [p for p in (message, module) if p is not None]
    matches_all = all(p.match("") for p in patterns if hasattr(p, "match"))
    return matches_all and category.__module__ == "builtins"


def _handlers(signal: Any) -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(signal: Any, before: dict[int, Any]) -> None:
    for number, handler in before.items():
        # None stands for a handler that was not set from Python, which Python cannot set again.
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def _loggers(_: object) -> dict[object, object]:
    manager = logging.root.manager
    known = [each for each in manager.loggerDict.values() if isinstance(each, logging.Logger)]
    return {"disabled": manager.disable} | {
        each: (each.level, each.disabled, each.propagate, [*each.handlers], [*each.filters])
        for each in (logging.root, *known)
    }


def _set_loggers(_: Any, before: dict[Any, Any]) -> None:
    logging.disable(before["disabled"])
    for logger, value in before.items():
        if isinstance(logger, logging.Logger):
            level, logger.disabled, logger.propagate, logger.handlers[:], logger.filters[:] = value
            logger.setLevel(level)


def _set_device(torch: Any, device: Any) -> None:
    # None removes torch's mode for the device, which would make each call slower.
    torch.set_default_device(None if device.type == "cpu" else device)


def _cudnn(torch: Any) -> tuple[bool, bool, bool]:
    flags = torch.backends.cudnn
    return flags.enabled, flags.benchmark, flags.deterministic


def _set_cudnn(torch: Any, value: tuple[bool, bool, bool]) -> None:
    flags = torch.backends.cudnn
    flags.enabled, flags.benchmark, flags.deterministic = value


def _set_torch_generator(torch: Any, state: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


PARTS = (
    Part("the working directory", "os", _directory, _set_directory),
    Part("sys.path", "sys", lambda sys: (sys.path, tuple(sys.path)), _set_search_path),
    Part("the environment", "os", lambda _: dict(os.environ), _set_environment, _same_environment),
    Part(
        "the warning filters",
        "warnings",
        lambda warnings: (warnings.filters, tuple(warnings.filters)),
        _set_filters,
        _same_filters,
    ),
    _attributes("how warnings are shown", "warnings", "showwarning", "formatwarning"),
    Part("logging", "logging", _loggers, _set_loggers, _kept),
    Part("the signal handlers", "signal", _handlers, _set_handlers),
    Part(
        "the locale",
        "locale",
        lambda locale: locale.setlocale(locale.LC_ALL),
        lambda locale, value: locale.setlocale(locale.LC_ALL, value),
    ),
    _attributes("the standard streams", "sys", "stdin", "stdout", "stderr"),
    _attributes("how exceptions are shown", "sys", "excepthook"),
    Part(
        "the recursion limit",
        "sys",
        lambda sys: sys.getrecursionlimit(),
        lambda sys, value: sys.setrecursionlimit(value),
    ),
    Part(
        "the built-in functions",
        "builtins",
        lambda builtins: dict(vars(builtins)),
        lambda builtins, value: vars(builtins).update(value),
        _kept,
    ),
    Part(
        "garbage collection",
        "gc",
        lambda gc: gc.isenabled(),
        lambda gc, on: gc.enable() if on else gc.disable(),
    ),
    _attributes("Pillow's limits", "PIL.Image", "MAX_IMAGE_PIXELS"),
    _attributes("Pillow's limits", "PIL.ImageFile", "LOAD_TRUNCATED_IMAGES"),
    Part(
        "numpy's treatment of errors",
        "numpy",
        lambda numpy: numpy.geterr(),
        lambda numpy, value: numpy.seterr(**value),
    ),
    _torch("the default dtype", "get_default_dtype", "set_default_dtype"),
    Part("the default device", "torch", lambda torch: torch.get_default_device(), _set_device),
    _torch("grad mode", "is_grad_enabled", "set_grad_enabled"),
    _torch("the number of threads", "get_num_threads", "set_num_threads"),
    _torch(
        "the precision of matrix products",
        "get_float32_matmul_precision",
        "set_float32_matmul_precision",
    ),
    Part(
        "deterministic algorithms",
        "torch",
        lambda torch: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda torch, value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
    ),
    Part("cuDNN's settings", "torch", _cudnn, _set_cudnn),
    Part(
        "autocast",
        "torch",
        lambda torch: torch.is_autocast_enabled("cpu"),
        lambda torch, value: torch.set_autocast_enabled("cpu", value),
    ),
    # Last, as reading and writing them follows the parts above.
    Part(
        RANDOM,
        "random",
        lambda random: random.getstate(),
        lambda random, value: random.setstate(value),
    ),
    Part(
        RANDOM,
        "numpy.random",
        # As bytes, because the state has an array, which == does not compare to one boolean.
        lambda random: pickle.dumps(random.get_state()),
        lambda random, value: random.set_state(pickle.loads(value)),
    ),
    Part(
        RANDOM,
        "torch",
        lambda torch: torch.get_rng_state().numpy().tobytes(),
        _set_torch_generator,
    ),
)
