"""Reports: contents and size."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from restorekit.errors import ArgumentError, ImageFileError, InputError
from restorekit.report import summary, write_report
from restorekit.restore.outcome import DenoiseOutcome

Array = NDArray[Any]
OUTCOME = DenoiseOutcome(
    image=None,
    model="swift-photo",
    sigma=(0.06, 0.05, 0.04),
    already_clean=False,
    seconds=1.5,
    tile=384,
    precision="bfloat16",
)
VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """The elements of a page; fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def images(self) -> list[Image.Image]:
        found = []
        for image in self.all("img"):
            kind, _, encoded = str(image["src"]).partition(";base64,")
            assert kind in ("data:image/png", "data:image/jpeg")
            found.append(Image.open(io.BytesIO(base64.b64decode(encoded))))
        return found


def noisy(clean: Array, sigma: float = 15) -> Array:
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
    return np.clip(clean + noise, 0, 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def pair() -> tuple[Array, Array]:
    """A noisy photograph, and the same perfectly restored."""
    clean = data.astronaut()[:320, :400]
    return noisy(clean), clean


class TestPage:
    def test_it_is_complete(self, pair: tuple[Array, Array], tmp_path: Path) -> None:
        """It has sliders for two crops and the whole picture, two residuals, and the numbers."""
        write_report(tmp_path / "r.html", *pair, OUTCOME, name="photo.jpg")
        page = Page((tmp_path / "r.html").read_text("utf-8"))
        assert len(page.all("img")) == 2 + 3 * 2
        assert all(image["alt"] for image in page.all("img"))
        assert len(page.all("input")) == 3
        assert "photo.jpg" in page.text
        assert "The residual is white noise" in page.text
        words = ("400 x 320", "swift-photo", "bfloat16", "384 pixels", "red 15.30")
        for expected in (*words, "Fine detail removed0%"):
            assert expected in page.text
        sizes = [image.size for image in page.images()]
        assert sizes[:2] == [(400, 320)] * 2
        assert set(sizes[2:]) == {(224, 224)}

    def test_it_is_self_contained_and_works_by_keyboard(
        self, pair: tuple[Array, Array], tmp_path: Path
    ) -> None:
        """Nothing is loaded from the network; sliders are labelled inputs; there is a dark mode."""
        write_report(tmp_path / "r.HTML", *pair)
        text = (tmp_path / "r.HTML").read_text("utf-8")
        assert not re.search(r"https?:|//[a-z]|url\(|@import", re.sub(r"base64,[^\"]*", "", text))
        page = Page(text)
        assert page.all("html") == [{"lang": "en"}]
        for slider in page.all("input"):
            assert slider["type"] == "range"
            assert slider["aria-label"]
        assert not page.all("link")
        assert "color-scheme: light dark" in text

    def test_the_crops_are_of_the_picture(self, pair: tuple[Array, Array], tmp_path: Path) -> None:
        """They are at the coordinates in the heading; the residual is the amplified difference."""
        before, after = pair
        write_report(tmp_path / "r.html", before, after)
        page = Page((tmp_path / "r.html").read_text("utf-8"))
        places = re.findall(r"224x224 pixels at (\d+), (\d+)", page.text)
        gains = {int(gain) for gain in re.findall(r"amplified (\d+) times", page.text)}
        (gain,) = gains
        crops = page.images()[2:]
        assert len(places) == 2
        for number, (left, top) in enumerate(places):
            there = np.s_[int(top) : int(top) + 224, int(left) : int(left) + 224]
            shown = [np.asarray(image).astype(float) for image in crops[3 * number :][:3]]
            assert np.array_equal(shown[0], after[there])
            assert np.array_equal(shown[1], before[there])
            difference = before[there].astype(float) - after[there]
            expected = np.clip(difference * gain + 127.5, 0, 255)
            assert np.abs(shown[2] - expected).max() <= 0.5 + 1e-3

    def test_flat_and_detailed_parts_are_chosen(self, tmp_path: Path) -> None:
        """In a picture that is smooth on the left, detailed on the right and saturated below."""
        picture = np.full((900, 900, 1), 0.5, np.float32)
        picture[:, :450] += np.linspace(0, 0.05, 450, dtype=np.float32)[None, :, None]
        picture[:, 450:] += (np.indices((900, 450)).sum(0) // 4 % 2)[..., None] * 0.3
        picture[600:] = 1.0
        write_report(tmp_path / "r.html", picture, picture)
        text = (tmp_path / "r.html").read_text("utf-8")
        flat, detail = re.findall(r"224x224 pixels at (\d+), (\d+)", text)
        assert int(flat[0]) + 224 <= 460
        assert int(detail[0]) >= 440
        assert int(flat[1]) < 600
        assert int(detail[1]) < 600

    @pytest.mark.parametrize(
        "name", ['<script>alert("x")</script>&.png', "a\udcff\n$x$ \u5199\u771f.png"]
    )
    @pytest.mark.parametrize("suffix", ["html", "png"])
    def test_names_are_only_text(
        self, pair: tuple[Array, Array], tmp_path: Path, name: str, suffix: str
    ) -> None:
        """Markup, formulas and bytes that are not text are escaped."""
        write_report(tmp_path / f"r.{suffix}", *pair, name=name)
        if suffix == "html":
            page = Page((tmp_path / "r.html").read_text("utf-8"))
            assert len(page.all("script")) == 1
            if "alert" in name:
                assert name in page.text

    def test_a_large_picture_makes_a_small_report(self, tmp_path: Path) -> None:
        """It is below 3 MB for 12 megapixels of strong noise."""
        clean = np.resize(data.astronaut(), (3000, 4000, 3))
        before = np.resize(noisy(data.astronaut(), 40), clean.shape)
        write_report(tmp_path / "r.html", before, clean)
        assert (tmp_path / "r.html").stat().st_size < 3_000_000


class TestPicture:
    def test_png(self, pair: tuple[Array, Array], tmp_path: Path) -> None:
        """It has a readable size, and no panel is empty."""
        write_report(tmp_path / "r.png", *pair, OUTCOME, name="photo.jpg")
        with Image.open(tmp_path / "r.png") as image:
            assert image.format == "PNG"
            assert min(image.size) > 800
            assert np.asarray(image.convert("L")).std() > 20

    def test_without_a_font(
        self, pair: tuple[Array, Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The exception of matplotlib becomes an error of one line, and no file is left behind."""

        def fails(*_: Any, **__: Any) -> None:
            raise ValueError("Failed to find font")

        monkeypatch.setattr(Figure, "savefig", fails)
        with pytest.raises(ImageFileError, match=r"cannot draw '.*font"):
            write_report(tmp_path / "r.png", *pair, OUTCOME)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".html", ".png"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(60, 50), (1, 1, 1), (40, 300, 3)])
def test_every_kind_of_picture(
    tmp_path: Path, dtype: Any, shape: tuple[int, ...], suffix: str
) -> None:
    """Gray and colour, 8 and 16 bits, floats outside [0, 1], and tiny pictures."""
    unit = np.random.default_rng(0).normal(0.5, 0.3, shape)
    if np.dtype(dtype).kind == "u":
        unit = np.clip(unit, 0, 1) * np.iinfo(dtype).max
    before = unit.astype(dtype)
    write_report(tmp_path / f"r{suffix}", before, before // 2 if dtype == np.uint8 else before)
    assert (tmp_path / f"r{suffix}").stat().st_size > 0


class TestSummary:
    def test_numbers(self, pair: tuple[Array, Array]) -> None:
        """They are JSON data; the noise in 1/255 is close to the added one."""
        numbers = summary(*pair, OUTCOME)
        assert json.loads(json.dumps(numbers)) == numbers
        assert numbers["size"] == [400, 320]
        assert numbers["noise_before"] == pytest.approx([15] * 3, rel=0.1)
        assert max(numbers["noise_after"]) < 3
        assert numbers["sigma"] == pytest.approx([15.3, 12.75, 10.2])
        assert numbers["residual"]["verdict"] == "white"
        assert numbers["peak_memory_mib"] > 10
        assert numbers["model"] == "swift-photo"
        assert numbers["already_clean"] is False

    def test_kinds_of_pixels_agree(self, pair: tuple[Array, Array]) -> None:
        """16 bits and floats give the same as 8 bits."""
        eight = summary(*pair)
        sixteen = summary(*(each.astype(np.uint16) * 257 for each in pair))
        floats = summary(*((each / 255).astype(np.float32) for each in pair))
        assert sixteen["noise_before"] == pytest.approx(eight["noise_before"], rel=1e-3)
        assert floats["residual"]["std"] == pytest.approx(eight["residual"]["std"], rel=1e-3)

    def test_a_blur_is_reported(self, pair: tuple[Array, Array]) -> None:
        """Over-smoothing removes detail."""
        blurred = (pair[0].astype(float)[1:] + pair[0][:-1]) / 2
        numbers = summary(pair[0][1:], blurred.astype(np.uint8))
        assert numbers["residual"]["verdict"] == "detail removed"
        assert 0.1 < numbers["residual"]["detail"] < 1

    def test_without_an_outcome(self) -> None:
        """Values that only it has are left out; an unchanged picture is reported as such."""
        picture = data.camera()
        numbers = summary(picture, picture)
        assert "model" not in numbers
        assert numbers["channels"] == 1
        assert numbers["residual"]["verdict"] == "none removed"


class TestFaults:
    def test_another_suffix(self, pair: tuple[Array, Array], tmp_path: Path) -> None:
        """The message lists the formats."""
        with pytest.raises(ArgumentError, match=r"\.html or \.png file, not 'r\.pdf'"):
            write_report(tmp_path / "r.pdf", *pair)

    @pytest.mark.parametrize(
        "after",
        [
            np.zeros((8, 9, 3), np.uint8),
            np.zeros((8, 8, 3), np.uint16),
        ],
    )
    def test_pictures_that_differ(self, after: Array) -> None:
        """The message has the shape and type of both."""
        with pytest.raises(InputError, match=re.escape(str(after.shape))):
            summary(np.zeros((8, 8, 3), np.uint8), after)

    @pytest.mark.parametrize(
        "picture",
        [np.zeros((8, 8, 4), bool), np.zeros((2, 8, 8, 3), np.uint8), np.zeros((0, 8, 3))],
    )
    def test_other_arrays_than_pictures_are_refused(self, picture: Array) -> None:
        """Another type, a batch and nothing at all are refused."""
        with pytest.raises(InputError):
            summary(picture, picture)

    def test_a_fault_leaves_the_old_report(self, tmp_path: Path) -> None:
        """And no unfinished file next to it."""
        path = tmp_path / "r.html"
        path.write_text("old")
        with pytest.raises(InputError):
            write_report(path, np.zeros((8, 8, 3), bool), np.zeros((8, 8, 3), bool))
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]
