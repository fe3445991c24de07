"""Finds what earlier runs left on the engine. Only what carries our label is ours."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

LABEL = "keras-orchestrate"


def owner() -> str:
    """This process, told apart from any later one with the same number: host, pid, start time."""
    return f"{platform.node()}:{os.getpid()}:{_start_time(os.getpid())}"


def orphans(client: Any) -> list[Any]:
    """Job containers whose orchestrator is gone. Another host's on a shared engine are left alone."""
    found = client.containers.list(all=True, filters={"label": f"{LABEL}=job"}, ignore_removed=True)
    return [container for container in found if not alive(container.labels.get(f"{LABEL}.owner", ""))]


def sweep(client: Any, say: Callable[[str], None]) -> int:
    """Removes orphaned job containers and says so; returns how many."""
    found = orphans(client)
    for container in found:
        say(f"removing {container.name}, left by a run that was killed")
        with contextlib.suppress(Exception):  # the next sweep finds it again
            container.remove(force=True, v=True)
    return len(found)


def alive(owner: str) -> bool:
    """Whether the orchestrator that called itself so by `owner()` still runs; another host's counts as alive."""
    host, pid, started = ["", "", "", *owner.rsplit(":", 2)][-3:]
    if host and host != platform.node():
        return True
    return pid.isdecimal() and _start_time(int(pid)) == started != ""


def _start_time(pid: int) -> str:
    """Field 22 of /proc/<pid>/stat, clock ticks since boot; "" where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
