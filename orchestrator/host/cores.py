"""What some cores of this host do: how long all processes kept them busy, what the hypervisor took, their clock.

The kernel counts busy time by its clock tick (10 ms): good enough for an epoch of a second, too coarse for one of ten
milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.model import CoreUse

TICKS = os.sysconf("SC_CLK_TCK")
#: Reading a clock interrupts its core on some kernels: once a second, and of a few cores only.
CLOCK_S, MOST_CLOCKS = 1.0, 4


class Cores:
    """Reads the counters of some cores. Not thread-safe."""

    def __init__(self, cores: Sequence[int], proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._names = {b"cpu%d" % core for core in cores}
        self._stat = proc / "stat"
        clocks = (sys / f"devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq" for core in cores[:MOST_CLOCKS])
        self._clocks = [path for path in clocks if path.is_file()]
        self._clock_due = 0.0

    def read(self) -> CoreUse | None:
        """The cores now; None where the kernel does not list all of them."""
        try:
            with self._stat.open("rb") as file:
                lines = file.read().split(b"\nintr", 1)[0].splitlines()
        except OSError:
            return None
        fields = [[int(field) for field in line.split()[1:]] for line in lines if line.split(b" ", 1)[0] in self._names]
        if len(fields) != len(self._names) or not fields:
            return None
        # user, nice, system, idle, iowait, irq, softirq, steal; what a guest of this host used is in user.
        busy = sum(sum(core[:3]) + sum(core[5:7]) for core in fields)
        return CoreUse(
            busy_s=busy / TICKS, steal_s=sum(sum(core[7:8]) for core in fields) / TICKS, core_mhz=self._clock()
        )

    def _clock(self) -> float | None:
        """The mean clock, where it can be read and was not just read."""
        if not self._clocks or time.monotonic() < self._clock_due:
            return None
        self._clock_due = time.monotonic() + CLOCK_S
        known = []
        for path in self._clocks:
            with contextlib.suppress(OSError, ValueError):
                known.append(int(path.read_text(encoding="utf-8")) / 1000)
        return sum(known) / len(known) if known else None
