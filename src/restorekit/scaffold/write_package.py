"""Writes a complete plugin package: components, weights, tests, continuous integration."""

from __future__ import annotations

import importlib
import importlib.resources
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from types import ModuleType
from typing import Any

from restorekit.components.component_records import Provider
from restorekit.components.registry import Registry
from restorekit.errors import ArgumentError
from restorekit.version import __version__

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "restorekit-"
# The path of each file in a package, by that of its template. A template has another suffix, since
# its text is not yet Python.
_FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "config.json.txt": "config.json",
    "gitignore.txt": ".gitignore",
    "github/tests.yml.txt": ".github/workflows/tests.yml",
    "github/release.yml.txt": ".github/workflows/release.yml",
    "src/package/init.py.txt": "src/$module/__init__.py",
    "src/package/restorekit_plugin.py.txt": "src/$module/restorekit_plugin.py",
    "src/package/noise.py.txt": "src/$module/noise.py",
    "src/package/network.py.txt": "src/$module/network.py",
    "src/package/loss.py.txt": "src/$module/loss.py",
    "tests/components.py.txt": "tests/test_$module.py",
}


def write_package(name: str, folder: str | Path = ".") -> Path:
    """Write a plugin package that works, as a start for one's own.

    It has a noise, an architecture with weights, a loss, tests with `restorekit.testing`, and
    workflows for tests and for trusted publishing.

    Args:
        name: the name of the plugin, for example "acme": the package is called restorekit-acme.
        folder: the folder in which that of the package is made.

    Returns:
        The folder of the package.

    Raises:
        ArgumentError: the name is not valid, or the folder of the package exists.
        OSError: it cannot be written.
    """
    words = names_of(name)
    target = Path(folder) / words["distribution"]
    if target.exists() or target.is_symlink():
        raise ArgumentError(f"'{target}' exists; give another name, or another folder by --output")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Renamed at the end, so that an error leaves nothing behind.
    with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as temporary:
        made = Path(temporary, words["distribution"])
        for template, path in _FILES.items():
            file = made / Template(path).substitute(words)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template(_text_of(template)).substitute(words), encoding="utf-8")
        _save_weights(made, words)
        shutil.move(made, target)
    return target


def names_of(name: str) -> dict[str, str]:
    """The names in a package that follow from that of the plugin, by the keys of the templates.

    Raises:
        ArgumentError: the name is not valid; the message has the nearest one that is.
    """
    short = name.removeprefix(_PREFIX)
    if not _NAME.fullmatch(short):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", short).lower()
        near = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
        hint = f" Did you mean '{near}'?" if _NAME.fullmatch(near) else ""
        raise ArgumentError(
            f"'{name}' is not a name for a plugin: lower-case letters and digits, joined by single "
            f"hyphens, beginning with a letter.{hint}"
        )
    snake = short.replace("-", "_")
    return {
        "name": short,
        "snake": snake,
        "distribution": f"{_PREFIX}{short}",
        "module": f"restorekit_{snake}",
        "title": "".join(word.capitalize() for word in short.split("-")),
        "version": __version__,
    }


def _text_of(template: str) -> str:
    folder = importlib.resources.files("restorekit.scaffold")
    return folder.joinpath("template", template).read_text(encoding="utf-8")


def _save_weights(package: Path, words: dict[str, str]) -> None:
    """Save the weights of an untrained network, which returns its input."""
    from restorekit.weights import save_model

    module = words["module"]
    file = package / "src" / module / "weights" / f"{words['name']}.safetensors"
    file.parent.mkdir()
    card = {"summary": "untrained: returns its input; replace it by weights that you train"}
    with _importable(package / "src", module):
        component = importlib.import_module(f"{module}.restorekit_plugin").restorekit_models()
        # A registry of its own, since a package of this name may be installed.
        own: Registry[Any] = Registry("model")
        own.add(component, Provider(words["distribution"], "0.1.0"))
        save_model(own.create(component.name), file, card)


@contextmanager
def _importable(folder: Path, module: str) -> Iterator[None]:
    """Within the block, a module is that in a folder; then that of the process is back."""
    aside = _forget(module)
    sys.path.insert(0, str(folder))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(folder))
        _forget(module)
        sys.modules.update(aside)


def _forget(module: str) -> dict[str, ModuleType]:
    """Remove a module and those below it from the imported ones; return them by name."""
    names = [each for each in sys.modules if each.partition(".")[0] == module]
    return {name: sys.modules.pop(name) for name in names}
