"""The cache of decoded pictures: bounded, shared by forked workers, emptied when it is stale."""

from __future__ import annotations

import multiprocessing
import pickle

import pytest
import torch
from torch import Tensor

from restorekit.data import picture_cache
from restorekit.data.picture_cache import PictureCache


def picture(seed: int, side: int = 8, dtype: torch.dtype = torch.uint8) -> Tensor:
    drawn = torch.randint(256, (3, side, side + 1), generator=torch.Generator().manual_seed(seed))
    return drawn / 255 if dtype == torch.float32 else drawn.to(dtype)


def found(cache: PictureCache, key: int) -> Tensor | None:
    return cache.read(key, lambda image: image.clone())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_picture_comes_back_as_it_was(dtype: torch.dtype) -> None:
    """Its type, shape and values; what was not added is not there."""
    cache = PictureCache(3, 3, megabytes=1)
    pictures = {key: picture(key, 5 + key, dtype) for key in (0, 2)}
    for key, pixels in pictures.items():
        cache.add(key, pixels)
    for key, pixels in pictures.items():
        again = found(cache, key)
        assert again is not None
        assert again.dtype == dtype
        assert torch.equal(again, pixels)
    assert found(cache, 1) is None


def test_the_memory_is_bounded() -> None:
    """Pictures that do not fit any more are left out, and the others stay."""
    cache = PictureCache(10, 10, megabytes=1)
    for key in range(10):
        cache.add(key, picture(key, 250))  # 0.19 MB
    assert [key for key in range(10) if found(cache, key) is not None] == [0, 1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_forked_processes_share_it() -> None:
    """A picture that one process decodes is there for all others."""
    cache = PictureCache(2, 2, megabytes=1)
    worker = multiprocessing.get_context("fork").Process(target=cache.add, args=(1, picture(1)))
    worker.start()
    worker.join()
    again = found(cache, 1)
    assert again is not None
    assert torch.equal(again, picture(1))


def test_a_copy_for_another_process_begins_empty() -> None:
    """The pixels are not pickled, and the copy works."""
    cache = PictureCache(1, 1, megabytes=1)
    cache.add(0, picture(0, 200))
    pickled = pickle.dumps(cache)
    assert len(pickled) < 500
    copy = pickle.loads(pickled)
    assert found(copy, 0) is None
    copy.add(0, picture(0))
    assert found(copy, 0) is not None


def test_pictures_of_a_shuffled_epoch_stay() -> None:
    """A cache that is too small for an epoch keeps what it has; each epoch hits all of it."""
    cache = PictureCache(40, 40, megabytes=1)
    for epoch in range(6):
        order = torch.randperm(40, generator=torch.Generator().manual_seed(epoch)).tolist()
        hits = [key for key in order if found(cache, key) is not None]
        for key in order:
            cache.add(key, picture(key, 120))  # 0.044 MB
        assert len(hits) == (22 if epoch else 0)


def test_pictures_that_are_no_longer_used_make_room() -> None:
    """After four epochs without most of the kept pictures, others are kept."""
    cache = PictureCache(10, 10, megabytes=1)
    for key in range(10):
        cache.add(key, picture(key, 250))
    for _ in range(42):
        if found(cache, 9) is None:
            cache.add(9, picture(9, 250))
    again = found(cache, 9)
    assert again is not None
    assert torch.equal(again, picture(9, 250))


def test_pixels_that_were_overwritten_while_they_were_read_are_dropped() -> None:
    """A reader takes no lock, and sees that the cache was emptied in the meantime."""
    cache = PictureCache(2, 1, megabytes=1)
    cache.add(0, picture(0))

    def slow(image: Tensor) -> Tensor:
        for _ in range(9):
            cache.read(1, torch.clone)
        cache.add(1, picture(1))
        return image.clone()

    assert cache.read(0, slow) is None


def test_caches_together_leave_memory_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes at most a quarter of what is free and not promised, however much is wanted."""
    monkeypatch.setattr(picture_cache, "available_memory", lambda _: 4_000_000)
    monkeypatch.setattr(picture_cache, "_OPEN", type(picture_cache._OPEN)())
    caches = [PictureCache(1, 1, megabytes=100_000) for _ in range(3)]
    sizes = [cache._shared.size for cache in caches if cache._shared is not None]
    assert sizes == [1_000_000, 750_000, 562_500]


def test_processes_of_one_machine_divide_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under torchrun, each of four processes takes a quarter."""
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    cache = PictureCache(1, 1, megabytes=8)
    assert cache._shared is not None
    assert cache._shared.size == 2_000_000
