"""Damaged and hostile weights: safetensors and their card, zip archives and pickles of torch."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import torch

from restorekit import create_model, load_model, save_model
from restorekit.components.kinds import models
from restorekit.errors import CheckpointError, RestoreKitError
from tests.fuzz.cases import Broken
from tests.fuzz.command import call, command
from tests.fuzz.corpus import corpus
from tests.fuzz.jsonish import mutated_json
from tests.fuzz.mutate import mutate_bytes

_ARCHITECTURES: dict[str, dict[str, Any]] = {
    "dncnn": {"depth": 3, "width": 4},
    "unet": {"width": 2, "depth": 1},
    "ffdnet": {"depth": 3, "width": 4},
    "swift": {"size": "tiny"},
}
_WORDS = (
    "F32",
    "F16",
    "BF16",
    "F64",
    "I64",
    "U8",
    "BOOL",
    "F8_E4M3",
    "F99",
    "dtype",
    "shape",
    "data_offsets",
    "__metadata__",
    "restorekit",
)
_CARD_WORDS = (
    "name",
    "arguments",
    "width",
    "depth",
    "channels",
    "checksum",
    "provider",
    "version",
    "format",
    "metrics",
    "summary",
)


class _Runs:
    """Unpickled in earnest, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def attack(random: Random, home: Path) -> str:
    """One weights file, asked about, loaded, converted, or used."""
    canary = home / "executed"
    suffix, content = strange_weights(random, canary)
    path = home / f"weights{suffix}"
    path.write_bytes(content)
    outcome = random.choice([_loaded, _told, _used, _converted])(random, home, path)
    if canary.exists():
        raise Broken("a pickle was executed")
    if path.read_bytes() != content:
        raise Broken("the weights were changed")
    return outcome


def strange_weights(random: Random, canary: Path) -> tuple[str, bytes]:
    """A suffix and a file, mutated or made to harm."""
    how = random.random()
    if how < 0.55:
        return ".safetensors", _safetensors(random)
    if how < 0.85:
        return random.choice([".pth", ".pt", ".ckpt"]), _archive(random)
    return ".pth", _hostile(random, canary)


def _safetensors(random: Random) -> bytes:
    content = _own()[random.choice(list(_own()))]
    how = random.random()
    if how < 0.25:
        return mutate_bytes(content, random)
    (length,) = struct.unpack_from("<Q", content)
    header, tensors = json.loads(content[8 : 8 + length]), content[8 + length :]
    if how < 0.65:
        card = json.loads(header["__metadata__"]["restorekit"])
        text = mutated_json(card, random, [*_CARD_WORDS, *models.names()])
        header["__metadata__"]["restorekit"] = text.decode("utf-8", "replace")
        packed = json.dumps(header).encode()
    else:
        packed = mutated_json(header, random, _WORDS)
    said = (
        len(packed)
        if random.random() < 0.9
        else random.choice([0, 1, 2**31, 2**63, 2**64 - 1, len(packed) + 1])
    )
    return struct.pack("<Q", said) + packed + tensors


def _archive(random: Random) -> bytes:
    content = random.choice(_torch_files())
    if random.random() < 0.4 or not content.startswith(b"PK"):
        return mutate_bytes(content, random)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as changed:
        names = source.namelist()
        place = random.randrange(len(names))
        how = random.randrange(5)
        for number, name in enumerate(names):
            inner = source.read(name)
            if number == place and how == 0:
                continue
            if number == place and how == 1:
                name = random.choice([f"../{name}", f"/{name}", name.upper(), name + "x"])
            if (number == place and how == 2) or (how > 2 and name.endswith("data.pkl")):
                inner = mutate_bytes(inner, random)
            changed.writestr(name, inner)
    return target.getvalue()


def _hostile(random: Random, canary: Path) -> bytes:
    """A pickle that runs code, or tensors and wrappers that cost far more than their bytes."""
    runs = _Runs(canary)
    circle: dict[str, Any] = {}
    circle["params"] = circle
    deep: Any = torch.zeros(1)
    for _ in range(random.choice([5, 400])):
        deep = {"state_dict": deep}
    side = random.choice([10**4, 10**5, 10**6])
    objects: list[Any] = [
        runs,
        {"params": {"conv.weight": torch.zeros(1), "more": runs}},
        circle,
        deep,
        {"model.0.weight": torch.zeros(1).expand(side, side)},
        {
            "model.0.weight": torch.zeros(1).expand(4, 3, side, 3),
            "model.2.weight": torch.zeros(3, 4, 3, 3),
        },
        {f"k{i}\x1b[31m": torch.zeros(1) for i in range(5)},
        {"weight" * 20_000: torch.zeros(1)},
        {str(i): torch.zeros(0) for i in range(5_000)},
        {
            "model.0.weight": torch.zeros(
                4, 3, 3, 3, dtype=random.choice([torch.complex64, torch.int64, torch.float64])
            )
        },
        {"model.0.weight": torch.zeros(4, 3, 3, 3).to_sparse()},
        [torch.zeros(3)],
        10 ** random.choice([1, 5000]),
    ]
    chosen = random.choice(objects)
    if random.random() < 0.3:
        try:
            return pickle.dumps(chosen)
        except RecursionError:
            pass
    return _saved(chosen, zipped=random.random() < 0.7)


@cache
def _own() -> dict[str, bytes]:
    """Weights that restorekit has written, by architecture."""
    import tempfile

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in _ARCHITECTURES.items():
            path = Path(folder, f"{name}.safetensors")
            card = {
                "noise": {"name": "gaussian", "std": 0.1},
                "metrics": {"psnr": 31.2},
                "step": 1200,
            }
            save_model(create_model(name, **arguments), path, card)
            found[name] = path.read_bytes()
    return found


@cache
def _torch_files() -> list[bytes]:
    """State dicts as other projects publish them."""
    shapes = {0: (4, 3), 2: (4, 4), 4: (3, 4)}
    plain = {f"model.{n}.weight": torch.randn(*shape, 3, 3) for n, shape in shapes.items()}
    plain |= {f"model.{n}.bias": torch.zeros(shape[0]) for n, shape in shapes.items()}
    own = create_model("dncnn", depth=3, width=4).state_dict()
    wrapped = {"params_ema": plain, "step": 3, "args": {"x": [1, 2.5, None]}}
    states = [plain, dict(own), wrapped, {f"module.{k}": v.half() for k, v in plain.items()}]
    return [_saved(state, zipped) for state in states for zipped in (True, False)]


def _saved(value: Any, zipped: bool) -> bytes:
    target = io.BytesIO()
    torch.save(value, target, _use_new_zipfile_serialization=zipped)
    return target.getvalue()


def _loaded(random: Random, home: Path, path: Path) -> str:
    result = call(load_model, path)
    if not isinstance(result, RestoreKitError):
        return "done"
    if not isinstance(result, CheckpointError) or "\n" in str(result):
        raise Broken(f"refused with {result!r:.300}")
    return "refused"


def _told(random: Random, home: Path, path: Path) -> str:
    return command("info", path, *random.choice([(), ("--json",), ("--credits",)])).outcome


def _used(random: Random, home: Path, path: Path) -> str:
    (home / "a.png").write_bytes(corpus()["png-2-8.png"])
    said = command("denoise", home / "a.png", "-m", path, "-o", home / "b.png", "--device", "cpu")
    if (said.code == 0) != (home / "b.png").exists():
        raise Broken(f"exit code {said.code}, output there: {said.code != 0}")
    return said.outcome


def _converted(random: Random, home: Path, path: Path) -> str:
    said = command("convert", path, home / "converted.safetensors")
    if said.code == 0 and isinstance(
        call(load_model, home / "converted.safetensors"), RestoreKitError
    ):
        raise Broken("what was converted cannot be loaded")
    if said.code != 0 and (home / "converted.safetensors").exists():
        raise Broken("refused, but the converted file is there")
    return said.outcome
