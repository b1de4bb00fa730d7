"""How pictures are made noisy and measured, against numpy and by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restorekit.errors import ArgumentError, DataError
from restorekit.evaluate.noises import NamedNoise, read_noises
from restorekit.evaluate.pictures import as_float, describe_data, read_pictures
from restorekit.evaluate.protocol import Protocol

CLEAN = torch.full((1, 3, 64, 80), 0.9)


def noise(text: str = "gaussian:50") -> NamedNoise:
    """The noise of an expression."""
    return read_noises(text)[0]


class TestNoise:
    def test_it_is_what_was_asked_for(self) -> None:
        """Unclipped, of the right level, and told to be so."""
        degraded = Protocol().degrade(CLEAN, noise(), "a.png")
        added = degraded.noisy - CLEAN
        assert float(added.std()) == pytest.approx(50 / 255, rel=0.03)
        assert float(added.mean()) == pytest.approx(0, abs=0.01)
        assert degraded.noisy.max() > 1.2
        assert float(degraded.sigma) == pytest.approx(50 / 255)

    def test_it_depends_on_seed_picture_and_noise_alone(self) -> None:
        """The same again, whatever was drawn in between; another where one of the three differs."""
        first = Protocol().degrade(CLEAN, noise(), "a.png").noisy
        torch.rand(5)
        assert torch.equal(Protocol().degrade(CLEAN, noise(), "a.png").noisy, first)
        others = [
            Protocol(seed=1).degrade(CLEAN, noise(), "a.png"),
            Protocol().degrade(CLEAN, noise(), "b.png"),
        ]
        for other in others:
            correlation = np.corrcoef((other.noisy - CLEAN).flatten(), (first - CLEAN).flatten())
            assert abs(correlation[0, 1]) < 0.05

    def test_clipping_and_quantising_are_of_the_same_noise(self) -> None:
        """As numpy does them."""
        plain = Protocol().degrade(CLEAN, noise(), "a.png").noisy.numpy()
        clipped = Protocol(clip=True).degrade(CLEAN, noise(), "a.png").noisy
        np.testing.assert_array_equal(clipped, np.clip(plain, 0, 1))
        quantised = Protocol(quantize=True).degrade(CLEAN, noise(), "a.png").noisy
        levels = np.round(np.clip(plain, 0, 1) * 255)
        np.testing.assert_allclose(quantised * 255, levels, atol=1e-4)

    def test_kair_s_seeding(self) -> None:
        """numpy seeded with 0 before each picture, channels last, as its scripts do."""
        np.random.seed(0)
        expected = CLEAN[0].movedim(0, 2).numpy() + np.random.normal(0, 50 / 255, (64, 80, 3))
        for name in ("a.png", "b.png"):
            noisy = Protocol(generator="kair").degrade(CLEAN, noise(), name).noisy
            np.testing.assert_allclose(noisy[0].movedim(0, 2), expected, atol=1e-6)

    @pytest.mark.parametrize("text", ["uniform:25", "gaussian:[5,50]"])
    def test_kair_has_gaussian_noise_of_one_level_alone(self, text: str) -> None:
        """Any other is refused."""
        with pytest.raises(ArgumentError, match="makes gaussian noise of one level alone"):
            Protocol(generator="kair").degrade(CLEAN, noise(text), "a.png")


class TestMeasuring:
    def test_the_border_is_left_out(self) -> None:
        """At every side."""
        image = torch.arange(400.0).view(1, 1, 20, 20) / 400
        finished = Protocol(border=3).finish(image)
        np.testing.assert_array_equal(finished[0, 0], image[0, 0].numpy()[3:-3, 3:-3])

    def test_the_output_is_clamped_and_rounded_if_asked(self) -> None:
        """As a file would hold it."""
        image = torch.tensor([-0.5, 0.1234, 1.5]).view(1, 1, 1, 3)
        assert Protocol().finish(image).flatten().tolist() == pytest.approx([0, 0.1234, 1])
        rounded = Protocol(round_output=True).finish(image).flatten().tolist()
        assert rounded == pytest.approx([0, 31 / 255, 1])

    @pytest.mark.parametrize("wrong", [{"crop": 10}, {"border": -1}, {"limit": 0}])
    def test_numbers_out_of_range_are_refused(self, wrong: dict[str, int]) -> None:
        """The name and the least are told."""
        with pytest.raises(ArgumentError, match=f"protocol: '{next(iter(wrong))}' must be at le"):
            Protocol(**wrong)

    def test_every_choice_shows_in_the_line(self) -> None:
        """Changing any of them changes what is printed with a table."""
        changed = {
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
        }
        assert set(changed) == set(Protocol.__dataclass_fields__)
        lines = {replace(Protocol(), **{k: v}).describe() for k, v in changed.items()}
        assert len(lines | {Protocol().describe()}) == len(changed) + 1


class TestPictures:
    def test_they_come_in_the_order_of_their_names(self, folder: Path) -> None:
        """With their pixels as the files hold them."""
        pictures = read_pictures(folder, Protocol())
        assert [picture.name for picture in pictures] == ["a.png", "b.png", "deep/c.png"]
        for picture in pictures:
            expected = np.asarray(Image.open(folder / picture.name)) / 255
            np.testing.assert_allclose(
                as_float(picture.clean)[0].movedim(0, 2), expected, atol=1e-6
            )

    def test_a_limit_spaces_them_evenly(self, folder: Path) -> None:
        """The first of each part; the noise of those that stay is the same."""
        names = [p.name for p in read_pictures(folder, Protocol(limit=2))]
        assert names == ["a.png", "deep/c.png"]

    def test_gray_and_crop(self, folder: Path) -> None:
        """PIL's luma, and the middle of it."""
        (first, *_) = read_pictures(folder, Protocol(gray=True, crop=32))
        expected = np.asarray(Image.open(folder / "a.png").convert("L"))[8:40, 16:48]
        np.testing.assert_array_equal(first.clean[0], expected)

    def test_the_digest_tells_pixels_and_names_apart(self, folder: Path) -> None:
        """One value of one pixel, a renamed file, or another selection makes another digest."""

        def digest(**choices: int) -> str:
            return describe_data(folder, read_pictures(folder, Protocol(**choices))).digest

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
        assert digest() == before
        (folder / "a.png").rename(folder / "aa.png")
        assert digest() != before

    def test_a_picture_that_is_too_small_is_named(self, folder: Path) -> None:
        """With its size and what is needed."""
        with pytest.raises(DataError, match=r"'b.png' is 48x40 pixels, below the 41 needed"):
            read_pictures(folder, Protocol(border=15))


class TestPairs:
    def test_files_are_paired_by_name(self, pairs: Path) -> None:
        """But for what tells noisy from clean at the end of it."""
        pictures = read_pictures(pairs, Protocol(), pairs=True)
        assert [picture.name for picture in pictures] == ["gt/01_gt.png", "gt/02_gt.png"]
        differences = [int(p.noisy[0, 0, 0]) - int(p.clean[0, 0, 0]) for p in pictures]
        assert differences == [4, 12]

    @pytest.mark.parametrize(("gone", "other"), [("gt", "noisy"), ("noisy", "gt")])
    def test_a_lonely_file_is_named(self, pairs: Path, gone: str, other: str) -> None:
        """And where its other half should be."""
        sorted((pairs / gone).iterdir())[0].unlink()
        with pytest.raises(DataError, match=f"01_.*has no other half in '.*{gone}'"):
            read_pictures(pairs, Protocol(), pairs=True)

    def test_a_folder_without_pairs_is_told(self, folder: Path) -> None:
        """What is missing in it."""
        with pytest.raises(DataError, match=r"holds no pairs: .* it has no 'gt'"):
            read_pictures(folder, Protocol(), pairs=True)

    def test_pairs_of_different_sizes_are_refused(self, pairs: Path) -> None:
        """Both sizes are told."""
        Image.new("RGB", (20, 17)).save(pairs / "noisy" / "02_noise.png")
        with pytest.raises(DataError, match=r"02_noise.png' is \(3, 17, 20\), its clean picture"):
            read_pictures(pairs, Protocol(), pairs=True)
