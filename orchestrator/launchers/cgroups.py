"""Reads what a container has used from its control group, which takes microseconds and asks no engine.

Works where the engine runs on this host, for both versions of control groups. Elsewhere `find` gives None, and the
engine's own statistics, about a second a call, must do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.host import control_groups
from orchestrator.host.run_queue import RunQueue
from orchestrator.model import Usage

ROOT = Path("/sys/fs/cgroup")
MIB = 2**20


def find(
    pid: int, container_id: str, proc: Path = Path("/proc"), root: Path = ROOT
) -> Callable[[], Usage | None] | None:
    """A reader of the group that process `pid` is in, or None if that is not this container's group here."""
    groups = control_groups.groups_of(pid, proc)
    if not any(container_id in path for path in groups.values()):
        return None  # another host's process number, or a namespace that hides the groups
    folders = control_groups.cpu_folders(groups, root)
    if "" in groups and (root / "cgroup.controllers").is_file():
        own = root / groups[""].lstrip("/")
        return _reader(own, _cpu_v2, "anon", own / "cgroup.threads", folders)
    cpu, memory = groups.get("cpuacct"), groups.get("memory")
    if cpu is None or memory is None:
        return None
    own = root / "cpuacct" / cpu.lstrip("/")
    return _reader(
        root / "memory" / memory.lstrip("/"),
        lambda _: int((own / "cpuacct.usage").read_text(encoding="utf-8")) / 1e9,
        "total_rss",
        own / "tasks",
        folders,
    )


def mounted_in(pid: int, container_id: str, proc: Path = Path("/proc")) -> bool:
    """Whether process `pid` is the container's: the engine binds files of its own, such as /etc/hostname."""
    try:
        return f"/{container_id}/" in (proc / str(pid) / "mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _reader(
    folder: Path, cpu: Callable[[Path], float], memory_key: str, threads: Path, groups: Sequence[Path]
) -> Callable[[], Usage | None]:
    """`threads` is the file that lists the threads of the group, as this host numbers them."""
    queue, quota = RunQueue(), control_groups.quota_cores(groups)

    def read() -> Usage | None:
        try:
            return Usage(
                cpu_s=cpu(folder),
                rss_mb=_stat(folder / "memory.stat", memory_key) / MIB,
                wait_s=queue.read(_numbers(threads)) if queue.pace.due() else None,
                throttled_s=control_groups.throttled_s(groups),
                cpu_quota=quota,
            )
        except (OSError, ValueError, KeyError):
            return None  # the job is gone

    return read


def _numbers(file: Path) -> list[int]:
    try:
        return [int(line) for line in file.read_text(encoding="utf-8").split()]
    except OSError:
        return []


def _cpu_v2(folder: Path) -> float:
    return _stat(folder / "cpu.stat", "usage_usec") / 1e6


def _stat(path: Path, key: str) -> int:
    return int(dict(line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())[key])
