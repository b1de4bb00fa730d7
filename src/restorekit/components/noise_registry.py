"""The registry of noises, which also reads formulas and short forms of noises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from restorekit.components.component_records import CheckedComponent
from restorekit.components.noise_texts import read_noise_text, read_one_noise
from restorekit.components.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    _Base = Registry[nn.Module]
else:
    _Base = Registry

Spec = dict[str, object]


class NoiseRegistry(_Base):
    """The registry of noises. Wherever it takes a name, it also takes a formula or a short form.

    Example:
        >>> restorekit.create_noise("0.5*gaussian(std=0.1) + 0.5*uniform | jpeg(quality=[60, 95])")
        Chain(
          (noises): ModuleList(
            (0): OneOf(
              weights=(0.5, 0.5)
              (noises): ModuleList(
                (0): Gaussian(std=(0.1, 0.1), clip=False)
                (1): Uniform(amplitude=(0.2, 0.2), clip=False)
              )
            )
            (1): JPEG(quality=(60, 95), halved_colour=0.5)
          )
        )
    """

    def read(self, text: str) -> Spec:
        """The component of a text as {"name": ..., argument: ...}; several become a `one_of`.

        Args:
            text: a name, `name:VALUE`, a formula or JSON.

        Raises:
            ArgumentError: the text cannot be read.
            UnknownNameError: no noise is called that.

        Example:
            >>> restorekit.noises.read("gaussian:51")
            {'name': 'gaussian', 'std': 0.2}
        """
        return {"name": text} if self.form.fullmatch(text) else read_one_noise(text, self)

    def read_all(self, text: str) -> list[tuple[str, Spec]]:
        """The components of a text, each with a label that can be read again.

        Raises:
            ArgumentError: the text cannot be read.
            UnknownNameError: no noise is called that.

        Example:
            >>> [label for label, _ in restorekit.noises.read_all("gaussian:15,25")]
            ['gaussian:15', 'gaussian:25']
        """
        return read_noise_text(text, self)

    def check(self, name: str, arguments: Mapping[str, object]) -> CheckedComponent:
        """The noise called `name`, or that of a formula, with arguments that fit it.

        Args:
            name: a name, or whatever `read` takes.
            arguments: more arguments, which replace those of a formula.

        Raises:
            UnknownNameError: nothing is called that.
            ArgumentError: an argument is unknown, missing or cannot be used, or the formula cannot
                be read.
            PluginError: its target cannot be imported.
        """
        # A name that is wrong keeps the registry's own error, with the nearest name.
        spec = self.read(name) if _is_more_than_a_name(name) else {"name": name}
        found = str(spec.pop("name"))
        return super().check(found, {**spec, **arguments})


def _is_more_than_a_name(text: object) -> bool:
    return isinstance(text, str) and any(sign in text for sign in ":{(|+*")
