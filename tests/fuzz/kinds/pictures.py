"""Damaged picture files, through the library's reader and through every command that reads them."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

import tifffile
from PIL import Image

from restorekit.errors import ImageFileError, RestoreKitError
from restorekit.pictures.read_files import count_pages, read_pages
from tests.fuzz.cases import Broken
from tests.fuzz.command import Said, call, command
from tests.fuzz.corpus import corpus
from tests.fuzz.mutate import mutate_bytes, splice
from tests.fuzz.structure import mutate_structure

_STEMS = (
    "a",
    "a b",
    "-x",
    "%s{}",
    "été",
    "画像" * 40,
    "line\nbreak",
    "red\x1b[31m",
    "[bold]",
    "a.tar",
    "\u202egnp",
)
_SUFFIXES = (".png", ".jpg", ".tif", ".tiff", ".webp", ".bmp")


def attack(random: Random, home: Path) -> str:
    """One damaged file, read or given to a command; it stays as it is, and nothing else is left."""
    name, content = damaged(random)
    stem = random.choice(_STEMS) if random.random() < 0.2 else "a"
    suffix = Path(name).suffix if random.random() < 0.9 else random.choice(_SUFFIXES)
    folder = home / "in"
    folder.mkdir()
    path = folder / f"{stem}{suffix}"
    path.write_bytes(content)
    way = random.choice([_read, _read, _one, _one, _folder, _in_place, _other])
    return way(random, home, path)


def damaged(random: Random) -> tuple[str, bytes]:
    """A file of the corpus by name, and its content after a few mutations."""
    name = random.choice(list(corpus()))
    content = corpus()[name]
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        how = random.random()
        if how < 0.6:
            content = mutate_structure(content, random)
        elif how < 0.95:
            content = mutate_bytes(content, random)
        else:
            content = splice(content, random.choice(list(corpus().values())), random)
    return name, content


def _read(random: Random, home: Path, path: Path) -> str:
    before = path.read_bytes()
    pages = call(read_pages, path)
    count = call(count_pages, path)
    _unchanged(path, before)
    if isinstance(pages, RestoreKitError):
        if not isinstance(pages, ImageFileError) or "\n" in str(pages).replace(str(path), ""):
            raise Broken(f"refused with {pages!r}")
        return "refused"
    if count != len(pages):
        raise Broken(f"{len(pages)} pages read, {count} counted")
    return "done"


def _one(random: Random, home: Path, path: Path) -> str:
    target = home / "out" / f"b{path.suffix if random.random() < 0.7 else random.choice(_SUFFIXES)}"
    before = path.read_bytes()
    said = command("denoise", "-m", _model(random), "-o", target, *_options(random), "--", path)
    _unchanged(path, before)
    _written(said, target)
    _only(home, {path, target} if said.code == 0 else {path})
    return said.outcome


def _folder(random: Random, home: Path, path: Path) -> str:
    """A good picture in the same folder as the damaged one is still restored."""
    good = path.parent / "good.tif"
    good.write_bytes(corpus()["tiff-strips.tif"])
    before = path.read_bytes()
    said = command(
        "denoise", "-m", _model(random), "-o", f"{home / 'out'}/", *_options(random), path.parent
    )
    _unchanged(path, before)
    _unchanged(good, corpus()["tiff-strips.tif"])
    made = home / "out"
    if not (made / "good.tif").exists():
        raise Broken(f"the good picture was not restored: {said.err!r}")
    for target in made.iterdir():
        readable(target)
    _only(home, {path, good, *made.iterdir()})
    return said.outcome


def _in_place(random: Random, home: Path, path: Path) -> str:
    before = path.read_bytes()
    said = command("denoise", "-m", _model(random), "--in-place", "--", path)
    if said.code != 0:
        _unchanged(path, before)
    elif path.read_bytes() != before:
        readable(path)
    _only(home, {path})
    return said.outcome


def _other(random: Random, home: Path, path: Path) -> str:
    """Noise, a report, a benchmark, or the file taken for weights or a configuration."""
    before = path.read_bytes()
    target = home / "out" / "b.tif"
    ways = {
        "noise": ("noise", "-o", target, "-n", "gaussian", "-s", "std=0.1", "--", path),
        "report": (
            "denoise",
            "-m",
            "median",
            "-o",
            target,
            "--report",
            home / "out" / "r.html",
            "--",
            path,
        ),
        "benchmark": (
            "benchmark",
            "median",
            "--data",
            path.parent,
            "--noise",
            "gaussian:25",
            "--device",
            "cpu",
        ),
        "info": ("info", "--", path),
        "train": ("train", "--", path),
    }
    said = command(*ways[random.choice(list(ways))])
    _unchanged(path, before)
    for made in (home / "out").glob("*.tif"):
        readable(made)
    return said.outcome


def _model(random: Random) -> str:
    return "median" if random.random() < 0.9 else "tv"


def _options(random: Random) -> list[str]:
    options = []
    if random.random() < 0.2:
        options += ["--strength", random.choice(["0", "0.5"])]
    if random.random() < 0.2:
        options += ["--depth", random.choice(["8", "16", "float"])]
    if random.random() < 0.1:
        options += ["--tile", random.choice(["1", "16", "off"])]
    if random.random() < 0.2:
        options += [
            random.choice(["--json", "--ensemble", "--noise-map", "--overwrite", "--keep-detail=1"])
        ]
    return options


def _unchanged(path: Path, before: bytes) -> None:
    if not path.exists() or path.read_bytes() != before:
        raise Broken(f"the input {path.name!r} was changed")


def _only(home: Path, expected: set[Path]) -> None:
    files = {path for path in home.rglob("*") if path.is_file()}
    if more := files - expected:
        raise Broken(f"left behind: {sorted(path.name for path in more)}")


def _written(said: Said, target: Path) -> None:
    if said.code == 0:
        readable(target)
    elif target.exists():
        raise Broken(f"refused, but {target.name} is there")


def readable(path: Path) -> None:
    """Fail where another reader cannot decode a file that was written."""
    content = path.read_bytes()
    try:
        if content[:2] in (b"II", b"MM"):
            with tifffile.TiffFile(io.BytesIO(content)) as tiff:
                for page in tiff.pages:
                    page.asarray()
        else:
            with Image.open(io.BytesIO(content)) as image:
                image.load()
    except Exception as error:
        raise Broken(f"{path.name} cannot be read: {error!r}") from error
