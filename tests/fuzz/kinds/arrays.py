"""Strange arrays and tensors through the Python interface: denoisers, noises, losses, metrics."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from PIL import Image

from restorekit import Denoiser, create_loss, create_model, create_noise
from restorekit.components.kinds import losses, noises
from restorekit.errors import RestoreKitError
from restorekit.metric.image_quality import psnr, ssim
from restorekit.records import Degraded, Restoration
from restorekit.restore.noise_estimation import estimate_sigma, noise_map
from tests.fuzz.cases import Broken
from tests.fuzz.command import call

_TYPES: tuple[str, ...] = (
    "uint8",
    "uint16",
    "float32",
    "float64",
    "float16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint32",
    "bool",
)
_TYPES += (">u2", ">f4", "complex64", "object", "U3", "datetime64[s]")
_SHAPES: tuple[tuple[int, ...], ...] = (
    (),
    (0,),
    (5,),
    (1, 1),
    (9, 12),
    (9, 12, 1),
    (9, 12, 2),
    (9, 12, 3),
    (9, 12, 4),
    (9, 12, 5),
    (9, 12, 0),
)
_SHAPES += ((0, 12, 3), (1, 40, 3), (40, 1, 3), (2, 9, 12, 3), (3, 9, 12), (1, 1, 9, 12, 3))
_BATCHES: tuple[tuple[int, ...], ...] = (
    (1, 3, 9, 12),
    (2, 1, 16, 16),
    (1, 3, 1, 1),
    (0, 3, 9, 9),
    (1, 0, 9, 9),
    (2, 3, 0, 4),
    (1, 5, 12, 12),
)
_BATCHES += ((3, 12, 12), (12, 12), (1, 3, 170, 170))


def attack(random: Random, home: Path) -> str:
    """One call."""
    return random.choice(
        [_array, _array, _array, _tensor, _image, _noise, _loss, _metric, _estimate]
    )(random)


def _array(random: Random) -> str:
    """Restored, an array keeps its shape, type and values; what is given stays as it is."""
    given = strange_array(random)
    before = given.copy()
    result = call(_denoiser(random), given)
    if _differs(given, before):
        raise Broken(f"the given array was changed: {_describe(given)}")
    if isinstance(result, RestoreKitError):
        return "refused"
    if (result.shape, result.dtype) != (given.shape, given.dtype):
        raise Broken(f"{_describe(given)} came back as {_describe(result)}")
    if isinstance(given, np.ma.MaskedArray) and not isinstance(result, np.ma.MaskedArray):
        raise Broken("a masked array lost its mask")
    return "done"


def strange_array(random: Random) -> Any:
    """An array of any type, shape, layout and values."""
    dtype = np.dtype(random.choice(_TYPES if random.random() < 0.5 else _TYPES[:4]))
    shape = random.choice(_SHAPES if random.random() < 0.5 else _SHAPES[3:9])
    generator = np.random.default_rng(random.randrange(2**32))
    values: Any = generator.random(shape)
    if dtype.kind in "iu":
        values = values * random.choice([1, 200, 4000, np.iinfo(dtype).max])
    values = np.asarray(values).astype(dtype)
    if dtype.kind == "f" and values.size and random.random() < 0.4:
        with np.errstate(over="ignore"):  # some types hold less
            values.flat[0] = random.choice([np.nan, np.inf, -np.inf, 1e30, -1e4, 60000.0, 1e-40])
    layout = random.randrange(7)
    if layout == 0:
        values = np.asfortranarray(values)
    elif layout == 1 and values.ndim > 1:
        values = np.repeat(values, 2, 1)[:, ::2]
    elif layout == 2 and values.ndim > 0:
        values = values[::-1]
    elif layout == 3:
        values.setflags(write=False)
    elif layout == 4 and values.ndim > 1:
        values = np.broadcast_to(values[:1], values.shape)
    elif layout == 5 and random.random() < 0.3:
        values = np.ma.masked_array(values, mask=np.zeros(values.shape, bool))
    return values


def strange_tensor(random: Random) -> torch.Tensor:
    """A batch, mostly of floats on the [0, 1] scale, with a strange shape, type or value."""
    shape = random.choice(_BATCHES)
    values = torch.rand(shape, generator=torch.Generator().manual_seed(random.randrange(2**31)))
    how = random.randrange(10)
    if how == 0:
        values = values.to(
            random.choice(
                [torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.uint8, torch.bool]
            )
        )
    elif how == 1 and values.numel():
        values.view(-1)[0] = random.choice([float("nan"), float("inf"), 1e30, -5.0])
    elif how == 2 and len(shape) == 4:
        values = values.to(memory_format=torch.channels_last)
    elif how == 3 and len(shape) > 1:
        values = values.transpose(-1, -2)
    elif how == 4:
        values = values.requires_grad_()
    elif how == 5 and values.numel():
        values = values[:1].expand_as(values)
    return values


def _tensor(random: Random) -> str:
    given = strange_tensor(random)
    before = given.detach().clone()
    result = call(_denoiser(random), given)
    _check_kept(given, before)
    if isinstance(result, RestoreKitError):
        return "refused"
    if (result.shape, result.dtype) != (given.shape, given.dtype):
        raise Broken(
            f"{tuple(given.shape)} {given.dtype} came back as {tuple(result.shape)} {result.dtype}"
        )
    return "done"


def _image(random: Random) -> str:
    mode = random.choice(
        [
            "1",
            "L",
            "LA",
            "La",
            "P",
            "PA",
            "RGB",
            "RGBA",
            "RGBa",
            "RGBX",
            "CMYK",
            "YCbCr",
            "LAB",
            "HSV",
            "I",
            "F",
            "I;16",
        ]
    )
    given = Image.new(mode, random.choice([(1, 1), (9, 12), (70, 3), (0, 5)]))
    given.info.update(
        random.choice(
            [{}, {"transparency": 0}, {"transparency": (1, 2, 3)}, {"dpi": "x"}, {"exif": b"x"}]
        )
    )
    result = call(_denoiser(random), given)
    if isinstance(result, RestoreKitError):
        return "refused"
    if result.size != given.size:
        raise Broken(f"{mode} of {given.size} came back as {result.size}")
    return "done"


def _noise(random: Random) -> str:
    """Noise of a strange batch, or with strange arguments."""
    name = random.choice(noises.names())
    arguments = {
        k: random.choice([0, -1, 2, float("nan"), (0.3, 0.1), "x", None])
        for k in ("std", "amplitude", "amount")
        if random.random() < 0.1
    }
    noise = call(create_noise, name, **arguments)
    if isinstance(noise, RestoreKitError):
        return "refused"
    given = strange_tensor(random)
    before = given.detach().clone()
    result = call(noise, given)
    _check_kept(given, before)
    if isinstance(result, RestoreKitError):
        return "refused"
    if not isinstance(result, Degraded) or result.noisy.shape != given.shape:
        raise Broken(f"{name} made {type(result).__name__} of {tuple(given.shape)}")
    return "done"


_REQUIRED = {"perceptual": {"network": torch.nn.AvgPool2d(3, 1)}}


def _loss(random: Random) -> str:
    name = random.choice(losses.names())
    loss = create_loss(name, **_REQUIRED.get(name, {}))
    one, other = strange_tensor(random), strange_tensor(random)
    extras = {"mean": one, "log_variance": one} if random.random() < 0.5 else {}
    return (
        "refused"
        if isinstance(call(loss, Restoration(one, extras), other), RestoreKitError)
        else "done"
    )


def _metric(random: Random) -> str:
    one, other = strange_tensor(random), strange_tensor(random)
    other = one if random.random() < 0.4 else other
    return (
        "refused"
        if isinstance(call(random.choice([psnr, ssim]), one, other), RestoreKitError)
        else "done"
    )


def _estimate(random: Random) -> str:
    result = call(random.choice([estimate_sigma, noise_map]), strange_tensor(random))
    return "refused" if isinstance(result, RestoreKitError) else "done"


def _denoiser(random: Random) -> Denoiser:
    model = random.choice(
        [
            create_model("median"),
            create_model("dncnn", depth=2, width=4),
            create_model("ffdnet", depth=3, width=4, channels=1),
        ]
    )
    options: dict[str, Any] = random.choice(
        [
            {},
            {},
            {"tile": 8},
            {"strength": 0.0},
            {"strength_luma": 0.0},
            {"strength_chroma": 0.5, "keep_detail": 1.0},
            {"sigma": 0.1},
            {"keep_detail": 0.5},
            {"ensemble": True},
        ]
    )
    made = call(Denoiser, model, device="cpu", **options)
    if isinstance(made, RestoreKitError):
        raise Broken(f"no denoiser: {made}")
    return made  # type: ignore[no-any-return]


def _check_kept(given: torch.Tensor, before: torch.Tensor) -> None:
    if not torch.equal(given.detach().nan_to_num(), before.nan_to_num()):
        raise Broken("the given tensor was changed")


def _differs(one: Any, other: Any) -> bool:
    return bool(one.tobytes() != other.tobytes())


def _describe(values: Any) -> str:
    return f"{values.dtype} {values.shape}"
