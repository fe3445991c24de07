"""The control groups of a process, both generations: their CPU quota, and how long it held their threads back.

A quota of an enclosing group (a container, a batch job, a systemd slice) binds as its own does, so all groups from the
process's own to the root are looked at. In a namespace of its own a process sees no further than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PROC, ROOT = Path("/proc"), Path("/sys/fs/cgroup")


def groups_of(pid: int | str, proc: Path = PROC) -> dict[str, str]:
    """Controller -> path; the controller of the unified hierarchy is "". Empty where the process is gone."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def cpu_folders(groups: dict[str, str], root: Path = ROOT) -> list[Path]:
    """The folders of the groups that divide processor time, the process's own first, then those around it."""
    top, path = (root / "cpu", groups["cpu"]) if "cpu" in groups else (root, groups.get("", "/"))
    own = top / path.lstrip("/")
    if not own.is_dir():  # the path is told as another namespace sees it; here the own group is the top
        own = top
    return [folder for folder in (own, *own.parents) if folder.is_relative_to(top)]


def quota_cores(folders: Sequence[Path]) -> float | None:
    """The processor time per wall time that the tightest quota of these groups allows, None without a quota."""
    return min((quota for folder in folders if (quota := _quota(folder)) is not None), default=None)


def throttled_s(folders: Sequence[Path]) -> float | None:
    """Seconds that quotas of these groups held threads back, summed over cores; None where no group counts them."""
    known = [seconds for folder in folders if (seconds := _throttled(folder)) is not None]
    return sum(known) if known else None


def _quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota, period = (
                (folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8").strip() for name in ("quota", "period")
            )
        return None if quota in ("max", "-1") else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _throttled(folder: Path) -> float | None:
    try:
        counters = dict(line.split() for line in (folder / "cpu.stat").read_text(encoding="utf-8").splitlines())
        if "throttled_usec" in counters:
            return int(counters["throttled_usec"]) / 1e6
        return int(counters["throttled_time"]) / 1e9
    except (OSError, ValueError, KeyError):
        return None
