"""denoise and noise: picture files in and out."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from restorekit.restore.denoiser import Denoiser


def digests(folder: Path) -> dict[str, str]:
    """The content of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def pixels(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.array(image)


class TestDenoise:
    def test_a_folder_becomes_a_folder(
        self, run: Any, pictures: Path, weights: Path, tmp_path: Path
    ) -> None:
        """Each picture keeps its path, size and mode, and equals the result of the library."""
        before = digests(pictures)
        call = ("denoise", pictures, "-o", tmp_path / "out", "--model", weights)
        outcome = run(*call, "--force")
        assert outcome.code == 0
        assert outcome.err == ""
        written = ["a.png", "deep/gray.png", "z.png"]
        assert outcome.out.splitlines() == [str(tmp_path / "out" / name) for name in written]
        assert list(digests(tmp_path / "out")) == written
        denoiser = Denoiser(weights, device="cpu", force=True)
        for name in written:
            with Image.open(pictures / name) as image:
                expected = denoiser(image)
                assert np.array_equal(pixels(tmp_path / "out" / name), np.array(expected))
                assert expected.mode == image.mode
        assert digests(pictures) == before

    def test_transparency_is_kept(
        self, run: Any, pictures: Path, weights: Path, tmp_path: Path
    ) -> None:
        """The alpha channel is unchanged."""
        run("denoise", pictures / "z.png", "-o", tmp_path / "z.png", "-m", weights)
        assert np.array_equal(
            pixels(tmp_path / "z.png")[..., 3], pixels(pictures / "z.png")[..., 3]
        )

    def test_a_bad_picture_does_not_stop_the_others(
        self, run: Any, pictures: Path, weights: Path, tmp_path: Path
    ) -> None:
        """Its path is reported after the others are done, and the exit code is 2."""
        (pictures / "b.png").write_bytes(b"junk")
        outcome = run("denoise", pictures, "-o", tmp_path / "out", "--model", weights)
        assert outcome.code == 2
        assert outcome.err.splitlines()[-1].startswith(
            f"error: cannot read '{pictures / 'b.png'}': "
        )
        assert list(digests(tmp_path / "out")) == ["a.png", "deep/gray.png", "z.png"]

    def test_every_file_of_a_folder_is_restored_or_reported(
        self, run: Any, pictures: Path, weights: Path, tmp_path: Path
    ) -> None:
        """A broken link is an error; the number of files that are not read is reported."""
        (pictures / "gone.png").symlink_to("nowhere.png")
        (pictures / "loop.png").symlink_to("loop.png")
        (pictures / "link").symlink_to(tmp_path)
        (pictures / "b.heic").touch()
        Image.new("RGB", (8, 8)).save(pictures / "c.jfif", "JPEG")
        outcome = run("denoise", pictures, "-o", tmp_path / "out", "--model", weights)
        assert outcome.code == 2
        assert list(digests(tmp_path / "out")) == ["a.png", "c.jfif", "deep/gray.png", "z.png"]
        assert outcome.err.splitlines()[-3:] == [
            "not read: 1 HEIC, 1 link to a folder",
            f"error: cannot read '{pictures / 'gone.png'}': it is a link to 'nowhere.png', which "
            "does not exist",
            f"error: cannot read '{pictures / 'loop.png'}': it is a link that leads back to itself",
        ]

    def test_an_input_is_not_overwritten_unasked(
        self, refused: Callable[..., str], pictures: Path, weights: Path
    ) -> None:
        """The output must be another file."""
        before = digests(pictures)
        picture = pictures / "a.png"
        message = refused("denoise", picture, "-o", picture, "--model", weights)
        assert message.startswith(f"'{picture}' would be overwritten")
        assert digests(pictures) == before

    def test_in_place_overwrites_each_input_once(
        self, run: Any, pictures: Path, weights: Path
    ) -> None:
        """A picture that is named in addition to its folder is restored once, not twice."""
        with Image.open(pictures / "a.png") as image:
            expected = np.array(Denoiser(weights, device="cpu")(image))
        outcome = run("denoise", pictures, pictures / "a.png", "--in-place", "--model", weights)
        assert outcome.code == 0
        assert len(outcome.out.splitlines()) == 3
        assert np.array_equal(pixels(pictures / "a.png"), expected)

    def test_an_output_or_in_place(
        self, refused: Callable[..., str], pictures: Path, weights: Path
    ) -> None:
        """Both together are refused; several pictures need one of them."""
        call = ("denoise", pictures / "a.png", "--model", weights)
        assert refused(*call, "-o", "x.png", "--in-place").startswith("give an output or")
        assert refused(*call, pictures / "z.png").startswith("several pictures need an output")

    def test_mistakes_with_model_and_device(
        self, refused: Callable[..., str], pictures: Path, weights: Path
    ) -> None:
        """Missing weights, the name of an architecture and an absent device give one line each."""
        call = ("denoise", pictures / "a.png", "-o", "x.png", "--model")
        assert refused(*call, "none.safetensors") == "none.safetensors: no such weights file"
        assert "'unet' is an architecture without trained weights" in refused(*call, "unet")
        assert "unknown device 'gpu'" in refused(*call, weights, "--device", "gpu")

    def test_a_terminal_gets_a_bar(
        self,
        run: Any,
        pictures: Path,
        weights: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The progress bar is on stderr, and stdout stays empty."""
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        outcome = run("denoise", pictures, "-o", tmp_path / "out", "--model", weights)
        assert (outcome.code, outcome.out) == (0, "")
        assert "denoising" in outcome.err
        assert "3/3" in outcome.err


class TestNoise:
    def test_the_noise_has_the_stated_level(self, run: Any, tmp_path: Path, pictures: Path) -> None:
        """On mid-gray the standard deviation is the given one, within four standard errors."""
        call = ("noise", pictures / "a.png", "-o", tmp_path / "n.png", "--noise", "gaussian")
        assert run(*call, "-s", "std=0.1").code == 0
        noise = (pixels(tmp_path / "n.png").astype(float) - 128) / 255
        count = noise.size
        assert abs(noise.mean()) < 4 * 0.1 / count**0.5
        assert abs(noise.std() - 0.1) < 4 * 0.1 / (2 * count) ** 0.5

    def test_the_range_is_given(self, run: Any, tmp_path: Path) -> None:
        """The noise is relative to the given range, not to that of the values."""
        tifffile.imwrite(tmp_path / "a.tif", np.full((64, 64), 3000, np.int32))
        call = ("noise", tmp_path / "a.tif", "-o", tmp_path / "n.tif", "-n", "gaussian")
        assert run(*call, "-s", "std=0.1", "--black", "-1000", "--white", "9000").code == 0
        noise = tifffile.imread(tmp_path / "n.tif").astype(float) - 3000
        assert abs(noise.std() - 1000) < 4 * 1000 / (2 * noise.size) ** 0.5
        assert abs(noise.mean()) < 4 * 1000 / noise.size**0.5

    def test_the_seed_decides(self, run: Any, pictures: Path, tmp_path: Path) -> None:
        """The same seed gives the same files, another seed different ones; each picture differs."""
        Image.new("RGB", (40, 30), (128, 128, 128)).save(pictures / "b.png")
        results = []
        for number, seed in enumerate((3, 3, 4)):
            out = tmp_path / str(number)
            run("noise", pictures, "-o", out, "--noise", "gaussian", "--seed", seed)
            results.append(digests(out))
        assert results[0] == results[1]
        assert not set(results[0].values()) & set(results[2].values())
        assert len(set(results[0].values())) == 4

    def test_a_bad_picture_changes_nothing_for_the_others(
        self, run: Any, pictures: Path, tmp_path: Path
    ) -> None:
        """The noise of a picture depends on its position only, not on the others."""
        Image.new("RGB", (8, 8)).save(pictures / "0.png")
        run("noise", pictures, "-o", tmp_path / "whole", "--noise", "gaussian")
        (pictures / "0.png").write_bytes(b"junk")
        assert run("noise", pictures, "-o", tmp_path / "bad", "--noise", "gaussian").code == 2
        whole = digests(tmp_path / "whole")
        whole.pop("0.png")
        assert digests(tmp_path / "bad") == whole

    def test_size_mode_and_transparency_are_kept(
        self, run: Any, pictures: Path, tmp_path: Path
    ) -> None:
        """Gray stays gray, and alpha gets no noise."""
        run("noise", pictures, "-o", tmp_path / "out", "--noise", "salt_and_pepper")
        for name in ("a.png", "deep/gray.png", "z.png"):
            assert pixels(tmp_path / "out" / name).shape == pixels(pictures / name).shape
        alpha = pixels(tmp_path / "out" / "z.png")[..., 3]
        assert np.array_equal(alpha, pixels(pictures / "z.png")[..., 3])

    def test_a_json_object_equals_settings(self, run: Any, pictures: Path, tmp_path: Path) -> None:
        """--noise takes JSON; -s adds to it, JSON values included."""
        spec = '{"name": "gaussian", "std": [0.1, 0.2]}'
        calls = (["--noise", spec], ["--noise", "gaussian", "-s", "std=[0.1, 0.2]"])
        for number, call in enumerate(calls):
            run("noise", pictures / "a.png", "-o", tmp_path / f"{number}.png", *call)
        assert np.array_equal(pixels(tmp_path / "0.png"), pixels(tmp_path / "1.png"))

    def test_depth_is_kept(self, run: Any, tmp_path: Path) -> None:
        """A 16-bit picture gets noise of 16 bits, different for each page."""
        flat = np.full((2, 32, 32), 32768, np.uint16)
        tifffile.imwrite(tmp_path / "a.tif", flat, photometric="minisblack")
        call = ("noise", tmp_path / "a.tif", "-o", tmp_path / "b.tif", "--noise", "gaussian")
        assert run(*call, "-s", "std=0.1").code == 0
        noisy = tifffile.imread(tmp_path / "b.tif")
        assert noisy.dtype == np.uint16
        assert len(np.unique(noisy % 257)) > 100
        assert not np.array_equal(noisy[0], noisy[1])

    def test_noise_is_relative_to_the_white_of_a_frame(self, run: Any, tmp_path: Path) -> None:
        """For 12 bits in 16, a tenth of white is 410 levels."""
        frame = np.full((64, 64), 2048, np.uint16)
        tifffile.imwrite(tmp_path / "a.tif", frame)
        call = ("noise", tmp_path / "a.tif", "-o", tmp_path / "b.tif", "--noise", "gaussian")
        assert run(*call, "-s", "std=0.1").code == 0
        noise = tifffile.imread(tmp_path / "b.tif").astype(float) - frame
        assert abs(noise.std() - 409.5) < 4 * 409.5 / (2 * noise.size) ** 0.5

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["--noise", "gausian"], "unknown noise 'gausian'. Did you mean 'gaussian'?"),
            (["--noise", "gaussian", "-s", "sdt=1"], "noise 'gaussian': unknown argument 'sdt'."),
            (["--noise", "gaussian", "-s", "std=much"], "noise 'gaussian': argument 'std': "),
            (["--noise", "gaussian", "-s", "std"], "setting 'std': not of the form key=value"),
            (["--noise", '{"name"'], "--noise: not valid JSON, "),
            (["--noise", '{"std": 1}'], "noise {'std': 1} has no name"),
        ],
    )
    def test_mistakes_in_the_noise(
        self, refused: Callable[..., str], pictures: Path, words: list[str], line: str
    ) -> None:
        """Each gives one line, and nothing is written."""
        before = digests(pictures)
        assert refused("noise", pictures, "-o", pictures / "out", *words).startswith(line)
        assert digests(pictures) == before
