"""The sample photographs."""

from __future__ import annotations

import importlib.resources
import sys

import pytest
import torch
from PIL import Image
from torchvision.transforms.functional import to_tensor

from restorekit.components.kinds import datasets
from restorekit.data.samples import PICTURES, Samples, sample_path
from restorekit.errors import ArgumentError, DataError, MissingExtraError

COLOUR = {"astronaut", "chelsea", "coffee", "hubble_deep_field", "retina"}


def test_every_picture_is_there_in_colour_or_gray() -> None:
    """Each photograph is in the installed wheel, and is colour or gray as documented."""
    for name in PICTURES:
        with Image.open(sample_path(name)) as image:
            assert image.mode == ("RGB" if name in COLOUR else "L")


def test_licences_are_those_of_scikit_image() -> None:
    """According to the source of scikit-image, each is CC0 or in the public domain."""
    source = importlib.resources.files("skimage.data").joinpath("_fetchers.py").read_text("utf-8")
    for name, (_, licence) in PICTURES.items():
        doc = " ".join(source.split(f"def {name}(")[1].split("def ")[0].split())
        free = ("CC0", "Creative Commons CC0 License") if "CC0" in licence else ("public domain",)
        assert any(words in doc for words in free), name


def test_patches_of_all_pictures_make_a_batch() -> None:
    """Gray and colour photographs both give patches of three channels, or of one."""
    dataset = Samples(32, pictures=["camera", "coffee"])
    assert torch.stack([*dataset]).shape == (2, 3, 32, 32)
    gray = Samples(32, pictures=["camera", "coffee"], channels=1)
    patch = gray.sample(1, torch.Generator().manual_seed(0))
    assert patch.shape == (1, 32, 32)
    assert 0 <= patch.min() < patch.max() <= 1


def test_pictures_come_in_the_order_named() -> None:
    """A whole picture equals its file, and the order is that of the names."""
    dataset = Samples(None, pictures=["coffee", "chelsea"])
    with Image.open(sample_path("chelsea")) as image:
        assert torch.equal(dataset[1], to_tensor(image))


def test_excluded_photographs_are_left_out() -> None:
    """For example to keep them for validation."""
    assert len(Samples()) == len(PICTURES) == 9
    left = Samples(exclude=["camera", "coffee"])
    assert {path.name for path in left.paths}.isdisjoint({"camera.png", "coffee.png"})
    assert len(left) == 7


def test_wrong_names() -> None:
    """The message for an unknown name suggests one; an empty selection is an error."""
    with pytest.raises(ArgumentError, match=r"'camara'.* Did you mean 'camera'\?"):
        datasets.create("samples", pictures=["camara"])
    with pytest.raises(ArgumentError, match=r"'lena'.*Available: astronaut"):
        datasets.create("samples", exclude=["lena"])
    with pytest.raises(ArgumentError, match="removes all sample pictures"):
        Samples(pictures=["camera"], exclude=["camera"])


def test_missing_scikit_image_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'restorekit\[samples\]'"):
        Samples()


def test_picture_gone_from_scikit_image_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photograph that is missing from scikit-image gives a message, and is never downloaded."""
    monkeypatch.setitem(PICTURES, "cat", ("no_such_file.png", "CC0"))
    with pytest.raises(DataError, match=r"'cat'.*no_such_file\.png"):
        sample_path("cat")
