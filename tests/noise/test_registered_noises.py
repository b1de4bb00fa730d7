"""Properties of every registered noise; a new one is tested as soon as it is registered."""

from __future__ import annotations

import pytest
import torch

from restorekit.components.kinds import noises
from restorekit.errors import InputError
from restorekit.records import as_degraded

GAUSSIAN = {"name": "gaussian", "std": [0.1, 0.3]}
REQUIRED = {"noises": [GAUSSIAN, "salt_and_pepper"], "noise": GAUSSIAN}


@pytest.fixture(params=noises.names())
def noise(request):
    """Each noise with its defaults, and values for its required arguments."""
    needed = [a.name for a in noises.describe(request.param).arguments if a.required]
    return noises.create(request.param, **{name: REQUIRED[name] for name in needed})


def seeded(seed: int = 7) -> torch.Generator:
    """A generator of that seed."""
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("count", [1, 6])
def test_shape_dtype_and_device_stay(noise, channels, dtype, count):
    """Gray and colour, one sample and several, in every floating dtype."""
    clean = torch.rand(count, channels, 16, 24, generator=seeded()).to(dtype)
    if channels not in (noise.takes_channels or (channels,)):
        with pytest.raises(InputError, match=f"channels, got {channels}"):
            noise(clean, seeded())
        return
    degraded = as_degraded(noise(clean, seeded()))
    assert degraded.noisy.shape == clean.shape
    assert degraded.noisy.dtype == dtype
    assert degraded.noisy.device == clean.device
    assert degraded.noisy.isfinite().all()
    if degraded.sigma is not None:
        assert degraded.sigma.expand(count, 1, 16, 24).isfinite().all()
        assert (degraded.sigma >= 0).all()


def test_the_input_is_left_alone(noise):
    """The clean batch is the target of the training, so it must not be modified."""
    clean = torch.rand(8, 3, 16, 16, generator=seeded())
    before = clean.clone()
    noisy = as_degraded(noise(clean, seeded())).noisy
    assert torch.equal(clean, before)
    assert not torch.equal(noisy, clean)


def test_the_generator_decides_everything(noise):
    """The same seed gives the same noise, another seed another; torch's own state is not used."""
    clean = torch.rand(8, 3, 16, 16, generator=seeded())
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = as_degraded(noise(clean, seeded(1))).noisy
        torch.manual_seed(2)
        assert torch.equal(as_degraded(noise(clean, seeded(1))).noisy, first)
    assert not torch.equal(as_degraded(noise(clean, seeded(2))).noisy, first)


def test_samples_get_different_noise(noise):
    """Equal samples of one batch do not stay equal."""
    clean = torch.rand(1, 3, 16, 16, generator=seeded()).expand(8, 3, 16, 16)
    noisy = as_degraded(noise(clean, seeded())).noisy
    assert len({sample.numpy().tobytes() for sample in noisy}) == 8


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


@pytest.mark.parametrize(
    "name",
    # All but JPEG, whose codec needs the values, and those that select samples.
    sorted({*noises.names()} - {"jpeg", "one_of", "classic_mixture"}),
)
def test_nothing_is_read_back(name):
    """A batch gets its noise without waiting for the device: it works where values do not exist."""
    needed = [a.name for a in noises.describe(name).arguments if a.required]
    made = noises.create(name, **{argument: REQUIRED[argument] for argument in needed})
    assert as_degraded(made(torch.zeros(4, 3, 24, 32, device="meta"))).noisy.device.type == "meta"
