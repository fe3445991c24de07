"""Whether files and folders that are believed can only have been made by the caller: on a host with several users."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import HostError

#: Permissions of a folder of our own, where the umask does not take more away.
MODE = 0o755


def spare_others() -> None:
    """From now on nothing that this process or its children make can be written to by everybody, whatever the umask.

    Who may write to a run or an environment could put other files in the place of what is started next.
    """
    os.umask(os.umask(0o077) | stat.S_IWOTH)


@contextmanager
def sparing_others() -> Iterator[None]:
    """The same for as long as the block lasts: this process is somebody else's, whose own files are his matter."""
    before = os.umask(0o077)
    os.umask(before | stat.S_IWOTH)
    try:
        yield
    finally:
        os.umask(before)


def trouble(path: Path) -> str:
    """Why others could have made what is at `path`, or in it, in words; "" where only the caller could.

    A link must be the caller's, and so must what it leads to. Raises OSError for what is not there.
    """
    for status in (path.lstat(), path.stat()):
        if status.st_uid != os.geteuid():
            return f"{path} belongs to {_name(status.st_uid)}, not to you"
        if not stat.S_ISLNK(status.st_mode) and writable_by_others(status):
            return f"{path} can be written to by other users"
    return ""


def writable_by_others(status: os.stat_result) -> bool:
    """A group that has nobody else in it is no other user."""
    shared = bool(status.st_mode & stat.S_IWGRP) and not _is_private(status.st_gid)
    return shared or bool(status.st_mode & stat.S_IWOTH)


def above(path: Path) -> str:
    """Why others could put another folder in the place of `path`, in words, or ""."""
    for folder in path.resolve().parents:
        try:
            mode = folder.stat().st_mode
        except OSError:  # not there yet, or not to be seen: whoever uses it will say so
            continue
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"{folder} can be written to by everybody, who could replace what is in it"
    return ""


def changeable(path: Path) -> bool:
    """Whether others can change what is at `path` while it is used: the file, or a folder on the way. Root is no other.

    Raises OSError for what is not there.
    """
    there = path.resolve()
    for each in (there, *there.parents):
        status = each.stat()
        if status.st_uid not in (0, os.geteuid()):
            return True
        if writable_by_others(status) and not (status.st_mode & stat.S_ISVTX and each != there):
            return True
    return False


def planted(program: Path) -> str:
    """Why any user of this host could have put a program there, in words, or "".

    One of a colleague's is believed where he alone could put it: the caller's search path chose it.
    """
    there = program.resolve()
    if not there.exists():
        return ""
    status = there.stat()
    open_to_all = any(folder.stat().st_mode & stat.S_IWOTH for folder in there.parents)
    if status.st_mode & stat.S_IWOTH or (open_to_all and status.st_uid not in (0, os.geteuid())):
        return f"{there} can be anybody's"
    return ""


def refuse_planted(file: Path) -> None:
    """Raises HostError for a file that any user of this host could have put there, and that will be believed."""
    found = planted(file)
    if found:
        raise HostError(f"it is not believed: {found}", "use a folder where only you or root can write")


def chain(top: Path, path: Path) -> Iterator[Path]:
    """`top` and every folder from it down to `path`, itself included."""
    yield top
    for part in path.relative_to(top).parts:
        top = top / part
        yield top


def make(top: Path, path: Path, mode: int = MODE) -> str:
    """Makes the missing folders from `top` to `path` (this with `mode`); "", or why one is not the caller's alone.

    Raises OSError.
    """
    top.parent.mkdir(parents=True, exist_ok=True)
    for folder in chain(top, path):
        try:
            folder.mkdir(mode if folder == path else MODE)
        except FileExistsError:
            if not folder.is_dir():
                raise
        found = trouble(folder)
        if found:
            return found
    if stat.S_IMODE(path.stat().st_mode) & ~mode & 0o777:  # made by an older version
        path.chmod(mode)
    return ""


def _is_private(gid: int) -> bool:
    """Whether a group has the caller's name and no other member, as systems make one for each user."""
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return group.gr_name == user and not set(group.gr_mem) - {user}


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"
