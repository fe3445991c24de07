"""The driver's own record of utilization, which has more exact times than polls; and the clock that it counts by."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from orchestrator.host.nvidia.driver import Driver
from orchestrator.model import GpuSample

#: Seconds without a new entry after which the driver is asked whether its clock was set back.
SLACK_S = 5.0
#: How a clock is found out: looks for a new entry, seconds between two, and how near a known clock must be.
LOOKS, LOOK_S, NEAR_S = 40, 0.01, 0.1


class DriverRecord:
    """The records of the GPUs of one session."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        #: By UUID: gives how much CLOCK_MONOTONIC is ahead of the clock of the driver's own record, seconds; and when
        #: its last new entry was read.
        self._clocks: dict[str, Callable[[], float]] = {}
        self._heard: dict[str, float] = {}

    def since(self, uuid: str, handle: Any, since_us: int) -> tuple[list[GpuSample], int]:
        """The utilization that the driver recorded after `since_us`, and the newest of its time stamps.

        Both are microseconds of the driver's clock, whatever that counts from; 0 asks for all. Raises GpuLost.
        """
        fresh = self._entries(handle, since_us)
        now = time.monotonic()
        silent_s = now - self._heard.setdefault(uuid, now)
        if not fresh and silent_s > SLACK_S and since_us:
            every = self._entries(handle, 0)
            newest = max(every, default=since_us)
            if newest < since_us:  # its clock was set back: what is new is as young as the silence
                fresh = {stamp: value for stamp, value in every.items() if stamp > newest - silent_s * 1e6}
                self._clocks.pop(uuid, None)
        if not fresh:
            return [], since_us
        self._heard[uuid] = now
        offset = self._offset(uuid, handle, now - max(fresh) / 1e6)
        samples = [
            GpuSample(t=stamp / 1e6 + offset, uuid=uuid, kind="buffer", util=value)
            for stamp, value in sorted(fresh.items())
        ]
        return samples, max(fresh)

    def _entries(self, handle: Any, since_us: int) -> dict[int, float]:
        """The entries of the driver's own record after a moment, by their stamps."""
        answer = self._driver.ask("nvmlDeviceGetSamples", handle, self._driver.n.NVML_GPU_UTILIZATION_SAMPLES, since_us)
        kind, values = answer or (0, [])
        return {v.timeStamp: _value(kind, v) for v in values if v.timeStamp > since_us}

    def _offset(self, uuid: str, handle: Any, found: float) -> float:
        """Seconds from the clock of the record to CLOCK_MONOTONIC; `found`: what its newest entry says."""
        lead = found - self._clocks[uuid]() if uuid in self._clocks else None
        if lead is None or not -NEAR_S <= lead <= SLACK_S:  # it was stepped, or this is the first entry
            self._clocks[uuid] = clock_of(self._soonest(handle, found))
        return self._clocks[uuid]()

    def _soonest(self, handle: Any, found: float) -> float:
        """Waits for a new entry, which is read as soon as it is there, and gives what it says of the two clocks."""
        newest = round((time.monotonic() - found) * 1e6)
        for _ in range(LOOKS):
            time.sleep(LOOK_S)
            fresh = max(self._entries(handle, newest), default=newest)
            if fresh > newest:
                return min(found, time.monotonic() - fresh / 1e6)
        return found


def clock_of(ahead: float) -> Callable[[], float]:
    """Gives how much CLOCK_MONOTONIC is ahead of a clock, seconds, for one that was found to be behind by `ahead`.

    Drivers stamp with the wall clock, with the time since boot, or with a clock of their own that once was either.
    """
    for clock in (time.CLOCK_REALTIME, time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC):
        known = functools.partial(_ahead_of, clock)
        if abs(known() - ahead) < NEAR_S:
            return known
    return lambda: ahead


def _ahead_of(clock: int) -> float:
    return time.monotonic() - time.clock_gettime(clock)


def _value(kind: int, sample: Any) -> float:
    union = sample.sampleValue
    fields = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
    return float(getattr(union, fields[kind] if kind < len(fields) else "uiVal"))
