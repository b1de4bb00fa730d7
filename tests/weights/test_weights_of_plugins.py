"""Weights that plugins declare: found by name everywhere, and checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

import restorekit
from restorekit.cli.main import main
from restorekit.components.component_records import Provider
from restorekit.components.kinds import weights
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.errors import ArgumentError, CheckpointError, PluginError
from restorekit.evaluate.model_identity import identify_model
from tests.components.plugin_site import Site

ACME = Provider("acme", "1.0")
PLUGIN = """
import pathlib
from restorekit import PretrainedWeights, hookimpl

@hookimpl
def restorekit_weights():
    file = pathlib.Path(__file__).with_name("acme.safetensors")
    return PretrainedWeights("acme-denoise", file, "acme's network", card={"license": "MIT"})
"""
# Without plugins first: what is imported is counted, and plugins are imported only once.
USE = """
import io, json, sys
import torch, restorekit
from contextlib import redirect_stdout
from restorekit.cli.main import main
from restorekit.components.plugin_host import _host

def printed(*words):
    with redirect_stdout(io.StringIO()) as out:
        assert main(words) == 0, words
    return out.getvalue()

noisy = (torch.rand(24, 24, 3) * 255).byte().numpy()
restorekit.denoise(noisy, "swift-gaussian", sigma=0.05)
restorekit.denoise(noisy)
restorekit.Denoiser("swift-photo")
restorekit.load_model("swift-gaussian-gray")
printed("info", "swift-photo")
before = "acme_module" in sys.modules or _host.plugins_loaded
restored = restorekit.denoise(noisy, "acme-denoise")
print(json.dumps({
    "imported for bundled weights": before,
    "shape": restored.shape,
    "listed": json.loads(printed("list", "weights", "acme*", "--json"))["weights"],
    "plugins": printed("plugins"),
    "license": json.loads(printed("info", "acme-denoise", "--json"))["license"],
    "exported": printed("export", "acme-denoise", "--torch", sys.argv[1]),
}))
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights file of a small network; what a test declares is forgotten after it."""
    torch.manual_seed(0)
    weights.names()
    monkeypatch.setattr(weights, "_entries", dict(weights._entries))
    path = tmp_path / "acme.safetensors"
    restorekit.save_model(restorekit.create_model("dncnn", depth=2, width=4), path)
    return path


def declare(name: str, file: str | Path, **facts: object) -> None:
    weights.add(PretrainedWeights(name, file, **facts), ACME)  # type: ignore[arg-type]


def test_a_plugin_brings_weights_that_are_found_everywhere(tmp_path: Path, file: Path) -> None:
    """And `denoise` with bundled weights, or with model auto, imports no plugin."""
    site = Site(tmp_path)
    site.add("acme", PLUGIN)
    found = site.run(USE.replace("sys.argv[1]", repr(str(tmp_path / "net.pt2"))))
    assert found["imported for bundled weights"] is False
    assert found["shape"] == [24, 24, 3]
    (listed,) = found["listed"]
    assert (listed["summary"], listed["architecture"]) == ("acme's network", "dncnn")
    assert (listed["provider"], listed["file"]) == ("acme 1.0", str(file))
    assert found["license"] == "MIT"
    assert "loaded: weights acme-denoise" in found["plugins"]
    assert found["exported"].startswith(str(tmp_path / "net.pt2"))


def test_the_card_of_the_file_is_completed(file: Path) -> None:
    """What the file says is kept; the rest is as declared."""
    restorekit.annotate(file, file, {"license": "MIT", "purpose": "tests"})
    declare("acme", file, summary="a network", card={"license": "other", "limits": "none"})
    card = restorekit.read_card("acme")
    assert (card["license"], card["purpose"]) == ("MIT", "tests")
    assert (card["summary"], card["limits"]) == ("a network", "none")
    assert "limits" not in restorekit.read_card(file)


def test_a_benchmark_names_them_without_a_local_path(file: Path) -> None:
    """The identity of a measured model has the name of the file, and its SHA-256."""
    declare("acme", file)
    found = identify_model("acme", restorekit.load_model("acme"))
    assert found.path == "acme.safetensors"
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_folders_of_the_user_go_first(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user can replace the weights of a plugin."""
    declare("acme", tmp_path / "elsewhere.safetensors")
    monkeypatch.setenv("RESTOREKIT_WEIGHTS", str(tmp_path))
    assert restorekit.find_weights("acme") == file
    assert restorekit.describe_weights("acme")[0].provider == ""


def test_faults_of_a_declaration_are_reported_with_its_plugin(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing or changed file, and an unknown field; the listing shows the others too."""
    declare("acme-good", file, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    declare("acme-gone", tmp_path / "gone.safetensors")
    declare("acme-short", file, size=7)
    declare("acme-changed", file, sha256="0" * 64)
    declare("acme-field", file, card={"sumary": "x"})
    restorekit.load_model("acme-good")
    for name, message in {
        "acme-gone": "weights 'acme-gone' of acme 1.0: their file .* is missing",
        "acme-short": rf"acme.safetensors has {file.stat().st_size} bytes, not 7",
        "acme-changed": "differs from the declared SHA-256",
    }.items():
        with pytest.raises(CheckpointError, match=message):
            restorekit.load_model(name)
    with pytest.raises(PluginError, match=r"field 'sumary' of a card\. Did you mean 'summary"):
        restorekit.read_card("acme-field")
    assert main(["list", "weights", "acme*", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["weights"]
    damaged = {each["name"] for each in listed if each["summary"].startswith("damaged: ")}
    assert damaged == {"acme-gone", "acme-field"}
    with pytest.raises(CheckpointError, match="Did you mean 'acme-good'"):
        restorekit.load_model("acme-god")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "a b"}, "may have letters, digits"),
        ({"name": "hf-hub:a"}, "may have letters, digits"),
        ({"name": 7}, "may have letters, digits"),
        ({"file": 7}, "file is a path or a reference, not 7"),
        ({"file": "weights/acme.safetensors"}, "is not an absolute path; use Path"),
        ({"sha256": "ABC"}, "sha256 is not 64 hexadecimal digits"),
        ({"size": -1}, "size is a number of bytes, not -1"),
        ({"file": "hf-hub:acme/large"}, "a reference needs its sha256 and size"),
        ({"summary": 7}, "summary is text"),
    ],
)
def test_a_declaration_is_checked(given: dict[str, object], message: str) -> None:
    """When it is registered, so that these weights are set aside with the reason."""
    declared = PretrainedWeights(**{"name": "acme", "file": Path("/a"), **given})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=message):
        weights.add(declared, ACME)


class TestLocalFolder:
    def test_a_folder_is_given_by_its_scheme(self, file: Path, tmp_path: Path) -> None:
        """A run, a folder as it is published, or one with a single file."""
        name = f"local-dir:{tmp_path}"
        assert restorekit.find_weights(name) == file
        for better in ("last", "best", "model"):
            path = file.with_stem(better)
            path.write_bytes(file.read_bytes())
            assert restorekit.find_weights(name) == path
        assert restorekit.load_model(name).channels == 3
        assert identify_model(name, restorekit.load_model(name)).path == name

    def test_a_folder_without_one_file_is_refused(self, file: Path, tmp_path: Path) -> None:
        """The message has the files that are there."""
        file.with_stem("other").write_bytes(file.read_bytes())
        with pytest.raises(CheckpointError, match=r"several: acme\.safetensors, other"):
            restorekit.find_weights(f"local-dir:{tmp_path}")
        (tmp_path / "empty").mkdir()
        with pytest.raises(CheckpointError, match="but it has none"):
            restorekit.find_weights(f"local-dir:{tmp_path / 'empty'}")
        with pytest.raises(CheckpointError, match="there is no such folder"):
            restorekit.find_weights(f"local-dir:{tmp_path / 'missing'}")
