"""The example notebook runs from top to bottom."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "train_and_restore.ipynb"


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    """The committed notebook."""
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_committed_without_outputs(notebook: nbformat.NotebookNode) -> None:
    """Outputs are not kept in the repository."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_it_runs_without_a_warning(
    notebook: nbformat.NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell runs with warnings as errors, and both pictures are shown at the end."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    strict = nbformat.v4.new_code_cell("import warnings; warnings.simplefilter('error')")
    lenient = nbformat.v4.new_code_cell("warnings.resetwarnings()")  # the kernel's own, at its end
    notebook.cells = [strict, *notebook.cells, lenient]
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    asyncio.run(client.async_execute())
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
