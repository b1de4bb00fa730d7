"""A package that `restorekit new-plugin` writes works, installed as its users would."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from restorekit import read_card
from restorekit.cli.main import main
from restorekit.components.kinds import REGISTRIES
from restorekit.errors import ArgumentError
from restorekit.scaffold.write_package import names_of, write_package
from tests.examples.fresh_environment import FreshEnvironment


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of two words, written by the command line."""
    folder = tmp_path_factory.mktemp("written")
    assert main(["new-plugin", "acme-lab", "-o", str(folder)]) == 0
    return folder / "restorekit-acme-lab"


@pytest.fixture(scope="module")
def environment(
    package: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> FreshEnvironment:
    """An environment with restorekit and the package."""
    return FreshEnvironment(tmp_path_factory.mktemp("fresh"), wheel, package)


def test_its_tests_pass_in_a_fresh_environment(
    package: Path, environment: FreshEnvironment, tmp_path: Path
) -> None:
    """They use the checks of `restorekit.testing`, and its weights by name."""
    assert " passed" in environment.pytest(package, tmp_path)


def test_its_components_are_checked_by_name(environment: FreshEnvironment, tmp_path: Path) -> None:
    """By its name or distribution; a wrong name is a mistake with a suggestion."""
    checked = environment.restorekit("check-plugin", "restorekit-acme-lab", cwd=tmp_path)
    lines = checked.splitlines()
    assert lines[0].split() == ["component", "check", "result", "reason"]
    assert lines[-1].endswith("checks, 0 failed")
    for component in ("noise acme_lab_noise", "model acme_lab_net", "loss acme_lab_loss"):
        assert any(line.startswith(component) for line in lines), component
    assert "weights acme-lab" in checked
    program = str(environment.python.with_name("restorekit"))
    wrong = environment.process((program, "check-plugin", "acme-lob"), tmp_path)
    assert wrong.returncode == 2
    assert "no plugin 'acme-lob' is installed." in wrong.stderr


def test_the_code_is_clean(package: Path) -> None:
    """ruff finds nothing in it."""
    code = [str(package / "src"), str(package / "tests")]
    for tool in (
        ["ruff", "check", "--isolated"],
        ["ruff", "format", "--check", "--line-length=100"],
    ):
        done = subprocess.run([sys.executable, "-m", *tool, *code], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_metadata_and_workflows_can_be_read(package: Path) -> None:
    """The entry point names the module, and the release is published without a password."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["restorekit"] == {
        "acme_lab": "restorekit_acme_lab.restorekit_plugin"
    }
    release = yaml.safe_load((package / ".github/workflows/release.yml").read_text())
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (package / ".github/workflows/release.yml").read_text()
    tests = yaml.safe_load((package / ".github/workflows/tests.yml").read_text())
    assert {"run": "pytest"} in tests["jobs"]["tests"]["steps"]


def test_nothing_of_it_stays_in_this_process(package: Path) -> None:
    """Its network was registered to save its weights."""
    assert not [name for name in sys.modules if name.startswith("restorekit_acme_lab")]
    assert not [n for each in REGISTRIES.values() for n in each.names() if n.startswith("acme_lab")]
    assert not [path for path in sys.path if "restorekit-acme-lab" in path]
    assert not list((package / "src").rglob("__pycache__"))


def test_a_package_of_an_installed_name_can_be_written(
    environment: FreshEnvironment, tmp_path: Path
) -> None:
    """To start again elsewhere; the components of the installed one do not matter."""
    environment.restorekit("new-plugin", "acme-lab", cwd=tmp_path)
    weights = tmp_path / "restorekit-acme-lab/src/restorekit_acme_lab/weights/acme-lab.safetensors"
    assert read_card(weights)["model"]["provider"] == "restorekit-acme-lab"


def test_an_existing_folder_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is in it; the exit code is 2."""
    existing = tmp_path / "restorekit-acme"
    existing.mkdir()
    (existing / "precious").write_text("work")
    assert main(["new-plugin", "acme", "-o", str(tmp_path)]) == 2
    assert "exists; give another name" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["restorekit-acme", "precious"]


def test_a_module_of_that_name_stays_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller may have a package of this name; the weights are those of the new one."""
    own = {
        name: ModuleType(name) for name in ("restorekit_own", "restorekit_own.restorekit_plugin")
    }
    for name, module in own.items():
        monkeypatch.setitem(sys.modules, name, module)
    made = write_package("own", tmp_path)
    assert (
        read_card(made / "src/restorekit_own/weights/own.safetensors")["model"]["name"] == "own_net"
    )
    found = {name: m for name, m in sys.modules.items() if name.startswith("restorekit_own")}
    assert found == own


def test_an_error_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the weights cannot be saved."""

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("restorekit.scaffold.write_package._save_weights", fail)
    with pytest.raises(OSError, match="no space left"):
        write_package("acme", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "near"),
    [("AcmeLab", "acme-lab"), ("acme_lab", "acme-lab"), ("../acme", "acme"), ("3d", None)],
)
def test_a_name_that_is_not_valid_is_refused(name: str, near: str | None) -> None:
    """The nearest one is suggested, if there is one."""
    with pytest.raises(ArgumentError, match="is not a name for a plugin") as caught:
        names_of(name)
    assert (f"Did you mean '{near}'?" in str(caught.value)) == (near is not None)


def test_the_prefix_of_the_distribution_can_be_given() -> None:
    """ "restorekit-acme" and "acme" are one name."""
    assert names_of("restorekit-acme") == names_of("acme")
