"""Properties of every registered noise; a new one is tested as soon as it is registered.

What plugins promise as well is checked in `tests/testing/test_builtin_components.py`.
"""

from __future__ import annotations

import pytest
import torch

from restorekit.components.kinds import noises
from restorekit.errors import InputError
from restorekit.noise.resizing import Downscale
from restorekit.records import as_degraded

GAUSSIAN = {"name": "gaussian", "std": [0.1, 0.3]}
REQUIRED = {
    "noises": [GAUSSIAN, "salt_and_pepper"],
    "noise": GAUSSIAN,
    "augmentation": "RandomGaussianNoise",
}
# They need values: of pixels for a codec, of sizes, or of choices among samples. Kornia 0.8 reads
# which samples are changed.
READ_BACK = {"jpeg", "differentiable_jpeg", "downscale", "kornia", "one_of", "classic_mixture"}


@pytest.fixture(params=noises.names())
def noise(request):
    """Each noise with its defaults, and values for its required arguments."""
    needed = [a.name for a in noises.describe(request.param).arguments if a.required]
    return noises.create(request.param, **{name: REQUIRED[name] for name in needed})


def seeded(seed: int = 7) -> torch.Generator:
    """A generator of that seed."""
    return torch.Generator().manual_seed(seed)


def test_the_seed_decides_the_noise(noise):
    """Another seed gives other noise, on clean images that are not left as they are."""
    clean = torch.rand(8, 3, 16, 16, generator=seeded())
    first, second = (as_degraded(noise(clean, seeded(each))).noisy for each in (1, 2))
    assert not torch.equal(first, second)
    assert not torch.equal(first, clean)


def test_other_numbers_of_channels_are_refused(noise):
    """Where a noise is for some numbers of channels only."""
    if noise.takes_channels is not None:
        with pytest.raises(InputError, match="channels, got 5"):
            noise(torch.rand(1, 5, 16, 24), seeded())


def test_samples_get_different_noise(noise):
    """Equal samples of one batch do not stay equal; a size in whole pixels may come twice."""
    clean = torch.rand(1, 3, 16, 16, generator=seeded()).expand(8, 3, 16, 16)
    noisy = as_degraded(noise(clean, seeded())).noisy
    different = len({sample.numpy().tobytes() for sample in noisy})
    assert different == 8 or (isinstance(noise, Downscale) and different > 2)


def test_gradients_pass(noise):
    """Pixels that are not replaced pass their gradient."""
    clean = torch.rand(4, 3, 16, 16, generator=seeded()).requires_grad_()
    as_degraded(noise(clean, seeded())).noisy.sum().backward()
    assert clean.grad.isfinite().all()
    assert clean.grad.abs().sum() > 0


def test_a_foreign_generator_is_refused(noise):
    """A generator on another device is refused with a message of one line."""
    with pytest.raises(InputError, match="the generator is on cpu"):
        noise(torch.zeros(1, 3, 8, 8, device="meta"), seeded())


def test_nothing_but_batches_of_floats(noise):
    """A picture without a batch axis, and one of bytes, are refused."""
    with pytest.raises(InputError, match="shape"):
        noise(torch.zeros(3, 8, 8))
    with pytest.raises(InputError, match="uint8"):
        noise(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize("name", sorted({*noises.names()} - READ_BACK))
def test_nothing_is_read_back(name):
    """A batch gets its noise without waiting for the device: it works where values do not exist."""
    needed = [a.name for a in noises.describe(name).arguments if a.required]
    made = noises.create(name, **{argument: REQUIRED[argument] for argument in needed})
    assert as_degraded(made(torch.zeros(4, 3, 24, 32, device="meta"))).noisy.device.type == "meta"
