"""Pictures in tar files, as WebDataset writes them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import webdataset
from PIL import Image

from restorekit import DataError, NoisyImages, create_dataset
from restorekit.data.shards import Shards
from restorekit.seeding import derive_generator
from restorekit.train.batches import DrawSampler


def encoded(level: int, size: tuple[int, int] = (20, 16)) -> bytes:
    """A gray picture with a gradient, as PNG."""
    ramp = np.add.outer(np.arange(size[1]), np.arange(size[0])).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(ramp + np.uint8(level)).save(buffer, format="PNG")
    return buffer.getvalue()


def tar(path: Path, entries: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Four shards with five pictures each, written by WebDataset with a label for each."""
    pattern = str(tmp_path / "part-%d.tar")
    with webdataset.ShardWriter(pattern, maxcount=5, verbose=0) as writer:
        for number in range(20):
            image = np.full((16, 16, 3), number * 10, np.uint8)
            writer.write({"__key__": f"{number:03d}", "png": image, "cls": number})
    return tmp_path


def test_the_shards_of_webdataset_are_read(shards: Path) -> None:
    """In the order of the files; labels are passed over."""
    dataset = Shards(str(shards / "part-*.tar"), patch_size=8)
    assert len(dataset) == 20
    levels = [round(float(dataset[index].mean()) * 255) for index in range(20)]  # type: ignore[union-attr]
    assert levels == [number * 10 for number in range(20)]
    assert [dataset.block(index) for index in (0, 4, 5, 19)] == [0, 0, 1, 3]
    assert len({dataset.identify(index) for index in range(20)}) == 20
    assert len(Shards(str(shards))) == len(Shards([str(shards), str(shards / "part-0.tar")])) == 20


def test_pairs_in_a_shard(tmp_path: Path) -> None:
    """Patches of the noisy and the clean picture are of one place."""
    entries = {"a/1.noisy.png": encoded(60), "a/1.clean.png": encoded(10), "a/1.json": b"{}"}
    dataset = Shards(str(tar(tmp_path / "a.tar", entries)), 8, channels=1)
    assert len(dataset) == 1
    for seed in range(4):
        item = dataset.sample(0, derive_generator(seed, "test"))
        assert isinstance(item, NoisyImages)
        assert item.clean is not None
        torch.testing.assert_close(item.noisy - item.clean, torch.full((1, 8, 8), 50 / 255))


def test_each_process_reads_shards_of_its_own(shards: Path) -> None:
    """Of two processes with half of the batch each, each goes through two of four shards."""
    dataset = Shards(str(shards), 8)
    blocks = [dataset.block(index) for index in range(20)]
    read = []
    for places in (range(2), range(2, 4)):
        sampler = DrawSampler(range(20), 4, places, range(5), seed=0, blocks=blocks)
        read.append([[dataset.block(index) for _, index in draws] for draws in sampler])
    first, second = ({block for draws in each for block in draws} for each in read)
    assert len(first) == len(second) == 2
    assert not first & second
    lanes = [[draws[place] for draws in read[0]] for place in range(2)]
    assert all(len(set(lane)) == 1 for lane in lanes)  # a place stays in its shard


@pytest.mark.parametrize(("count", "batch"), [(20, 4), (17, 4), (3, 8), (20, 1)])
def test_an_epoch_by_shards_has_every_picture_once(count: int, batch: int) -> None:
    """Also where the batch does not divide it; a resumed run goes on with the same draws."""
    blocks = [index // 6 for index in range(count)]
    steps = -(-2 * count // batch)

    def draws(start: int) -> list[tuple[int, int]]:
        sampler = DrawSampler(range(count), batch, range(batch), range(start, steps), 1, blocks)
        return [draw for step in sampler for draw in step]

    drawn = draws(0)
    for epoch in range(2):
        assert sorted(index for at, index in drawn if at == epoch) == list(range(count))
    assert draws(1) == drawn[batch:]
    orders = [[index for at, index in drawn if at == epoch] for epoch in range(2)]
    assert orders[0] != orders[1]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({"a.png": b"", "a.pyd": b"cos\nsystem\n"}, r"'a\.pyd' is a pickle, which is never read"),
        ({"a.pth": b"x"}, "is a pickle"),
        ({"a.png": b"x", "b/../a.jpg": b"x", "a.jpg": b"x"}, "are one sample"),
        ({"a.second.png": b"x"}, "has no noisy picture"),
        ({"a.txt": b"x"}, "no picture in the shards"),
        ({}, "no picture in the shards"),
    ],
)
def test_a_shard_that_cannot_be_used_is_named(
    tmp_path: Path, entries: dict[str, bytes], problem: str
) -> None:
    """When the dataset is made, in one line."""
    with pytest.raises(DataError, match=rf"a\.tar.*{problem}|{problem}.*a\.tar") as caught:
        create_dataset("shards", path=str(tar(tmp_path / "a.tar", entries)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no tar file" * 99, None])
def test_damaged_shards_are_named(tmp_path: Path, content: bytes | None) -> None:
    """Empty, of another kind, or cut off within a picture."""
    path = tar(tmp_path / "a.tar", {"a.png": encoded(0), "b.png": encoded(0) * 99})
    path.write_bytes(path.read_bytes()[:3000] if content is None else content)
    with pytest.raises(DataError, match=r"a\.tar"):
        Shards(str(path))


def test_a_damaged_picture_in_a_shard_is_named(tmp_path: Path) -> None:
    """By its entry and its shard; a pair of two sizes too."""
    entries = {
        "a.png": encoded(0)[:60],
        "b.noisy.png": encoded(0),
        "b.clean.png": encoded(0, (20, 17)),
    }
    dataset = Shards(str(tar(tmp_path / "a.tar", entries)), 8)
    with pytest.raises(DataError, match=r"'a\.png' of '.*a\.tar'"):
        dataset[0]
    with pytest.raises(DataError, match=r"'b\.noisy\.png' of '.*a\.tar': .* equal shapes"):
        dataset[1]
