"""What is known of an environment: from which lock it was made, and what was in it then. Only that is believed later.

Files are compared by name, size and time, which costs less than a second; their hashes, which packages bring along
(RECORD), are read once, for an environment of a version that kept no stamp.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from orchestrator import ownership
from orchestrator.errors import HostError
from orchestrator.files import cached_record, write_atomic
from orchestrator.model import Noun, to_json
from orchestrator.plan.eras import normal, pins

NAME = "keras-orchestrate.json"
#: Written by uv while it works.
PASSING = frozenset({NAME, ".lock"})
#: In an environment, and of no package: what uv and pip write of their own.
TOOLS_OWN = re.compile(
    r"_virtualenv\.(py|pth)|(.*\.(dist|egg)-info/)(INSTALLER|REQUESTED|RECORD|direct_url\.json|uv_[\w.]+\.json)|.*\.pyc"
)


class Stamp(Noun, frozen=True, kw_only=True):
    """`lock_sha256`: of the lock; `content`: of the names, sizes and times of all files."""

    lock_sha256: str
    content: str


def refuse_others(place: Path) -> None:
    """Raises HostError for an environment that others could have put there."""
    try:
        found = ownership.trouble(place) or ("" if stat.S_ISDIR(place.lstat().st_mode) else f"{place} is no folder")
    except FileNotFoundError:
        return
    except OSError as error:
        found = f"{place}: {error.strerror}"
    if found:
        raise HostError(
            f"an environment that cannot be believed: {found}",
            "Remove it, and it is made again; XDG_CACHE_HOME=DIR names another cache.",
        )


def write(place: Path, lock_sha256: str) -> None:
    """Stamps what was just made, or was found to be whole. Others cannot write to any of it. Raises HostError."""
    for path, status in _entries(place):
        if ownership.writable_by_others(status) and not stat.S_ISLNK(status.st_mode):
            Path(path).chmod(stat.S_IMODE(status.st_mode) & ~0o022)
    stamp = Stamp(lock_sha256=lock_sha256, content=_content(place))
    write_atomic(place / NAME, to_json(stamp), "cache")


def doubt(place: Path, lock_sha256: str) -> str | None:
    """Why an environment is not what was made from this lock, in words; "" if it is, None where it has no stamp."""
    stamp = cached_record(place / NAME, Stamp)
    if stamp is None:
        return None if not os.path.lexists(place / NAME) else "its stamp is damaged"
    if stamp.lock_sha256 != lock_sha256:
        return "it was made from another lock"
    try:
        return _planted(place) or ("" if _content(place) == stamp.content else "its files were changed since")
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def unproven(place: Path, lock: str, replaced: frozenset[str]) -> str:
    """Why an environment without a stamp cannot be what its lock says, in words, or "".

    `replaced`: packages that the caller has of his own.
    """
    try:
        return _planted(place) or _unlike_lock(place, lock, replaced) or _unlike_records(place)
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})"


def _entries(place: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The path of everything below a folder, but what comes and goes."""
    waiting, passing = [str(place)], {str(place / name) for name in PASSING}
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.path in passing:
                    continue
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _content(place: Path) -> str:
    top = len(str(place)) + 1
    lines = []
    for path, status in _entries(place):
        if stat.S_ISDIR(status.st_mode):
            continue
        what = Path(path).readlink() if stat.S_ISLNK(status.st_mode) else f"{status.st_size} {status.st_mtime_ns}"
        lines.append(os.fsencode(f"{path[top:]}\0{what}"))
    return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()


def _planted(place: Path) -> str:
    """What in it is another user's, or can be changed by others."""
    user = os.geteuid()
    for path, status in _entries(place):
        if status.st_uid != user:
            return f"{path} belongs to another user"
        if ownership.writable_by_others(status) and not stat.S_ISLNK(status.st_mode):
            return f"{path} can be written to by other users"
    return ""


def _unlike_lock(place: Path, lock: str, replaced: frozenset[str]) -> str:
    folders = [path.name for top in _sites(place) for path in top.glob("*.dist-info")]
    names = [re.fullmatch(r"(.+?)-([^-]+)\.dist-info", name) for name in folders]
    there = {(normal(found[1]), found[2]) for found in names if found}
    other = sorted(name for name, _ in set(pins(lock).items()) ^ there if name not in replaced)
    return f"it has another {other[0]} than its lock" if other else ""


def _unlike_records(place: Path) -> str:
    """The first file in the packages' folders that no package brought as it is."""
    for top in _sites(place):
        told: set[str] = set()
        for record in top.glob("*.dist-info/RECORD"):
            with record.open(encoding="utf-8", newline="") as stream:
                for name, digest, _ in csv.reader(stream):
                    path = os.path.normpath(top / name)
                    told.add(path)
                    if digest and not _matches(path, digest):
                        return f"{path} is not as its package brought it"
        for path, status in _entries(top):
            brought = path in told or TOOLS_OWN.fullmatch(os.path.relpath(path, top))
            if not brought and not stat.S_ISDIR(status.st_mode):
                return f"{path} is of no package"
    return ""


def _sites(place: Path) -> list[Path]:
    """The folders that hold its packages."""
    return [path for path in [*place.glob("lib/python*/site-packages"), place / "site"] if path.is_dir()]


def _matches(path: str, digest: str) -> bool:
    kind, _, wanted = digest.partition("=")
    if not os.path.isfile(path):  # noqa: PTH113 (tens of thousands)
        return False
    found = hashlib.new(kind)
    with open(path, "rb") as stream:  # noqa: PTH123
        while piece := stream.read(1 << 20):
            found.update(piece)
    return base64.urlsafe_b64encode(found.digest()).rstrip(b"=").decode() == wanted
