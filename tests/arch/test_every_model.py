"""Properties of every registered network; a new one is tested as soon as it is registered.

What plugins promise as well is checked in `tests/testing/test_builtin_components.py`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
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
    """A model of its preset "tiny" and known weights, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return create_model(name, preset="tiny", channels=channels).eval()


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
def test_tiny_is_small(name: str) -> None:
    """The preset for tests and first tries takes milliseconds and little memory."""
    assert sum(weight.numel() for weight in cached(name).parameters()) < 350_000


@every_model
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_declares_channels_and_size_multiple(name: str, channels: int) -> None:
    """The attributes `channels` and `size_multiple` state what the model accepts."""
    model = cached(name, channels)
    assert model.channels == channels
    assert isinstance(model.size_multiple, int)
    assert model.size_multiple >= 1


@every_model
def test_channels_last_gives_the_same(name: str) -> None:
    """The memory format changes the speed, not the image."""
    noisy = picture(2, 3, 21, 34)
    last = make(name).to(memory_format=torch.channels_last)
    image = restored(last, noisy.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(image, restored(cached(name), noisy), rtol=1e-4, atol=1e-5)


@every_model
def test_compiles_as_one_graph(name: str) -> None:
    """torch.compile captures the model without a graph break, and the image is the same."""
    torch.compiler.reset()  # the number of modules that one process compiles is limited
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
    assert f"not {given} channel{'s' if given > 1 else ''} (" in message
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


def refusal(model: nn.Module, **level: Any) -> str | None:
    """The message of a model for a noise level; None if it restores a picture with it."""
    try:
        with torch.no_grad():
            model(picture(1, 3, 16, 16), **level)
    except InputError as error:
        return str(error)
    return None


@every_model
def test_a_missing_noise_level_is_named(name: str) -> None:
    """A model works without it, or says in one line what it needs."""
    message = refusal(cached(name))
    needs = f"model '{name}' needs sigma, the standard deviation of the noise"
    assert message is None or (message.startswith(needs) and "\n" not in message)


@every_model
@pytest.mark.parametrize(
    ("level", "fact"),
    [
        (torch.full((3, 1, 5, 5), 0.1), "not (3, 1, 5, 5) with a batch (1, 3, 16, 16)"),
        (torch.full((1, 3, 1, 1), 0.1), "not (1, 3, 1, 1) with a batch"),
        (torch.full((1, 1, 1, 1, 1), 0.1), "not (1, 1, 1, 1, 1) with a batch"),
        (0.1, "as a tensor, not float; for one level use torch.full"),
    ],
    ids=["larger", "channels", "dimensions", "number"],
)
def test_a_noise_level_that_does_not_fit_is_named(name: str, level: Any, fact: str) -> None:
    """In one line, by every model that needs the level; another one may ignore it."""
    model = cached(name)
    message = refusal(model, sigma=level)
    if message is None:
        assert refusal(model) is None
    else:
        assert message.startswith(f"model '{name}' takes sigma")
        assert fact in message
        assert "\n" not in message


@every_model
def test_every_shape_of_a_noise_level_is_one_level(name: str) -> None:
    """What is broadcastable to (B, 1, H, W) and the same everywhere gives one image."""
    noisy, expected = picture(2, 3, 17, 20), restored(cached(name), picture(2, 3, 17, 20))
    for shape in ((), (1,), (17, 1), (1, 17, 20), (2, 1, 1, 1), (1, 1, 1, 20)):
        with torch.no_grad():
            found = cached(name)(noisy, sigma=torch.full(shape, float(LEVEL)))
        torch.testing.assert_close(as_restoration(found).image, expected)


@every_model
def test_autocast_returns_the_dtype_of_the_image(name: str) -> None:
    """Extras too: what a loss or a caller computes from them is not in half precision."""
    noisy = picture(1, 3, 17, 20)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = as_restoration(cached(name)(noisy, sigma=LEVEL))
    tensors = {"image": found.image, **found.extras}
    assert {key: tensor.dtype for key, tensor in tensors.items()} == dict.fromkeys(
        tensors, noisy.dtype
    )


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
