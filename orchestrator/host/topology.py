"""How this machine's cores lie: which are two threads of one, and which are near a GPU."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

SYSTEM = Path("/sys")


def near_gpu(bus_id: str | None, system: Path = SYSTEM) -> list[int]:
    """The cores of the node that a PCI device hangs on, by its bus id as NVML writes it; empty where nobody tells."""
    if not bus_id or ":" not in bus_id:
        return []
    domain, _, rest = bus_id.lower().partition(":")
    return numbers(_text(system / "bus/pci/devices" / f"{domain[-4:]}:{rest}" / "local_cpulist"))


def siblings_together(cores: Iterable[int], system: Path = SYSTEM) -> list[list[int]]:
    """The cores grouped by physical core, in order of the first of each; each by itself where nobody tells."""
    found: dict[tuple[int, ...], list[int]] = {}
    for core in sorted(cores):
        threads = numbers(_text(system / f"devices/system/cpu/cpu{core}/topology/thread_siblings_list")) or [core]
        found.setdefault(tuple(threads), []).append(core)
    return list(found.values())


def shared_out(cores: Sequence[int], parts: int, system: Path = SYSTEM) -> list[list[int]]:
    """Disjoint shares of cores, whole physical cores where there are enough; with too few cores some are shared."""
    groups = siblings_together(cores, system)
    if parts > len(groups):
        groups = [[core] for core in cores]
    if parts > len(groups):
        return [list(groups[i % len(groups)]) for i in range(parts)]
    ends = [i * len(groups) // parts for i in range(parts + 1)]
    return [sorted(core for group in groups[a:b] for core in group) for a, b in itertools.pairwise(ends)]


def numbers(text: str) -> list[int]:
    """The numbers in a list of the kernel's, such as `0-3,8`; empty for what is no such list."""
    found: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (not last or last.isdecimal())) or int(last or first) - int(first) > 2**16:
            return []
        found += range(int(first), int(last or first) + 1)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
