"""Formats that are registered: found by suffix or first bytes, used wherever files are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

import restorekit
from restorekit.components.kinds import formats
from restorekit.errors import ImageFileError, PluginWarning
from restorekit.pictures.base import Format
from restorekit.pictures.file_formats import format_of_suffix, suffixes
from restorekit.pictures.picture import Metadata, Picture, PictureError
from restorekit.pictures.read_files import find_images, read_picture
from restorekit.pictures.write_files import write_pages
from tests.components.plugin_site import HEAD, Site

# Pillow reads and writes the same format, so it can check the files.
PPM = r'''
class PPM(Format):
    """Portable pixmap, binary, of 8 bits."""

    name = "PPM"
    suffixes = (".ppm", ".pnm")
    signatures = (b"P6",)
    gray = False

    def read(self, path):
        data = path.read_bytes()
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+(\d+)\s", data)
        if head is None:
            raise PictureError("its header cannot be read")
        width, height = int(head[1]), int(head[2])
        check_size(width, height)
        pixels = np.frombuffer(data[head.end() :], np.uint8)
        return Picture(pixels.reshape(height, width, 3).copy())

    def write(self, picture, file, quality):
        height, width, _ = picture.pixels.shape
        file.write(b"P6\n%d %d\n255\n" % (width, height) + picture.pixels.tobytes())
'''
IMPORTS = """
import re
import numpy as np
from restorekit.pictures.base import Format
from restorekit.pictures.picture import Picture, PictureError, check_size
"""


@pytest.fixture(autouse=True)
def _own_formats() -> Iterator[None]:
    """Formats that a test registers are removed after it."""
    before = {entry.component.name for entry in formats.loaded()}
    yield
    for name in {entry.component.name for entry in formats.loaded()} - before:
        del formats._entries[name]


@pytest.fixture
def ppm() -> type[Format]:
    """The format, registered in this process."""
    space: dict[str, object] = {"__name__": __name__}
    exec(IMPORTS + PPM, space)
    return formats.register("ppm")(space["PPM"])  # type: ignore[arg-type, return-value]


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 17, 3), np.uint8)


def test_a_format_is_found_by_suffix_and_by_first_bytes(
    tmp_path: Path, ppm: type[Format], colours: np.ndarray
) -> None:
    """In upper and lower case, and under a suffix that is wrong or unknown."""
    for name in ("a.ppm", "b.PNM", "c.png", "d.something"):
        Image.fromarray(colours).save(tmp_path / name, "PPM")
        assert np.array_equal(read_picture(tmp_path / name).pixels, colours)
    assert [path.name for path in find_images(tmp_path)] == ["a.ppm", "b.PNM", "c.png"]
    Image.fromarray(colours).save(tmp_path / "e.ppm", "PNG")
    assert np.array_equal(read_picture(tmp_path / "e.ppm").pixels, colours)


def test_pixels_that_are_blanks_in_text_are_kept(tmp_path: Path, ppm: type[Format]) -> None:
    """One blank ends the header; 10 and 32 after it are values of the first pixel."""
    colours = np.full((2, 3, 3), (10, 32, 9), np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.ppm", "PPM")
    assert np.array_equal(read_picture(tmp_path / "a.ppm").pixels, colours)


def test_a_format_is_written_as_it_stores_pictures(
    tmp_path: Path, ppm: type[Format], colours: np.ndarray
) -> None:
    """16 bits become 8, metadata that is not kept is named, and transparency is refused."""
    deep = Picture(colours.astype(np.uint16) * 257, metadata=Metadata(dpi=(72, 72)))
    assert write_pages([deep], tmp_path / "a.ppm") == ("resolution",)
    with Image.open(tmp_path / "a.ppm") as image:
        assert image.format == "PPM"
        assert np.array_equal(np.asarray(image), colours)
    write_pages([Picture(colours[..., :1])], tmp_path / "gray.ppm")
    with Image.open(tmp_path / "gray.ppm") as image:
        assert np.array_equal(np.asarray(image), np.repeat(colours[..., :1], 3, axis=2))
    with pytest.raises(ImageFileError, match=r"no transparency.*use one of: \.png"):
        write_pages([Picture(colours, colours[..., 0])], tmp_path / "b.ppm")
    with pytest.raises(ImageFileError, match="one"):
        write_pages(iter([Picture(colours)] * 2), tmp_path / "b.ppm")
    assert not (tmp_path / "b.ppm").exists()


def test_restoring_and_adding_noise_use_the_format(
    tmp_path: Path, ppm: type[Format], colours: np.ndarray
) -> None:
    """Files of a folder, results in the same format, and a training dataset."""
    (tmp_path / "in").mkdir()
    for name in ("a.ppm", "b.png"):
        Image.fromarray(colours).save(tmp_path / "in" / name)
    done = restorekit.add_noise_files(
        tmp_path / "in", tmp_path / "noisy", {"name": "gaussian", "std": 0.1}
    )
    assert sorted(result.target.name for result in done.results) == ["a.ppm", "b.png"]
    restorekit.denoise_files(tmp_path / "noisy", tmp_path / "out", model="median")
    with Image.open(tmp_path / "out" / "a.ppm") as image:
        assert (image.format, image.size) == ("PPM", (17, 12))
    assert len(restorekit.create_dataset("folder", path=str(tmp_path / "in"), patch_size=8)) == 2


def test_the_orientation_is_applied_and_the_range_is_found(tmp_path: Path) -> None:
    """A plugin returns pixels and metadata as they are stored."""
    block = Image.Exif()
    block[274] = 6  # rotated by 90 degrees

    @formats.register("turned")
    class Turned(Format):
        name, suffixes = "turned", (".turned",)

        def read(self, path: Path) -> Picture:
            pixels = np.arange(6, dtype=np.uint16).reshape(2, 3, 1) * 800
            return Picture(pixels, metadata=Metadata(exif=block.tobytes()[6:]))

    (tmp_path / "a.turned").write_bytes(b"anything")
    found = read_picture(tmp_path / "a.turned")
    assert found.pixels[..., 0].tolist() == [[2400, 0], [3200, 800], [4000, 1600]]
    assert found.white == 4095
    with pytest.raises(ImageFileError, match=r"turned files can only be read\. One of: \.png"):
        write_pages([found], tmp_path / "b.turned")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (KeyError("depth"), "it is damaged"),
        (SystemExit(0), "its decoder raised SystemExit: 0"),
        (PictureError("it is encrypted"), "it is encrypted"),
    ],
)
def test_errors_of_a_format_name_the_file(
    tmp_path: Path, colours: np.ndarray, raised: BaseException, said: str
) -> None:
    """Whatever it raises, the other files of a folder can still be processed."""

    @formats.register("faulty")
    class Faulty(Format):
        name, suffixes = "Faulty", (".faulty",)

        def read(self, path: Path) -> Picture:
            raise raised

        def write(self, picture: Picture, file: IO[bytes], quality: int | None) -> None:
            raise raised

    (tmp_path / "a.faulty").write_bytes(b"x")
    with pytest.raises(ImageFileError, match=f"cannot read '.*a.faulty': {said}"):
        read_picture(tmp_path / "a.faulty")
    with pytest.raises(ImageFileError, match=r"cannot write '.*b.faulty': "):
        write_pages([Picture(colours)], tmp_path / "b.faulty")
    assert not (tmp_path / "b.faulty").exists()


def test_what_a_format_reads_is_checked(tmp_path: Path) -> None:
    @formats.register("listing")
    class Listing(Format):
        name, suffixes = "Listing", (".listing",)

        def read(self, path: Path) -> Picture:
            return [1, 2]  # type: ignore[return-value]

    (tmp_path / "a.listing").write_bytes(b"x")
    with pytest.raises(ImageFileError, match=r"Listing read \[1, 2\], which is not a Picture"):
        read_picture(tmp_path / "a.listing")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"suffixes": (".a",)}, "it has no name"),
        ({"name": "A", "suffixes": ".a"}, r"suffixes is a tuple such as \('.abc',\), not '.a'"),
        ({"name": "A", "suffixes": ("a",)}, "suffixes is a tuple"),
        ({"name": "A", "suffixes": (".A",)}, "suffixes is a tuple"),
        ({"name": "A", "suffixes": (".a",), "signatures": b"A"}, "signatures is a tuple of bytes"),
        ({"name": "A", "suffixes": (".a",), "signatures": (b"",)}, "signatures is a tuple"),
    ],
)
def test_a_wrong_declaration_is_named_once(attributes: dict[str, object], said: str) -> None:
    """The format is not used, and the others are."""
    formats.register("wrong")(type("Wrong", (Format,), attributes))
    with pytest.warns(PluginWarning, match=f"format 'wrong' of .* is not used: {said}"):
        assert format_of_suffix(".a") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ".png" in suffixes()


def test_a_built_in_suffix_cannot_be_taken(tmp_path: Path, colours: np.ndarray) -> None:
    @formats.register("other_png")
    class Other(Format):
        name, suffixes, signatures = "other", (".png", ".other"), (b"\x89PNG",)

        def read(self, path: Path) -> Picture:
            raise PictureError("it is refused")

    Image.fromarray(colours).save(tmp_path / "a.png")
    with pytest.warns(PluginWarning, match=r"is not used for \.png, which another format has"):
        assert np.array_equal(read_picture(tmp_path / "a.png").pixels, colours)
    # With its own suffix the plugin decides, for example for raw files that are also TIFF files.
    (tmp_path / "a.png").rename(tmp_path / "a.other")
    with pytest.raises(ImageFileError, match="it is refused"):
        read_picture(tmp_path / "a.other")


PLUGIN = (
    HEAD
    + """
@hookimpl
def restorekit_formats():
    return [
        Component("ppm", "ppm_codec:PPM", "portable pixmap"),
        Component("missing", "no_such_module:Format", "cannot be imported"),
    ]
"""
)
USE = """
import json, sys, warnings
import numpy as np
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import find_images, read_picture
from restorekit.pictures.write_files import write_pages
picture = Picture(np.zeros((4, 5, 3), np.uint8))
write_pages([picture], FOLDER + "/a.png")
read_picture(FOLDER + "/a.png"); find_images(FOLDER)
before = "ppm_module" in sys.modules
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    write_pages([picture], FOLDER + "/a.ppm")
    found = [path.name for path in find_images(FOLDER)]
    shape = read_picture(FOLDER + "/a.ppm").pixels.shape
print(json.dumps([before, found, shape, [str(each.message) for each in caught]]))
"""


def test_a_plugin_is_imported_only_for_its_files(tmp_path: Path) -> None:
    """PNG files need no plugin; a format that cannot be imported is named once."""
    site = Site(tmp_path)
    site.add("ppm", PLUGIN)
    (tmp_path / "ppm_codec.py").write_text(IMPORTS + PPM)
    (tmp_path / "in").mkdir()
    before, found, shape, said = site.run(f"FOLDER = {str(tmp_path / 'in')!r}\n{USE}")
    assert (before, found, shape) == (False, ["a.png", "a.ppm"], [4, 5, 3])
    assert len(said) == 1
    assert said[0].startswith("format 'missing' of ppm 1.0 is not used: format 'missing' of ppm")
    listed = site.run("import json, restorekit; print(json.dumps(restorekit.list_formats()))")
    assert {"png", "ppm"} <= set(listed)
