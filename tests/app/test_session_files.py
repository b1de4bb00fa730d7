"""The temporary files of visitors."""

from __future__ import annotations

from pathlib import Path

import pytest

from restorekit.app.session_files import SessionFiles, take_uploads


def test_a_new_job_removes_the_files_of_the_one_before(tmp_path: Path) -> None:
    """Those of other jobs and sessions stay."""
    files = SessionFiles(tmp_path)
    first, other = files.new_folder("ann", "result"), files.new_folder("ann", "batch")
    (first / "a.png").touch()
    second = files.new_folder("ann", "result")
    assert not first.exists()
    assert second.is_dir()
    assert other.is_dir()
    assert first != second


def test_a_session_is_forgotten(tmp_path: Path) -> None:
    """Its files are removed, those of another session are not."""
    files = SessionFiles(tmp_path)
    ann, bob = files.new_folder("ann", "result"), files.new_folder("bob", "result")
    files.forget("ann")
    files.forget("nobody")
    assert not ann.exists()
    assert bob.is_dir()


@pytest.mark.parametrize("session", ["..", "../..", "a/../..", "{outside}", "", ".", "a\0b"])
def test_the_name_of_a_session_is_never_used_as_a_path(tmp_path: Path, session: str) -> None:
    """The text comes from the request: whatever it is, no other folder is touched."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    other = SessionFiles(root).new_folder("other", "result")
    (outside / "result" / "kept").mkdir(parents=True)
    files, session = SessionFiles(root), session.format(outside=outside)
    folder = files.new_folder(session, "result")
    assert folder.resolve().is_relative_to((root / "sessions").resolve())
    files.forget(session)
    assert not folder.exists()
    assert other.is_dir()
    assert (outside / "result" / "kept").is_dir()


def test_messages_name_files_without_folders(tmp_path: Path) -> None:
    """Visitors know their files by name, and folders of the computer are none of their business."""
    files = SessionFiles(tmp_path)
    folder = files.new_folder("ann", "result")
    message = f"cannot read '{folder / 'a b.png'}': as {folder / 'c.png'}: see /etc/x"
    assert files.without_folders(message) == "cannot read 'a b.png': as c.png: see /etc/x"


@pytest.mark.parametrize("has_links", [True, False])
def test_equal_names_become_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    """Two cameras count from the same number; letter case does not make a name different."""
    if not has_links:

        def fail(*_: object) -> None:
            raise OSError("no links here")

        monkeypatch.setattr("os.link", fail)
    names = ["1/a.png", "2/a.png", "3/A.PNG", "4/a-2.png", "5/b.png"]
    uploads = [tmp_path / name for name in names]
    for upload in uploads:
        upload.parent.mkdir()
        upload.write_text(str(upload))
    folder = tmp_path / "taken"
    folder.mkdir()
    taken = take_uploads(uploads, folder)
    assert len({path.name.casefold() for path in taken}) == len(uploads)
    assert [path.name for path in taken][:2] == ["a.png", "a-2.png"]
    assert [path.read_text() for path in taken] == [str(upload) for upload in uploads]
    uploads[0].unlink()
    assert taken[0].read_text() == str(uploads[0])
