"""Reads the GPUs of a run at fixed times, into a file of JSON lines that survives a crash.

One thread reads all GPUs: all gauges at every tick (five times a second), and once a second the processes and the
readings that the driver itself has buffered. Only raw readings are kept; figures are made from them later.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from orchestrator import doors
from orchestrator.host.nvml import GpuLost, Nvml, session
from orchestrator.host.processes import identify
from orchestrator.model import GpuProcess, GpuSample

#: Seconds between two rounds of what changes slowly: processes, and the driver's buffer (which holds 14 s and more).
SLOW_S = 1.0


class Sampler:
    """Samples the GPUs `uuids` into the file `spool` from `start` until `stop`. Never raises for what a GPU does."""

    def __init__(self, uuids: Sequence[str], spool: Path, interval_s: float = 0.2) -> None:
        self._uuids = list(uuids)
        self._spool = spool
        self._interval_s = interval_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gpu-sampler", daemon=True)
        self._newest_us: dict[str, int] = {}
        self._commands: dict[tuple[str, int], GpuProcess] = {}
        #: Lost GPUs: when (CLOCK_MONOTONIC) and in whose words.
        self.lost: dict[str, tuple[float, str]] = {}
        #: Why nothing is sampled, in words.
        self.failure = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        began_us = int(time.time() * 1e6)
        self._newest_us = dict.fromkeys(self._uuids, began_us)
        try:
            doors.make(self._spool.parent)
            with session() as nvml, os.fdopen(doors.create(self._spool), "wb", buffering=0) as file:
                self._loop(nvml, file.write)
        except Exception as error:  # whatever a driver or binding does, the jobs go on and the report says it
            self.failure = str(error)

    def _loop(self, nvml: Nvml, write: Callable[[bytes], object]) -> None:
        begin, slow_due = time.monotonic(), 0.0
        while True:
            last = self._done.is_set()
            slow = last or time.monotonic() >= slow_due
            if slow:
                slow_due = time.monotonic() + SLOW_S
            lines = [msgspec.json.encode(sample) for uuid in self._uuids for sample in self._round(nvml, uuid, slow)]
            if lines:
                with contextlib.suppress(OSError):  # a full disk ends the record, not the run
                    write(b"\n".join(lines) + b"\n")
            if last:
                return
            now = time.monotonic()
            self._done.wait(next_tick(begin, self._interval_s, now) - now)

    def _round(self, nvml: Nvml, uuid: str, slow: bool) -> list[GpuSample]:
        """All readings of one GPU at one tick; `slow` also takes processes and the driver's buffer."""
        if uuid in self.lost:
            return []
        try:
            reading = nvml.read(uuid)
            if not slow:
                return [reading]
            buffered, self._newest_us[uuid] = nvml.buffered(uuid, self._newest_us[uuid])
            processes = nvml.processes(uuid)
        except GpuLost as error:
            self.lost[uuid] = (time.monotonic(), str(error))
            return [GpuSample(t=self.lost[uuid][0], uuid=uuid, lost=str(error))]
        named = None if processes is None else [self._named(uuid, pid, memory) for pid, memory in processes]
        return [*buffered, msgspec.structs.replace(reading, processes=named)]

    def _named(self, uuid: str, pid: int, memory_mb: float | None) -> GpuProcess:
        """A process with its command line, which is read when the process is first seen: later it may be gone."""
        known = self._commands.get((uuid, pid))
        if known is None:
            known = self._commands[uuid, pid] = identify(pid)
        return msgspec.structs.replace(known, memory_mb=memory_mb)


def next_tick(begin: float, interval_s: float, now: float) -> float:
    """The first tick after `now`. Ticks stay `interval_s` apart however late one is; missed ticks are left out."""
    return begin + (math.floor((now - begin) / interval_s + 1e-6) + 1) * interval_s
