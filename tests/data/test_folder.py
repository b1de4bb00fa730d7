"""Folders of pictures as datasets."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.transforms.functional import to_tensor

from restorekit.components.kinds import datasets
from restorekit.data.folder import Folder
from restorekit.errors import ArgumentError, DataError
from restorekit.seeding import derive_generator


def picture(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    return Image.fromarray(levels).convert(mode)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a colour, a gray and, below another folder, a small transparent picture."""
    (tmp_path / "c").mkdir()
    picture("RGB", (40, 30), 1).save(tmp_path / "a.png")
    picture("L", (30, 40), 2).save(tmp_path / "b.bmp")
    picture("RGBA", (10, 12), 3).save(tmp_path / "c" / "d.webp", lossless=True)
    return tmp_path


class DrawFromEach(torch.utils.data.Dataset[torch.Tensor]):
    """A random patch of each picture, as the trainer draws them."""

    def __init__(self, dataset: Folder) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.dataset.sample(index, derive_generator(0, "sample", 0, index))


def test_whole_pictures_are_the_files_pixels(photos: Path) -> None:
    """Without a patch size, items are whole pictures sorted by path; gray is repeated."""
    dataset = Folder(str(photos), patch_size=None)
    assert [tuple(image.shape) for image in dataset] == [(3, 30, 40), (3, 40, 30), (3, 12, 10)]
    with Image.open(photos / "a.png") as image:
        assert torch.equal(dataset[0], to_tensor(image))
    assert torch.equal(dataset[1][0], dataset[1][2])
    assert torch.equal(dataset[-1], dataset[2])


def test_previews_of_a_training_run_are_not_trained_on(photos: Path) -> None:
    """A run's folder inside the pictures' folder; pictures of such a name elsewhere count."""
    for folder in ("run", "run/previous-1"):
        (photos / folder).mkdir()
        (photos / folder / "metrics.jsonl").touch()
        for name in ("validation.png", "loss_map.png", "own.png"):
            picture("RGB", (20, 20), 4).save(photos / folder / name)
    picture("RGB", (20, 20), 5).save(photos / "validation.png")
    names = {path.relative_to(photos).as_posix() for path in Folder(str(photos)).paths}
    own = {"run/own.png", "run/previous-1/own.png"}
    assert names == {"a.png", "b.bmp", "c/d.webp", "validation.png"} | own


@pytest.mark.parametrize("channels", [1, 3])
def test_patches_have_one_shape_and_range(photos: Path, channels: int) -> None:
    """Patches of all pictures, including smaller ones, form a batch of floats in [0, 1]."""
    dataset = Folder(str(photos), 16, channels=channels)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(0)
    for patches in ([*dataset], [dataset.sample(index, generator) for index in range(3)]):
        batch = torch.stack(patches)
        assert batch.shape == (3, channels, 16, 16)
        assert batch.dtype == torch.float32
        assert 0 <= batch.min() < 0.1 < 0.9 < batch.max() <= 1


def test_gray_is_luma(photos: Path) -> None:
    """Colour becomes 0.299 R + 0.587 G + 0.114 B, to within rounding to 8 bits."""
    colour = Folder(str(photos), None)[0]
    gray = Folder(str(photos), None, channels=1)[0]
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None] * colour
    assert torch.allclose(gray[0], luma.sum(0), atol=0.501 / 255)


@pytest.mark.parametrize("channels", [1, 3])
def test_deep_pictures_keep_their_depth(tmp_path: Path, channels: int) -> None:
    """16-bit and float pictures are used at their depth, on the scale of the 8-bit ones."""
    levels = np.random.default_rng(0).integers(0, 65536, (8, 9)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="minisblack")
    floats = (levels / 65535).astype(np.float32)
    tifffile.imwrite(tmp_path / "b.tif", np.dstack([floats] * 3), photometric="rgb")
    dataset = Folder(str(tmp_path), None, channels=channels)  # type: ignore[arg-type]
    expected = torch.from_numpy(floats).expand(channels, -1, -1)
    for index in (0, 1, 0):
        assert torch.allclose(dataset[index], expected, atol=1e-6)


def test_files_of_several_pages_are_not_trained_on(tmp_path: Path) -> None:
    """It is not known which page is meant."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 8, 8), np.uint8), photometric="minisblack")
    with pytest.raises(DataError, match="holds 2 pages"):
        Folder(str(tmp_path), 8)[0]


def test_indexing_is_deterministic_and_centred(photos: Path) -> None:
    """dataset[i] is always the centre patch, in every process."""
    dataset = Folder(str(photos), 10)
    with Image.open(photos / "a.png") as image:
        centre = to_tensor(image.crop((15, 10, 25, 20)))
    assert torch.equal(dataset[0], centre)
    assert torch.equal(dataset[0], dataset[0])


def test_sampling_depends_on_the_generator_alone(photos: Path) -> None:
    """Equal seeds give equal patches, with and without the cache; other seeds give others."""
    cached, fresh = Folder(str(photos), 8), Folder(str(photos), 8, cache_megabytes=0)
    drawn = [cached.sample(0, torch.Generator().manual_seed(seed)) for seed in range(9)]
    again = [fresh.sample(0, torch.Generator().manual_seed(seed)) for seed in range(9)]
    assert all(map(torch.equal, drawn, again))
    assert len({patch.numpy().tobytes() for patch in drawn}) > 5


def test_several_patches_of_each_picture(photos: Path) -> None:
    """patches_per_image lengthens the epoch; patches of a picture are consecutive and differ."""
    dataset = Folder(str(photos), 8, patches_per_image=4)
    assert len(dataset) == 12
    once = Folder(str(photos), 8)
    assert torch.equal(dataset[4], once[1])
    assert len({dataset[index].numpy().tobytes() for index in range(4)}) > 1
    assert torch.equal(dataset[3], Folder(str(photos), 8, patches_per_image=4)[3])
    with pytest.raises(IndexError):
        dataset[12]


def test_a_cached_file_is_read_once(photos: Path) -> None:
    """A picture that fits the budget is available even after its file is removed."""
    dataset = Folder(str(photos), 8)
    first = dataset[0]
    (photos / "a.png").unlink()
    assert torch.equal(dataset[0], first)


def test_budget_of_zero_reads_each_time(photos: Path) -> None:
    """Without a budget nothing is cached."""
    dataset = Folder(str(photos), 8, cache_megabytes=0)
    assert dataset[0].shape == (3, 8, 8)
    (photos / "a.png").unlink()
    with pytest.raises(DataError, match="does not exist"):
        dataset[0]


def test_cache_stays_within_its_budget(tmp_path: Path) -> None:
    """Pictures beyond the budget are read again each time; those in the cache stay there."""
    for name in ("a", "b"):
        Image.new("RGB", (500, 400)).save(tmp_path / f"{name}.png")  # 0.6 MB decoded
    dataset = Folder(str(tmp_path), 8, cache_megabytes=1)
    assert [len(patch) for patch in dataset] == [3, 3]
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").unlink()
    assert dataset[0].shape == (3, 8, 8)
    with pytest.raises(DataError, match=r"b\.png"):
        dataset[1]


def test_pickling_leaves_the_cache_behind(tmp_path: Path) -> None:
    """The pickle for a worker is small, and the dataset works there."""
    Image.new("RGB", (400, 400)).save(tmp_path / "a.png")
    dataset = Folder(str(tmp_path), 8)
    patch = dataset[0]
    pickled = pickle.dumps(dataset)
    assert len(pickled) < 2000 < 400 * 400 * 3
    assert torch.equal(pickle.loads(pickled)[0], patch)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_workers_draw_what_one_process_draws(photos: Path) -> None:
    """Two DataLoader workers give exactly the patches of the main process."""
    dataset = DrawFromEach(Folder(str(photos), 8, patches_per_image=2))
    alone = torch.cat(list(DataLoader(dataset, batch_size=2)))
    shared = torch.cat(list(DataLoader(dataset, batch_size=2, num_workers=2)))
    assert alone.shape == (6, 3, 8, 8)
    assert torch.equal(alone, shared)


def test_damaged_file_is_named(photos: Path) -> None:
    """The message names the damaged picture."""
    (photos / "a.png").write_bytes((photos / "a.png").read_bytes()[:900])
    dataset = Folder(str(photos), 8)
    with pytest.raises(DataError, match=r"a\.png"):
        dataset[0]


def test_missing_or_empty_folder(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The message for a missing or empty folder is one line with a suggestion."""
    with pytest.raises(DataError, match=r"does not exist\. Did you mean 'c'\?"):
        Folder(str(photos / "C"))
    with pytest.raises(DataError, match=r"no picture in folder .*\.png"):
        Folder(str(tmp_path_factory.mktemp("empty")))


def test_halved_colour_is_for_random_patches(photos: Path) -> None:
    """The requested share of random patches, at the same positions; fixed ones stay."""
    full = Folder(str(photos), 8)
    halved = {share: Folder(str(photos), 8, halved_colour=share) for share in (0.4, 1.0)}

    def changed(share: float, seed: int) -> bool:
        before, after = (
            dataset.sample(0, derive_generator(seed, "test")) for dataset in (full, halved[share])
        )
        luma = torch.tensor([0.299, 0.587, 0.114])
        torch.testing.assert_close(*(torch.tensordot(luma, x, 1) for x in (before, after)))
        return not torch.equal(before, after)

    assert all(changed(1.0, seed) for seed in range(20))
    assert 50 <= sum(changed(0.4, seed) for seed in range(200)) <= 110  # 80, 4 deviations
    assert torch.equal(full[0], halved[1.0][0])


@pytest.mark.parametrize(
    "arguments",
    [
        {"patch_size": 0},
        {"patches_per_image": 0},
        {"cache_megabytes": -1},
        {"patch_size": None, "patches_per_image": 2},
        {"channels": 2},
        {"patch_sise": 8},
        {"halved_colour": 1.5},
        {"halved_colour": 0.5, "channels": 1},
    ],
)
def test_wrong_arguments(photos: Path, arguments: dict[str, object]) -> None:
    """The message names the argument."""
    with pytest.raises(ArgumentError, match=next(iter(arguments))):
        datasets.create("folder", path=str(photos), **arguments)


def test_made_by_name(photos: Path) -> None:
    """The registry makes a folder; null in JSON is None."""
    assert len(datasets.create("folder", path=str(photos), patch_size=None)) == 3
