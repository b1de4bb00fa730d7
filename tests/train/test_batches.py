"""The images and the noise of each step."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from restorekit import DataError
from restorekit.noise.additive import Gaussian
from restorekit.objective.base import corrupt
from restorekit.train.batches import DrawSampler
from restorekit.train.data_split import split_dataset
from restorekit.train.dataset_items import as_sample


@given(count=st.integers(1, 30), batch=st.integers(1, 12), steps=st.integers(1, 20), data=st.data())
def test_a_run_resumed_anywhere_has_the_same_draws(
    count: int, batch: int, steps: int, data: st.DataObject
) -> None:
    """The draws from any step on equal the end of those of the whole run."""
    start = data.draw(st.integers(0, steps))
    whole = list(DrawSampler(range(count), batch, range(batch), range(steps), seed=3))
    assert (
        list(DrawSampler(range(count), batch, range(batch), range(start, steps), seed=3))
        == whole[start:]
    )


@given(count=st.integers(1, 30), batch=st.integers(1, 12), epochs=st.integers(1, 4))
def test_every_epoch_has_every_image_once(count: int, batch: int, epochs: int) -> None:
    """No image is left out or repeated in an epoch, although batches cross its end."""
    steps = -(-count * epochs // batch)
    draws = DrawSampler(range(count), batch, range(batch), range(steps), seed=0)
    seen = Counter(draw for step in draws for draw in step)
    for epoch in range(epochs):
        assert {i for e, i in seen if e == epoch} == set(range(count))
    assert set(seen.values()) == {1}


def test_epochs_have_their_own_order() -> None:
    """Two epochs are shuffled differently."""
    first, second = list(DrawSampler(range(50), 50, range(50), range(2), seed=0))
    assert [i for _, i in first] != [i for _, i in second]


@given(batch=st.integers(2, 8), data=st.data())
def test_noise_depends_on_the_place_and_not_on_the_batch(batch: int, data: st.DataObject) -> None:
    """A batch that is corrupted in two parts has the same noise as at once."""
    cut = data.draw(st.integers(1, batch - 1))
    clean, noise = torch.rand(batch, 3, 6, 5), Gaussian(std=(0.05, 0.3))
    whole = corrupt(noise, clean, 7, "noise", 2, range(batch))
    left = corrupt(noise, clean[:cut], 7, "noise", 2, range(cut))
    right = corrupt(noise, clean[cut:], 7, "noise", 2, range(cut, batch))
    assert torch.equal(whole.noisy, torch.cat([left.noisy, right.noisy]))
    assert whole.sigma is not None
    assert left.sigma is not None
    assert torch.equal(whole.sigma[:cut], left.sigma)


def test_noise_differs_between_steps_places_and_seeds() -> None:
    """No two samples of a run have the same noise."""
    clean, noise = torch.zeros(2, 1, 8, 8), Gaussian()
    a = corrupt(noise, clean, 0, "noise", 1, [0, 1]).noisy
    b = corrupt(noise, clean, 0, "noise", 2, [0, 1]).noisy
    c = corrupt(noise, clean, 1, "noise", 1, [0, 1]).noisy
    samples = [*a, *b, *c]
    equal = [torch.equal(x, y) for i, x in enumerate(samples) for y in samples[:i]]
    assert not any(equal)


@given(pictures=st.integers(1, 40), group=st.integers(1, 5), share=st.floats(0, 0.9))
def test_no_picture_is_on_both_sides_of_the_split(pictures: int, group: int, share: float) -> None:
    """Patches of a validation picture are not trained on, and all others are."""

    class Patches:
        patches_per_image = group

        def __len__(self) -> int:
            return pictures * group

        def __getitem__(self, index: int) -> Tensor:
            raise AssertionError("nothing is read to divide")

    divided = split_dataset(Patches(), {}, share=share, training=None, most=pictures, seed=0)
    training = divided.training
    trained = {index // group for index in training}
    held_out = [index for picture in divided.sets["validation"].pictures for index in picture]
    validated = {index // group for index in held_out}
    assert len(held_out) == len(validated) * group
    assert trained.isdisjoint(validated)
    assert trained | validated == set(range(pictures))
    assert len(training) == len(trained) * group
    assert trained


def test_an_empty_dataset_is_refused() -> None:
    """It cannot be split."""
    with pytest.raises(DataError, match="empty"):
        split_dataset([], {}, share=0.1, training=None, most=64, seed=0)


@pytest.mark.parametrize(
    "item",
    [
        torch.full((3, 4, 4), 255, dtype=torch.uint8),
        (torch.ones(3, 4, 4), 7),
        [torch.ones(3, 4, 4, dtype=torch.float64)],
    ],
)
def test_images_of_other_kinds_are_understood(item: object) -> None:
    """8-bit tensors are scaled, labels are dropped, and doubles become floats."""
    assert torch.equal(as_sample(item), torch.ones(3, 4, 4))


@pytest.mark.parametrize("item", [torch.ones(4, 4), "a.png", torch.ones(1, 3, 4, 4)])
def test_arrays_of_a_wrong_shape_are_refused(item: Tensor | str) -> None:
    """The message says what a dataset must return."""
    with pytest.raises(DataError, match=r"\(C, H, W\) tensors"):
        as_sample(item)
