"""The metadata of the package, as a package index shows it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from trove_classifiers import classifiers

ROOT = Path(__file__).parents[1]
ADDRESS = "https://example.org/someone/restorekit"
LINKS = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
MORE = """
[a page](docs/denoising.md#tiles) [a part](#install) [elsewhere](https://example.org)
[![picture](docs/images/before_after.jpg)](docs/figures.md)
<img src="docs/images/before_after.jpg" alt="x"> <a href="CHANGELOG.md">changes</a>
"""


def metadata(folder: Path, repository: str) -> dict[str, Any]:
    """The metadata of a copy of the project whose repository has an address."""
    for name in ("README.md", "LICENSE", "hatch_build.py", "src/restorekit/version.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "README.md").write_text((folder / "README.md").read_text("utf-8") + MORE, "utf-8")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    filled = re.sub(r'^repository = ".*"$', f'repository = "{repository}"', project, flags=re.M)
    (folder / "pyproject.toml").write_text(filled, "utf-8")
    command = [sys.executable, "-m", "hatchling", "metadata"]
    said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def links(text: str) -> list[str]:
    """The targets of all links and pictures of a text."""
    return ["".join(pair) for pair in LINKS.findall(text)]


def test_links_of_the_readme_are_absolute_where_it_is_shown_alone(tmp_path: Path) -> None:
    """Each names an existing file of the repository; pictures are linked raw."""
    readme = metadata(tmp_path, f"{ADDRESS}/")["readme"]
    assert readme["content-type"] == "text/markdown"
    relative = links((tmp_path / "README.md").read_text("utf-8"))
    found = links(readme["text"])
    assert len(found) == len(relative) > 8
    for link, before in zip(found, relative, strict=True):
        if before.startswith(("https:", "#")):
            assert link == before
            continue
        kind = "raw" if before.endswith((".jpg", ".png", ".svg")) else "blob"
        assert link == f"{ADDRESS}/{kind}/HEAD/{before}"
        assert (ROOT / before.partition("#")[0]).exists()


def test_the_addresses_of_the_project_are_those_of_the_repository(tmp_path: Path) -> None:
    """Each is below it, without a double slash."""
    urls = metadata(tmp_path, f"{ADDRESS}/")["urls"]
    assert urls["Homepage"] == ADDRESS
    assert all(url == ADDRESS or re.match(f"{ADDRESS}/[a-z]", url) for url in urls.values())


def test_without_an_address_no_link_is_invented(tmp_path: Path) -> None:
    """The README is as in the repository, and there are no URLs."""
    found = metadata(tmp_path, "")
    assert "urls" not in found
    assert found["readme"]["text"] == (tmp_path / "README.md").read_text("utf-8")


def test_the_classifiers_exist(tmp_path: Path) -> None:
    """An index refuses a distribution with an unknown one."""
    assert set(metadata(tmp_path, "")["classifiers"]) <= set(classifiers)


def test_a_release_needs_the_address() -> None:
    """The workflow looks for the line of the constant, which must not be empty."""
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    sought = re.search(r"grep -qE '(.*)' pyproject\.toml", workflow)
    assert sought is not None
    assert re.search(sought[1], f'repository = "{ADDRESS}"')
    assert not re.search(sought[1], 'repository = ""')
    assert re.search(r'^repository = ".*"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
