"""The examples in the docstrings: they run, and every public object and component has one."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import restorekit
from restorekit.components.kinds import REGISTRIES
from restorekit.errors import MissingExtraError
from restorekit.extras import needs
from restorekit.runtimes.export import LOWEST

SOURCE = Path(restorekit.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# The module, and the packages with their lowest versions, without which an example cannot run. The
# extras `test` and `test-parquet` install them; `make test-lowest` has not all of them at once.
NEEDED_BY_EXAMPLES = {
    "restorekit.data.parquet_rows": {"pyarrow": None},
    "restorekit.runtimes.export": {**LOWEST, "onnx": None, "onnxruntime": None},
}


def modules_with_examples() -> list[str]:
    """Found by their text, so that collecting the tests imports nothing."""
    found = (path for path in sorted(SOURCE.rglob("*.py")) if ">>> " in path.read_text())
    return [".".join(path.relative_to(SOURCE.parent).with_suffix("").parts) for path in found]


def public_objects() -> dict[str, Any]:
    """Every public name and built-in component, by the name that a user calls it."""
    objects = {name: getattr(restorekit, name) for name in restorekit.__all__}
    del objects["hookimpl"]  # an object of pluggy, with pluggy's docstring
    for kind, registry in REGISTRIES.items():
        for name in registry.names():
            target = registry.get(name)
            if target.__module__.startswith("restorekit."):
                objects[f"{kind} {name}"] = target
    return objects


def has_example(value: Any) -> bool:
    """Whether the docstring has an example that is not skipped."""
    documented = value if callable(value) else type(value)
    examples = doctest.DocTestParser().get_examples(documented.__doc__ or "")
    return any(not example.options.get(doctest.SKIP) for example in examples)


@pytest.fixture
def namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The names that an example may use without an import.

    The example runs in an empty folder, and what it registers is removed afterwards.

    image: (32, 32, 3) colour picture, uint8.
    batch: (2, 3, 32, 32) clean pictures, float32 in [0, 1].
    """
    monkeypatch.chdir(tmp_path)
    for registry in REGISTRIES.values():
        registry.names()  # discovers plugins once, before the copy
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    across = torch.linspace(0.2, 0.8, 32).expand(32, 32)
    batch = torch.stack([across, across.T, across.flip(1)]).repeat(2, 1, 1, 1)
    image = (batch[0].permute(1, 2, 0) * 255).round().byte().numpy()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield {
            "np": np,
            "torch": torch,
            "restorekit": restorekit,
            "batch": batch,
            "image": image,
        }


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_run(name: str, namespace: dict[str, Any]) -> None:
    """They print what they show."""
    try:
        for package, lowest in NEEDED_BY_EXAMPLES.get(name, {}).items():
            needs(package, "test", f"the example of {name}", lowest)
    except MissingExtraError as error:
        pytest.skip(str(error))
    module = importlib.import_module(name)
    found = doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=namespace)
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report: Callable[[str], Any] = output.append
    for test in found:
        runner.run(test, out=report)
    assert runner.tries > 0
    assert runner.failures == 0, "".join(output)


def test_every_public_object_and_component_has_an_example() -> None:
    """No name is exempt."""
    assert [name for name, value in public_objects().items() if not has_example(value)] == []
