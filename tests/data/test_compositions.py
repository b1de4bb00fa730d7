"""Datasets of other datasets, lists and patterns."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit import ArgumentError, DataError, NoisyImages, RestoreKitError, create_dataset
from restorekit.data.folder import Folder
from restorekit.data.mixture import Mixture
from restorekit.data.noisy_pictures import NoisyPictures
from restorekit.seeding import derive_generator
from restorekit.symmetry import ALL_SYMMETRIES
from restorekit.train.data_split import split_dataset
from restorekit.train.dataset_items import read_sample, source_of


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Folders a and b with 6 and 2 pictures, and an empty one."""
    for name, count in (("a", 6), ("b", 2)):
        for number in range(count):
            levels = np.random.default_rng([number, count]).integers(0, 256, (20, 20, 3), np.uint8)
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(levels).save(tmp_path / name / f"{number}.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "notes.txt").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "count"),
    [
        (["a", "b"], 8),
        (["a", "a/*.png", "a/1.png"], 6),
        ("*/[0-2].png", 5),
        ("**/*", 8),
        ("?", 8),
        ("b/1.png", 1),
    ],
)
def test_folders_files_and_patterns(photos: Path, path: Any, count: int) -> None:
    """Each picture counts once; a pattern may match folders, and passes other files over."""
    where = [str(photos / each) for each in ([path] if isinstance(path, str) else path)]
    dataset = Folder(where if len(where) > 1 else where[0], 8)
    assert len(dataset) == count == len(set(dataset.paths))
    assert list(dataset.paths) == sorted(dataset.paths)


def test_a_folder_named_like_a_pattern_is_a_folder(photos: Path) -> None:
    """What exists is taken as it is."""
    (photos / "b").rename(photos / "[b]")
    assert len(Folder(str(photos / "[b]"))) == 2


@pytest.mark.parametrize("path", ["none/*.png", ["a", "empty"], [], "a/notes.txt"])
def test_a_part_without_pictures_is_refused(photos: Path, path: Any) -> None:
    """It is named, also where other parts have pictures."""
    where = [str(photos / each) for each in path] if isinstance(path, list) else str(photos / path)
    with pytest.raises(RestoreKitError, match=r"empty|none/\*\.png|notes\.txt"):
        Folder(where)[0]


def test_the_weights_are_the_shares(photos: Path) -> None:
    """Every item comes at least once; the share of b is three quarters."""
    mixture = Mixture([Folder(str(photos / "a")), Folder(str(photos / "b"))], weights=[1, 3])
    found = Counter(str(source.identify(at)) for source, at in _sources(mixture))
    assert len(mixture) == 24
    assert {Path(name).parent.name: count for name, count in found.items()} == {"a": 1, "b": 9}
    assert len(found) == 8
    assert len(Mixture([Folder(str(photos / "a")), Folder(str(photos / "b"))])) == 8


def _sources(dataset: Any) -> list[Any]:
    return [source_of(dataset, index) for index in range(len(dataset))]


def test_random_patches_of_a_mixture_are_those_of_its_datasets(photos: Path) -> None:
    """A repeated item gives another patch for another generator."""
    mixture = create_dataset(
        "mixture",
        datasets=[{"name": "folder", "path": str(photos / n), "patch_size": 8} for n in "ab"],
        weights=[1, 1],
    )
    one, other = (read_sample(mixture, at, derive_generator(0, "sample", at)) for at in (6, 8))
    assert isinstance(one, torch.Tensor)
    assert one.shape == (3, 8, 8)
    assert not torch.equal(one, other)


def test_a_picture_of_a_mixture_is_on_one_side(photos: Path) -> None:
    """Also one that is repeated, or that is in two of the datasets."""
    mixture = Mixture([Folder(str(photos)), Folder(str(photos / "b"))], weights=[1, 2])
    split = split_dataset(mixture, {}, share=0.3, training=None, most=9, seed=0)
    sides = [
        {source_of(mixture, index)[0].identify(source_of(mixture, index)[1]) for index in side}
        for side in (
            split.training,
            [i for each in split.sets["validation"].pictures for i in each],
        )
    ]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 8


@pytest.mark.parametrize(
    ("datasets", "weights", "problem"),
    [
        ([], None, "at least one dataset"),
        ("samples", None, "must be a list"),
        ([["x"], [1, 2]], [1], "1 weights for 2 datasets"),
        ([["x"], [1, 2]], [1, 0], "a number above 0, not 0"),
        ([["x"], [1, 2]], [1, float("nan")], "a number above 0, not nan"),
        ([["x"], 3], None, "int has no len"),
        ([["x"], []], None, "is empty"),
        ([["x"] * 1000, ["y"]], [1e-9, 1], "would have"),
    ],
)
def test_a_mixture_that_cannot_work_is_refused(datasets: Any, weights: Any, problem: str) -> None:
    """In one line."""
    with pytest.raises((ArgumentError, DataError), match=problem):
        Mixture(datasets, weights)


def test_pictures_taken_as_noisy(photos: Path) -> None:
    """The images of the inner dataset, its patches, views and pictures."""
    inner = Folder(str(photos / "a"), 8, patches_per_image=2)
    dataset = NoisyPictures(inner)
    drawn = dataset.sample(3, derive_generator(0, "test"))
    assert drawn.clean is None
    expected = inner.sample(3, derive_generator(0, "test"))
    assert isinstance(expected, torch.Tensor)
    assert torch.equal(drawn.noisy, expected)
    assert dataset.identify(3) == inner.identify(3)
    assert dataset.patches_per_image == 2
    assert [view.noisy.shape for view in dataset.views(0, 2)] == [(3, 8, 8)] * 2
    in_memory = NoisyPictures([(torch.ones(3, 4, 4), "label")])  # type: ignore[arg-type]
    assert not hasattr(in_memory, "sample")
    assert torch.equal(in_memory[0].noisy, torch.ones(3, 4, 4))


def test_clean_pictures_stand_for_noisy_ones(photos: Path) -> None:
    """Noise is added once: every patch is cut out of the same noisy picture."""
    folder = {"name": "folder", "path": str(photos / "b"), "patch_size": None}
    noise = {"name": "gaussian", "std": 0.1}
    whole = create_dataset("noisy", dataset=folder, noise=noise)
    first, again, other = (whole[index].noisy for index in (0, 0, 1))  # type: ignore[attr-defined]
    assert torch.equal(first, again)
    added = [first - Folder(str(photos / "b"), None)[0], other - Folder(str(photos / "b"), None)[1]]
    assert not torch.equal(*added)
    assert float(torch.stack(added).std()) == pytest.approx(0.1, rel=0.1)
    patches: Any = create_dataset("noisy", dataset={**folder, "patch_size": 8}, noise=noise)
    assert torch.equal(patches[0].noisy, first[:, 6:14, 6:14])
    drawn = patches.sample(0, derive_generator(0, "test")).noisy
    turns = [turn.apply(first) for turn in ALL_SYMMETRIES]
    windows = torch.cat([turn.unfold(1, 8, 1).unfold(2, 8, 1).flatten(1, 2) for turn in turns], 1)
    assert (windows == drawn[:, None]).all(dim=(0, 2, 3)).any()
    items = NoisyPictures([torch.zeros(3, 40, 40)], noise=noise)  # type: ignore[arg-type]
    assert float(items[0].noisy.std()) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_list_has_clean_pictures_and_pairs(photos: Path, suffix: str) -> None:
    """Paths are relative to the list; other columns are ignored."""
    rows = [
        {"image": "a/0.png", "noisy": "", "iso": "100"},
        {"image": "a/1.png", "noisy": "b/1.png", "iso": "200"},
        {"image": "", "noisy": str(photos / "b" / "0.png"), "iso": ""},
    ]
    lines = [json.dumps(row) for row in rows]
    if suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    (photos / f"list{suffix}").write_text("\ufeff" * (suffix == ".csv") + "\n".join(lines) + "\n")
    dataset = create_dataset("image_list", path=str(photos / f"list{suffix}"), patch_size=None)
    clean, pair, noisy = (dataset[index] for index in range(3))
    assert isinstance(clean, torch.Tensor)
    assert isinstance(pair, NoisyImages)
    assert isinstance(noisy, NoisyImages)
    assert list(pair.images) == ["noisy", "clean"]
    assert list(noisy.images) == ["noisy"]
    with Image.open(photos / "b" / "1.png") as image:
        levels = torch.from_numpy(np.array(image)).movedim(2, 0)
    assert torch.equal(pair.noisy, levels / 255)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.csv", "image\na/0.png\nx/0.png\n", "line 3: '.*x/0.png' does not exist"),
        ("a.csv", "path\na/0.png\n", "no column 'image', 'clean' or 'noisy'"),
        ("a.csv", "image\n", "lists no pictures"),
        ("a.csv", "image,iso\n,100\n", "line 2: it names no picture"),
        ("a.csv", 'image\n"a/0.png\n', "cannot be read as a list of pictures"),
        ("a.csv", "image,clean\na/0.png,a/1.png\n", "both name a clean picture"),
        ("a.jsonl", '{"image": "a/0.png"}\n{"image": 3}\n', "line 2: image is 3, not a path"),
        ("a.jsonl", '\n["a/0.png"]\n', "line 2: .* is not a JSON object"),
        ("a.jsonl", '{"image"\n', "line 1: "),
        ("a.jsonl", '{"image": "' + "a" * 70_000 + '"}\n', "line 1: it is too long"),
        ("a.jsonl", "[" * 10_000 + "\n", "line 1: "),
        ("none.csv", None, "cannot be read"),
    ],
)
def test_a_damaged_list_is_refused_with_the_line(
    photos: Path, name: str, text: str | None, problem: str
) -> None:
    """In one line with the file."""
    if text is not None:
        (photos / name).write_text(text)
    with pytest.raises(DataError, match=problem) as caught:
        create_dataset("image_list", path=str(photos / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
