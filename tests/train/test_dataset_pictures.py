"""The pictures of a dataset, none of which is in both training and validation."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import ConcatDataset, IterableDataset, Subset, TensorDataset

from restorekit import DataError, RestoreKitError, Trainer
from restorekit.data.folder import Folder
from restorekit.seeding import derive_generator
from restorekit.train.data_split import DataSplit, split_dataset
from restorekit.train.dataset_items import as_sample, read_sample, source_of
from restorekit.train.dataset_pictures import by_picture, pictures_digest

Make = Callable[..., Trainer]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eight pictures of noise."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(8):
        pixels = np.random.default_rng(index).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def names(dataset: Any, indices: list[int]) -> set[str]:
    """The files behind some indices."""
    found = (source_of(dataset, index) for index in indices)
    return {source.identify(place).name for source, place in found}


def divided(dataset: Any, **sets: Any) -> DataSplit:
    return split_dataset(dataset, sets, share=0.3, training=None, most=64, seed=0)


def sides(dataset: Any) -> tuple[set[str], set[str]]:
    """The files for training, and those for validation."""
    division = divided(dataset)
    held = [index for picture in division.sets["validation"].pictures for index in picture]
    return names(dataset, division.training), names(dataset, held)


@pytest.mark.parametrize(
    "combine",
    [
        lambda folder: ConcatDataset([Folder(folder), Folder(folder, patch_size=16)]),
        lambda folder: Subset(Folder(folder, patches_per_image=3), range(24)),
        lambda folder: ConcatDataset(
            [Subset(Folder(folder), [0, 1, 2, 3, 4, 5, 6, 7]), Subset(Folder(folder), [7, 7, 0])]
        ),
    ],
)
def test_a_picture_is_on_one_side_however_datasets_are_combined(
    photos: Path, combine: Callable[[str], Any]
) -> None:
    """Two folders with the same files have eight pictures, not sixteen."""
    trained, validated = sides(combine(str(photos)))
    assert trained | validated == {f"{n}.png" for n in range(8)}
    assert not trained & validated
    assert len(validated) == 3


def test_a_copy_under_another_name_is_the_same_picture(photos: Path) -> None:
    """Files are compared by content; a file of the same size is not taken for a copy."""
    for index in range(8):
        shutil.copy(photos / f"{index}.png", photos / f"copy{index}.png")
    found = sides(Folder(str(photos)))
    trained, validated = ({name.removeprefix("copy") for name in side} for side in found)
    assert not trained & validated
    assert len(trained | validated) == 8
    for index in range(2):
        (photos / f"raw{index}.bmp").write_bytes(bytes(70000) + bytes([index]) + bytes(70000))
    keys = [photos / f"raw{index}.bmp" for index in range(2)]
    assert len(by_picture(_Files(keys))[0]) == 2


class _Files:
    """A dataset for which only the identities are used."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def identify(self, index: int) -> Path:
        return self.paths[index]


@pytest.mark.parametrize(
    ("other", "common"),
    [
        (lambda folder: Folder(folder), 8),
        (lambda folder: Subset(Folder(folder, patch_size=None), [7, 2]), 2),
        (lambda folder: ConcatDataset([Folder(folder), Folder(folder)]), 8),
    ],
)
def test_a_picture_in_training_and_validation_is_refused(
    tiny: Make, photos: Path, other: Callable[[str], Any], common: int
) -> None:
    """The message has the number and names one."""
    with pytest.raises(DataError) as caught:
        tiny(dataset=Folder(str(photos)), validation_dataset=other(str(photos)))
    assert f"{common} of the {common} pictures" in str(caught.value)
    assert ".png" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_copies_and_tensors_in_both_are_refused_too(tiny: Make, photos: Path) -> None:
    """A validation folder with a copy of a training picture, a list with a training tensor."""
    other = photos.parent / "other"
    other.mkdir()
    shutil.copy(photos / "3.png", other / "new name.png")
    with pytest.raises(DataError, match=r"1 of the 1 pictures .*3\.png|new name"):
        tiny(dataset=Folder(str(photos)), validation_dataset=Folder(str(other)))
    images = list(torch.rand(8, 3, 24, 24))
    with pytest.raises(DataError, match=r"1 of the 2 pictures .*that of index 1"):
        tiny(dataset=images, validation_dataset=[torch.rand(3, 24, 24), images[2].clone()])
    tiny(dataset=images, validation_dataset=[torch.rand(3, 24, 24)])


def test_datasets_without_common_pictures_are_accepted(tiny: Make, photos: Path) -> None:
    """Two halves of a folder."""
    halves = [Subset(Folder(str(photos), patch_size=16), part) for part in (range(4), range(4, 8))]
    tiny(dataset=halves[0], validation_dataset=halves[1]).fit()


def test_subsets_and_concatenations_keep_the_random_draws(photos: Path) -> None:
    """The draws equal those of the folder for that picture."""
    folder = Folder(str(photos), patch_size=16)
    combined = ConcatDataset([Subset(folder, [5]), Subset(ConcatDataset([folder, folder]), [10])])
    for index, place in ((0, 5), (1, 2)):
        mine = read_sample(combined, index, derive_generator(0, "x"))
        assert torch.equal(mine, folder.sample(place, derive_generator(0, "x")))
        assert torch.equal(read_sample(combined, index), folder[place])


def test_the_digest_is_of_the_pictures(photos: Path) -> None:
    """It does not depend on names or order; None if a dataset does not identify its pictures."""

    def of(dataset: Any) -> str | None:
        return pictures_digest(divided(dataset).pictures)

    before = pictures_digest(by_picture(Folder(str(photos)))[0])
    (photos / "7.png").rename(photos / "a.png")
    assert pictures_digest(by_picture(Folder(str(photos)))[0]) == before
    Image.new("RGB", (40, 40)).save(photos / "0.png")
    assert pictures_digest(by_picture(Folder(str(photos)))[0]) != before
    images = torch.rand(8, 3, 24, 24)
    assert of(list(images)) == of(images.clone()) == of(TensorDataset(images))
    assert of(Own(lambda image: image)) is None


class Own:
    """A user's dataset."""

    def __init__(self, change: Callable[[Tensor], Any]) -> None:
        self.change = change

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return self.change(torch.rand(3, 24, 24))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x * 255, "values from 0"),
        (lambda x: x * 2 - 1, "values from -"),
        (lambda x: x / 0 * 0, "values from nan to nan"),
        (lambda x: (x * 255).int(), "a tensor of torch.int32"),
        (lambda x: x > 0.5, "a tensor of torch.bool"),
        (lambda x: x + 0j, "a tensor of torch.complex64"),
        (lambda x: x.numpy(), "ndarray"),
        (lambda x: {"image": x}, "dict"),
        (lambda x: x[:, :0], "(3, 0, 24)"),
        (lambda x: [][0], "IndexError"),
        (lambda x: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
@pytest.mark.parametrize("workers", [0, 1])
def test_data_on_another_scale_are_refused(
    tiny: Make, change: Callable[[Tensor], Any], message: str, workers: int
) -> None:
    """The message has the dataset, the index and the values, also from a worker."""
    with pytest.raises(DataError) as caught:
        tiny(dataset=Own(change), validation_split=0, num_workers=workers).fit()
    assert str(caught.value).startswith("dataset Own, index ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_16_bit_tensors_are_on_their_own_scale() -> None:
    """65535 is white; a small overshoot of resampling is accepted."""
    white = torch.full((1, 2, 2), 65535, dtype=torch.int32).to(torch.uint16)
    assert torch.equal(as_sample(white), torch.ones(1, 2, 2))
    over = torch.tensor([-0.1, 1.2]).reshape(1, 1, 2)
    assert torch.equal(as_sample(over), over)


class Stream(IterableDataset[Tensor]):
    """An iterable of pictures without a length."""

    def __iter__(self) -> Iterator[Tensor]:
        return iter(torch.rand(4, 3, 24, 24))


@pytest.mark.parametrize("dataset", [Stream(), (x for x in ()), 3, {1, 2}, Own])
@pytest.mark.parametrize("key", ["dataset", "validation_dataset"])
def test_what_cannot_be_drawn_from_is_refused(tiny: Make, key: str, dataset: Any) -> None:
    """Iterables, generators, numbers and classes; the message names the key."""
    with pytest.raises(RestoreKitError) as caught:
        tiny(**{key: dataset})
    assert str(caught.value).startswith(f"{key} ")
    assert "\n" not in str(caught.value)


def test_an_empty_validation_dataset_is_refused(tiny: Make) -> None:
    """Otherwise nothing would be validated, silently."""
    with pytest.raises(DataError, match="dataset list is empty"):
        tiny(validation_dataset=[])
