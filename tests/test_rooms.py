"""The allowed imports between rooms, from the lowest up to the command line."""

from __future__ import annotations

import ast
import graphlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import restorekit
from restorekit.components.kinds import REGISTRIES

ROOT = Path(restorekit.__file__).parent
# What every room may import.
GROUND = frozenset(
    {"devices", "distributed", "errors", "extras", "forks", "former_names", "luma", "memory"}
    | {
        "mirroring",
        "noise_profile",
        "progress_bar",
        "records",
        "sampling",
        "seeding",
        "signal_handlers",
        "storage",
        "symmetry",
        "untrusted",
    }
    | {"version"}
)
# Used by name, through the registries.
COMPONENTS = frozenset({"arch", "loss", "noise"})
# What each room above the ground may import besides it, from the lowest room to the highest.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "components": frozenset(),
    "arch": frozenset({"components"}),
    "estimate": frozenset({"components"}),
    "loss": frozenset({"components"}),
    "noise": frozenset({"components"}),
    "metric": frozenset({"components"}),
    "optim": frozenset({"components"}),
    "config": frozenset({"components", "optim"}),
    "pictures": frozenset({"components"}),
    "data": frozenset({"components", "pictures"}),
    "weights": frozenset({"components", "pictures"}),
    "objective": frozenset({"components", "weights"}),
    "networks": frozenset({"components", "config", "weights"}),
    "runtimes": frozenset({"networks", "weights"}),
    "train": frozenset(
        {"components", "config", "data", "metric", "networks", "objective", "optim", "pictures"}
        | {"weights"}
    ),
    "restore": frozenset(
        {"components", "config", "estimate", "networks", "pictures", "runtimes", "weights"}
    ),
    "evaluate": frozenset(
        {"components", "config", "data", "metric", "networks", "pictures", "restore", "weights"}
    ),
    "zoo": frozenset({"components", "evaluate", "networks", "weights"}),
    "report": frozenset({"pictures", "restore"}),
    "experiments": frozenset(
        {"components", "config", "data", "evaluate", "metric", "pictures", "train", "weights"}
    ),
    "operations": frozenset(
        {"components", "data", "networks", "objective", "pictures", "report", "restore", "train"}
        | {"weights"}
    ),
    "app": frozenset(
        {"components", "data", "metric", "operations", "pictures", "report", "restore", "train"}
        | {"weights"}
    ),
    # The checks that plugins and the built-in components pass.
    "testing": frozenset(
        {"components", "estimate", "metric", "networks", "objective", "pictures", "train"}
        | {"weights"}
    ),
    "scaffold": frozenset({"components", "weights"}),
    "cli": frozenset(
        {"app", "components", "config", "evaluate", "operations", "pictures", "restore", "runtimes"}
        | {"experiments", "scaffold", "testing", "train", "weights", "zoo"}
    ),
    "__main__": frozenset({"cli"}),
}
Graph = dict[str, set[str]]


def module_of(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("restorekit", *(part for part in parts if part != "__init__")))


TREES = {module_of(path): ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py")}


def imports_of(tree: ast.Module) -> Iterator[str]:
    """The modules of restorekit that a file imports anywhere in it, also late or for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in found:
            if name.partition(".")[0] == "restorekit":
                yield name if name in TREES else name.rpartition(".")[0]


MODULES: Graph = {name: set(imports_of(tree)) - {name} for name, tree in TREES.items()}


def rooms() -> Graph:
    """What each room imports: a folder or file directly below restorekit, and not its `__init__`,
    which hands out names of all of them."""
    graph: Graph = defaultdict(set)
    for name, imported in MODULES.items():
        if name != "restorekit":
            room = name.split(".")[1]
            graph[room] |= {each.split(".")[1] for each in imported if "." in each} - {room}
    return graph


ROOMS = rooms()


def circle_in(graph: Graph) -> list[str]:
    """The names along an import cycle; empty if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_imports_are_seen_wherever_they_stand() -> None:
    """At the top, in a function, for types only, and of submodules."""
    assert "restorekit.components.kinds" in MODULES["restorekit.noise.compose"]
    assert "restorekit.train.trainer" in MODULES["restorekit.cli.train"]
    assert "restorekit.records" in MODULES["restorekit.weights.recognition"]
    assert "restorekit.pictures.metadata.exif" in MODULES["restorekit.pictures.read_files"]
    assert circle_in({"a": {"b"}, "b": {"a"}}) == ["a", "b", "a"]


def test_no_room_hides_a_registry() -> None:
    """`restorekit.NAME` would be the room as soon as it is imported, and the registry before."""
    assert {registry.plural for registry in REGISTRIES.values()} & set(ROOMS) == set()


def test_every_room_has_a_rule() -> None:
    """A new room needs an entry in the table above, below all that may import it."""
    assert set(ROOMS) == GROUND | set(MAY_IMPORT)
    below = set(GROUND)
    for room, allowed in MAY_IMPORT.items():
        assert allowed <= below
        below.add(room)


@pytest.mark.parametrize("room", sorted(GROUND | set(MAY_IMPORT)))
def test_a_room_imports_only_what_lies_below(room: str) -> None:
    """The lowest level imports only itself, and every other room what the table allows."""
    assert ROOMS[room] <= MAY_IMPORT.get(room, frozenset()) | GROUND


def test_components_are_used_by_name() -> None:
    """Nobody imports an architecture, noise or loss, and only `restore` imports `estimate`: the
    records, and the mechanisms that decide there too; `testing` makes samples to measure.
    Only the declarations of what is built in name their modules."""
    assert {room for room, imported in ROOMS.items() if imported & COMPONENTS} == set()
    assert {room for room, imported in ROOMS.items() if "estimate" in imported} == {
        "restore",
        "testing",
    }
    inside = tuple(f"restorekit.{room}." for room in sorted({*COMPONENTS, "estimate"}))
    naming = {
        name
        for name, tree in TREES.items()
        if name != "restorekit"  # which hands out names of all rooms
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(inside)
    }
    assert naming <= {
        f"restorekit.components.{name}"
        for name in (
            *("builtin", "builtin_classical", "builtin_losses", "builtin_networks"),
            *("builtin_noises", "builtin_objectives", "builtin_training"),
        )
    }
    assert "restorekit.components.builtin" in naming


def test_there_is_no_circle() -> None:
    """Neither between rooms nor between files, including imports in functions."""
    assert circle_in(ROOMS) == []
    # A package re-exports names of its files. That its files import each other is allowed.
    assert circle_in({k: v for k, v in MODULES.items() if k != "restorekit"}) == []


def test_a_file_is_known_by_its_name() -> None:
    """No two modules share a name, except a command's with what it calls, and base classes."""
    seen: dict[str, list[str]] = defaultdict(list)
    for module in TREES:
        if not module.startswith("restorekit.cli.") and not module.endswith(".base"):
            seen[module.rpartition(".")[2]].append(module)
    assert {name: same for name, same in seen.items() if len(same) > 1} == {}


def test_a_shared_layer_has_its_own_name() -> None:
    """A class of `arch` that another file imports is the only one there with its name."""
    arch = {name: tree for name, tree in TREES.items() if name.startswith("restorekit.arch.")}
    defined = [
        node.name for tree in arch.values() for node in tree.body if isinstance(node, ast.ClassDef)
    ]
    shared = {
        alias.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in arch
        for alias in node.names
    }
    assert "TransposedAttention" in shared
    assert {name for name in shared if defined.count(name) > 1} == set()
