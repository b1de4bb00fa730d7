"""How pictures are made noisy and measured, against numpy and by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from restorekit.config.noise_expressions import NamedNoise, read_noises
from restorekit.errors import ArgumentError, DataError
from restorekit.evaluate.benchmark_pictures import BenchmarkPicture, as_float, read_data
from restorekit.evaluate.protocol import Protocol

CLEAN = torch.full((1, 3, 64, 80), 0.9)
CHANGED = {
    "seed": 1,
    "generator": "kair",
    "clip": True,
    "quantize": True,
    "round_output": True,
    "gray": True,
    "crop": 64,
    "border": 2,
    "limit": 3,
    "sigma": "estimated",
    "estimator": "mad",
    "stabilize": "on",
}


def read_pictures(folder: Path, protocol: Protocol, pairs: bool = False) -> list[BenchmarkPicture]:
    """The pictures without the record of them."""
    return read_data(folder, protocol, pairs)[0]


def noise(text: str = "gaussian:50") -> NamedNoise:
    """The noise of an expression."""
    return read_noises(text)[0]


class TestNoise:
    def test_it_has_the_stated_level(self) -> None:
        """The noise is not clipped, and its level is right and recorded."""
        degraded = Protocol().degrade(CLEAN, noise())
        added = degraded.noisy - CLEAN
        assert float(added.std()) == pytest.approx(50 / 255, rel=0.03)
        assert float(added.mean()) == pytest.approx(0, abs=0.01)
        assert degraded.noisy.max() > 1.2
        assert float(degraded.sigma) == pytest.approx(50 / 255)

    def test_it_does_not_depend_on_how_the_noise_is_written(self) -> None:
        """Explicit defaults, a range of equal ends, and a preset written out give equal noise."""
        first = Protocol().degrade(CLEAN, noise()).noisy
        spelt = {"name": "gaussian", "std": 50 / 255}
        for same in ({**spelt, "clip": False}, {**spelt, "std": [50 / 255, 50 / 255]}):
            (given,) = read_noises([same])
            assert torch.equal(Protocol().degrade(CLEAN, given).noisy, first)
        parts = ["gaussian", "salt_and_pepper", "uniform"]
        preset, spelt_out = read_noises(["classic_mixture", {"name": "one_of", "noises": parts}])
        drawn = [Protocol().degrade(CLEAN, each).noisy for each in (preset, spelt_out)]
        assert torch.equal(*drawn)

    def test_it_depends_on_seed_and_pixels_alone(self) -> None:
        """It is repeatable after other random draws, and changes with the seed or the pixels."""
        first = Protocol().degrade(CLEAN, noise()).noisy
        torch.rand(5)
        assert torch.equal(Protocol().degrade(CLEAN.clone(), noise()).noisy, first)
        other = CLEAN.clone()
        other[0, 0, 0, 0] += 1 / 255
        for added in (
            Protocol(seed=1).degrade(CLEAN, noise()).noisy - CLEAN,
            Protocol().degrade(other, noise()).noisy - other,
        ):
            correlation = np.corrcoef(added.flatten(), (first - CLEAN).flatten())
            assert abs(correlation[0, 1]) < 0.05

    def test_it_is_the_same_however_the_noise_is_written(self) -> None:
        """A stated default, another spelling, and another level, which scales the same noise."""

        def added(text: str) -> Tensor:
            return Protocol().degrade(CLEAN, noise(text)).noisy - CLEAN

        first = added("gaussian:25")
        assert torch.equal(added("gaussian:25,clip=false"), first)
        assert torch.equal(added(f'{{"name": "gaussian", "std": {25 / 255}}}'), first)
        torch.testing.assert_close(added("gaussian:50"), 2 * first, rtol=0, atol=1e-6)

    def test_clipping_and_quantising_use_the_same_noise(self) -> None:
        """The results are those of numpy."""
        plain = Protocol().degrade(CLEAN, noise()).noisy.numpy()
        clipped = Protocol(clip=True).degrade(CLEAN, noise()).noisy
        np.testing.assert_array_equal(clipped, np.clip(plain, 0, 1))
        quantised = Protocol(quantize=True).degrade(CLEAN, noise()).noisy
        levels = np.round(np.clip(plain, 0, 1) * 255)
        np.testing.assert_allclose(quantised * 255, levels, atol=1e-4)

    def test_kair_s_seeding(self) -> None:
        """numpy is seeded with 0 for each picture, with channels last, as in its scripts."""
        np.random.seed(0)
        expected = CLEAN[0].movedim(0, 2).numpy() + np.random.normal(0, 50 / 255, (64, 80, 3))
        for _ in range(2):
            noisy = Protocol(generator="kair").degrade(CLEAN, noise()).noisy
            np.testing.assert_allclose(noisy[0].movedim(0, 2), expected, atol=1e-6)

    @pytest.mark.parametrize("text", ["uniform:25", "gaussian:[5,50]"])
    def test_kair_has_gaussian_noise_of_one_level_alone(self, text: str) -> None:
        """Other noises are refused."""
        with pytest.raises(ArgumentError, match="supports gaussian noise of one level only"):
            Protocol(generator="kair").degrade(CLEAN, noise(text))


class TestMeasuring:
    def test_the_border_is_left_out(self) -> None:
        """On every side."""
        image = torch.arange(400.0).view(1, 1, 20, 20) / 400
        finished = Protocol(border=3).finish(image)
        np.testing.assert_array_equal(finished[0, 0], image[0, 0].numpy()[3:-3, 3:-3])

    def test_the_output_is_clamped_and_rounded_if_asked(self) -> None:
        """As in an image file."""
        image = torch.tensor([-0.5, 0.1234, 1.5]).view(1, 1, 1, 3)
        assert Protocol().finish(image).flatten().tolist() == pytest.approx([0, 0.1234, 1])
        rounded = Protocol(round_output=True).finish(image).flatten().tolist()
        assert rounded == pytest.approx([0, 31 / 255, 1])

    @pytest.mark.parametrize("wrong", [{"crop": 10}, {"border": -1}, {"limit": 0}])
    def test_numbers_out_of_range_are_refused(self, wrong: dict[str, int]) -> None:
        """The message states the name and the minimum."""
        with pytest.raises(ArgumentError, match=f"protocol: '{next(iter(wrong))}' must be at le"):
            Protocol(**wrong)

    def test_every_choice_shows(self) -> None:
        """Each changes the line below a table, and has a remark and an option."""
        assert set(CHANGED) == set(Protocol.__dataclass_fields__)
        changed = [replace(Protocol(), **{name: value}) for name, value in CHANGED.items()]
        assert len({Protocol().describe(), *(each.describe() for each in changed)}) == 13
        assert len({each.remarks for each in changed}) == 12
        assert Protocol().remarks == Protocol().options == ()
        assert Protocol(gray=True, border=4).remarks == ("gray", "border of 4 px left out")


class TestPictures:
    def test_they_come_in_the_order_of_their_names(self, folder: Path) -> None:
        """The pixels are those of the files."""
        pictures = read_pictures(folder, Protocol())
        assert [picture.name for picture in pictures] == ["a.png", "b.png", "deep/c.png"]
        for picture in pictures:
            expected = np.asarray(Image.open(folder / picture.name)) / 255
            np.testing.assert_allclose(
                as_float(picture.clean)[0].movedim(0, 2), expected, atol=1e-6
            )

    def test_a_limit_spaces_them_evenly(self, folder: Path) -> None:
        """The noise of the selected pictures does not change."""
        names = [p.name for p in read_pictures(folder, Protocol(limit=2))]
        assert names == ["a.png", "deep/c.png"]

    def test_gray_and_crop(self, folder: Path) -> None:
        """Gray is PIL's luma, and the crop is its centre."""
        (first, *_) = read_pictures(folder, Protocol(gray=True, crop=32))
        expected = np.asarray(Image.open(folder / "a.png").convert("L"))[8:40, 16:48]
        np.testing.assert_array_equal(first.clean[0], expected)

    def test_the_digest_is_of_pixels(self, folder: Path) -> None:
        """One changed value or another selection changes the digest; a name does not."""

        def digest(**choices: int) -> str:
            return read_data(folder, Protocol(**choices))[1].digest

        before = digest()
        assert digest() == before
        assert digest(limit=2) != before
        with Image.open(folder / "b.png") as image:
            image.load()
        image.save(folder / "b.png", optimize=True)  # other bytes, the same pixels
        assert digest() == before
        red, green, blue = image.getpixel((5, 7))
        image.putpixel((5, 7), (red ^ 1, green, blue))
        image.save(folder / "b.png")
        assert digest() != before
        image.putpixel((5, 7), (red, green, blue))
        image.save(folder / "b.png")
        (folder / "a.png").rename(folder / "zz.png")  # which changes the order, too
        assert digest() == before

    def test_every_file_is_on_record(self, folder: Path) -> None:
        """Both the measured files and the other ones are recorded."""
        (folder / "deep" / "notes.txt").write_text("x")
        data = read_data(folder, Protocol())[1]
        assert [file.name for file in data.files] == ["a.png", "b.png", "deep/c.png"]
        assert data.others == {"TXT": 1}
        assert data.describe().endswith("; not read: 1 TXT")

    def test_a_picture_that_is_too_small_is_named(self, folder: Path) -> None:
        """The message has its size and the required one."""
        with pytest.raises(
            DataError, match=r"'b.png' has 48x40 pixels, but each side needs at least 41"
        ):
            read_pictures(folder, Protocol(border=15))


class TestPairs:
    def test_files_are_paired_by_name(self, pairs: Path) -> None:
        """The words for noisy and clean are ignored; both files are recorded."""
        pictures, data = read_data(pairs, Protocol(), pairs=True)
        assert [picture.name for picture in pictures] == [
            "noisy/01_noise.png",
            "noisy/02_noise.png",
        ]
        assert [file.clean for file in data.files] == ["gt/01_gt.png", "gt/02_gt.png"]
        differences = [int(p.noisy[0, 0, 0]) - int(p.clean[0, 0, 0]) for p in pictures]
        assert differences == [4, 12]

    def test_patterns_and_lists(self, pairs: Path, tmp_path: Path) -> None:
        """Both find the same pairs, and give the options for the command line."""
        patterns = ("gt/{n}_gt.png", "noisy/{n}_noise.png")
        (tmp_path / "l.csv").write_text("clean,noisy\ngt/01_gt.png,noisy/01_noise.png\n")
        by_names = read_data(pairs, Protocol(), True)[1]
        by_patterns = read_data(pairs, Protocol(), patterns)[1]
        listed = read_data(pairs, Protocol(), tmp_path / "l.csv")[1]
        assert by_patterns.files == by_names.files
        assert listed.files == by_names.files[:1]
        assert listed.unused == ("gt/02_gt.png", "noisy/02_noise.png")
        assert by_patterns.options == ("--pairs-pattern", *patterns)
        assert (by_names.options, listed.options) == (("--pairs",), ("--pairs-csv", "l.csv"))

    def test_pairs_of_different_sizes_are_refused(self, pairs: Path) -> None:
        """The message states both sizes."""
        Image.new("RGB", (20, 17)).save(pairs / "noisy" / "02_noise.png")
        with pytest.raises(DataError, match=r"02_noise.png' is \(3, 17, 20\), its clean picture"):
            read_pictures(pairs, Protocol(), pairs=True)
