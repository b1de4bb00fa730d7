"""The exceptions and warnings of restorekit, and helpers for their messages."""

from __future__ import annotations

import difflib
import pickle
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from restorekit.untrusted.text import first_lines, one_line


class RestoreKitError(Exception):
    """Base class of every error that a user can cause.

    The message states what is wrong, where, and the closest valid choice. It is one line of at most
    1,000 characters: line breaks and other control characters are escaped, and a longer text is
    shortened in the middle.

    Example:
        >>> try:
        ...     restorekit.denoise("missing.png")
        ... except restorekit.RestoreKitError as error:
        ...     print(error)
        cannot read 'missing.png': it does not exist.
    """

    component: object = None  # the checked component that raised it, where one did
    key: str = ""  # the key of a configuration whose value is wrong, where it is known

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(one_line(a) if isinstance(a, str) else a for a in arguments))

    def __reduce__(self) -> tuple[Any, ...]:
        """What pickling stores: an error passes between processes, whatever caused it."""
        reduced: Any = super().__reduce__()
        made, arguments, *states = reduced
        # For example, the component may be a function that only this process has.
        state = {k: v for each in states for k, v in each.items() if _can_be_pickled(v)}
        return made, arguments, state

    def put(self, message: str) -> None:
        """Replace the message, by one that also states the place in a configuration."""
        self.args = (one_line(message),)


class UnknownNameError(RestoreKitError, LookupError):
    """No component of this kind has the requested name.

    Example:
        >>> restorekit.create_noise("gausian")
        Traceback (most recent call last):
            ...
        restorekit.errors.UnknownNameError: unknown noise 'gausian'. Did you mean 'gaussian'? ...
    """


class NameTakenError(RestoreKitError, ValueError):
    """A component of this kind with the same name already exists.

    Example:
        >>> @restorekit.noises.register("gaussian")
        ... def zero_noise():
        ...     return torch.nn.Identity()
        Traceback (most recent call last):
            ...
        restorekit.errors.NameTakenError: noise 'gaussian' of ... is already provided by
        restorekit ...
    """


class ArgumentError(RestoreKitError, ValueError):
    """An argument is unknown, missing, or has an invalid value.

    Example:
        >>> restorekit.create_noise("gaussian", sigma=0.1)
        Traceback (most recent call last):
            ...
        restorekit.errors.ArgumentError: noise 'gaussian': unknown argument 'sigma'.
        It takes: std, clip
    """

    faults: tuple[str, ...] = ()  # each reason alone, where several arguments were checked


class InputError(RestoreKitError, ValueError):
    """An image, batch or tensor has an unsupported shape, type or range of values.

    Example:
        >>> restorekit.denoise(np.zeros((0, 16), np.uint8))
        Traceback (most recent call last):
            ...
        restorekit.errors.InputError: the image is empty: its shape is (0, 16)
    """


class DataError(RestoreKitError):
    """A dataset is missing, empty or damaged.

    Example:
        >>> restorekit.create_dataset("folder", path="missing")
        Traceback (most recent call last):
            ...
        restorekit.errors.DataError: folder 'missing' does not exist.
    """


class ImageFileError(RestoreKitError):
    """A picture file cannot be read or written.

    Example:
        >>> restorekit.denoise("missing.png")
        Traceback (most recent call last):
            ...
        restorekit.errors.ImageFileError: cannot read 'missing.png': it does not exist.
    """


class CheckpointError(RestoreKitError):
    """A weights file is missing, damaged, of an unknown format, or does not match the model.

    Example:
        >>> restorekit.load_model("swift-foto")
        Traceback (most recent call last):
            ...
        restorekit.errors.CheckpointError: swift-foto: no such weights file.
        Did you mean 'swift-photo'? ...
    """


class DivergenceError(RestoreKitError, ArithmeticError):
    """Training diverged: the loss or the gradient was not finite too often.

    Example:
        >>> issubclass(restorekit.DivergenceError, ArithmeticError)
        True
    """


class InsufficientMemoryError(RestoreKitError, MemoryError):
    """An allocation failed; the message names the operation and what needs less memory.

    Example:
        >>> issubclass(restorekit.InsufficientMemoryError, MemoryError)
        True
    """


class PluginError(RestoreKitError):
    """A plugin failed to load, or its component failed.

    Example:
        >>> @restorekit.models.register("broken")
        ... def broken():
        ...     return "not a module"
        >>> restorekit.create_model("broken")
        Traceback (most recent call last):
            ...
        restorekit.errors.PluginError: model 'broken' of ... made 'not a module', ...
    """


class MissingExtraError(RestoreKitError, ImportError):
    """An optional dependency is not installed.

    Example:
        >>> issubclass(restorekit.MissingExtraError, ImportError)
        True
    """


class ConfigError(RestoreKitError, ValueError):
    """A configuration is invalid.

    The message lists the first 50 problems and the number of the others.

    Attributes:
        problems: every problem found, one line each.

    Example:
        >>> try:
        ...     restorekit.TrainConfig.from_dict({"modle": "swift", "dataset": "samples"})
        ... except restorekit.ConfigError as error:
        ...     print(error.problems)
        ('config: model: missing', "config: modle: unknown key. Did you mean 'model'?")
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(map(one_line, problems))
        # The tuple as the only argument, so that the exception can be pickled between processes.
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The lines of the message."""
        return first_lines(self.problems, "problems")


class PluginWarning(UserWarning):
    """A plugin was skipped; everything else works.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", restorekit.PluginWarning)
        ...     names = restorekit.list_models()
    """


class RestoreWarning(UserWarning):
    """An image was restored or a model trained, but not exactly as requested.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", restorekit.RestoreWarning)
        ...     restored = restorekit.denoise(image.astype(np.float32))
    """


def warn(message: str) -> None:
    """Issue a `RestoreWarning` that points at the caller's line outside restorekit."""
    # The depth of the stack inside restorekit varies, so a fixed stacklevel would be wrong.
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "restorekit":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RestoreWarning, stacklevel=level)


class OldSpellingWarning(DeprecationWarning):
    """A configuration uses a key or a name of the system that preceded restorekit.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", restorekit.OldSpellingWarning)
        ...     config = restorekit.TrainConfig.from_dict({"model": "dncnn", "dataset": "samples"})
    """


def in_one_line(error: BaseException) -> str:
    """An exception as one line: its message, after its class unless it is a `RestoreKitError`."""
    kind = "" if isinstance(error, RestoreKitError) else f"{type(error).__name__}: "
    return f"{kind}{message_of(error)}".removesuffix(": ")


def message_of(error: BaseException) -> str:
    """The message of any exception as one line of at most 200 characters."""
    try:
        return " ".join(str(error).split())[:200]
    except BaseException:  # `__str__` of another package may raise anything
        return "its message cannot be shown"


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The sentence " Did you mean 'x'?" with the closest choice, or "" if none is close."""
    # Compared in lower case, since "UNET" is nearer to "unet" than its letters suggest.
    by_lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # of many kinds
        return False
    return True
