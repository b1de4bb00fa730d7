"""Named noises that are compositions of others with given arguments."""

from __future__ import annotations

from restorekit.noise.additive import Gaussian, Uniform
from restorekit.noise.camera import Camera
from restorekit.noise.compose import OneOf
from restorekit.noise.demosaicing import Demosaicing
from restorekit.noise.filtered_noise import Coarse, Sharpened, Smoothed
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


def developed(
    shot: float | tuple[float, float] = (2e-5, 1e-2),
    gamma: float | tuple[float, float] = (1.8, 2.6),
    exposure: float | tuple[float, float] = 1.0,
) -> Sharpened:
    """Camera noise after all that cameras do to a picture: a different camera for each sample.

    `camera` with several methods of demosaicing, which is made coarse for 30 % of the samples,
    smoothed in flat areas for 25 %, and sharpened for 30 %. Clips to [0, 1].

    Args:
        shot: As of `camera`.
        gamma: As of `camera`.
        exposure: As of `camera`.

    Raises:
        ValueError: as of `camera`.

    Example:
        >>> noise = restorekit.create_noise("developed", shot=0.001)
        >>> noise(batch).noisy.shape
        torch.Size([2, 3, 32, 32])
    """
    methods: dict[Demosaicing, float] = {
        "none": 0.15,
        "bilinear": 0.35,
        "malvar": 0.4,
        "nearest": 0.1,
    }
    camera = Camera(shot, gamma=gamma, exposure=exposure, demosaicing=methods, gray_sensor=0.7)
    coarse = Coarse(camera, radius=(0.8, 4.0), share=0.3)
    return Sharpened(Smoothed(coarse, share=0.25), share=0.3, clip=True)
