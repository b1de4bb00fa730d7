"""Weights on a model hub, which a server on this machine stands for."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants

import restorekit
from restorekit.cli.main import main
from restorekit.components.component_records import Provider
from restorekit.components.kinds import weights
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.errors import ArgumentError, CheckpointError, MissingExtraError, RestoreWarning
from restorekit.weights.hub import LOCK
from tests.weights.fake_hub import FakeHub, serving

NAME = "hf-hub:acme/denoiser"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with one repository, and an empty cache."""
    torch.manual_seed(0)
    weights.names()
    monkeypatch.setattr(weights, "_entries", dict(weights._entries))
    monkeypatch.chdir(tmp_path)
    restorekit.save_model(
        restorekit.create_model("dncnn", depth=2, width=4), "run/best.safetensors"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    with serving(FakeHub()) as served:
        # As HF_ENDPOINT does, which is read only once.
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        url = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{served.address}{url}")
        served.put("acme/denoiser", "model.safetensors", Path("run/best.safetensors").read_bytes())
        served.put("acme/denoiser", "pytorch_model.bin", b"a pickle")
        yield served


def test_weights_are_downloaded_once(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    """What, how much and where to is one line; then they are taken from the cache."""
    assert main(["info", NAME, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["model"]["name"] == "dncnn"
    (line,) = (each for each in printed.err.splitlines() if each.startswith("downloading"))
    assert "model.safetensors of hf-hub:acme/denoiser at " in line
    assert str(Path("cache").absolute()) in line
    assert hub.downloads == 1
    assert restorekit.load_model(NAME).channels == 3
    assert restorekit.create_model("dncnn", pretrained=NAME).channels == 3
    assert hub.downloads == 1
    assert not any("pytorch_model.bin" in each for each in hub.asked)


def test_a_newer_file_is_downloaded_and_a_revision_is_not_changed(hub: FakeHub) -> None:
    """A branch follows the hub; a commit stays what it was."""
    old = hub.commit("acme/denoiser", "main")
    first = restorekit.find_weights(NAME)
    restorekit.save_model(restorekit.create_model("dncnn", depth=3, width=4), "new.safetensors")
    hub.put("acme/denoiser", "model.safetensors", Path("new.safetensors").read_bytes())
    assert restorekit.read_card(NAME)["model"]["arguments"]["depth"] == 3
    hub.put("acme/denoiser", "model.safetensors", first.read_bytes(), "v1")
    assert restorekit.read_card(f"{NAME}@v1")["model"]["arguments"]["depth"] == 2
    hub.address = ""
    with pytest.raises(CheckpointError, match=f"it has no revision '{old}'"):
        restorekit.find_weights(f"{NAME}@{old}")


def test_offline_the_cache_is_used(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HF_HUB_OFFLINE nothing is asked; without an answer of the hub, a warning says so."""
    path = restorekit.find_weights(NAME)
    asked = len(hub.asked)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert restorekit.find_weights(NAME) == path
    with pytest.raises(CheckpointError, match=r"hf-hub:acme/other: not in .*cache, and "):
        restorekit.find_weights("hf-hub:acme/other")
    assert len(hub.asked) == asked
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.warns(RestoreWarning, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        assert restorekit.find_weights(NAME) == path


def test_the_checksum_is_kept(hub: FakeHub) -> None:
    """In a file that sha256sum can check; a changed file is refused, on the way or in the cache."""
    path = restorekit.find_weights(NAME)
    lock = path.parents[2] / LOCK
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert lock.read_text() == f"{digest}  snapshots/{path.parent.name}/model.safetensors\n"
    lock.write_text(f"{'0' * 64}  snapshots/{path.parent.name}/model.safetensors\n")
    with pytest.raises(CheckpointError, match=r"differs from its SHA-256; delete .* to download"):
        restorekit.find_weights(NAME)
    hub.put("acme/other", "model.safetensors", path.read_bytes())
    hub.wrong = True
    with pytest.raises(CheckpointError, match=r"hf-hub:acme/other: .* differs from its SHA-256"):
        restorekit.find_weights("hf-hub:acme/other")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("hf-hub:acme/nobody", "not found at http://127.*, or private; 'hf auth login'"),
        ("hf-hub:acme/denoiser@v9", "hf-hub:acme/denoiser@v9: it has no revision 'v9'"),
        ("hf-hub:acme/pickle", r"needs one safetensors file, but it has pytorch_model\.bin"),
        ("hub:acme/denoiser", r"unknown scheme 'hub'\. Did you mean 'hf-hub'\? One of: local-dir:"),
        ("https://example.org/x.pth", "unknown scheme 'https'"),
        ("hf-hub:acme/two", r"it has several: a\.safetensors, b\.safetensors"),
        ("hf-hub:acme/de--noiser", "^hf-hub:acme/de--noiser: HFValidationError: .*de--noiser"),
        ("hf-hub:acme", "write hf-hub:USER/NAME or hf-hub:USER/NAME@REVISION"),
        ("hf-hub:acme/../../x", "write hf-hub:USER/NAME"),
        ("hf-hub:acme/denoiser@../x", "write hf-hub:USER/NAME"),
    ],
)
def test_a_missing_file_is_reported_in_one_line(given: str, message: str, hub: FakeHub) -> None:
    """Pickles are never downloaded, and a name cannot leave the cache."""
    hub.put("acme/pickle", "pytorch_model.bin", b"a pickle")
    for name in ("b.safetensors", "a.safetensors", "folder/c.safetensors"):
        hub.put("acme/two", name, b"")
    with pytest.raises(CheckpointError, match=message):
        restorekit.find_weights(given)
    assert hub.downloads == 0


def test_a_reference_of_a_plugin_is_never_downloaded_unasked(hub: FakeHub) -> None:
    """Its name works as soon as the user has given the name with the scheme."""
    content = hub.files["acme/denoiser"]["main"]["model.safetensors"]
    digest = hashlib.sha256(content).hexdigest()
    declared = PretrainedWeights("acme-large", NAME, sha256=digest, size=len(content))
    weights.add(declared, Provider("acme", "1.0"))
    with pytest.raises(CheckpointError, match=f"not on this machine; to download .* give {NAME}"):
        restorekit.load_model("acme-large")
    (listed,) = restorekit.describe_weights("acme-large")
    assert (listed.file, listed.reference) == (None, NAME)
    assert "not downloaded" in listed.summary
    assert hub.asked == []
    restorekit.load_model(NAME)
    asked = len(hub.asked)
    assert restorekit.load_model("acme-large").channels == 3
    (listed,) = restorekit.describe_weights("acme-large")
    assert listed.architecture == "dncnn"
    assert len(hub.asked) == asked


def test_without_the_extra(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names it, and a listing works."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"needs huggingface_hub; .*restorekit\[hub\]"):
        restorekit.find_weights(NAME)
    declared = PretrainedWeights("acme-large", NAME, sha256="0" * 64, size=7)
    weights.add(declared, Provider("acme", "1.0"))
    assert restorekit.describe_weights("acme*")[0].file is None


def test_an_error_of_this_machine_is_not_called_one_of_the_hub(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example a cache that is a file; the message has the cause, and one line."""
    Path("cache").write_text("")
    with pytest.raises(CheckpointError) as caught:
        restorekit.find_weights(NAME)
    assert str(caught.value).startswith(f"{NAME}: ")
    assert "cannot be reached" not in str(caught.value)
    assert "cache" in str(caught.value)


def test_a_checksum_needs_little_memory(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is never read as a whole."""
    path = restorekit.find_weights(NAME)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read as a whole"))
    assert restorekit.find_weights(NAME) == path


RELEASE = {
    "summary": "a <b>small</b> network",
    "license": "MIT",
    "psnr": {"CBSD68": {"15": 33.9, "25": 31.2}},
    "limits": "a | b",
}


class TestPush:
    @pytest.fixture
    def run(self, hub: FakeHub) -> Path:
        """A run with metrics, and with paths of this machine on its card."""
        card: dict[str, Any] = {
            "dataset": {"name": "folder", "root": "/home/someone/private", "other": "C:\\pictures"},
            "metrics": {"psnr": 30.125, "ssim": 0.875, "step": 5},
            "noise": {"name": "gaussian", "arguments": {"std": 0.1}, "provider": "restorekit"},
            "step": 5,
        }
        model = restorekit.create_model("dncnn", depth=2, width=4)
        restorekit.save_model(model, "run/best.safetensors", card)
        return Path("run")

    def test_a_run_becomes_a_repository(
        self, run: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """It loads by its name, and the command prints the address of the commit."""
        restorekit.annotate(run, run / "best.safetensors", RELEASE)
        assert main(["push", "run", "hf-hub:acme/new"]) == 0
        assert capsys.readouterr().out.startswith(f"{hub.address}/acme/new/commit/")
        assert hub.files["acme/new"]["main"].keys() == {"model.safetensors", "README.md"}
        published, original = restorekit.load_model("hf-hub:acme/new"), restorekit.load_model(run)
        for key, tensor in original.state_dict().items():
            assert torch.equal(tensor, published.state_dict()[key])

    def test_the_model_card_has_facts_and_results(self, run: Path, hub: FakeHub) -> None:
        """The metadata is what the hub reads: checked with its own library."""
        restorekit.annotate(run, run / "best.safetensors", RELEASE)
        folder = Path(restorekit.push_weights(run, "local-dir:out/published"))
        text = (folder / "README.md").read_text()
        data = huggingface_hub.ModelCard(text).data.to_dict()
        assert data["license"] == "mit"
        assert data["library_name"] == "restorekit"
        assert "dncnn" in data["tags"]
        results = huggingface_hub.ModelCard(text).data.eval_results
        assert results is not None
        found = {(r.dataset_name, r.metric_name): r.metric_value for r in results}
        assert found["CBSD68", "PSNR (dB), 15"] == 33.9
        (ssim,) = (value for (_, metric), value in found.items() if metric.startswith("SSIM, gau"))
        assert ssim == 0.875
        assert (
            "pip install 'restorekit[hub]'\nrestorekit denoise photo.jpg -m local-dir:out" in text
        )
        assert r"a \<b\>small\</b\> network" in text
        assert r"| limits | a \| b |" in text
        digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        assert f"| SHA-256 | {digest} |" in text

    def test_paths_of_this_machine_are_not_published(self, run: Path, hub: FakeHub) -> None:
        """Only their last part is; the checksum of the weights is still right."""
        folder = Path(restorekit.push_weights(run, "local-dir:out"))
        dataset = restorekit.read_card(folder / "model.safetensors")["dataset"]
        assert dataset == {"name": "folder", "root": "private", "other": "pictures"}
        assert b"someone" not in (folder / "model.safetensors").read_bytes()
        restorekit.load_model("local-dir:out")

    def test_the_readme_has_no_path_of_this_machine(self, run: Path, hub: FakeHub) -> None:
        """Not even the folder that it is written to."""
        folder = Path(restorekit.push_weights(run, f"local-dir:{Path('out').absolute()}"))
        text = (folder / "README.md").read_text()
        assert "-m local-dir:out\n" in text
        assert str(folder.parent) not in text

    @pytest.mark.parametrize(
        "credits",
        [
            *("README.md", "readme.md", "model.safetensors", "../CREDITS.md", "/etc/hosts"),
            *("..", ".", ".netrc", "sub/CREDITS.md", "sub\\CREDITS.md", "C:CREDITS.md"),
        ],
    )
    def test_credits_replace_nothing_and_are_a_plain_name(
        self, run: Path, hub: FakeHub, credits: str
    ) -> None:
        """A card may come from others; nothing is written."""
        (run / "README.md").write_text("not the model card")
        restorekit.annotate(run, run / "best.safetensors", {"credits": credits})
        with pytest.raises(ArgumentError, match="credits '"):
            restorekit.push_weights(run, "local-dir:out")
        assert not Path("out").exists()

    def test_credits_are_published(self, run: Path, hub: FakeHub) -> None:
        """A text that is not there is left out."""
        restorekit.annotate(run, run / "best.safetensors", {"credits": "CREDITS.md"})
        restorekit.push_weights(run, "local-dir:without")
        (run / "CREDITS.md").write_text("authors")
        restorekit.push_weights(run, "local-dir:out")
        assert not Path("without/CREDITS.md").exists()
        assert Path("out/CREDITS.md").read_text() == "authors"

    def test_a_branch_and_a_private_repository(self, run: Path, hub: FakeHub) -> None:
        """Both are passed on."""
        restorekit.push_weights(run, "hf-hub:acme/new@beta", private=True)
        assert "model.safetensors" in hub.files["acme/new"]["beta"]
        assert hub.files["acme/new"]["main"] == {}
        assert restorekit.read_card("hf-hub:acme/new@beta")["step"] == 5

    def test_mistakes(self, run: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is overwritten unasked, and each is one line."""
        push = restorekit.push_weights
        with pytest.raises(ArgumentError, match="'out': write hf-hub:USER/NAME or local-dir"):
            push(run, "out")
        push(run, "local-dir:out")
        with pytest.raises(ArgumentError, match=r"model\.safetensors, README\.md; --overwrite"):
            push(run, "local-dir:out")
        push(run, "local-dir:out", overwrite=True)
        torch.save({"a": torch.ones(1)}, "a.pth")
        with pytest.raises(CheckpointError, match=r"a\.pth: it has no card; 'restorekit convert'"):
            push("a.pth", "local-dir:other")
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(CheckpointError, match=r"not uploaded, http://127.*cannot be reached"):
            push(run, "hf-hub:acme/new")
