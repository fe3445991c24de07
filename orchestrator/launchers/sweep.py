"""Finds and removes the containers of runs that were killed. Only what carries our label is ours."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.launchers.command_line import other_argv
from orchestrator.launchers.runtimes import Runtime
from orchestrator.model import Say

LABEL = "keras-orchestrate"
#: What the label of a container says: it runs a job, or it is tried out before there is one (trial/).
KINDS = ("job", "trial")
#: Seconds after which a command that only inspects containers counts as hung.
INSPECT_S = 20


def owner() -> str:
    """A name for this process that no later one has: where its number holds, process id, start time."""
    return f"{_here()}:{os.getpid()}:{_start_time(os.getpid())}"


def orphans(client: Any) -> list[Any]:
    """Containers of jobs and trials whose orchestrator is gone. Another host's on a shared engine are left alone."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        listed = client.containers.list(all=True, filters={"label": f"{LABEL}={kind}"}, ignore_removed=True)
        found |= {container.name: container for container in listed}
    return [container for container in found.values() if not alive(container.labels.get(f"{LABEL}.owner", ""))]


def remove_orphans(client: Any, say: Callable[[str], None]) -> int:
    """Removes orphaned job containers and says so; returns how many."""
    found = orphans(client)
    for container in found:
        say(f"removing {container.name}, left by a run that was killed")
        with contextlib.suppress(Exception):  # the next sweep finds it again
            container.remove(force=True, v=True)
    return len(found)


def alive(owner: str) -> bool:
    """Whether the orchestrator that called itself so by `owner()` still runs.

    One that cannot be seen from here counts as alive: another host's, one with process numbers of its own (in a
    container), another user's on a host that hides the processes of others (hidepid).
    """
    host, pid, started = ["", "", "", *owner.rsplit(":", 2)][-3:]
    if host and host != _here():
        return True
    if not re.fullmatch("[0-9]{1,9}", pid):
        return False
    there = _start_time(int(pid))
    return there == started != "" or (there == "" and _is_hidden(int(pid)))


def _here() -> str:
    """This host, and the namespace that process ids are numbered in."""
    with contextlib.suppress(OSError):
        return f"{platform.node()}/{Path('/proc/self/ns/pid').stat().st_ino}"
    return platform.node()


def _is_hidden(pid: int) -> bool:
    """Whether there is such a process, of another user."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return False


def _start_time(pid: int) -> str:
    """Field 22 of /proc/<pid>/stat, clock ticks since boot; "" where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return stat.rpartition(b")")[2].split()[19].decode()


def runtime_orphans(runtime: Runtime) -> list[tuple[str, list[str]]]:
    """(name, the command that removes it) of job containers whose orchestrator is gone."""
    if not runtime.find or not runtime.inspect:
        return []
    found = []
    for key in _output(other_argv(runtime, runtime.find)):
        for container in inspect_containers(other_argv(runtime, runtime.inspect, name=key)):
            labels = container.get("Config", {}).get("Labels") or {}
            if not alive(labels.get(f"{LABEL}.owner", "")):
                name = str(container.get("Name", key)).lstrip("/")
                found.append((name, other_argv(runtime, runtime.end, name=key)))
    return found


def remove_runtime_orphans(runtime: Runtime, say: Say) -> None:
    """Removes what runs that were killed have left with this runtime, and says so."""
    for name, command in runtime_orphans(runtime):
        say(f"removing {name}, left by a run that was killed")
        _output(command)


def _output(argv: Sequence[str]) -> list[str]:
    """What a command prints, a word each; empty if it fails."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        answer = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return answer.stdout.decode("utf-8", "replace").split()
    return []


class _Config(msgspec.Struct):
    Labels: dict[str, str] | None = None


class _State(msgspec.Struct):
    Pid: int = 0


class _Container(msgspec.Struct):
    """What is used of the description of a container."""

    Id: str = ""
    Name: str = ""
    Config: _Config = msgspec.field(default_factory=_Config)
    State: _State = msgspec.field(default_factory=_State)


def inspect_containers(argv: Sequence[str]) -> list[dict[str, Any]]:
    """What a command like `docker inspect` says of containers; empty if it fails, or is no such thing."""
    try:
        answer = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=INSPECT_S)
        found = msgspec.json.decode(answer.stdout or b"[]")
        msgspec.convert(found, list[_Container])  # else it is no such description, whatever the program is
        return list(found)
    except (OSError, ValueError, RecursionError, subprocess.TimeoutExpired):
        return []
