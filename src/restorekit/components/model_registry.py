"""The registry of models, which also creates them with trained weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from restorekit.components import signatures, targets
from restorekit.components.argument_presets import split_preset
from restorekit.components.registry import Registry

if TYPE_CHECKING:
    from torch import nn

# As text, since this room knows what weights are called, but not how they are read.
_CREATE = "restorekit.weights.pretrained:create_pretrained"
_ARCHITECTURES = "restorekit.weights.pretrained:trained_architectures"
_LABEL = "models with trained weights"


class ModelRegistry(Registry["nn.Module"]):
    """The registry of models.

    Example:
        >>> model = restorekit.models.create("dncnn", channels=1, depth=3, width=4)
        >>> model(batch[:, :1]).shape
        torch.Size([2, 1, 32, 32])
    """

    def create(
        self,
        name: str,
        /,
        *given: Any,
        pretrained: bool | str | None = None,
        **arguments: Any,
    ) -> nn.Module:
        """Create the model `name`, after a check of the arguments against its signature.

        Args:
            name: the registered name, or NAME:PRESET ("nafnet:w32").
            given: nothing, for models.
            pretrained: the trained weights to load: a name, or whatever `load_model` takes, or True
                for the default ones of the architecture. An argument of this name that the model
                itself has goes first.
            arguments: the arguments of the model. With `pretrained`, they are those on the card of
                the weights, and must agree with them if they are given.

        Raises:
            UnknownNameError: the name is unknown.
            ArgumentError: an argument is unknown, missing or cannot be used, or the weights are of
                another architecture, or trained with other arguments.
            CheckpointError: there are no such weights, or they cannot be loaded.
            PluginError: its target fails, or returns another kind of object.

        Example:
            >>> restorekit.create_model("swift", pretrained="swift-photo").channels
            3
        """
        name, arguments = split_preset(name, arguments)
        if pretrained is not None and self._has_argument(name, "pretrained"):
            arguments["pretrained"] = pretrained
        elif pretrained is not None and pretrained is not False:
            make: Any = targets.import_target(_CREATE, _LABEL)
            return make(name, pretrained, arguments)  # type: ignore[no-any-return]
        return super().create(name, *given, **arguments)

    def names(
        self,
        pattern: str | Iterable[str] = "*",
        *more: str,
        tag: str | Iterable[str] | None = None,
        pretrained: bool = False,
    ) -> list[str]:
        """The names that match any of the shell patterns, sorted, including those of plugins.

        Args:
            pattern: a shell pattern, or several of them.
            more: further patterns.
            tag: only models with this tag, or with all of several.
            pretrained: only models for which there are trained weights by name.

        Example:
            >>> restorekit.list_models("f*net", tag="convolutional")
            ['ffdnet']
            >>> restorekit.list_models(pretrained=True)
            ['swift']
        """
        found = super().names(pattern, *more, tag=tag)
        if not pretrained:
            return found
        trained: Any = targets.import_target(_ARCHITECTURES, _LABEL)
        return sorted({*found} & trained())

    def _has_argument(self, name: str, argument: str) -> bool:
        return argument in {each.name for each in signatures.arguments(self.configurable(name))}
