"""Claims the GPUs of a run, each for one job at a time, and samples them for as long as the run lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import msgspec

from orchestrator.errors import DeviceRefused
from orchestrator.host.cards import GpuLost, NoDriver
from orchestrator.host.leases import Leases
from orchestrator.host.makers import of, session
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
        name = f"GPU {device.place} {device.name}"
        if device.uuid in self._sampler.lost:
            raise DeviceRefused(f"{name} was lost: {self._sampler.lost[device.uuid][1]}")
        with (
            self._leases.hold(device.uuid, self.stopping, lambda who: self._say(f"{name} is leased by {who}: waiting")),
            self._board(device),
        ):
            busy = self._busy(device.uuid, name)
            if busy and not self._allow_busy:
                raise DeviceRefused(f"{name} is in use by {busy} (--allow-busy measures beside it, and marks the row)")
            yield msgspec.structs.replace(device, busy=busy)

    def _board(self, device: Device) -> AbstractContextManager[None]:
        """Holds the board of a GPU that shares one: two jobs on it would share its power and its heat."""
        if device.board is None or self._allow_busy:
            return nullcontext()
        return self._leases.hold(f"{device.board}-board", self.stopping, lambda who: None)

    def judge(self, result: Result, device: Device) -> Result:
        """Mark a result as failed if the job's GPU was lost while it ran, or reported an error of which programs die.

        Whatever the job itself reported. An error on a GPU that others use may be theirs, and is only recorded.
        """
        if device.uuid is None or result.launched_t is None or result.status == "cancelled":
            return result
        why = self._lost(device.uuid, result.launched_t)
        if not why and result.status in ("ok", "failed") and not device.busy and result.exited_t is not None:
            why = self._broke(device.uuid, result.launched_t, result.exited_t)
        if not why:
            return result
        if result.status != "ok" and result.reason:
            why += f" (the job: {result.reason})"
        return msgspec.structs.replace(result, status="failed", reason=why)

    def _lost(self, uuid: str, begin: float) -> str:
        lost = self._sampler.lost.get(uuid)
        return f"its GPU was lost while it ran: {lost[1]}" if lost and begin <= lost[0] else ""

    def _broke(self, uuid: str, begin: float, end: float) -> str:
        """The errors between two moments of which programs die, in words; "" for none."""
        words = of(uuid).deadly(self._sampler.xids(uuid, begin, end))
        return f"its GPU reported {words} while it ran" if words else ""

    def _busy(self, uuid: str, name: str) -> str:
        """The processes that stay on a GPU for longer than GRACE_S, in words; "" for none."""
        deadline = time.monotonic() + GRACE_S
        while True:
            try:
                with session(uuid) as cards:
                    # This run holds the lease, so these processes are no jobs of any orchestrator.
                    found = in_words(present(cards, uuid) or [])
            except GpuLost as error:
                raise DeviceRefused(f"{name} was lost: {error}") from error
            except NoDriver:
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
    for words in boards_in_words(devices, allow_busy):
        say(words)
    try:
        yield GpuClaims(leases, sampler, allow_busy, say)
    finally:
        sampler.stop()
        for remark in sampler.remarks():
            say(remark)
        if uuids and sample_hz and sum(spool.stat().st_size for spool in gpu_readings.spools(run)) >= least:
            _pack(run, say)


def boards_in_words(devices: Sequence[Device], allow_busy: bool) -> Iterator[str]:
    """What a person should know of GPUs that lie on one board."""
    for board in dict.fromkeys(device.board for device in devices if device.board):
        names = [f"GPU {device.place}" for device in devices if device.board == board]
        if len(names) > 1:
            how = "on all at once, as asked for" if allow_busy else "one job at a time (--allow-busy: all at once)"
            yield f"{' and '.join(names)} are on one board and share its power and heat: {how}"


def _pack(run: Path, say: Say) -> None:
    try:
        gpu_readings.to_parquet(run)
    except Exception as error:  # a full disk, or no DuckDB: the lines stay, and can be read as well
        say(f"the readings of the GPUs stay as lines: {error}")
