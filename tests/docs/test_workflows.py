"""The files that GitHub and pre-commit read: valid, and in agreement with the Makefile."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def parsed(path: Path) -> dict[str, Any]:
    """A YAML file as it is written: `on` stays a text, which YAML 1.1 takes for true."""
    content = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    assert isinstance(content, dict), path
    return content


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    """The steps of all jobs."""
    for job in parsed(workflow)["jobs"].values():
        yield from job["steps"]


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> Path:
    """Each workflow in turn."""
    path: Path = request.param
    return path


def test_the_workflows_are_there() -> None:
    """Tests, documentation and releases; a renamed folder would leave nothing to check."""
    assert [path.stem for path in WORKFLOWS] == ["docs", "release", "tests"]


def test_a_workflow_calls_only_targets_of_the_makefile(workflow: Path) -> None:
    """`make` runs what the Makefile has, and each workflow runs something of it."""
    text = "\n".join(step.get("run", "") for step in steps(workflow))
    called = set(re.findall(r"\bmake ([a-z-]+)", text))
    assert called
    assert called <= TARGETS


def test_a_workflow_may_read_only(workflow: Path) -> None:
    """More is granted to single jobs, and those run no code of this repository."""
    content = parsed(workflow)
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        assert "timeout-minutes" in job, name
        if "permissions" in job:
            assert not any("run" in step or "checkout" in step["uses"] for step in job["steps"])


def test_actions_are_pinned_by_major_version(workflow: Path) -> None:
    """No branch that can change in any way; the publishing action calls its version release/v1."""
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@(release/)?v\d+", step["uses"]), step


def test_a_checkout_leaves_no_credentials(workflow: Path) -> None:
    """What runs afterwards cannot push."""
    for step in steps(workflow):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] == "false"


def test_the_tested_versions_are_those_that_the_package_names() -> None:
    """The workflow, the Makefile and the classifiers list the same versions of Python."""
    tests = parsed(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]["tests"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    listed = re.search(r"^VERSIONS := (.*)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    assert tests["strategy"]["matrix"]["python"] == named == listed[1].split()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_are_whole(path: Path) -> None:
    """A form has a name, a description and labelled fields."""
    form = parsed(path)
    if path.stem != "config":
        assert form["name"]
        assert form["description"]
        for field in form["body"]:
            assert field["attributes"]["label"]


def test_hooks_before_a_commit_are_local() -> None:
    """They run the tools of `make lint` and `make types`: versions of their own would drift."""
    config = parsed(ROOT / ".pre-commit-config.yaml")
    assert [each["repo"] for each in config["repos"]] == ["local"]
    entries = [hook["entry"].split()[0] for hook in config["repos"][0]["hooks"]]
    assert entries == [".venv/bin/ruff", ".venv/bin/ruff", ".venv/bin/mypy"]


def test_the_citation_agrees_with_the_package() -> None:
    """Name, licence and authors are those of pyproject.toml."""
    citation = parsed(ROOT / "CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["title"] == project["name"]
    assert citation["license"] == project["license"]
    assert citation["authors"] == project["authors"]


def test_every_benchmark_is_in_their_index() -> None:
    """benchmarks/README.md has a row for each script that can be run, and none for others."""
    folder = ROOT / "benchmarks"
    rows = re.findall(r"^\| `(\w+\.py)`", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    scripts = [path.name for path in folder.glob("*.py") if "__main__" in path.read_text("utf-8")]
    assert sorted(rows) == sorted(scripts)
