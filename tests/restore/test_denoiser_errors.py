"""Images, networks and devices that a denoiser refuses."""

from __future__ import annotations

from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from torch import nn

from restorekit.errors import CheckpointError, ImageFileError, InputError
from restorekit.restore.denoise import denoise
from restorekit.restore.denoiser import Denoiser
from tests.restore.probe_network import Probe, identity


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    stream = BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


def tiff_of_two_pages() -> bytes:
    """The bytes of a TIFF file."""
    stream = BytesIO()
    tifffile.imwrite(stream, np.zeros((2, 20, 30), np.uint8), photometric="minisblack")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        (np.zeros((0, 5), np.uint8), r"empty.*\(0, 5\)"),
        (np.zeros((5, 5, 0), np.uint8), r"empty.*\(5, 5, 0\)"),
        (torch.zeros(3, 0, 4), r"empty.*\(3, 0, 4\)"),
        (Image.new("RGB", (0, 3)), "empty"),
        (np.full((2, 2), np.nan), "finite"),
        (torch.full((1, 2, 2), -torch.inf), "finite"),
        (np.zeros((2, 2), bool), "bool"),
        (np.zeros((2, 2), np.longdouble), "float128|longdouble"),
        (torch.zeros(1, 2, 2, dtype=torch.int64), "int64"),
        (np.zeros((2, 2), np.uint64), "not uint64"),
        (np.zeros((3, 20, 30)), r"\(H, W, C\) or \(B, H, W, C\).*moveaxis"),
        (np.zeros((2, 3, 20, 30)), r"not \(2, 3, 20, 30\); if .* numpy\.moveaxis\(array, -3, -1\)"),
        (np.zeros((2, 2, 20, 30, 3)), r"not \(2, 2, 20, 30, 3\)$"),
        (b"", "the image data: it is empty$"),
        (BytesIO(b""), r"data: the stream is at its end; call seek\(0\) first$"),
        (StringIO("text"), "a stream gives bytes, not str; open it in mode 'rb'"),
        (b"hello" * 10, "^cannot read the image data: "),
        pytest.param(
            png(Image.effect_noise((80, 80), 50))[:900], "^cannot read the image data", id="cut"
        ),
        pytest.param(tiff_of_two_pages(), "^the image data holds 2 pages", id="pages"),
        (np.zeros((20, 30, 25)), r"not \(20, 30, 25\)$"),
        (np.ma.masked_less(np.zeros((2, 2)), 1), "filled"),
        (np.zeros(5), r"\(5,\)"),
        (torch.zeros(4, 4), r"\(C, H, W\) or \(B, C, H, W\)"),
        ("photo.png", "does not exist"),
        (Image.new("HSV", (2, 2)), r"convert\('RGB'\)"),
        (Image.new("LAB", (2, 2)), "'LAB' has no 8-bit gray or colour pixels$"),
        (None, "NoneType"),
    ],
)
def test_unusable_images_are_refused(image: Any, fault: str) -> None:
    """Each gives an error of one line with the reason."""
    with pytest.raises((InputError, ImageFileError), match=fault) as caught:
        denoise(image, identity())
    assert "\n" not in str(caught.value)


def test_network_that_misbehaves_is_named() -> None:
    """A changed shape or NaN is an error that names the network."""
    with pytest.raises(InputError, match=r"\(1, 3, 2, 2\), its input \(1, 3, 4, 4\)"):
        denoise(torch.rand(3, 4, 4), nn.AvgPool2d(2))
    with pytest.raises(InputError, match="not finite"):
        denoise(torch.rand(3, 4, 4), Probe(float("nan")))


def test_architecture_without_weights_is_refused() -> None:
    """The message says what to give instead; for a missing file it has the name."""
    with pytest.raises(CheckpointError, match=r"'unet' is an architecture without trained weights"):
        denoise(torch.rand(3, 8, 8), "unet")
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors"):
        denoise(torch.rand(3, 8, 8), "nowhere.safetensors")


def test_unknown_device_is_refused() -> None:
    """A missing device gives one line."""
    with pytest.raises(InputError, match="cuba"):
        Denoiser(identity(), device="cuba")
