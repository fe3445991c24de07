"""Claims the GPUs of a run, each for one job at a time, and samples them for as long as the run lasts."""

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

#: Seconds that a process may stay on a GPU after its job has ended: the driver needs a moment to remove it, and a job
#: whose orchestrator was killed needs one to notice.
GRACE_S = 3.0


class GpuClaims:
    """Gives a GPU to one job at a time, if no other process uses it. Any number of threads may ask."""

    def __init__(self, leases: Leases, sampler: Sampler, allow_busy: bool, say: Say) -> None:
        self._leases = leases
        self._sampler = sampler
        self._allow_busy = allow_busy
        self._say = say
        #: Asked while waiting; the run replaces it once it can be stopped.
        self.stopping: Callable[[], bool] = lambda: False

    @contextmanager
    def claim(self, device: Device) -> Iterator[Device]:
        """Hold a GPU for one job; yields the device with the other processes on it in `busy`.

        Waits for other runs that hold its lease. Raises DeviceRefused for a GPU that is lost, or in use by others.
        """
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
        """Mark a result as failed if the job's GPU was lost while it ran, whatever the job itself reported."""
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
        """The processes that stay on a GPU for longer than GRACE_S, in words; "" for none."""
        deadline = time.monotonic() + GRACE_S
        while True:
            try:
                with session() as nvml:
                    # This run holds the lease, so these processes are no jobs of any orchestrator.
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
    devices: Sequence[Device],
    leases: Leases,
    run: Path,
    allow_busy: bool,
    say: Say,
    least: int = 0,
    sample_hz: float = 5.0,
) -> Iterator[GpuClaims]:
    """Sample the GPUs among `devices` into the folder `run` until the block ends, `sample_hz` times a second.

    Then the readings are packed as Parquet; less than `least` bytes of them stay as JSON lines.
    """
    uuids = [device.uuid for device in devices if device.uuid]
    sampler = Sampler(uuids, gpu_readings.new_spool(run), 1 / sample_hz if sample_hz else 0.0)
    if uuids:
        sampler.start()
    try:
        yield GpuClaims(leases, sampler, allow_busy, say)
    finally:
        sampler.stop()
        for remark in sampler.remarks():
            say(remark)
        if uuids and sample_hz and sum(spool.stat().st_size for spool in gpu_readings.spools(run)) >= least:
            _pack(run, say)


def _pack(run: Path, say: Say) -> None:
    try:
        gpu_readings.to_parquet(run)
    except Exception as error:  # a full disk, or no DuckDB: the lines stay, and can be read as well
        say(f"the readings of the GPUs stay as lines: {error}")
