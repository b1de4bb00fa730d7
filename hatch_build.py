"""Metadata of the package that depends on the address of the repository: links that are absolute.

A package index shows the README alone, so its links to files must name the repository. Its address
is `repository` in `[tool.hatch.metadata.hooks.custom]` of pyproject.toml. While that is empty, the
links stay as they are and the package names no address.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# The addresses below that of the repository; HEAD is its main branch, whatever it is called.
PAGES = {
    "Homepage": "",
    "Documentation": "/tree/HEAD/docs",
    "Changelog": "/blob/HEAD/CHANGELOG.md",
    "Issues": "/issues",
}
PICTURES = (".png", ".jpg", ".svg", ".gif", ".webp")
# A link of Markdown or HTML, except for addresses and places in the same page.
LINK = re.compile(r"""(\]\(|\b(?:href|src)=")(?!\w+:|#)([^)"\s]+)""")


class AbsoluteLinks(MetadataHookInterface):
    """Sets the README and the addresses of the project."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add `readme` and, if the repository has an address, `urls`."""
        repository = self.config.get("repository", "").rstrip("/")
        text = Path(self.root, "README.md").read_text("utf-8")
        if repository:
            text = with_absolute_links(text, repository)
            metadata["urls"] = {name: repository + page for name, page in PAGES.items()}
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def with_absolute_links(text: str, repository: str) -> str:
    """The text with links to files of a repository by their whole address."""

    def whole(link: re.Match[str]) -> str:
        before, path = link.groups()
        kind = "raw" if path.endswith(PICTURES) else "blob"
        return f"{before}{repository}/{kind}/HEAD/{path}"

    return LINK.sub(whole, text)
