"""Files and folders: atomic writes, locks, hashes, the cache folder, declared YAML, removal of untrusted trees."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from orchestrator.errors import HostError, UserError


def write_atomic(path: Path, data: bytes) -> None:
    """Replaces `path` in one step: after a crash it is the old file or the new one, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> HostError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HostError(f"disk full while writing {path}", "free space; what was written before is intact")
    return HostError(f"cannot write {path}: {error.strerror}", "choose a folder you can write to with --out")


def check_writable(folder: Path) -> None:
    """Raises HostError now rather than after an hour of building."""
    probe = folder / f".probe.{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise storage_error(folder, error) from error


def is_full(folder: Path) -> bool:
    """Whether there is no room left even for a page of text."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < 16384


def sync(path: Path) -> None:
    """What is in this file, or which names are in this folder, is on the disk when it returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_to_disk() -> None:
    """Returns once the system has written what it still holds in memory.

    An environment or an image that was just made is gigabytes that the kernel goes on writing; a job that ran
    meanwhile would share the disk with it, and its events would wait behind it.
    """
    os.sync()


def remove_tree(top: Path) -> None:
    """Removes a folder whatever is in it: links are removed, not followed; depth and modes do not matter.

    Nobody else may be writing to it any more. Raises OSError for what the disk refuses.
    """
    if not stat.S_ISDIR(os.lstat(top).st_mode):
        top.unlink()
        return
    top.chmod(0o700)
    waiting, count = [top], 0
    while waiting:
        folder = waiting.pop()
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                # Moved up, so that no path grows too long; a folder can only be moved by who may write to it.
                Path(entry.path).chmod(0o700)
                count += 1
                raised = top.with_name(f".{top.name}.{count}.tmp")
                Path(entry.path).rename(raised)
                waiting.append(raised)
            else:
                Path(entry.path).unlink()
        folder.rmdir()


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
def file_locked(path: Path) -> Iterator[None]:
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


class Chunks:
    """Reads pieces of bytes, cut anywhere, as one stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = bytearray()

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        data = bytes(self._rest[:size])
        del self._rest[:size]
        return data


class Counted:
    """A stream that tells how many bytes were read from it."""

    def __init__(self, stream: Any, tell: Callable[[int], None]) -> None:
        self._stream = stream
        self._tell = tell
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self._done += len(data)
        self._tell(self._done)
        return data


T = TypeVar("T")
PACKAGE = Path(__file__).resolve().parent


def read_yaml(path: Path, shape: type[T]) -> T:
    """Decode one YAML file strictly; UserError names the file and the path of the bad value."""
    try:
        return msgspec.yaml.decode(read_text(path), type=shape)
    except msgspec.DecodeError as error:  # ValidationError, and what the YAML parser says
        raise UserError(f"{path}: {error}", "Correct the value at that path.") from error


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def refuse_faults(path: Path, faults: Iterator[str]) -> None:
    """Raise UserError for the first fault."""
    fault = next(faults, None)
    if fault:
        raise UserError(f"{path}: {fault}", "Correct the value at that path.")


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras-orchestrate"


def last_line(log: Path) -> str:
    """The last non-empty line of a log, or "": what a person would look at first."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
