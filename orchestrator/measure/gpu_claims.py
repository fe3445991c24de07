"""The GPUs of one run: claimed job by job, sampled from outside, given up when lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from orchestrator.errors import DeviceRefused
from orchestrator.host.leases import Leases
from orchestrator.host.nvml import GpuLost, NvmlMissing, session
from orchestrator.host.processes import in_words, present
from orchestrator.measure.gpu_sampler import Sampler
from orchestrator.model import Device, Result, Say
from orchestrator.results import gpu_readings

#: How long a process may stay on a GPU after its job has ended: a driver takes a moment to tidy up, and a job whose
#: orchestrator was killed takes one to notice.
GRACE_S = 3.0


class GpuClaims:
    """Decides whether a GPU may be used for the next job. Any number of threads may ask."""

    def __init__(self, leases: Leases, sampler: Sampler, allow_busy: bool, say: Say) -> None:
        self._leases = leases
        self._sampler = sampler
        self._allow_busy = allow_busy
        self._say = say
        #: Asked while waiting; the run replaces it once it can be stopped.
        self.stopping: Callable[[], bool] = lambda: False

    @contextmanager
    def claim(self, device: Device) -> Iterator[Device]:
        """Holds a GPU for one job; yields it with what else is on it. Raises DeviceRefused."""
        if device.uuid is None:
            yield device
            return
        name = f"GPU {device.index} {device.name}"
        if device.uuid in self._sampler.lost:
            raise DeviceRefused(f"{name} was lost: {self._sampler.lost[device.uuid][1]}")
        with self._leases.hold(
            device.uuid, self.stopping, lambda who: self._say(f"{name} is leased by {who}: waiting")
        ):
            busy = self._busy(device.uuid, name)
            if busy and not self._allow_busy:
                raise DeviceRefused(f"{name} is in use by {busy} (--allow-busy measures beside it, and marks the row)")
            yield msgspec.structs.replace(device, busy=busy)

    def judge(self, result: Result, device: Device) -> Result:
        """A job whose GPU was lost while it ran has failed for that reason, whatever it said itself."""
        lost = self._sampler.lost.get(device.uuid or "")
        if lost is None or result.status == "cancelled" or result.launched_t is None:
            return result
        if not result.launched_t <= lost[0]:
            return result
        reason = f"its GPU was lost while it ran: {lost[1]}"
        if result.status != "ok" and result.reason:
            reason += f" (the job: {result.reason})"
        return msgspec.structs.replace(result, status="failed", reason=reason)

    def _busy(self, uuid: str, name: str) -> str:
        deadline = time.monotonic() + GRACE_S
        while True:
            try:
                with session() as nvml:
                    # Whoever is on it now, with the lease in our hand, is no job of anybody's.
                    found = in_words(present(nvml, uuid))
            except GpuLost as error:
                raise DeviceRefused(f"{name} was lost: {error}") from error
            except NvmlMissing:
                return ""
            if not found or time.monotonic() >= deadline or self.stopping():
                return found
            time.sleep(0.1)


@contextmanager
def watched(
    devices: Sequence[Device], leases: Leases, run: Path, allow_busy: bool, say: Say, least: int = 0
) -> Iterator[GpuClaims]:
    """Samples the GPUs among `devices` into the run's folder for the time of the block.

    Readings of less than `least` bytes stay as lines.
    """
    uuids = [device.uuid for device in devices if device.uuid]
    sampler = Sampler(uuids, gpu_readings.new_spool(run))
    if uuids:
        sampler.start()
    try:
        yield GpuClaims(leases, sampler, allow_busy, say)
    finally:
        sampler.stop()
        if sampler.trouble:
            say(f"the GPUs were not sampled: {sampler.trouble}")
        if uuids and sum(spool.stat().st_size for spool in run.glob("gpu-*.jsonl")) >= least:
            _finish(run, say)


def _finish(run: Path, say: Say) -> None:
    import duckdb

    try:
        gpu_readings.to_parquet(run)
    except (OSError, duckdb.Error) as error:  # a full disk: the lines stay, and can be read as well
        say(f"the readings of the GPUs stay as lines: {error}")
