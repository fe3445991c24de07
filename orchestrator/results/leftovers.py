"""What a job leaves in its output folder: nobody else on this host reaches it, while the job runs and until it is gone.

A job may leave programs that run as whoever made them (setuid), and files that all may write to. The job's folder is
closed to everybody but the caller before the output folder is made, and opened when that is removed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from orchestrator import doors
from orchestrator.files import remove_tree
from orchestrator.results.folder import OUT

#: What a job's folder holds beside plain files: earlier attempts, and orders for a cluster.
FOLDERS = ("attempts", "slurm")


def close(folder: Path) -> Path:
    """Makes the output folder below the job's folder, which only the caller can enter from now on.

    Raises doors.Refused, OSError.
    """
    with doors.folder(folder) as at:
        inherits = os.fstat(at).st_mode & stat.S_ISGID  # a team's folder: what is made in it is the team's
        _set_mode(at, 0o700 | inherits)
        os.mkdir(OUT, dir_fd=at)
    return folder / OUT


def remove(folder: Path) -> None:
    """Removes what the job left; then its folder has the permissions of the one above it again.

    A job that is a process may also have put something in the place of records, or of its folder: that goes as well, as
    it would keep its own and all other results from being written. The folder stays closed where something could not
    be removed. Raises doors.Refused, OSError.
    """
    _mend(folder)
    for name in doors.names(folder):
        if name == OUT or (name not in FOLDERS and not _is_plain(folder / name)):
            remove_tree(folder / name)
    with doors.folder(folder.parent) as above, doors.folder(folder) as at:
        _set_mode(at, stat.S_IMODE(os.fstat(above).st_mode))


def _mend(folder: Path) -> None:
    """Makes sure that the job's folder is one, and that the caller can list it."""
    with doors.folder(folder.parent) as above:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISDIR(os.lstat(folder.name, dir_fd=above).st_mode):
                os.unlink(folder.name, dir_fd=above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder.name, 0o700, dir_fd=above)
    with doors.folder(folder) as at:
        _set_mode(at, 0o700 | os.fstat(at).st_mode & stat.S_ISGID)


def _is_plain(path: Path) -> bool:
    with doors.folder(path.parent) as at:
        return stat.S_ISREG(os.lstat(path.name, dir_fd=at).st_mode)


def _set_mode(at: int, mode: int) -> None:
    """Of the folder that is open, not of one of that name."""
    os.chmod(f"/proc/self/fd/{at}", mode)  # noqa: PTH101
