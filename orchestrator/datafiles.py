"""Files shared by processes: hashes, locks, atomic replacement."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from orchestrator.errors import HostError

#: Part of the file names. Raise it with every change of the content (and update datasets.yaml).
SYNTHETIC_VERSION = 1


def sha256_file(path: Path) -> str:
    """Hex sha256 of the file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns a full, read-only or forbidden disk into a HostError that names `path`."""
    try:
        yield
    except OSError as error:
        raise HostError(
            f"cannot write {path}: {error.strerror or error}",
            "Free some space, or choose another cache with XDG_CACHE_HOME=DIR.",
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time works on `path`; others wait. The kernel drops a dead holder's lock."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.with_name(f".{path.name}.lock").open("ab")
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose content becomes `path` at once when the block ends well, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def synthetic_path(file: str, cache: Path) -> Path:
    """Where the synthetic stand-in for the in-job file name `file` lies in the cache."""
    stem, _, suffix = file.partition(".")
    return cache / f"{stem}.synthetic-v{SYNTHETIC_VERSION}.{suffix}"
