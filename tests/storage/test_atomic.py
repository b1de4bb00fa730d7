"""Files appear complete or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from restorekit.storage.atomic import atomic_path


def write_half(path: Path, error: BaseException) -> None:
    """Write a part, then raise an error."""
    with atomic_path(path) as temporary:
        temporary.write_text("ne")
        raise error


def test_a_file_takes_its_place_when_the_block_ends(tmp_path: Path) -> None:
    """The old content is there during the block, the new one after it, and no other file."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    """The partial file is removed, the old one is intact, and the exception is passed on."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path, KeyboardInterrupt())
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_exception_leaves_no_new_file(tmp_path: Path) -> None:
    """A first write that fails leaves no file."""
    with pytest.raises(ValueError, match="stop"):
        write_half(tmp_path / "a", ValueError("stop"))
    assert os.listdir(tmp_path) == []


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    """A process that is killed within the block has changed nothing."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import os, sys\nfrom restorekit.storage.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    assert path.read_text() == "old"


def test_the_suffix_is_kept_and_the_folder_created(tmp_path: Path) -> None:
    """The temporary file is hidden and has the suffix, by which writers choose the format."""
    path = tmp_path / "deep" / "er" / "picture.tar.gz"
    with atomic_path(str(path)) as temporary:
        assert temporary.suffix == ".gz"
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
    assert path.exists()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path, umask: int) -> None:
    """The mode is that of open(), not the private one of a temporary file."""
    before = os.umask(umask)
    try:
        with atomic_path(tmp_path / "a") as temporary:
            temporary.write_text("x")
        (tmp_path / "b").write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    """If a folder has the name, writing fails and leaves no temporary file."""
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"), atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("x")
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == []


def test_an_error_names_the_requested_file(tmp_path: Path) -> None:
    """It does not name the temporary one, which the caller does not know."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a", tmp_path / "file" / "b" / "a", tmp_path / ("a" * 256)):
        with pytest.raises(OSError, match=r"Not a directory|too long") as caught:  # noqa: SIM117
            with atomic_path(path):
                pass
        assert caught.value.filename == str(path)


def test_permissions_of_a_replaced_file_stay(tmp_path: Path) -> None:
    """A private file that is replaced stays private."""
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(0o600)
    with atomic_path(path) as temporary:
        temporary.write_text("new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


def test_a_write_only_file_is_replaced_and_stays_so(tmp_path: Path) -> None:
    """The file is not read after its permissions are restored."""
    path = tmp_path / "drop"
    path.write_text("old")
    path.chmod(0o200)
    as_nobody(tmp_path, "with atomic_path('drop') as t: t.write_text('new')", "drop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o200
    path.chmod(0o600)
    assert path.read_text() == "new"


def test_a_umask_that_removes_all_permissions(tmp_path: Path) -> None:
    """The file can be written, and has no permissions."""
    as_nobody(tmp_path, "os.umask(0o777)\nwith atomic_path('a') as t: t.write_text('new')")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0
    assert os.listdir(tmp_path) == ["a"]


def test_the_umask_is_never_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may create a file at that time."""

    def changed(mask: int) -> int:
        raise AssertionError("the umask is the whole process's")

    monkeypatch.setattr(os, "umask", changed)
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("x")


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS])
def test_a_disk_without_permissions_or_flushing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """It can be written to. FAT, network and user-space file systems raise such errors."""
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o644)

    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(os, "fsync", refuse)
    with atomic_path(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fails_to_flush_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Network disks may report only then that they are full; the error names the file."""
    path = tmp_path / "a"
    path.write_text("old")

    def refuse(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="a") as caught, atomic_path(path) as temporary:
        temporary.write_text("new")
    assert (caught.value.errno, caught.value.filename) == (code, str(path))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_targets_that_cannot_be_replaced_are_refused_beforehand(tmp_path: Path) -> None:
    """For a folder, a pipe or a circular link, the block is not entered."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(os.listdir(tmp_path))
    for name in before:
        with pytest.raises(OSError, match=name) as caught, atomic_path(tmp_path / name):
            raise AssertionError("the work began")
        assert caught.value.filename == str(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("character", ["a", "\u5199", "\U0001f4f7"])
def test_the_longest_names_can_be_written(tmp_path: Path, character: str) -> None:
    """Names of up to 255 bytes are valid, and the temporary name is not longer."""
    path = tmp_path / f"{character * (251 // len(character.encode()))}.png"
    with atomic_path(path) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_text("x")
    assert os.listdir(tmp_path) == [path.name]


def as_nobody(folder: Path, code: str, *owned: str) -> None:
    """Run code in a folder without the rights of root, whom permissions do not restrict."""
    if os.getuid() == 0:
        for path in (folder, *(folder / name for name in owned)):
            os.chown(path, 65534, 65534)
        code = f"os.setuid(65534)\n{code}"
    code = f"import os\nfrom restorekit.storage.atomic import atomic_path\n{code}\n"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
