"""Files that must survive a crash, and folders that a job we do not trust has filled."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from orchestrator.errors import HostError


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


def settle() -> None:
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
