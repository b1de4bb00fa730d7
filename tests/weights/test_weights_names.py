"""Weights by name, and the card of a release."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from restorekit import ArgumentError, CheckpointError, create_model, list_weights, load_model
from restorekit.cli.main import main
from restorekit.weights import (
    FIELDS,
    WeightsCard,
    annotate,
    find_weights,
    named_weights,
    read_card,
    save_model,
)
from restorekit.weights.safetensors_header import read_header

RELEASE: dict[str, Any] = {
    "summary": "a test of names",
    "purpose": "gray pictures with white noise",
    "noise_range": "gaussian, sigma 0-75 of 255",
    "training_data": "two photographs",
    "licenses": {"CC0-1.0": 1, "CC-BY-2.0": 1},
    "credits": "CREDITS.md",
    "license": "MIT",
    "recipe": "examples/recipes/tiny.json, a second",
    "psnr": {"BSD68": {"15": 31.5, "25, gray": 29.04}, "Set12": {"25": 30.0}},
    "measured": "measured somewhere",
    "limits": ["colour", "anything else"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of named weights: "tiny-gray", a release, and "plain", from a run."""
    torch.manual_seed(0)
    folder = tmp_path / "named"
    model = create_model("dncnn", channels=1, depth=2, width=4)
    dataset = {"name": "folder", "root": "/somewhere/private"}
    save_model(model, folder / "plain.safetensors", {"dataset": dataset, "step": 7})
    annotate(folder / "plain.safetensors", folder / "tiny-gray.safetensors", RELEASE)
    (folder / "CREDITS.md").write_text("# Credits\n\n- Zoë Ångström\n", encoding="utf-8")
    monkeypatch.setenv("RESTOREKIT_WEIGHTS", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


class TestNames:
    def test_a_name_is_a_file(self, folder: Path) -> None:
        """In a folder of the user, wherever weights are accepted."""
        assert find_weights("tiny-gray") == folder / "tiny-gray.safetensors"
        assert {"plain", "tiny-gray"} <= set(list_weights())
        assert list_weights("tiny-*") == ["tiny-gray"]
        assert load_model("tiny-gray").channels == 1
        assert read_card("tiny-gray")["summary"] == "a test of names"

    def test_the_first_folder_wins(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Several are separated as in PATH; a missing one counts as empty."""
        other = tmp_path / "other"
        save_model(create_model("dncnn", depth=3, width=4), other / "plain.safetensors")
        folders = [tmp_path / "missing", other, folder]
        monkeypatch.setenv("RESTOREKIT_WEIGHTS", os.pathsep.join(map(str, folders)))
        assert named_weights()["plain"] == other / "plain.safetensors"
        assert named_weights()["tiny-gray"] == folder / "tiny-gray.safetensors"

    def test_bundled_weights_are_in_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each file in restorekit/pretrained has a name and a purpose; all have at most 24 MB."""
        monkeypatch.delenv("RESTOREKIT_WEIGHTS", raising=False)
        spec = importlib.util.find_spec("restorekit")
        assert spec is not None
        assert spec.origin is not None
        bundled = Path(spec.origin).parent / "pretrained"
        assert (bundled / "CREDITS.md").is_file()
        assert named_weights() == {p.stem: p for p in sorted(bundled.glob("*.safetensors"))}
        assert sum(path.stat().st_size for path in bundled.iterdir()) <= 24_000_000
        for path in named_weights().values():
            card = read_card(path)
            assert {"summary", "purpose", "noise_range", "license", "credits"} <= card.keys()
            assert (bundled / card["credits"]).is_file()
            assert card.keys() <= WeightsCard.__annotations__.keys()

    def test_every_described_field_is_declared(self) -> None:
        """`WeightsCard` has a type for each field of `FIELDS`."""
        assert FIELDS.keys() <= WeightsCard.__annotations__.keys()

    def test_a_path_goes_before_a_name(self, folder: Path, tmp_path: Path) -> None:
        """For example the folder of a run, but not one without weights."""
        (tmp_path / "plain").mkdir()
        assert find_weights("plain") == folder / "plain.safetensors"
        save_model(create_model("dncnn", depth=2, width=4), tmp_path / "plain" / "last.safetensors")
        assert find_weights("plain") == Path("plain") / "last.safetensors"

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ("tiny-grey", "tiny-grey: no such weights file. Did you mean 'tiny-gray'?"),
            ("dncnn", "'dncnn' is an architecture; weights trained for it: plain, tiny-gray"),
            ("tiny-grey", "See 'restorekit list weights'"),
            ("qqq", "qqq: no such weights file. See 'restorekit list weights'"),
            ("medain", "Did you mean 'median'?"),
            ("median", "'median' is a model without weights. See 'restorekit describe model"),
            ("median:size=5", "'median' is a model without weights."),
            ("vae", "'vae' is an architecture without trained weights; give a weights file"),
            ("named/plain.safetensor", "Did you mean 'plain.safetensors'?"),
        ],
    )
    def test_the_message_for_an_unknown_name_suggests_one(
        self, given: str, told: str, folder: Path
    ) -> None:
        """For an architecture, the message lists the weights that were trained for it."""
        with pytest.raises(CheckpointError) as caught:
            find_weights(given)
        assert told in str(caught.value)

    def test_a_damaged_file_does_not_hide_the_others(self, folder: Path) -> None:
        """It is listed as damaged, and skipped when weights for an architecture are sought."""
        (folder / "broken.safetensors").write_bytes(b"junk")
        with pytest.raises(CheckpointError, match="weights trained for it: plain, tiny-gray"):
            find_weights("dncnn")


class TestHeader:
    def test_it_agrees_with_safetensors(self, folder: Path) -> None:
        """Names and shapes are those that the library reads."""
        path = folder / "plain.safetensors"
        shapes = {key: tuple(tensor.shape) for key, tensor in load_file(path).items()}
        assert read_header(path).shapes == shapes

    def test_scalars_and_empty_files(self, tmp_path: Path) -> None:
        """A scalar is one parameter; a file without tensors is valid."""
        save_file({"count": torch.tensor(3)}, tmp_path / "one.safetensors")
        save_file({}, tmp_path / "none.safetensors")
        assert read_header(tmp_path / "one.safetensors").parameters == 1
        assert read_header(tmp_path / "none.safetensors").parameters == 0

    @pytest.mark.parametrize(
        "content",
        [b"", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"[]", b"\x08" + b"\0" * 7 + b'{"a": 1}'],
    )
    def test_damaged_headers(self, content: bytes, tmp_path: Path) -> None:
        """A header that is too short, too long, or not a table of tensors."""
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(CheckpointError, match="not a complete safetensors file"):
            read_header(tmp_path / "bad.safetensors")


class TestAnnotate:
    def test_a_release_has_the_same_weights_and_a_longer_card(self, folder: Path) -> None:
        """Fields are added; those of the run stay; None removes one."""
        before = load_file(folder / "plain.safetensors")
        card = annotate(
            "tiny-gray", folder / "out.safetensors", {"dataset": None, "limits": "none"}
        )
        after = load_file(folder / "out.safetensors")
        assert all(torch.equal(before[key], after[key]) for key in before)
        assert (card["step"], card["limits"], card["purpose"]) == (7, "none", RELEASE["purpose"])
        assert "private" not in json.dumps(read_card(folder / "out.safetensors"))
        load_model(folder / "out.safetensors")

    @pytest.mark.parametrize(("half", "bits"), [("float16", 11), ("bfloat16", 8)])
    def test_half_the_size(
        self, folder: Path, half: Literal["float16", "bfloat16"], bits: int
    ) -> None:
        """The weights are rounded to that precision, pass the checksum and load as float32."""
        before = load_model("plain").state_dict()
        annotate("plain", folder / "half.safetensors", {}, half=half)
        stored = load_file(folder / "half.safetensors")["layers.0.weight"]
        assert stored.dtype == getattr(torch, half)
        for name, weight in load_model(folder / "half.safetensors").state_dict().items():
            assert weight.dtype == torch.float32
            torch.testing.assert_close(weight, before[name], rtol=2.0**-bits, atol=2**-24)

    def test_it_may_replace_its_own_file(self, folder: Path) -> None:
        """It is replaced completely or not at all."""
        annotate("plain", folder / "plain.safetensors", {"summary": "new"})
        assert read_card("plain")["summary"] == "new"

    def test_mistakes(self, folder: Path) -> None:
        """The message for a misspelt field suggests one; values of a card must be valid JSON."""
        with pytest.raises(ArgumentError, match=r"unknown field 'purpos' of a card\. Did you"):
            annotate("plain", folder / "out.safetensors", {"purpos": "x"})
        with pytest.raises(ArgumentError, match="must be valid JSON"):
            annotate("plain", folder / "out.safetensors", {"purpose": object()})
        assert not (folder / "out.safetensors").exists()
        assert set(RELEASE) <= FIELDS.keys()


class TestCommandLine:
    @pytest.fixture
    def run(self, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
        """What a command prints, on stdout or, with exit code 2, on stderr."""

        def run(*words: str) -> str:
            code = main(list(words))
            printed = capsys.readouterr()
            assert (code, bool(printed.err)) in ((0, False), (2, True))
            return printed.err if code else printed.out

        return run

    def test_a_picture_is_not_a_weights_file(self, folder: Path, run: Callable[..., str]) -> None:
        """The message says that it is a picture, not a damaged checkpoint."""
        Image.new("L", (8, 8)).save("a.png")
        line = "a.png: a picture, not weights. See 'restorekit list weights'"
        assert line in run("info", "a.png")
        assert line in run("denoise", "a.png", "-o", "b.png", "-m", "a.png")

    def test_the_listing(self, folder: Path, run: Callable[..., str]) -> None:
        """A line for each with its purpose; damaged files are marked."""
        (folder / "broken.safetensors").write_bytes(b"junk")
        lines = [" ".join(line.split()) for line in run("list", "weights").splitlines()]
        assert "tiny-gray a test of names; gaussian, sigma 0-75 of 255" in lines
        assert any(line.startswith("broken damaged: ") for line in lines)
        (tiny,) = json.loads(run("list", "weights", "tiny*", "--json"))["weights"]
        assert tiny["parameters"] == 72
        assert tiny["architecture"] == "dncnn"
        assert tiny["bytes"] == (folder / "tiny-gray.safetensors").stat().st_size

    def test_the_model_card(self, folder: Path, run: Callable[..., str]) -> None:
        """Every field is there; the table has a row for each noise of each test set."""
        text = run("info", "tiny-gray")
        for told in ("a test of names", RELEASE["purpose"], "CC0-1.0 1, CC-BY-2.0 1", "MIT", "72"):
            assert told in text
        rows = [line.split() for line in text.partition("PSNR (dB)\n")[2].splitlines()]
        assert rows[:3] == [
            ["BSD68", "15", "31.50"],
            ["BSD68", "25,", "gray", "29.04"],
            ["Set12", "25", "30.00"],
        ]
        assert rows[3] == ["measured", "somewhere"]
        assert "colour; anything else" in text
        assert json.loads(run("info", "tiny-gray", "--json"))["psnr"] == RELEASE["psnr"]

    def test_the_credits(self, folder: Path, run: Callable[..., str]) -> None:
        """The text next to the weights, or a message that it is missing."""
        assert run("info", "tiny-gray", "--credits") == "# Credits\n\n- Zoë Ångström\n"
        assert "its card names no credits" in run("info", "plain", "--credits")
        (folder / "CREDITS.md").unlink()
        assert "its credits, CREDITS.md, are not in the same folder" in run(
            "info", "tiny-gray", "--credits"
        )

    def test_convert(self, folder: Path, tmp_path: Path, run: Callable[..., str]) -> None:
        """The output states what was recognised, and that the licence is unknown."""
        conv = torch.nn.Conv2d(1, 4, 3), torch.nn.Conv2d(4, 1, 3)
        state = {
            f"model.{2 * i}.{k}": v for i, c in enumerate(conv) for k, v in c.state_dict().items()
        }
        torch.save(state, tmp_path / "net.pth")
        told = run("convert", "net.pth", "net.safetensors")
        sizes = "channels=1, depth=2, width=4, batch_norm=False"
        assert told.startswith(f"net.safetensors: dncnn({sizes}), from KAIR's DnCNN\n")
        assert "licence unknown" in told
        again = ("convert", "net.pth", "--license", "MIT")
        assert "'net.safetensors' exists; choose another name, or --overwrite" in run(*again)
        assert "licence unknown" in run("info", "net.safetensors")
        run(*again, "--overwrite")
        assert "license     MIT" in run("info", "net.safetensors")
        assert "input and output are the same file" in run("convert", "net.pth", "net.pth")
        assert "name it 'other.safetensors'" in run("convert", "net.pth", "other.pth")
        assert not (tmp_path / "other.pth").exists()


def test_listing_and_cards_import_no_torch(folder: Path) -> None:
    """They read only the header of each file."""
    code = (
        "import sys; from restorekit.cli.main import main; "
        "assert main(['list', 'weights']) == 0; "
        "import restorekit; assert restorekit.list_weights(); "
        "from restorekit.weights import read_card; read_card('tiny-gray'); "
        "print([m for m in ('torch', 'safetensors', 'pydantic', 'numpy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"
