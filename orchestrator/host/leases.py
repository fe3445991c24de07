"""Leases of GPUs: one job at a time on a GPU, across all orchestrators and users of a host.

A lease is a flock on a file named after the GPU's UUID. The kernel frees it however its holder ends, so that no lease
can be left behind. The files stay: one that is removed and made again could be locked twice.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import DeviceRefused, HostError
from orchestrator.files import try_lock
from orchestrator.text import printable

#: Seconds between two tries to get a lease.
POLL_S = 0.1
#: Seconds that whoever makes a lock file needs to let others open it.
MADE_S = 0.02


def lock_folder(environ: dict[str, str] | None = None) -> Path:
    """The folder of the lock files, which must be the same for every user of this host.

    It is below /run/lock where everybody may write there, else below /tmp. KERAS_ORCHESTRATE_LOCK_DIR names another,
    for orchestrators in containers that share the host's GPUs.
    """
    named = (os.environ if environ is None else environ).get("KERAS_ORCHESTRATE_LOCK_DIR")
    if named:
        return Path(named)
    system = Path("/run/lock")
    open_to_all = stat.S_ISVTX | stat.S_IWOTH
    with contextlib.suppress(OSError):
        if system.stat().st_mode & open_to_all == open_to_all:
            return system / "keras-orchestrate"
    return Path("/tmp/keras-orchestrate-locks")


class Leases:
    """The leases of one folder. `holder` names this orchestrator to others that wait for one of its leases."""

    def __init__(self, folder: Path, holder: str) -> None:
        self._folder = folder
        self._holder = f"{holder}, process {os.getpid()} of {_user()}"

    @contextmanager
    def hold(self, uuid: str, stopping: Callable[[], bool], waits: Callable[[str], None]) -> Iterator[None]:
        """Wait for the lease of a GPU and hold it for the block. `waits` is called once with the present holder.

        Raises DeviceRefused when `stopping` turns true meanwhile, HostError where the lock file cannot be used.
        """
        descriptor = self._open(uuid)
        announced = False
        try:
            while not (locked := try_lock(descriptor)) or not self._is_there(descriptor, uuid):
                if locked:  # somebody removed it meanwhile, and others lock the new one
                    os.close(descriptor)
                    descriptor = self._open(uuid)
                    continue
                if stopping():
                    raise DeviceRefused("stopped while waiting for the GPU")
                if not announced:
                    waits(_read_holder(descriptor) or "another orchestrator")
                    announced = True
                time.sleep(POLL_S)
            self._write_holder(descriptor)
            yield
        finally:
            os.close(descriptor)  # which unlocks

    def holder(self, uuid: str) -> str | None:
        """Who holds the lease of a GPU at this moment, or None."""
        if not self._path(uuid).exists():
            return None
        descriptor = self._open(uuid)
        try:
            if try_lock(descriptor, shared=True):
                return None
            return _read_holder(descriptor) or "another orchestrator"
        finally:
            os.close(descriptor)

    def _path(self, uuid: str) -> Path:
        return self._folder / (re.sub(r"[^A-Za-z0-9-]", "_", uuid) + ".lock")

    def _open(self, uuid: str) -> int:
        """Open the lock file, and create it if there is none.

        It is first opened without O_CREAT, which many kernels forbid on another user's file in a folder that all may
        write to. A file that can only be read can be locked as well.
        """
        self._make_folder()
        path = self._path(uuid)
        for _ in range(10):
            for flags in (os.O_RDWR, os.O_RDONLY):
                try:
                    return _opened(path, flags)
                except (FileNotFoundError, PermissionError):
                    continue
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            except FileExistsError:
                time.sleep(MADE_S)
                continue
            except OSError as error:
                raise HostError(f"cannot make the lock file {path}: {error.strerror}") from error
            os.fchmod(descriptor, 0o666)
            return descriptor
        raise HostError(f"cannot open the lock file {path}", "it must be readable by everyone who runs jobs here")

    def _is_there(self, descriptor: int, uuid: str) -> bool:
        """Whether the open file is the one that others open now."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(descriptor), self._path(uuid).lstat())
        return False

    def _make_folder(self) -> None:
        with contextlib.suppress(FileExistsError, PermissionError):
            self._folder.mkdir(parents=True)
            self._folder.chmod(0o1777)
        if self._folder.is_symlink() or not self._folder.is_dir():
            what = "is no folder" if os.path.lexists(self._folder) else "is not there, and cannot be made"
            raise HostError(f"{self._folder} {what}", "KERAS_ORCHESTRATE_LOCK_DIR names another for the locks")

    def _write_holder(self, descriptor: int) -> None:
        with contextlib.suppress(OSError):  # another user's file: locked all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, self._holder.encode(), 0)


def _opened(path: Path, flags: int) -> int:
    """A lock file that is there. Raises FileNotFoundError, PermissionError; HostError for what somebody put there.

    A FIFO would hold us up for ever. The holder is written into the file, which must not be another file's other name.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        raise HostError(f"cannot open the lock file {path}: {error.strerror}", "remove it") from error
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise HostError(f"{path} is no lock file, but a special file or another file's second name", "remove it")


def _read_holder(descriptor: int) -> str:
    with contextlib.suppress(OSError):
        text = os.pread(descriptor, 200, 0).decode("utf-8", "replace")
        return printable(text)
    return ""


def _user() -> str:
    with contextlib.suppress(KeyError, OSError):
        return getpass.getuser()
    return str(os.getuid())
