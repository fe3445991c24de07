"""The lock of a stack of one's own: written beside its file at first use, and read from then on."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from orchestrator import doors
from orchestrator.errors import HostError, UserError
from orchestrator.files import cache_folder, cache_locked, read_text, replacing, write_atomic
from orchestrator.model import DeviceKind, OwnStack, Say, Stack
from orchestrator.ownership import refuse_planted
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.eras import FROM, beside, index_of, pins
from orchestrator.plan.own_stack import AskedStack, made
from orchestrator.stacks.locks import refuse_unlocked
from orchestrator.stacks.resolve import Wanted, cuda_words, resolved
from orchestrator.text import one_line, public

#: The comment of a lock that says what it holds of CUDA without need.
CUDA = "# CUDA: "
#: The beginnings of those comments that are no wishes.
OURS = (CUDA, FROM, "# Made by")
#: What a folder says that is not to be written to.
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class NoLock(UserError):
    """A stack of one's own that was never locked."""


def ready(asked: AskedStack, device: DeviceKind, catalog: Catalog, may_lock: bool, say: Say) -> Stack:
    """The stack, with its lock, which is made if it is not there and may be made.

    Raises UserError for a lock of other packages than the file asks for, or for none where none may be made.
    """
    path = there(asked, device)
    if path is None and not may_lock:
        raise NoLock(f"{asked.path.name} has no lock yet", f"`orchestrate lock {asked.path}` makes it; so does a run")
    if path is None:
        path = lock(asked, device, os.environ, say)
    refuse_planted(path)
    text = read_text(path)
    refuse_unlocked(path.name, text)
    refuse_foreign(asked, device, path, text)
    refuse_stale(asked, device, path, text)
    for line in (line for line in text.splitlines() if line.startswith(CUDA) and device == "cpu"):
        say(f"{path.name} holds {line.removeprefix(CUDA)}, which a CPU has no use for (docs/STACKS.md)")
    locked = pins(text)
    own = OwnStack(
        path=str(asked.path),
        sha256=asked.sha256,
        like=asked.like.name,
        lock=str(path),
        lock_sha256=hashlib.sha256(text.encode()).hexdigest(),
        packages=[f"{name}=={version}" for name, version in locked.items()],
    )
    return made(asked, device, locked, own, index_of(text), catalog)


def lock(asked: AskedStack, device: DeviceKind, environ: Mapping[str, str], say: Say) -> Path:
    """Makes the lock anew. Gives its path: beside the file, or in the cache where that folder cannot be written to.

    Raises UserError for what cannot be had together, HostError where an index does not answer.
    """
    wanted, away = wanted_by(asked, device), _in_cache(asked, device)
    with cache_locked(away):
        say(f"locking {asked.path.name} ({device})")
        locked = resolved(wanted, asked.path.name, environ)
        cuda = cuda_words(locked.packages, environ) if device == "cpu" else ""
        found = {CUDA: cuda, FROM: locked.index}
        lines = [f"# Made by `orchestrate lock {asked.path.name}`; do not edit.", *wanted.comments]
        text = "\n".join([*lines, *(f"{name}{value}" for name, value in found.items() if value), locked.packages])
        path = _write(beside(asked.path, device), away, text.encode(), say)
    say(f"wrote {path}: {len(pins(locked.packages))} packages")
    return path


def there(asked: AskedStack, device: DeviceKind) -> Path | None:
    """The lock, if there is one: beside the file, else in the cache."""
    return next((path for path in (beside(asked.path, device), _in_cache(asked, device)) if path.is_file()), None)


def wanted_by(asked: AskedStack, device: DeviceKind) -> Wanted:
    """What the file asks for."""
    return Wanted(
        packages=asked.packages(device),
        python=asked.python,
        as_of=asked.file.as_of,
        any_date=list(asked.file.any_date),
        index=asked.index(device),
    )


def refuse_stale(asked: AskedStack, device: DeviceKind, path: Path, text: str) -> None:
    """Raises UserError for a lock that was made for other wishes than the file has now. One made by hand has none."""
    comments = [line for line in text.splitlines() if line.startswith("# ") and not line.startswith(OURS)]
    wanted = wanted_by(asked, device).comments
    if any(line.startswith("# asked: ") for line in comments) and comments != wanted:
        differs = next((line for line in wanted if line not in comments), None) or next(
            line for line in comments if line not in wanted
        )
        raise UserError(
            f"{path.name} was made for other wishes than {asked.path.name} has now: {differs.removeprefix('# ')}",
            f"`orchestrate lock {asked.path}` makes it anew",
        )


def refuse_foreign(asked: AskedStack, device: DeviceKind, path: Path, text: str) -> None:
    """Raises UserError for a lock that names another package index than the file does: addresses are of the file."""
    named = [line.removeprefix(FROM) for line in text.splitlines() if line.startswith(FROM)]
    if named and named != [asked.index(device)]:
        raise UserError(
            f"{path.name} names a package index that {asked.path.name} does not: {one_line(public(named[0]), 200)}",
            f"write it as `index` into the file, or make the lock anew: `orchestrate lock {asked.path}`",
        )


def _in_cache(asked: AskedStack, device: DeviceKind) -> Path:
    place = hashlib.sha256(str(asked.path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return cache_folder() / "locks" / f"{place}-{asked.path.stem}-{device}.txt"


def _write(beside: Path, away: Path, content: bytes, say: Say) -> Path:
    try:
        with replacing(doors.own(beside.parent) / beside.name, 0o644, place="results") as stream:
            stream.write(content)
        away.unlink(missing_ok=True)  # of a time when the folder was closed
        return beside
    except OSError as error:
        if error.errno not in CLOSED:
            raise HostError(f"cannot write {beside}: {error.strerror}", "free some space, or move the file") from error
        say(f"{beside.parent} cannot be written to: the lock is kept in the cache")
    write_atomic(away, content, "cache")
    return away
