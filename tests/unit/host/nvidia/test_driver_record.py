"""The driver's own record of utilization: each entry once, where it was made, whatever its clock counts from."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from orchestrator.host.nvidia.driver import Driver
from orchestrator.host.nvidia.driver_record import DriverRecord
from tests.fakes.nvml_binding import library

#: How far the wall clock and the time since boot are ahead of CLOCK_MONOTONIC, seconds.
WALL, BOOT = 1_700_000_000.0, 86_400.0


class Clock:
    """CLOCK_MONOTONIC, as a test has it."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.stepped = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.clock_gettime", self.read)
        monkeypatch.setattr("time.sleep", self.sleep)

    def read(self, clock):
        bases = {time.CLOCK_REALTIME: WALL + self.stepped, time.CLOCK_BOOTTIME: BOOT, time.CLOCK_MONOTONIC: 0.0}
        return self.now + bases[clock]

    def sleep(self, seconds):
        self.now += seconds


class Record:
    """A driver's record: an entry each 200 ms on a grid, the last 70 of them, stamped by a clock that starts at `base`.

    Its values tell when each was made, modulo 100 s.
    """

    def __init__(self, clock, base):
        self.clock, self.base = clock, base

    def __call__(self, handle, kind, since):
        latest = int(self.clock.now / 0.2)
        made = [0.2 * n for n in range(latest - 69, latest + 1)]
        stamped = [(int((self.base + t) * 1e6), t % 100) for t in made]
        fresh = [(stamp, value) for stamp, value in stamped if stamp > since]
        return 0, [SimpleNamespace(timeStamp=t, sampleValue=SimpleNamespace(dVal=v)) for t, v in fresh]

    def made(self, sample):
        """When an entry was made, on CLOCK_MONOTONIC."""
        whole = round((sample.t - sample.util) / 100) * 100
        return whole + sample.util


@pytest.mark.parametrize(
    ("base", "exact"),
    [(WALL, 1e-5), (BOOT, 1e-5), (0.0, 1e-5), (WALL - 30.0, 0.02), (WALL + 0.5, 0.02), (12_345.0, 0.02)],
    ids=["wall clock", "boot", "monotonic", "behind the wall clock", "ahead of it", "of its own"],
)
def test_entries_lie_where_they_were_made_whatever_their_clock_counts_from(monkeypatch, base, exact):
    clock = Clock(monkeypatch)
    record = Record(clock, base)
    kept = DriverRecord(Driver(library(nvmlDeviceGetSamples=record)))
    found = followed(kept, clock, seconds=10)
    assert max(abs(sample.t - record.made(sample)) for sample in found) < exact
    assert len({record.made(sample) for sample in found}) == len(found), "each entry once"


@pytest.mark.parametrize("step", [30.0, -30.0, -3600.0])
def test_a_clock_that_is_stepped_moves_no_entry(monkeypatch, step):
    clock = Clock(monkeypatch)
    record = Record(clock, WALL)
    kept = DriverRecord(Driver(library(nvmlDeviceGetSamples=record)))

    def stepped(second):
        if second == 10:
            record.base += step
            clock.stepped += step

    found = followed(kept, clock, seconds=30, each=stepped)
    assert all(abs(sample.t - record.made(sample)) < 0.21 for sample in found[-50:])
    assert len(found) > 140, "of 150 entries and those before"


def followed(kept, clock, seconds, each=lambda second: None):
    newest, found = 0, []
    for second in range(seconds):
        clock.now += 1.0
        each(second)
        samples, newest = kept.since("GPU-1", "handle", newest)
        found += samples
    return found


def test_the_drivers_buffer_is_read_from_where_the_last_reading_ended():
    def samples(handle, kind, since):
        entries = [(100, 10), (200, 20), (200, 20), (300, 30)]
        return 1, [SimpleNamespace(timeStamp=t, sampleValue=SimpleNamespace(uiVal=v)) for t, v in entries]

    kept = DriverRecord(Driver(library(nvmlDeviceGetSamples=samples)))
    found, newest = kept.since("GPU-1", "handle", 100)
    assert [(s.util, s.kind) for s in found] == [(20.0, "buffer"), (30.0, "buffer")]
    assert newest == 300
    assert DriverRecord(Driver(library())).since("GPU-1", "handle", 100) == ([], 100)
