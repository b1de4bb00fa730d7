"""Which room imports which: data passes from the components up to the command line, never back."""

from __future__ import annotations

import ast
import graphlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import restorekit

ROOT = Path(restorekit.__file__).parent
# What all others stand on: the registry with what it needs to run foreign code, `extras`, one
# function and its error; `text` and `plain_data` check and shorten what comes from outside.
GROUND = frozenset(
    {"building", "errors", "extras", "isolation", "memory", "plain_data", "process_parts"}
    | {"process_state", "records", "registry", "signature", "targets", "text"}
)
COMPONENTS = frozenset({"arch", "estimate", "loss", "noise"})
# What each room may import beside GROUND; a room that is not named here, anything but cli.
MAY_IMPORT = {
    **dict.fromkeys(GROUND | COMPONENTS, frozenset[str]()),
    "data": frozenset({"atomic", "seeding"}),
    "weights": frozenset({"atomic", "data", "devices"}),
    "restore": frozenset({"atomic", "data", "devices", "distributed", "expression", "weights"}),
    "evaluate": frozenset(
        {"atomic", "data", "devices", "expression", "restore", "seeding", "weights"}
    ),
}
Graph = dict[str, set[str]]


def module_of(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("restorekit", *(part for part in parts if part != "__init__")))


FILES = {module_of(path): path for path in ROOT.rglob("*.py")}


def imports_of(path: Path) -> Iterator[str]:
    """The modules of restorekit that a file imports anywhere in it, also late or for types only."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in found:
            if name.partition(".")[0] == "restorekit":
                yield name if name in FILES else name.rpartition(".")[0]


def modules() -> Graph:
    """What each file imports."""
    return {name: set(imports_of(path)) - {name} for name, path in FILES.items()}


def rooms() -> Graph:
    """What each room imports: a folder or file directly below restorekit, and not its `__init__`,
    which hands out names of all of them."""
    graph: Graph = defaultdict(set)
    for name, imported in modules().items():
        if name != "restorekit":
            room = name.split(".")[1]
            graph[room] |= {each.split(".")[1] for each in imported if "." in each} - {room}
    return graph


def circle_in(graph: Graph) -> list[str]:
    """The names along a circle, none if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_imports_are_seen_wherever_they_stand() -> None:
    """At the top, in a function, for types only, of a submodule: else nothing below could fail."""
    graph = modules()
    assert "restorekit.registry" in graph["restorekit.noise.compose"]
    assert "restorekit.train.trainer" in graph["restorekit.cli.train"]
    assert "restorekit.weights.layouts" in graph["restorekit.weights.foreign"]
    assert "restorekit.data.exif" in graph["restorekit.data.files"]
    assert circle_in({"a": {"b"}, "b": {"a"}}) == ["a", "b", "a"]


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_lies_below(room: str) -> None:
    """Components know the ground alone; the rooms that use them know no room above."""
    allowed = MAY_IMPORT[room] | (GROUND - {room})
    assert rooms()[room] <= allowed


def test_components_are_used_by_name() -> None:
    """Nobody imports an architecture, noise, loss or estimator, nor names their modules, but the
    declarations of what is built in."""
    assert {room for room, imported in rooms().items() if imported & COMPONENTS} == set()
    inside = tuple(f"restorekit.{room}." for room in sorted(COMPONENTS))
    naming = {
        name
        for name, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(inside)
    }
    assert naming == {"restorekit.builtin"}


def test_nobody_imports_the_command_line() -> None:
    """But `python -m restorekit`, which is it."""
    assert {room for room, imported in rooms().items() if "cli" in imported} == {"__main__"}


def test_there_is_no_circle() -> None:
    """Neither of rooms nor of files, imports in functions counted."""
    assert circle_in(rooms()) == []
    graph = modules()
    # A package hands out what its files hold; that these import each other is no circle.
    del graph["restorekit"]
    assert circle_in(graph) == []
