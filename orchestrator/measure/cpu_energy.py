"""Reads the energy of this host's processors where a job's epochs begin and end, and at no other time that it times."""

from __future__ import annotations

import time

from orchestrator.host.rapl import Rapl
from orchestrator.model import CpuEnergy, RawEvent

#: A counter must be read more often than it begins anew; at 1,000 W that takes four minutes.
AT_LEAST_S = 60.0


class CpuMeter:
    """Hears the events of one job. Not thread-safe."""

    def __init__(self, rapl: Rapl | None = None) -> None:
        self._rapl = rapl or Rapl()
        self._begin: tuple[float, float] | None = None
        self._end: tuple[float, float] | None = None
        self._read_t = 0.0

    def hear(self, event: RawEvent) -> None:
        """Reads at the begin of the first epoch, and at the end of each."""
        kind = event.get("event")
        if kind == "epoch_begin" and self._begin is None:
            self._begin = self._read()
        elif kind == "epoch_end" and self._begin is not None:
            self._end = self._read()

    def keep_up(self) -> None:
        """To be called now and then while the job runs: no end of a counter is missed in a long epoch."""
        if self._begin is not None and time.monotonic() - self._read_t > AT_LEAST_S:
            self._read()

    def told(self) -> CpuEnergy | None:
        """What was counted between the first and the last of these readings; None for a job without an epoch."""
        if self._rapl.trouble:
            return CpuEnergy(trouble=self._rapl.trouble)
        if self._begin is None or self._end is None:
            return None
        (begin, before), (end, after) = self._begin, self._end
        return CpuEnergy(begin_t=begin, end_t=end, joules=after - before)

    def _read(self) -> tuple[float, float] | None:
        joules = self._rapl.read()
        self._read_t = time.monotonic()
        return None if joules is None else (self._read_t, joules)
