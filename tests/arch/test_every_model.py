"""Properties of every registered network; a new one is tested as soon as it is registered."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from restorekit import create_model, list_models, models
from restorekit.errors import ArgumentError, InputError
from restorekit.records import as_restoration

# Those of this package: what else is installed must not decide whether its tests pass.
OWN = [name for name in list_models() if models.entry(name).provider.distribution == "restorekit"]
LEVEL = torch.full((1, 1, 1, 1), 0.1)
# Those without weights have nothing to train, convert, compile or export, and take any channels:
# what they promise is tested in test_classical.py.
NETWORKS = [name for name in OWN if "classical" not in models.entry(name).component.tags]
every_model = pytest.mark.parametrize("name", NETWORKS)


def make(name: str, channels: int = 3, seed: int = 0) -> nn.Module:
    """A model of default arguments and known weights, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return create_model(name, channels=channels).eval()


cached = cache(make)


def picture(*shape: int, seed: int = 0) -> Tensor:
    """A batch in [0, 1]."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def restored(model: nn.Module, noisy: Tensor) -> Tensor:
    """The image that a model returns for a batch and a noise level."""
    return as_restoration(model(noisy, sigma=LEVEL)).image


class ImageOnly(nn.Module):
    """A model that returns only the image, as an exported graph must."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("level", LEVEL)

    def forward(self, noisy: Tensor) -> Tensor:
        return as_restoration(self.model(noisy, sigma=self.level)).image


@every_model
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_declares_channels_and_size_multiple(name: str, channels: int) -> None:
    """The attributes `channels` and `size_multiple` state what the model accepts."""
    model = cached(name, channels)
    assert model.channels == channels
    assert isinstance(model.size_multiple, int)
    assert model.size_multiple >= 1


@every_model
@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 40), width=st.integers(1, 40), channels=st.sampled_from([1, 3]))
def test_takes_any_size(name: str, height: int, width: int, channels: int) -> None:
    """For any height and width, the image keeps its shape and type and is finite."""
    noisy = picture(1, channels, height, width)
    image = restored(cached(name, channels), noisy)
    assert image.shape == noisy.shape
    assert image.dtype == noisy.dtype
    assert bool(image.isfinite().all())


@every_model
def test_bfloat16_autocast_is_close_to_float32(name: str) -> None:
    """Under autocast the result is float32 and within two percent."""
    noisy = picture(2, 3, 33, 40)
    plain = restored(cached(name), noisy)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = restored(cached(name), noisy)
    assert mixed.dtype == torch.float32
    assert not torch.equal(mixed, plain)
    assert (mixed - plain).square().mean().sqrt() < 0.02 * plain.square().mean().sqrt()


@every_model
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_runs_in_its_own_precision(name: str, dtype: torch.dtype) -> None:
    """A model converted to a dtype accepts and returns that dtype."""
    image = restored(make(name).to(dtype), picture(1, 3, 20, 20).to(dtype))
    assert image.dtype == dtype
    assert bool(image.isfinite().all())


@every_model
@pytest.mark.parametrize("mixed", [False, True])
def test_gradient_reaches_every_parameter(name: str, mixed: bool) -> None:
    """In training each parameter gets a finite gradient that is not all zero, in bfloat16 too."""
    model = make(name).train()
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        output = as_restoration(model(picture(2, 3, 32, 24), sigma=LEVEL))
    sum(x.square().mean() for x in (output.image, *output.extras.values())).backward()
    for place, parameter in model.named_parameters():
        assert parameter.grad is not None, place
        assert bool(parameter.grad.isfinite().all()), place
        assert bool(parameter.grad.any()), place


@every_model
def test_channels_last_gives_the_same(name: str) -> None:
    """The memory format changes the speed, not the image."""
    noisy = picture(2, 3, 21, 34)
    last = make(name).to(memory_format=torch.channels_last)
    image = restored(last, noisy.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(image, restored(cached(name), noisy), rtol=1e-4, atol=1e-5)


@every_model
def test_eval_is_deterministic(name: str) -> None:
    """The same batch gives the same image, independently of torch's generator."""
    noisy = picture(1, 3, 17, 19)
    first = restored(cached(name), noisy)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        assert torch.equal(restored(cached(name), noisy), first)


@every_model
def test_eval_treats_samples_alone(name: str) -> None:
    """An image is restored the same alone and in a batch with others."""
    noisy = picture(3, 3, 24, 24)
    together, alone = restored(cached(name), noisy)[1:2], restored(cached(name), noisy[1:2])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@every_model
def test_leaves_its_input_alone(name: str) -> None:
    """The noisy batch is not modified."""
    noisy = picture(1, 3, 16, 16)
    before = noisy.clone()
    restored(cached(name), noisy)
    assert torch.equal(noisy, before)


@every_model
def test_weights_survive_safetensors(name: str, tmp_path: Path) -> None:
    """Saved and loaded into a model with other weights, they give exactly the same image."""
    model, other = make(name, seed=0), make(name, seed=1)
    noisy, file = picture(1, 3, 16, 24), tmp_path / "weights.safetensors"
    assert not torch.equal(restored(other, noisy), restored(model, noisy))
    save_file(model.state_dict(), file)
    other.load_state_dict(load_file(file))
    assert torch.equal(restored(other, noisy), restored(model, noisy))


@every_model
def test_compiles_as_one_graph(name: str) -> None:
    """torch.compile captures the model without a graph break, and the image is the same."""
    model, noisy = make(name), picture(1, 3, 20, 27)
    compiled = torch.compile(ImageOnly(model), backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(noisy), restored(model, noisy))


@every_model
def test_one_exported_graph_serves_many_sizes(name: str) -> None:
    """A graph exported at one size restores others, multiples of `size_multiple` or not."""
    model, dynamic = make(name), torch.export.Dim.DYNAMIC
    exported = torch.export.export(
        ImageOnly(model), (picture(2, 3, 37, 45),), dynamic_shapes=({2: dynamic, 3: dynamic},)
    ).module()
    for height, width in ((64, 64), (51, 40), (43, 70)):
        noisy = picture(2, 3, height, width)
        torch.testing.assert_close(exported(noisy), restored(model, noisy))


@every_model
@pytest.mark.parametrize(("made_for", "given"), [(3, 1), (1, 3), (3, 4)])
def test_wrong_channels_are_refused(name: str, made_for: int, given: int) -> None:
    """The message has the channels of the batch and the model, and how to make one that fits."""
    with pytest.raises(InputError) as caught:
        cached(name, made_for)(picture(1, given, 16, 16))
    message = str(caught.value)
    assert "\n" not in message
    assert f"{given} channels" in message
    assert f"(B, {made_for}, H, W)" in message
    assert f"create_model('{name}', channels={given})" in message


@every_model
@pytest.mark.parametrize(
    ("shape", "fact"),
    [
        ((3, 16, 16), "image[None]"),
        ((16, 16), "2 dimensions"),
        ((1, 1, 3, 16, 16), "5 dimensions"),
        ((1, 3, 0, 16), "at least 1"),
    ],
)
def test_wrong_shapes_are_refused(name: str, shape: tuple[int, ...], fact: str) -> None:
    """A missing batch dimension, another rank or an empty image is named, in one line."""
    with pytest.raises(InputError) as caught:
        cached(name)(torch.zeros(shape))
    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


@every_model
def test_integers_are_refused(name: str) -> None:
    """An 8-bit batch is refused, because values in [0, 1] are expected."""
    with pytest.raises(InputError, match="divide 8-bit images by 255"):
        cached(name)(torch.zeros(1, 3, 16, 16, dtype=torch.uint8))


@every_model
def test_no_channels_are_refused(name: str) -> None:
    """A model of zero channels cannot be made."""
    with pytest.raises(ArgumentError, match="'channels' must be at least 1, not 0"):
        create_model(name, channels=0)


@every_model
def test_published_reference_is_named(name: str) -> None:
    """The docstring of the class links the paper and describes each argument."""
    description = models.describe(name)
    assert "https://" in description.reference
    assert description.reference.rpartition("https://")[2] in description.doc
    assert all(argument.description for argument in description.arguments)
