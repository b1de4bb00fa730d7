"""The example notebooks run from top to bottom."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
# The notebooks and how many pictures each shows.
PICTURES = {"train_and_restore": 2, "micrographs": 2, "plugins": 1, "self_supervision": 1}


def read(name: str) -> nbformat.NotebookNode:
    """A committed notebook."""
    return nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)


def test_each_notebook_is_tested() -> None:
    """A new one has to state how many pictures it shows."""
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_committed_without_outputs(name: str) -> None:
    """Outputs are not kept in the repository."""
    code = [cell for cell in read(name).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("name", PICTURES)
def test_it_runs_without_a_warning(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell runs with warnings as errors, and its pictures are shown."""
    notebook = read(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    strict = nbformat.v4.new_code_cell("import warnings; warnings.simplefilter('error')")
    lenient = nbformat.v4.new_code_cell("warnings.resetwarnings()")  # the kernel's own, at its end
    notebook.cells = [strict, *notebook.cells, lenient]
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    asyncio.run(client.async_execute())
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == PICTURES[name]
