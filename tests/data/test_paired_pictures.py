"""Noisy and clean pictures of the same scenes as a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit import ArgumentError, DataError, NoisyImages, RestoreWarning, create_dataset
from restorekit.data.paired_pictures import PairedPictures
from restorekit.seeding import derive_generator
from restorekit.train.dataset_pictures import by_picture


def save(path: Path, seed: int, add: int = 0, size: tuple[int, int] = (40, 30)) -> None:
    """A picture of random levels to 200, with a constant added."""
    levels = np.random.default_rng(seed).integers(0, 200, (*size[::-1], 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels + np.uint8(add)).save(path, format="PNG")


@pytest.fixture
def sidd(tmp_path: Path) -> Path:
    """Two scenes as in the data of the SIDD, with two shots each; noise is a constant."""
    for scene in range(2):
        folder = tmp_path / f"000{scene}_00{scene}_S6_00100_00060_3200_L"
        for shot in (10, 11):
            save(folder / f"NOISY_SRGB_0{shot}.PNG", scene * 10 + shot, add=50)
            save(folder / f"GT_SRGB_0{shot}.PNG", scene * 10 + shot)
    return tmp_path


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Two scenes with three shots of one clean picture each."""
    for scene in range(2):
        save(tmp_path / f"s{scene}" / "gt.png", scene)
        for shot in range(3):
            save(tmp_path / f"s{scene}" / f"shot_{shot}.png", scene, add=10 * (shot + 1))
    return tmp_path


def test_pairs_are_cut_at_one_place(sidd: Path) -> None:
    """Every random patch and every fixed one differs by the constant only."""
    dataset = PairedPictures(str(sidd), patch_size=8, patches_per_image=3)
    assert len(dataset) == 12
    items = [dataset[index] for index in range(12)]
    items += [dataset.sample(index, derive_generator(0, "test", index)) for index in range(12)]
    items += dataset.views(0, 4)
    for item in items:
        assert isinstance(item, NoisyImages)
        assert item.clean is not None
        assert item.noisy.shape == (3, 8, 8)
        torch.testing.assert_close(item.noisy - item.clean, torch.full((3, 8, 8), 50 / 255))


def test_the_cache_changes_nothing(sidd: Path) -> None:
    """Decoded again or not, the same seed gives the same patches."""
    cached, fresh = (PairedPictures(str(sidd), 8, cache_megabytes=size) for size in (10, 0))
    for seed in (0, 0, 1):
        first, second = (d.sample(1, derive_generator(seed, "a")) for d in (cached, fresh))
        assert isinstance(first, NoisyImages)
        assert isinstance(second, NoisyImages)
        assert torch.equal(first.noisy, second.noisy)


def test_several_shots_of_one_clean_picture(shots: Path) -> None:
    """Each shot is an item; all shots of a scene are one picture, for splitting."""
    rule = {"clean": "{scene}/gt.png", "noisy": "{scene}/shot_*.png"}
    dataset = PairedPictures(str(shots), 8, **rule)
    assert len(dataset) == 6
    groups = by_picture(dataset)[0]
    assert [[i for part in ranges for i in part] for ranges in groups.values()] == [
        [0, 1, 2],
        [3, 4, 5],
    ]
    both = PairedPictures(str(shots), 8, **rule, two_shots=True)[5]
    assert isinstance(both, NoisyImages)
    levels = [round(float((image - both.clean).mean()) * 255) for image in both.images.values()]  # type: ignore[operator]
    assert levels == [30, 0, 10]


def test_noisy_shots_alone(shots: Path) -> None:
    """Each comes with the next one of its scene, and no clean picture."""
    with pytest.warns(RestoreWarning, match=r"gt\.png' and 1 more belong to no pair"):
        dataset = PairedPictures(str(shots), 8, noisy="{scene}/shot_*.png")
    assert len(dataset) == 6
    items = [dataset.sample(index, derive_generator(0, "test")) for index in range(3)]
    for item, step in zip(items, (10, 10, -20), strict=True):
        assert isinstance(item, NoisyImages)
        assert item.clean is None
        assert item.second is not None
        torch.testing.assert_close(item.second - item.noisy, torch.full((3, 8, 8), step / 255))
    assert len(by_picture(dataset)[0]) == 2


def test_a_csv_file_defines_the_pairs(tmp_path: Path) -> None:
    """As for the benchmark."""
    save(tmp_path / "a.png", 0)
    save(tmp_path / "b.png", 0, add=9)
    (tmp_path / "list.csv").write_text("clean,noisy\na.png,b.png\n")
    item = PairedPictures(str(tmp_path), None, csv=str(tmp_path / "list.csv"))[0]
    assert isinstance(item, NoisyImages)
    assert item.noisy.shape == (3, 30, 40)
    assert (item.noisy > item.clean).all()


@pytest.mark.parametrize(
    ("arguments", "kind", "problem"),
    [
        ({"clean": "{a}"}, ArgumentError, "'clean' needs 'noisy'"),
        ({"csv": "a.csv", "noisy": "{a}"}, ArgumentError, "give one"),
        ({"noisy": "{scene}/none_*.png"}, DataError, "no picture in .* matches the pattern"),
        ({"noisy": "{scene}/gt.png"}, DataError, r"gt\.png' \(and 1 more\) is the only noisy"),
        ({}, DataError, "has no pairs of a clean and a noisy picture"),
        (
            {"clean": "{scene}/gt.png", "noisy": "{scene}/shot_1.png", "two_shots": True},
            DataError,
            r"shot_1\.png' is the only noisy picture of its scene",
        ),
    ],
)
def test_what_is_missing_is_named(
    shots: Path, arguments: dict[str, str], kind: type[Exception], problem: str
) -> None:
    """In one line."""
    with pytest.raises(kind, match=problem) as caught:
        create_dataset("pairs", path=str(shots), **arguments)
    assert "\n" not in str(caught.value)


def test_pictures_of_other_sizes_are_refused(tmp_path: Path) -> None:
    """Both files are named, instead of patches of other places."""
    save(tmp_path / "a_gt.png", 0)
    save(tmp_path / "a_noisy.png", 0, size=(40, 31))
    with pytest.raises(DataError, match=r"a_gt\.png' has 40x30 .*a_noisy\.png' .* 40x31"):
        PairedPictures(str(tmp_path), 8)[0]


def test_a_damaged_file_is_named(sidd: Path) -> None:
    """In one line, when the item is read."""
    damaged = next(sidd.rglob("NOISY*"))
    damaged.write_bytes(damaged.read_bytes()[:500])
    dataset = PairedPictures(str(sidd), 8)
    with pytest.raises(DataError, match=damaged.name):
        [dataset[index] for index in range(4)]
