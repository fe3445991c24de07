"""Reads what a container has used from its control group, which takes microseconds and asks no engine.

Works where the engine runs on this host, for both versions of control groups. Elsewhere `find` gives None, and the
engine's own statistics, about a second a call, must do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.model import Usage

ROOT = Path("/sys/fs/cgroup")
MIB = 2**20


def find(
    pid: int, container_id: str, proc: Path = Path("/proc"), root: Path = ROOT
) -> Callable[[], Usage | None] | None:
    """A reader of the group that process `pid` is in, or None if that is not this container's group here."""
    groups = _groups(pid, proc)
    if not any(container_id in path for path in groups.values()):
        return None  # another host's process number, or a namespace that hides the groups
    if "" in groups and (root / "cgroup.controllers").is_file():
        return _reader(root / groups[""].lstrip("/"), _cpu_v2, "anon")
    cpu, memory = groups.get("cpuacct"), groups.get("memory")
    if cpu is None or memory is None:
        return None
    return _reader_v1(root / "cpuacct" / cpu.lstrip("/"), root / "memory" / memory.lstrip("/"))


def mounted_in(pid: int, container_id: str, proc: Path = Path("/proc")) -> bool:
    """Whether process `pid` is the container's: the engine binds files of its own, such as /etc/hostname."""
    try:
        return f"/{container_id}/" in (proc / str(pid) / "mountinfo").read_text()
    except OSError:
        return False


def _groups(pid: int, proc: Path) -> dict[str, str]:
    """Controller -> path; the controller of the unified hierarchy is ""."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def _reader(folder: Path, cpu: Callable[[Path], float], memory_key: str) -> Callable[[], Usage | None]:
    def read() -> Usage | None:
        try:
            return Usage(cpu_s=cpu(folder), rss_mb=_stat(folder / "memory.stat", memory_key) / MIB)
        except (OSError, ValueError, KeyError):
            return None  # the job is gone

    return read


def _reader_v1(cpu: Path, memory: Path) -> Callable[[], Usage | None]:
    return _reader(memory, lambda _: int((cpu / "cpuacct.usage").read_text()) / 1e9, "total_rss")


def _cpu_v2(folder: Path) -> float:
    return _stat(folder / "cpu.stat", "usage_usec") / 1e6


def _stat(path: Path, key: str) -> int:
    return int(dict(line.split() for line in path.read_text().splitlines())[key])
