"""Exported networks: any size, the same results, and a card."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from restorekit import InputError, MissingExtraError, create_model, save_model
from restorekit.runtimes.export import LOWEST, Exported, export_onnx, export_torch, uses_sigma

# One that mirrors to a multiple, one that repeats the edge and uses the level, one that does
# neither. They are small, because the time of an export grows with the number of layers.
NETWORKS: dict[str, dict[str, Any]] = {
    "unet": {"width": 2, "depth": 1},
    "ffdnet": {"width": 4, "depth": 2},
    "dncnn": {"width": 4, "depth": 2},
}
SIZES = ((1, 33, 31), (2, 40, 24), (1, 1, 5))


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    return create_model(name, **NETWORKS[name]).eval()


def level_of(noisy: Tensor) -> Tensor:
    """A level that differs from place to place."""
    return torch.linspace(0.05, 0.3, noisy[:, :1].numel()).reshape(noisy[:, :1].shape)


@torch.no_grad()
@pytest.mark.parametrize("name", ["unet", "ffdnet"])
def test_onnx_gives_the_same_at_any_size(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Run by ONNX Runtime at odd sizes and another batch size; nothing is printed."""
    model = made(name)
    card = {"model": {"name": name}, "license": "MIT"} if name == "ffdnet" else None
    exported = export_onnx(model, tmp_path / "net.onnx", card=card)
    assert capfd.readouterr() == ("", "")
    assert exported.inputs == (("noisy", "sigma") if name == "ffdnet" else ("noisy",))
    assert exported.difference < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    assert [each.name for each in session.get_inputs()] == list(exported.inputs)
    assert session.get_inputs()[0].shape == ["batch", 3, "height", "width"]
    for batch, height, width in SIZES:
        noisy = torch.rand(batch, 3, height, width)
        given = {"noisy": noisy, "sigma": level_of(noisy)}
        feed = {key: given[key].numpy() for key in exported.inputs}
        (restored,) = session.run(["restored"], feed)
        torch.testing.assert_close(torch.from_numpy(restored), model(**given), rtol=0, atol=1e-5)
    properties = {each.key: each.value for each in onnx.load(tmp_path / "net.onnx").metadata_props}
    written = json.loads(properties["restorekit"])
    assert written["model"]["name"] == name
    assert card is None or written == card


@torch.no_grad()
def test_a_torch_program_gives_the_same_at_any_size(tmp_path: Path) -> None:
    """Loaded from the file, without the classes of restorekit."""
    model = made("ffdnet")
    exported = export_torch(model, tmp_path / "net.pt2")
    assert exported.difference < 1e-5
    program = torch.export.load(tmp_path / "net.pt2").module()
    for batch, height, width in SIZES[:2]:
        noisy = torch.rand(batch, 3, height, width)
        given = (noisy, level_of(noisy))
        restored = program(*given[: len(exported.inputs)])
        torch.testing.assert_close(restored, model(*given), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "used"), [("unet", False), ("dncnn", False), ("ffdnet", True)])
def test_whether_the_level_is_used_is_found_by_trying(name: str, used: bool) -> None:
    """All accept it, but not all use it."""
    assert uses_sigma(made(name)) is used


class Stubborn(nn.Module):
    """A network that reads a number from its input, which a graph cannot express."""

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy if noisy.max().item() > 0.5 else -noisy


def test_a_network_that_cannot_be_exported_is_named(tmp_path: Path) -> None:
    """The message is one line, and no file is written."""
    with pytest.raises(InputError, match="model 'Stubborn' cannot be exported: ") as caught:
        export_torch(Stubborn(), tmp_path / "net.pt2")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


class Changed(nn.Module):
    """A network whose graph is another network, or gives NaN."""

    def __init__(self, added: float) -> None:
        super().__init__()
        self.added = added

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy + self.added if torch.compiler.is_compiling() else noisy


@pytest.mark.parametrize(
    ("added", "message"), [(0.5, "differs by 0.5 at"), (float("nan"), "by nan")]
)
def test_a_graph_with_other_results_is_not_written(
    added: float, message: str, tmp_path: Path
) -> None:
    """The graph is run to find the difference, which is reported in one line."""
    for export, name in ((export_torch, "net.pt2"), (export_onnx, "net.onnx")):
        with pytest.raises(InputError, match=f"model 'Changed' cannot be exported: .*{message}"):
            export(Changed(added), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_program_has_a_suffix(tmp_path: Path) -> None:
    """torch refuses to write a file without one."""
    with pytest.raises(InputError, match=r"net' has no suffix; write '.*net.pt2'"):
        export_torch(made("dncnn"), tmp_path / "net")


def test_the_first_cause_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the reason in the network, not the step of the export that failed."""

    def fail(*_: Any, **__: Any) -> None:
        try:
            raise AssertionError("only 4D queries are supported")
        except AssertionError as error:
            raise RuntimeError("\x1b[96mThis is step 3/3\x1b[0m. Next steps:\n- wait") from error

    monkeypatch.setattr("torch.onnx.export", fail)
    with pytest.raises(InputError) as caught:
        export_onnx(made("dncnn"), tmp_path / "net.onnx")
    assert str(caught.value) == "model 'dncnn' cannot be exported: only 4D queries are supported"


def test_a_graph_that_does_not_run_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At another size than the traced one; the message is one line, and no file is left."""

    class Written:
        def module(self) -> Any:
            def run(*_: Tensor) -> Tensor:
                raise AssertionError("Guard failed: H % 8 == 3\n(and more)")

            return run

    monkeypatch.setattr("torch.export.load", lambda _: Written())
    with pytest.raises(InputError) as caught:
        export_torch(made("dncnn"), tmp_path / "net.pt2")
    assert str(caught.value) == "model 'dncnn' cannot be exported: Guard failed: H % 8 == 3"
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_not_modified(tmp_path: Path) -> None:
    """Training mode, half precision and channels_last are kept."""
    model = made("dncnn").train().bfloat16().to(memory_format=torch.channels_last)
    assert export_torch(model, tmp_path / "net.pt2").difference < 1e-5
    weight = next(model.parameters())
    assert (model.training, weight.dtype) == (True, torch.bfloat16)
    assert weight.is_contiguous(memory_format=torch.channels_last)


class TestCommand:
    @pytest.fixture
    def weights(self, tmp_path: Path) -> Path:
        save_model(made("dncnn"), tmp_path / "net.safetensors")
        return tmp_path / "net.safetensors"

    @pytest.fixture
    def exports(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
        """Records the calls of the library; exporting itself is tested above."""
        asked: list[tuple[Any, ...]] = []

        def record(*given: Any) -> Exported:
            asked.append(given)
            return Exported(given[1], ("noisy",), 3e-7)

        monkeypatch.setattr("restorekit.runtimes.export.export_onnx", record)
        monkeypatch.setattr("restorekit.runtimes.export.export_torch", record)
        return asked

    def test_both_forms(
        self, weights: Path, exports: list[Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The library is called for each, and the difference is printed."""
        from restorekit.cli.main import main

        words = ["export", str(weights), "--onnx", "a.onnx", "--torch", "b.pt2", "--opset", "20"]
        assert main(words) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0] for line in lines] == ["a.onnx", "b.pt2"]
        assert all("within 3.0e-07 of torch at 1x64x64" in line for line in lines)
        assert exports == [(str(weights), Path("a.onnx"), 20), (str(weights), Path("b.pt2"))]

    def test_nothing_to_write(self, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The message asks what to write; that for an old opset states what is possible."""
        from restorekit.cli.main import main

        assert main(["export", str(weights)]) == 2
        assert "choose a format" in capsys.readouterr().err
        assert main(["export", str(weights), "--onnx", "a.onnx", "--opset", "11"]) == 2
        assert "opset 11 is too old; use 18 or above" in capsys.readouterr().err
        taken = weights.with_name("taken.pt2")
        taken.write_text("kept")
        assert main(["export", str(weights), "--torch", str(taken)]) == 2
        assert taken.read_text() == "kept"
        assert "--overwrite replaces it" in capsys.readouterr().err


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'restorekit\[onnx\]'"):
        export_onnx(made("dncnn"), tmp_path / "net.onnx")


@pytest.mark.parametrize("package", ["torch", "onnxscript"])
def test_a_package_that_is_too_old_is_named(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the export, with the required version; no file is written."""
    monkeypatch.setattr(f"{package}.__version__", "0.6.0+cpu")
    message = f"{package} {LOWEST[package]} or newer, not 0.6.0+cpu; pip install 'restorekit[onnx]'"
    with pytest.raises(MissingExtraError) as caught:
        export_onnx(made("dncnn"), tmp_path / "net.onnx")
    assert str(caught.value) == f"export to ONNX needs {message}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("extra", ["onnx", "openvino"])
def test_the_extras_ask_for_what_export_needs(extra: str) -> None:
    """The lowest versions in the code equal those in pyproject.toml."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    required = set(project["project"]["optional-dependencies"][extra])
    assert {f"{package}>={lowest}" for package, lowest in LOWEST.items()} <= required
