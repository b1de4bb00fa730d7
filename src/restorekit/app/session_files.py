"""The files of the visitors of the page, each visitor's in a temporary folder of their own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp


class SessionFiles:
    """Folders below a root, one for each session and job.

    Args:
        root: a folder that the owner removes at the end.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sessions = root / "sessions"

    def new_folder(self, session: str, job: str) -> Path:
        """An empty folder for a job of a session; that of the same job before is removed.

        Args:
            session: the session, any text: a request can state any.
            job: what is done there.
        """
        parent = self._folder_of(session) / job
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir(parents=True)
        # A new name each time, so that a browser does not show the file of the job before.
        return Path(mkdtemp(dir=parent))

    def without_folders(self, message: str) -> str:
        """A message that names files below the root by their name only, as visitors know them."""
        separator = re.escape(os.sep)
        below = rf"{re.escape(str(self.root))}{separator}(?:[\w-]+{separator})*"
        return re.sub(below, "", message)

    def forget(self, session: str) -> None:
        """Remove the files of a session."""
        shutil.rmtree(self._folder_of(session), ignore_errors=True)

    def _folder_of(self, session: str) -> Path:
        # The text comes from the request and may be a path of any folder.
        return self._sessions / hashlib.sha256(session.encode()).hexdigest()


def take_uploads(uploads: Sequence[Path], folder: Path) -> list[Path]:
    """Put uploaded files into a folder, where each name occurs once: "a.png", "a-2.png".

    Args:
        uploads: the files.
        folder: an empty folder.
    """
    taken: list[Path] = []
    seen: Counter[str] = Counter()
    for upload in uploads:
        name = upload.name
        while seen[name.casefold()]:
            seen[upload.name.casefold()] += 1
            name = f"{upload.stem}-{seen[upload.name.casefold()]}{upload.suffix}"
        seen[name.casefold()] += 1
        taken.append(folder / name)
        _link_or_copy(upload, taken[-1])
    return taken


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
