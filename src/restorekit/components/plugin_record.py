"""What is known of a plugin after it was loaded."""

from __future__ import annotations

from dataclasses import dataclass, field

from restorekit.components.component_records import Provider


@dataclass
class Plugin:
    """The result of loading one entry point.

    Attributes:
        name: the entry point's name.
        provider: the distribution and its version.
        module: what the entry point names.
        cause: why it was set aside, None if it is loaded.
        components: the names it brought, by kind.
        hooks: the other hooks it implements, those of training for example.
        faults: why single components were set aside, a line each; the others are used.
        changed: what it changed of the process's state when it was loaded, which was undone.

    Example:
        >>> [plugin.components for plugin in restorekit.loaded_plugins() if plugin.cause]
        []
    """

    name: str
    provider: Provider
    module: str
    cause: str | None = None
    components: dict[str, list[str]] = field(default_factory=dict)
    hooks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def complaint(self) -> str | None:
        """The problem in one line; None if there is none."""
        faults = [f"was set aside: {self.cause}"] if self.cause else []
        faults += [f"has a component that was set aside: {fault}" for fault in self.faults]
        if self.changed:
            faults.append(f"changed {', '.join(self.changed)}, which was undone")
        return f"{self.label} {'; it '.join(faults)}" if faults else None

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"plugin '{self.name}' of {self.provider}"

    @property
    def key(self) -> str:
        """Its name for pluggy, which silently drops a second plugin of the same name."""
        return f"{self.provider.distribution}:{self.name}"
