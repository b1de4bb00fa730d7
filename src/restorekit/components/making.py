"""From an entry of a registry to an object: arguments are checked, then the target is called."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager

from restorekit.components import signatures, targets
from restorekit.components.allocation import build_within_memory
from restorekit.components.argument_presets import with_preset
from restorekit.components.component_records import CheckedComponent, RegistryEntry, Target
from restorekit.components.isolation import attempt
from restorekit.errors import PluginError
from restorekit.untrusted.plain_data import find_unusable
from restorekit.untrusted.text import quoted

_OWN = "restorekit"  # the distribution


def check_arguments(
    entry: RegistryEntry, target: Target, arguments: Mapping[str, object]
) -> CheckedComponent:
    """A component with arguments that fit it.

    Args:
        entry: the component.
        target: its target, without the arguments that are not part of a configuration.
        arguments: what a configuration says; `preset` stands for arguments of the component.

    Raises:
        ArgumentError: an argument or preset is unknown, missing or cannot be used.
        PluginError: the signature cannot be read.
    """
    given = {k: _path_as_text(v) for k, v in with_preset(entry, arguments).items()}
    with attempt(lambda error: f"{entry.label}: {error}"):
        known = signatures.arguments(target)
    if (unusable := find_unusable(given)) is not None:
        raise signatures.unfit_arguments(entry.qualified_name, [unusable])
    values = signatures.validate(target, given, entry.qualified_name)
    # Defaults too: a checkpoint must not change its meaning when a default does.
    defaults = {a.name: a.default for a in known if not a.required}
    return CheckedComponent(entry, target, {**defaults, **given}, values)


def make_object(
    checked: CheckedComponent, target: Target, *, needs: tuple[str, ...], of_tensors: bool
) -> object:
    """Make a checked component.

    Args:
        checked: the component and its arguments.
        target: what is called with them.
        needs: the attributes that the object must have.
        of_tensors: building it allocates little but tensors.

    Raises:
        ArgumentError: the target refuses the value of an argument.
        PluginError: the target fails, or the object lacks an attribute.
    """
    entry = checked.entry

    def make() -> object:
        return targets.call_target(target, checked.values, entry.qualified_name, entry.label)

    with undoing_changes(entry, with_random=False):  # weights are drawn from the random state
        # A trial on the meta device would read the files of a dataset twice.
        made = build_within_memory(make, entry.qualified_name) if of_tensors else make()
    if (attribute := targets.lacking(made, needs)) is not None:
        raise PluginError(
            f"{entry.label} made {quoted(made)}, which is not a valid {entry.kind}: "
            f"it has no {attribute}"
        )
    return made


def undoing_changes(
    entry: RegistryEntry, *, with_random: bool = True
) -> AbstractContextManager[None]:
    """Within the block, undo changes of process-wide state by a plugin, with a warning."""
    # Built-in components change nothing, and the comparison takes milliseconds.
    if entry.provider.distribution == _OWN:
        return contextlib.nullcontext()
    return targets.undo_changes(entry.label, with_random=with_random)


def _path_as_text(value: object) -> object:
    """A path as text, so that it can be written to the card of a checkpoint."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value
