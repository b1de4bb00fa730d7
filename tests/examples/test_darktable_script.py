"""The Lua script for darktable, with a stand-in for darktable and the real restorekit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from lupa.lua54 import LuaRuntime

import restorekit

SCRIPT = Path(__file__).parents[2] / "examples" / "darktable" / "restorekit.lua"
# What the script uses of darktable. A widget is a table that is filled when it is called.
DARKTABLE = """
return function(calls, program, system)
  local function recorded(name)
    return function(...) return calls(name, ...) end
  end
  return {
    configuration = { running_os = system },
    preferences = {
      register = recorded("register"),
      read = function() return program end,
    },
    new_widget = function(kind)
      return function(given)
        given.kind = kind
        if kind == "combobox" then given.value = given[given.value] end
        return given
      end
    end,
    print = recorded("print"),
    print_error = recorded("print_error"),
    control = { execute = recorded("execute") },
    database = { import = recorded("import") },
    register_storage = recorded("register_storage"),
    destroy_storage = recorded("destroy_storage"),
  }
end
"""


class Darktable:
    """The script in a stand-in of darktable.

    Args:
        program: what the preferences name.
        system: the operating system.
    """

    def __init__(self, program: str, system: str = "linux") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.lua = LuaRuntime(unpack_returned_tuples=True)
        darktable = self.lua.execute(DARKTABLE)(self._called, program, system)
        self.lua.globals().package.loaded["darktable"] = darktable
        self.script = self.lua.execute(SCRIPT.read_text())
        (registered,) = self.given("register_storage")
        self.name, _, self.store, _, self.is_supported, _, box = registered
        self.model, self.strength = box[1], box[2]

    def given(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of the calls of a function of darktable."""
        return [values for called, *values in self.calls if called == name]

    def export(self, original: Path, exported: Path) -> None:
        """An export of one picture."""
        image = self.lua.table(path=str(original.parent), filename=original.name)
        self.store(None, image, None, str(exported), 1, 1)

    def _called(self, name: str, *values: Any) -> Any:
        self.calls.append((name, *values))
        return subprocess.run(values[0], shell=True).returncode if name == "execute" else None


@pytest.fixture
def photo(tmp_path: Path) -> SimpleNamespace:
    """A photograph, what darktable exported of it, and a program; names need quoting."""
    folder = tmp_path / "it's a roll"
    folder.mkdir()
    program = folder / "restorekit program"
    source = Path(restorekit.__file__).parents[1]
    words = f'PYTHONPATH="{source}" exec "{sys.executable}" -m restorekit "$@"'
    program.write_text(f"#!/bin/sh\n{words}\n")
    program.chmod(0o755)
    exported = tmp_path / "$HOME `x`.tif"
    noisy = np.random.default_rng(0).normal(30_000, 2_500, (48, 64, 3))
    tifffile.imwrite(exported, noisy.round().astype(np.uint16), photometric="rgb")
    return SimpleNamespace(
        original=folder / "img 1.raw", exported=exported, program=program, folder=folder
    )


def test_an_exported_picture_is_restored_and_imported(photo: SimpleNamespace) -> None:
    """The result is that of the library, next to the original; the exported file is removed."""
    expected = photo.folder / "expected.tif"
    restorekit.denoise_files(photo.exported, expected, "swift-photo", strength=0.5)
    darktable = Darktable(str(photo.program))
    darktable.model.value, darktable.strength.value = "swift-photo", 0.5
    darktable.export(photo.original, photo.exported)
    result = photo.folder / "img 1-restored.tif"
    assert darktable.given("import") == [[str(result)]]
    assert result.read_bytes() == expected.read_bytes()
    assert not photo.exported.exists()


def test_nothing_is_overwritten(photo: SimpleNamespace) -> None:
    """A result that is there gets a neighbour with a number."""
    taken = photo.folder / "img 1-restored.tif"
    taken.write_text("mine")
    darktable = Darktable("true")
    darktable.export(photo.original, photo.exported)
    ((command,),) = darktable.given("execute")
    assert "img 1-restored-2.tif" in command
    assert taken.read_text() == "mine"


def test_a_failure_is_shown(photo: SimpleNamespace) -> None:
    """The picture is named, and nothing is imported."""
    darktable = Darktable("false")
    darktable.export(photo.original, photo.exported)
    assert darktable.given("import") == []
    assert darktable.given("print")[-1] == ["restorekit: img 1.raw could not be restored"]


def test_windows_has_other_quotes(tmp_path: Path) -> None:
    """Its shell does not know single ones."""
    darktable = Darktable("true", "windows")
    darktable.export(tmp_path / "a.raw", tmp_path / "a b.png")
    ((command,),) = darktable.given("execute")
    assert f'"{tmp_path / "a b.png"}"' in command
    assert command.endswith("--model auto --strength 1.00")


def test_formats_and_models_are_restorekits(tmp_path: Path) -> None:
    """What the script offers exists, and formats that restorekit cannot write are not offered."""
    darktable = Darktable("true")
    offered = [darktable.model[number] for number in range(1, 1 + len(darktable.model))]
    assert {"auto", "swift-photo"} <= set(offered) <= {"auto", *restorekit.list_weights()}
    for extension, expected in (("tif", True), ("JPG", True), ("exr", False), ("avif", False)):
        format_ = darktable.lua.table(extension=extension)
        assert darktable.is_supported(None, format_) == expected


def test_the_script_can_be_removed() -> None:
    """The manager of scripts calls `destroy`."""
    darktable = Darktable("true")
    darktable.script.destroy()
    assert darktable.given("destroy_storage") == [[darktable.name]]
