"""Links within the pages lead somewhere; `make linkcheck` tries the addresses of other sites."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name_of, without_code

DOCS = ROOT / "docs"
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def links(page: Path) -> list[str]:
    """The targets of the links of a page that stay in the repository."""
    found = [match["target"] for match in LINK.finditer(without_code(page.read_text("utf-8")))]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


def is_there(page: Path, target: str) -> bool:
    """Whether a link leads to a file, or to a heading of a page."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if file.parent == DOCS / "gallery":  # which Sphinx makes of the examples
        file = ROOT / "examples" / "gallery" / f"{file.stem}.py"
    return file.exists() and (not anchor or anchor in anchors(file))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files exist, and pages have the headings that links name."""
    assert [target for target in links(page) if not is_there(page, target)] == []


def test_a_broken_link_is_noticed() -> None:
    """A missing file, heading or example."""
    page = DOCS / "quickstart.md"
    assert is_there(page, "training.md#stop-and-resume")
    for target in ("missing.md", "training.md#missing", "#missing", "gallery/plot_missing.rst"):
        assert not is_there(page, target)


def test_the_front_page_links_every_guide() -> None:
    """Each page of its lists, except those for contributors, is one click away."""
    text = (DOCS / "index.md").read_text("utf-8")
    lists = re.findall(r":caption: (.*)\n.*\n\n([^`]*)```", text)
    guides = {name for title, names in lists if title != "Contribute" for name in names.split()}
    linked = {target.removesuffix(".md") for target in links(DOCS / "index.md")}
    assert len(guides) > 15
    assert guides - linked <= {"changelog", "gallery/index", "real_pictures", "networks"}
