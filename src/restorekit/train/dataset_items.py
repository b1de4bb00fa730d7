"""The items of a dataset: clean images, or images with real noise.

A dataset may have more than `len` and `[index]`: `sample(index, generator)` draws a random sample,
and `views(index, count)` returns fixed parts for validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset

from restorekit.components.component_records import origin_of
from restorekit.errors import DataError, RestoreKitError, in_one_line
from restorekit.records import Images, NoisyImages

# Resizing may overshoot [0, 1] slightly; data on another scale are further outside.
_MARGIN = 0.5
_WANTED = (
    "a dataset gives (C, H, W) tensors: floats in [0, 1], uint8 or uint16; or (noisy, clean), two "
    "of them, or a restorekit.NoisyImages"
)


def describe_dataset(dataset: object) -> str:
    """What messages call a dataset."""
    origin = origin_of(dataset)
    if origin is None:
        return f"dataset {type(dataset).__name__}"
    path = origin.arguments.get("path")
    return f"dataset '{origin.name}'" + (f" of '{path}'" if path else "")


def source_of(dataset: Any, index: int) -> tuple[Any, int]:
    """The dataset that reads the picture at an index, and the index there."""
    while isinstance(dataset, (Subset, ConcatDataset)):
        if isinstance(dataset, Subset):
            dataset, index = dataset.dataset, dataset.indices[index]
            continue
        for part in dataset.datasets:
            if index < len(part):  # type: ignore[arg-type]
                dataset = part
                break
            index -= len(part)  # type: ignore[arg-type]
        else:
            raise IndexError(index)
    return dataset, index


def first_samples(dataset: Any) -> Iterator[Images]:
    """The first item of each dataset that a composed dataset reads from.

    Raises:
        DataError: one cannot be read.
    """
    if isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from first_samples(part)
    elif len(dataset):
        yield read_sample(dataset, 0)


def read_sample(dataset: object, index: int, generator: torch.Generator | None = None) -> Images:
    """The item at an index; a random draw, if a generator is given and supported.

    Raises:
        DataError: it cannot be read, or is not an image in [0, 1] or a noisy and a clean one.
    """
    source, place = source_of(dataset, index)
    sample = getattr(source, "sample", None)
    where = f"{describe_dataset(source)}, index {place}"
    if generator is None or sample is None:
        return as_sample(_guarded(where, source.__getitem__, place), where)
    return as_sample(_guarded(where, sample, place, generator), where)


def read_views(dataset: object, indices: Sequence[int], count: int) -> list[Images]:
    """At most `count` fixed items of the picture that all the indices belong to.

    Raises:
        DataError: it cannot be read, or is not an image in [0, 1] or a noisy and a clean one.
    """
    source, place = source_of(dataset, indices[0])
    if not hasattr(source, "views"):
        return [read_sample(dataset, index) for index in indices[:count]]
    where = f"{describe_dataset(source)}, index {place}"
    return [as_sample(view, where) for view in _guarded(where, source.views, place, count)]


def as_sample(item: object, where: str = "a dataset") -> Images:
    """An item of a dataset: a clean image (C, H, W), or one with real noise.

    uint8 is divided by 255 and uint16 by 65535; floats are taken as they are.

    Args:
        item: an image, two images (noisy, clean) of one shape, or a `NoisyImages`. A label or
            other elements after the images are dropped.
        where: the dataset and the index, for messages.

    Raises:
        DataError: it is none of these, or the values are not in about [0, 1]. Of noisy images only
            the mean has to be, since noise leaves the range.
    """
    if isinstance(item, NoisyImages):
        images = item.images
    else:
        found = _leading_images(item)
        if not 1 <= len(found) <= 2:
            raise DataError(f"{where}: {_described(item)}; {_WANTED}")
        if len(found) == 1:
            return _in_unit_range(_as_float(found[0], where), where)
        images = dict(zip(("noisy", "clean"), found, strict=True))
    floats = {name: _as_float(image, f"{where}, {name}") for name, image in images.items()}
    try:
        sample = NoisyImages(**floats)
    except RestoreKitError as error:
        raise DataError(f"{where}: {error}") from error
    for name, image in floats.items():
        of_mean = image if name == "clean" else image.mean()
        _in_unit_range(of_mean, f"{where}, {name}" + " (mean)" * (name != "clean"))
    return sample


def shape_of(sample: Images) -> tuple[int, ...]:
    """The shape of an image, or of each of the images of a scene."""
    return tuple((sample.noisy if isinstance(sample, NoisyImages) else sample).shape)


def scene_of(item: object) -> object:
    """The image that tells which scene an item shows: the clean one, if there is one."""
    if isinstance(item, NoisyImages):
        return item.noisy if item.clean is None else item.clean
    found = _leading_images(item)
    # Several noisy pictures of one scene have the clean one in common.
    return found[1] if len(found) == 2 else found[0] if found else None


def _leading_images(item: object) -> list[Tensor]:
    """The images at the beginning of an item: a tensor, or a tuple or list of several objects."""
    elements = item if isinstance(item, (tuple, list)) else [item]
    return list(takewhile(_is_image, elements))


def _is_image(element: object) -> bool:
    return isinstance(element, Tensor) and element.ndim == 3 and element.numel() > 0


def _described(item: object) -> str:
    if isinstance(item, (tuple, list)):
        return f"({', '.join(_described(each) for each in item[:4])})" if item else "nothing"
    return str(tuple(item.shape)) if isinstance(item, Tensor) else type(item).__name__


def _as_float(image: Tensor, where: str) -> Tensor:
    if not _is_image(image):
        raise DataError(f"{where}: {_described(image)}; {_WANTED}")
    if image.dtype in (torch.uint8, torch.uint16):
        return image.float() / torch.iinfo(image.dtype).max
    if not image.is_floating_point():
        raise DataError(f"{where}: a tensor of {image.dtype}; {_WANTED}")
    return image.float()


def _in_unit_range(values: Tensor, where: str) -> Tensor:
    low, high = (float(end) for end in values.aminmax())
    if not (low >= -_MARGIN and high <= 1 + _MARGIN):  # false for NaN too
        raise DataError(f"{where}: values from {low:.4g} to {high:.4g}; {_WANTED}")
    return values


def _guarded(where: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Read an item of a dataset; any error becomes one line with the name of the dataset."""
    try:
        return function(*arguments)
    except RestoreKitError:
        raise
    except Exception as error:
        raise DataError(f"{where}: {in_one_line(error)}") from error
