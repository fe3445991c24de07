"""Finds the processes on a GPU, and which of them are jobs of an orchestrator.

The driver numbers processes as the host does. Inside a container those numbers are other processes' or nobody's, so
there they are believed only where one of them is a job of ours.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from orchestrator.host.cards import Cards, Listed
from orchestrator.model import GpuProcess

#: What the kernel calls the host's own numbering of processes (PROC_PID_INIT_INO).
HOSTS_OWN = "pid:[4026531836]"


def in_words(processes: Sequence[GpuProcess]) -> str:
    """The processes in words, such as `process 7 (python x.py), process 8`; "" for none."""
    return ", ".join(f"process {p.pid}" + (f" ({p.command})" if p.command else "") for p in processes)


def identify(pid: int) -> GpuProcess:
    """A process with its command line, and the id of its job if it is one: jobs have `--job ID` in theirs."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:  # gone, or another user's where /proc hides those
        return GpuProcess(pid=pid)
    ours = any(word.endswith(("/run.py", "/own.py")) for word in argv)
    job = next((after for word, after in itertools.pairwise(argv) if word == "--job"), None)
    return GpuProcess(pid=pid, job=job if ours else None, command=" ".join(argv)[:120])


def present(cards: Cards, uuid: str) -> list[GpuProcess] | None:
    """The processes that compute on a GPU now; None where it is not told whose they are. Raises GpuLost."""
    return told(cards.processes(uuid), identify)


def told(
    listed: Sequence[Listed] | None, identify: Callable[[int], GpuProcess], numbering: str | None = None
) -> list[GpuProcess] | None:
    """The listed processes, each with what `identify` knows of its number; None where the numbers are not ours.

    `numbering`: what the kernel calls this process's numbering; None asks it.
    """
    if listed is None:
        return None
    known = {pid: identify(pid) for pid, _ in listed}
    if (numbering or _numbering()) != HOSTS_OWN:  # only what is surely ours proves that the driver counts as we do
        if listed and not any(process.job for process in known.values()):
            return None
        listed = [(pid, memory) for pid, memory in listed if exists(pid)]
    elif listed and not any(exists(pid) for pid, _ in listed):
        return None
    return [msgspec.structs.replace(known[pid], memory_mb=memory) for pid, memory in listed]


def unknown(listed: Sequence[Listed] | None) -> str:
    """What uses a GPU although nobody can say who, in words: a hint for people; "" for nothing."""
    if not listed:
        return ""
    memory = sum(size or 0 for _, size in listed)
    count = "1 process" if len(listed) == 1 else f"{len(listed)} processes"
    return f"{count} with {memory:.0f} MiB, by numbers that are not of this host or container"


def exists(pid: int) -> bool:
    """Whether a process has this number here; another user's counts, also where /proc hides it."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _numbering() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # no /proc: the numbers of whatever this is
        return HOSTS_OWN
