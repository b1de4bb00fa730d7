"""Kernels of blurs: measured on a degradation, given as numbers or a picture, or of a reduction."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restorekit.components.catalogue import refuse_unknown
from restorekit.components.expressions import read_object
from restorekit.components.kinds import noises
from restorekit.components.noise_formulas import is_formula
from restorekit.errors import ArgumentError
from restorekit.pictures.file_formats import format_of_suffix
from restorekit.pictures.tensors import read_tensor, to_float
from restorekit.records import degrade
from restorekit.untrusted.text import quoted, shortened

_REACH = 80  # pixels, farther than any blur among the noises reaches
_NOTHING = 1e-6  # part of the largest weight that is taken for 0
_LONGEST_NAME = 200  # characters of an unknown name in a message

_EXAMPLES = "'gaussian:1.5' (radius), 'motion:9,30' (length, angle)"
_BRACKET = re.compile(r"[](){}[]")
_FIRST_NAME = re.compile(r"\s*([^\W\d][\w -]*)")  # of an expression or a formula
_SHORT = {"gaussian": ("blur", ("radius",)), "motion": ("motion_blur", ("length", "angle"))}

# What a user may give: a degradation, the weights, or a picture of a point.
Blur = str | Mapping[str, Any] | nn.Module | PathLike[str] | np.ndarray[Any, Any] | Tensor


@dataclass(frozen=True)
class Kernel:
    """The image of a point, or the weights of the pixels around one.

    Attributes:
        weights: (h, w), of sum 1; the weight of a pixel that is `row` rows below and `column`
            columns right of the blurred one is at `origin` + (row, column).
        origin: row and column of the weight of the pixel itself.
    """

    weights: Tensor
    origin: tuple[int, int]

    @property
    def reach(self) -> int:
        """How many rows or columns away the farthest weight is."""
        sides = zip(self.weights.shape, self.origin, strict=True)
        return max(max(first, size - 1 - first) for size, first in sides)

    def spectrum(self, size: tuple[int, int], like: Tensor) -> Tensor:
        """The factor of each frequency of an image that repeats, (H, W), complex.

        Args:
            size: height and width of the image, larger than the kernel.
            like: a tensor of the wanted type and device.
        """
        placed = torch.zeros(size, dtype=like.dtype, device=like.device)
        height, width = self.weights.shape
        placed[:height, :width] = self.weights.to(placed)
        shift = tuple(-first for first in self.origin)
        spectrum: Tensor = torch.fft.fft2(placed.roll(shift, (0, 1))).conj()
        return spectrum


def read_kernel(blur: Blur) -> Kernel:
    """The kernel of a blur that a user gives; see `deblur`.

    Raises:
        ArgumentError: it is not a blur, or its weights are not those of one.
        UnknownNameError: no degradation has its name.
        ImageFileError: the picture cannot be read.
    """
    if isinstance(blur, str):
        if not blur.strip():
            raise ArgumentError(f"the blur is empty; give {_EXAMPLES}, or the picture of a point")
        return _measured(_short_form(blur) or blur)
    if isinstance(blur, PathLike):
        return _point_spread(to_float(read_tensor(str(blur), 1))[0])
    if isinstance(blur, (np.ndarray, Tensor)):
        return _point_spread(torch.as_tensor(blur))
    if not isinstance(blur, (Mapping, nn.Module)):
        raise ArgumentError(f"blur is {quoted(blur)}; give {_EXAMPLES}, or the image of a point")
    return _measured(blur)


def blur_of_text(text: str) -> Blur:
    """The blur that a word of a command line means: the path of a picture, or a name.

    Raises:
        ArgumentError: it is a short form with wrong numbers.
    """
    return Path(text) if _short_form(text) is None and _is_path(text) else text


def _is_path(text: str) -> bool:
    """Whether a text is meant as a path, which need not exist."""
    has_separator = any(sign in text for sign in (os.sep, "/")) and not _BRACKET.search(text)
    # `Path.exists` fails for texts that are too long for a path.
    is_picture = format_of_suffix(Path(text).suffix) is not None
    return is_picture or has_separator or os.path.exists(text)


def _short_form(text: str) -> dict[str, object] | None:
    """The degradation that "gaussian:RADIUS" or "motion:LENGTH,ANGLE" means; None for others.

    Raises:
        ArgumentError: the numbers are missing, too many, or no numbers.
    """
    word, colon, rest = text.partition(":")
    if not colon or word not in _SHORT:
        return None
    name, arguments = _SHORT[word]
    try:
        values = [float(each) for each in rest.split(",")]
    except ValueError:
        values = []
    if len(values) != len(arguments):
        form = f"{word}:{','.join(each.upper() for each in arguments)}"
        raise ArgumentError(
            f"blur {quoted(text)}: write {form} with numbers, for example {_EXAMPLES}"
        )
    return {"name": name, **dict(zip(arguments, values, strict=True))}


def reducing_kernel(scale: int) -> Kernel:
    """The kernel by which bicubic resizing makes a picture smaller, with the antialiasing of PIL.

    Args:
        scale: by which the height and the width are divided.
    """
    # The middle of a small pixel is between those of the large ones that it stands for.
    reach = 2 * scale
    distance = (torch.arange(-reach, reach + scale) - (scale - 1) / 2) / scale
    x = distance.abs()
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    window = torch.where(x < 1, near, torch.where(x < 2, far, 0.0))
    weights = window[:, None] * window
    return Kernel(weights / weights.sum(), (reach, reach))


def identity_kernel() -> Kernel:
    """The kernel of no blur."""
    return Kernel(torch.ones(1, 1), (0, 0))


def _measured(blur: str | Mapping[str, Any] | nn.Module) -> Kernel:
    """The kernel of a degradation: what it makes of a point."""
    if not isinstance(blur, nn.Module):
        _check_name(blur)
    model = noises.build(blur)
    side = 2 * _REACH + 1
    point = torch.zeros(1, 1, side, side)
    point[..., _REACH, _REACH] = 1.0
    first, second, half, moved = (
        degrade(model, image, torch.Generator().manual_seed(seed)).noisy
        for seed, image in ((0, point), (1, point), (0, point / 2), (0, point.roll((1, 1), (2, 3))))
    )
    if not torch.equal(first, second) or not torch.allclose(first / 2, half, atol=1e-6):
        raise ArgumentError(
            f"{quoted(blur)} is not a blur of fixed parameters; examples are {_EXAMPLES}"
        )
    if not torch.allclose(first[..., :-1, :-1], moved[..., 1:, 1:], atol=1e-6):
        raise ArgumentError(
            f"{quoted(blur)} is not a blur: it is different from pixel to pixel; examples are "
            f"{_EXAMPLES}"
        )
    return _point_spread(first[0, 0])


def _check_name(blur: str | Mapping[str, Any]) -> None:
    """Check the name of a degradation.

    Raises:
        UnknownNameError: it is unknown; the message has the names of blurs only.
    """
    if isinstance(blur, str) and blur.lstrip().startswith("{"):
        blur = read_object(blur)
    text = blur if isinstance(blur, str) else str(blur.get("name", ""))
    named = _FIRST_NAME.match(text)
    if named or (text and not is_formula(text)):  # a formula may start with a weight
        name = shortened(named[1].strip() if named else text, _LONGEST_NAME)
        refuse_unknown(noises, name, lambda each: "blur" in each.tags, "blur", _SHORT)


def _point_spread(image: Tensor) -> Kernel:
    """The kernel of the image of a point in the middle, (H, W)."""
    if image.ndim != 2 or 0 in image.shape:
        raise ArgumentError(f"the weights of a blur are (H, W), not {tuple(image.shape)}")
    weights = image.detach().cpu().double().clamp(min=0)
    if not bool(weights.isfinite().all()) or not bool(weights.any()):
        raise ArgumentError("the weights of a blur are finite and not all 0")
    # Weights are those of the pixels from which light comes: the mirror image of where it goes.
    weights = weights.flip(0, 1)
    middle = [(side - 1) // 2 for side in weights.shape]
    rows, columns = (weights > _NOTHING * weights.max()).nonzero(as_tuple=True)
    top, left = int(rows.min()), int(columns.min())
    cut = weights[top : int(rows.max()) + 1, left : int(columns.max()) + 1]
    origin = (middle[0] - top, middle[1] - left)
    return Kernel((cut / cut.sum()).float(), origin)
