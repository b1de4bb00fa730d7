"""Named noises that are compositions of others with given arguments."""

from __future__ import annotations

from restorekit.noise.additive import Gaussian, Uniform
from restorekit.noise.compose import OneOf
from restorekit.noise.impulse import SaltAndPepper


def classic_mixture() -> OneOf:
    """Gaussian, salt-and-pepper or uniform noise, equally likely for each sample.

    The mixture of the system restorekit grew out of: Gaussian of standard deviation 0.1, 3 % of
    the pixels salt or pepper, or uniform between -0.2 and 0.2. None of the three clips.

    Example:
        >>> noise = restorekit.create_noise("classic_mixture")
        >>> [type(each).__name__ for each in noise.noises]
        ['Gaussian', 'SaltAndPepper', 'Uniform']
    """
    return OneOf([Gaussian(0.1), SaltAndPepper(0.03), Uniform(0.2)])
