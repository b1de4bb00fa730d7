"""Weights on the Hugging Face Hub: "hf-hub:USER/NAME" or "hf-hub:USER/NAME@REVISION".

Only safetensors are downloaded, into the cache of huggingface_hub, and only if the hub has a newer
file. The SHA-256 of each file is compared with what the hub states, and kept in a file next to the
cached ones. With HF_HUB_OFFLINE=1, or if the hub cannot be reached, the cached file is used.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restorekit.components.isolation import describe_cause
from restorekit.errors import CheckpointError, MissingExtraError, RestoreWarning
from restorekit.extras import needs
from restorekit.memory import format_size
from restorekit.storage.atomic import atomic_path
from restorekit.storage.file_digests import sha256_of
from restorekit.weights.weights_folder import choose_published, weights_in

SCHEME = "hf-hub"
LOCK = "restorekit.sha256"  # in the form of sha256sum, so that `sha256sum -c` can check it
_PART = r"\w[\w.-]*"
_NAME = re.compile(rf"({_PART}/{_PART})(?:@({_PART}(?:/{_PART})*))?")
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubName:
    """A repository of the hub, and a branch, tag or commit of it."""

    repository: str
    revision: str = "main"

    def __str__(self) -> str:
        at = "" if self.revision == "main" else f"@{self.revision}"
        return f"{SCHEME}:{self.repository}{at}"

    @classmethod
    def parse(cls, text: str) -> HubName:
        """Read "USER/NAME" or "USER/NAME@REVISION".

        Raises:
            CheckpointError: it has another form.
        """
        match = _NAME.fullmatch(text)
        if match is None or ".." in text:
            raise CheckpointError(
                f"'{SCHEME}:{text}': write {SCHEME}:USER/NAME or {SCHEME}:USER/NAME@REVISION"
            )
        return cls(match[1], match[2] or "main")


@dataclass(frozen=True)
class _Published:
    """A weights file as the hub describes it."""

    file: str
    commit: str
    size: int
    sha256: str | None


def import_hub(what: str) -> Any:
    """The package huggingface_hub.

    Raises:
        MissingExtraError: it is not installed.
    """
    package = needs("huggingface_hub", "hub", what)
    for module in ("constants", "errors"):  # which the package itself does not import
        importlib.import_module(f"huggingface_hub.{module}")
    return package


def fetch_from_hub(text: str) -> Path:
    """The weights file of a repository, downloaded unless it is in the cache.

    Raises:
        CheckpointError: there is no such repository, revision or file, it cannot be downloaded, or
            it differs from its SHA-256.
        MissingExtraError: huggingface_hub is not installed.
    """
    name = HubName.parse(text)
    hub = import_hub(f"{SCHEME}:")
    try:
        published = _look_up(hub, name)
    except UnreachableError as error:
        path = cached_from_hub(text)
        if path is None:
            raise CheckpointError(f"{name}: not in {_cache(hub)}, and {error}") from error
        if not hub.constants.HF_HUB_OFFLINE:
            warnings.warn(f"{name}: {error}; using {path}", RestoreWarning, stacklevel=2)
        return path
    path = _snapshots(hub, name) / published.commit / published.file
    if not path.is_file():
        path = _download(hub, name, published)
    _verify(path, name, published.sha256)
    return path


def cached_from_hub(text: str) -> Path | None:
    """The weights file of a repository if it is in the cache; asks no server.

    Raises:
        CheckpointError: the name has another form, or the file differs from its SHA-256.
    """
    name = HubName.parse(text)
    try:
        hub = import_hub(f"{SCHEME}:")
    except MissingExtraError:  # then nothing has been downloaded with it
        return None
    snapshots = _snapshots(hub, name)
    reference = snapshots.parent / "refs" / name.revision
    commit = reference.read_text("utf-8").strip() if reference.is_file() else name.revision
    if not (snapshots / commit).is_dir():
        return None
    path = weights_in(snapshots / commit, str(name))
    _verify(path, name, None)
    return path


class UnreachableError(Exception):
    """The hub did not answer; the message says why."""


@contextlib.contextmanager
def answers_of_hub(hub: Any, name: HubName) -> Iterator[None]:
    """Turn what huggingface_hub raises within the block into one line."""
    errors, where = hub.errors, hub.constants.ENDPOINT
    try:
        yield
    except errors.GatedRepoError as error:
        raise CheckpointError(f"{name}: request access to it at {where} first") from error
    except errors.RepositoryNotFoundError as error:
        raise CheckpointError(
            f"{name}: not found at {where}, or private; 'hf auth login' gives access"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise CheckpointError(f"{name}: it has no revision '{name.revision}'") from error
    except errors.HfHubHTTPError as error:
        raise CheckpointError(f"{name}: {where} answered: {describe_cause(error)}") from error
    except CheckpointError:
        raise
    except _connection_errors(errors) as error:
        raise UnreachableError(f"{where} cannot be reached ({describe_cause(error)})") from error
    except Exception as error:  # a name that is not valid, or a cache that cannot be written
        raise CheckpointError(f"{name}: {describe_cause(error)}") from error


def _connection_errors(errors: Any) -> tuple[type[Exception], ...]:
    """What huggingface_hub raises if there is no connection, or if it is offline."""
    # The first base is the error of the HTTP library, which differs between versions of the hub.
    http = next(base for base in errors.HfHubHTTPError.__bases__ if base is not OSError)
    return (ConnectionError, TimeoutError, errors.LocalEntryNotFoundError, http)


def _look_up(hub: Any, name: HubName) -> _Published:
    """Ask the hub which weights file a repository has."""
    with answers_of_hub(hub, name):
        info = hub.HfApi().model_info(name.repository, revision=name.revision, files_metadata=True)
    files = {each.rfilename: each for each in info.siblings or ()}
    chosen = choose_published(files, str(name))
    lfs = files[chosen].lfs
    return _Published(chosen, info.sha, files[chosen].size or 0, lfs.sha256 if lfs else None)


def _download(hub: Any, name: HubName, published: _Published) -> Path:
    LOGGER.info(
        "downloading %s, %s of %s at %s, to %s",
        format_size(published.size),
        published.file,
        name,
        published.commit[:8],
        _cache(hub),
    )
    try:
        with answers_of_hub(hub, name):
            return Path(
                hub.hf_hub_download(name.repository, published.file, revision=name.revision)
            )
    except UnreachableError as error:
        raise CheckpointError(f"{name}: {error}") from error


def _verify(path: Path, name: HubName, stated: str | None) -> None:
    """Compare a file with the SHA-256 that the hub states, and with that of the download."""
    digest = sha256_of(path)
    lock = path.parents[2] / LOCK
    entry = path.relative_to(lock.parent).as_posix()
    lines = lock.read_text("utf-8").splitlines() if lock.is_file() else []
    kept = {file: known for known, _, file in (line.partition("  ") for line in lines)}
    if digest != (stated or digest) or digest != kept.get(entry, digest):
        raise CheckpointError(
            f"{name}: {path} differs from its SHA-256; delete {lock.parent} to download it again"
        )
    if entry not in kept:
        with contextlib.suppress(OSError), atomic_path(lock) as temporary:  # a shared cache
            temporary.write_text("".join(f"{line}\n" for line in [*lines, f"{digest}  {entry}"]))


def _cache(hub: Any) -> Path:
    return Path(hub.constants.HF_HUB_CACHE)


def _snapshots(hub: Any, name: HubName) -> Path:
    """The folder of the cache with a folder of files for each downloaded commit."""
    return _cache(hub) / f"models--{name.repository.replace('/', '--')}" / "snapshots"
