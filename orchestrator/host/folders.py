"""The folders that a run writes to, examined before it: the results (--out) and the user's cache.

Everything that can be wrong with their names and places is decided here, once, for `doctor` and for the start of a run.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Literal

from orchestrator import ownership
from orchestrator.errors import HostError
from orchestrator.files import cache_folder, is_text
from orchestrator.model import Noun

#: Bytes that the names below a results folder may need: run, job, attempt, file.
BELOW = 512
#: Bytes of a whole path (PATH_MAX of Linux).
LONGEST = 4096


class Folder(Noun, frozen=True, kw_only=True):
    """A folder, made or not. `trouble`: why it cannot be used, in words; `mend`: the way out."""

    what: Literal["results", "cache"]
    path: str = ""
    trouble: str = ""
    mend: str = ""


def results_folder(out: Path) -> Folder:
    """The folder that runs are kept in."""
    path, mend = str(out.absolute()), "choose a folder you can write to with --out"
    trouble = unusable(out.absolute())
    latest = out / "latest"
    if not trouble and os.path.lexists(latest) and not latest.is_symlink():
        trouble = f"{latest.absolute()} is no link to the last run, but a folder or file of its own"
        mend = "rename it: the next run makes the link"
    return Folder(what="results", path=path, trouble=trouble, mend=mend if trouble else "")


def user_cache() -> Folder:
    """The cache of environments, data, images and compiled code."""
    try:
        path = cache_folder()
    except HostError as error:
        return Folder(what="cache", trouble=error.message, mend=error.hint)
    trouble, mend = unusable(path), "choose another cache with XDG_CACHE_HOME=DIR"
    if not trouble:
        trouble = _planted(path)
        mend = f"remove it, or {mend}"
    return Folder(what="cache", path=str(path), trouble=trouble, mend=mend if trouble else "")


def _planted(cache: Path) -> str:
    """What in the cache others could have made or changed, in words; "" for nothing.

    An environment is looked through where it is used, and so is what jobs compile. uv lets everybody write to its lock
    files, from which nothing is read.
    """
    waiting = [cache]
    while waiting:
        folder = waiting.pop()
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                if entry.name == ".lock" and entry.is_file(follow_symlinks=False):
                    continue
                try:
                    found = ownership.trouble(Path(entry.path))
                except OSError:  # a link to nothing, or gone meanwhile
                    continue
                if found:
                    return found
                if entry.is_dir(follow_symlinks=False) and folder.name not in ("venvs", "layers", "compiled"):
                    waiting.append(Path(entry.path))
    return ""


def refuse(folder: Folder) -> None:
    """Raises HostError for a folder that cannot be used."""
    if folder.trouble:
        raise HostError(f"the {folder.what} folder cannot be used: {folder.trouble}", folder.mend)


def unusable(path: Path) -> str:
    """Why no files can be kept in this folder, "" if they can as far as is seen without writing."""
    if not is_text(str(path)):
        return f"{path} is no text in UTF-8, as records must be"
    if len(os.fsencode(path)) + BELOW > LONGEST:
        return f"{path} is too long a name"
    try:
        there = nearest(path)
    except OSError as error:
        return f"{path}: {os.strerror(error.errno or 0)}"
    if not there.is_dir():
        return f"{there} is no folder"
    if not os.access(there, os.W_OK | os.X_OK):
        read_only = os.statvfs(there).f_flag & os.ST_RDONLY
        return f"{there}: {os.strerror(errno.EROFS if read_only else errno.EACCES)}"
    return ""


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there. Raises OSError where that cannot be seen."""
    there = path.absolute()
    while True:
        try:
            there.stat()
            return there
        except FileNotFoundError:
            if there.is_symlink():  # to something that is gone
                raise
            there = there.parent
