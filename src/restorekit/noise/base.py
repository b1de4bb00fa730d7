"""Base class of noise models: checks the batch, and brings the result to its type and range."""

from __future__ import annotations

import inspect
from typing import ClassVar

from torch import Generator, Tensor, nn

from restorekit.errors import InputError
from restorekit.noise.parameters import Draws, check_clean_batch
from restorekit.records import Degraded, as_degraded


class Noise(nn.Module):
    """Base class of noise models.

    A subclass keeps the arguments of its constructor as attributes of the same names and implements
    `corrupt`. It may compute in float32 whatever the batch has: the result is converted.

    Attributes:
        clip: whether noisy values are clipped to [0, 1]; a subclass may take it as an argument.
        takes_channels: the numbers of channels that it can corrupt; None for any.

    Example:
        >>> from restorekit.noise.base import Noise
        >>> class Darken(Noise):
        ...     def __init__(self, share: float = 0.5) -> None:
        ...         super().__init__()
        ...         self.share = share
        ...     def corrupt(self, clean, draw):
        ...         return clean * (1 - draw.parameter((0.0, self.share)))
        >>> Darken()
        Darken(share=0.5)
        >>> Darken()(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """

    clip: bool = False
    takes_channels: ClassVar[tuple[int, ...] | None] = None

    def forward(self, clean: Tensor, generator: Generator | None = None) -> Degraded:
        """Corrupt each sample of a batch.

        Args:
            clean: (B, C, H, W) in [0, 1].
            generator: source of the random numbers, on the device of `clean`; torch's own if None.

        Returns:
            The noisy batch in the dtype of `clean`, and the noise's standard deviation for each
            sample, before clipping, where the noise has one that is known.

        Raises:
            InputError: `clean` or `generator` cannot be used, or the noise does not take that many
                channels.
        """
        check_clean_batch(clean, generator)
        if self.takes_channels is not None and clean.shape[1] not in self.takes_channels:
            counts = " or ".join(map(str, self.takes_channels))
            name = type(self).__name__
            raise InputError(f"{name} noise is for {counts} channels, got {clean.shape[1]}")
        made = as_degraded(self.corrupt(clean, Draws(clean, generator)))
        # Clipped before the conversion, since half precision could round beyond 1.
        noisy = made.noisy.clamp(0.0, 1.0) if self.clip else made.noisy
        sigma = None if made.sigma is None else made.sigma.to(clean.dtype)
        return Degraded(noisy.to(clean.dtype), sigma)

    def corrupt(self, clean: Tensor, draw: Draws) -> Degraded | Tensor:
        """The noisy batch (B, C, H, W), with its standard deviation where that is known.

        Args:
            clean: a floating point batch (B, C, H, W) in [0, 1], not to be written to.
            draw: the source of every random number.
        """
        raise NotImplementedError

    def pooled(self, values: Tensor, is_map: bool = False) -> Tensor:
        """The mean of each sample, of which a noise that depends on the brightness makes sigma.

        Args:
            values: (B, C, H, W).
            is_map: whether to keep the pixels apart.

        Returns:
            (B, 1, 1, 1), or the mean of the channels of each pixel, (B, 1, H, W).
        """
        return values.mean(1 if is_map else (1, 2, 3), keepdim=True)

    def extra_repr(self) -> str:
        """The arguments, shown when the module is printed."""
        names = inspect.signature(type(self)).parameters
        values = {name: getattr(self, name) for name in names if hasattr(self, name)}
        plain = {name: v for name, v in values.items() if not isinstance(v, nn.Module)}
        return ", ".join(f"{name}={value}" for name, value in plain.items())
