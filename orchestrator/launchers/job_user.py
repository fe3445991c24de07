"""Who a job runs as: never root, and always somebody who may write to the one folder that the caller gives the job."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import HostError
from orchestrator.model import Noun

#: User and group of the jobs of root: the conventional nobody.
NOBODY = (65534, 65534)


class JobUser(Noun, frozen=True, kw_only=True):
    """User and group of a job inside its container, and who they are on this host.

    `userns`: "host" where the container must not get user numbers of its own.
    """

    inside: tuple[int, int]
    outside: tuple[int, int]
    userns: str = ""

    @property
    def rootless(self) -> bool:
        """Whether the engine has no more rights than its owner, so that he must reach the folders of jobs."""
        return self.inside == (0, 0)

    @property
    def words(self) -> str:
        """uid:gid, as engines take it."""
        return "{}:{}".format(*self.inside)


def plain(uid: int, gid: int) -> JobUser:
    """Where numbers mean the same inside and outside: the caller, or nobody for root."""
    user = NOBODY if uid == 0 else (uid, gid)
    return JobUser(inside=user, outside=user)


def on_engine(info: Mapping[str, Any], uid: int, gid: int) -> JobUser:
    """The user for an engine that says this `info` of itself.

    A rootless engine's root is the person who started it, without any right beyond that person's, and only he can write
    what is that person's. An engine with userns-remap gives each number another meaning, which is left out here: our
    jobs have no privileges to be remapped.
    """
    security = " ".join(info.get("SecurityOptions") or [])
    if "name=rootless" in security:
        return JobUser(inside=(0, 0), outside=(uid, gid) if uid else _owner(info))
    user = plain(uid, gid)
    return JobUser(inside=user.inside, outside=user.outside, userns="host") if "name=userns" in security else user


def _owner(info: Mapping[str, Any]) -> tuple[int, int]:
    """Whose engine it is: the owner of its folder."""
    try:
        state = Path(info.get("DockerRootDir", "")).stat()
    except OSError:
        return NOBODY
    return state.st_uid, state.st_gid


@contextlib.contextmanager
def owning(out: Path, user: JobUser) -> Iterator[None]:
    """Gives `out` to the job's user, and back to the caller when the job has ended. Raises HostError.

    The folder above it is the caller's alone. An engine that is not root's gets there by its owner's group, meanwhile.
    """
    caller = (os.getuid(), os.getgid())
    if user.outside == caller or caller[0] != 0:  # only root can give; a trial tells where that is not enough
        yield
        return
    above = out.parent.stat()
    try:
        if user.rootless:
            os.chown(out.parent, -1, user.outside[1], follow_symlinks=False)
            out.parent.chmod(0o710)
        os.chown(out, *user.outside, follow_symlinks=False)
    except OSError as error:
        raise HostError(
            f"cannot give {out} to user {user.outside[0]}, as whom jobs run: {error.strerror}",
            "start it as a user who is not root, or choose another file system with --out",
        ) from error
    try:
        yield
    finally:
        os.chown(out, *caller, follow_symlinks=False)
        if user.rootless:
            os.chown(out.parent, -1, above.st_gid, follow_symlinks=False)
            out.parent.chmod(stat.S_IMODE(above.st_mode))
