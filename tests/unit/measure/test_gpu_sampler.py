"""The sampler over a driver of a few lines: what it keeps, and what it survives."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import contextmanager

import msgspec
import pytest

from orchestrator.host import processes
from orchestrator.host.cards import GpuLost, NoDriver
from orchestrator.measure import gpu_sampler
from orchestrator.measure.gpu_sampler import Sampler, next_tick
from orchestrator.model import GpuEvents, GpuSample


class Driver:
    """As much of `Nvml` as the sampler asks. The GPU `lost` does not answer."""

    def __init__(self, lost=(), slow_s=0.0):
        self.lost, self.slow_s = lost, slow_s
        self.impossible = Counter()
        self.looks = 0

    def read(self, uuid, slow=False):
        if uuid in self.lost:
            raise GpuLost("GPU is lost")
        time.sleep(self.slow_s)
        return GpuSample(t=1.0, uuid=uuid, util=5.0)

    def buffered(self, uuid, since_us):
        return [GpuSample(t=time.monotonic(), uuid=uuid, kind="buffer", util=4.0)], since_us + 1

    def finer(self, uuid):
        return GpuSample(t=time.monotonic(), uuid=uuid, kind="buffer", sm_active=90.0)

    def events(self, uuid):
        self.looks += 1
        return GpuEvents(xids=[31] if self.looks == 1 else [], ecc_corrected=2)

    def processes(self, uuid):
        return [(os.getpid(), 3.0)]


def sampled(monkeypatch, tmp_path, driver, *uuids):
    """What one round leaves in the file, and the sampler."""

    @contextmanager
    def session(uuid):
        if isinstance(driver, Exception):
            raise driver
        yield driver

    monkeypatch.setattr(gpu_sampler, "session", session)
    monkeypatch.setattr(processes, "_numbering", lambda: processes.HOSTS_OWN)
    path = tmp_path / "run" / "gpu-1.jsonl"
    sampler = Sampler(uuids, path, interval_s=0.01)
    sampler.start()
    sampler.stop()
    lines = path.read_bytes().splitlines() if path.exists() else []
    return sampler, [msgspec.json.decode(line, type=GpuSample) for line in lines]


def test_the_last_round_has_gauges_processes_and_the_drivers_buffer(monkeypatch, tmp_path):
    sampler, found = sampled(monkeypatch, tmp_path, Driver(), "a", "b")
    assert sampler.failure == ""
    assert {sample.uuid for sample in found} == {"a", "b"}
    reported, buffered, finer, poll = found[-4:]
    assert (buffered.kind, buffered.util, finer.sm_active) == ("buffer", 4.0, 90.0)
    assert (reported.ecc_corrected, reported.ecc_uncorrected) == (2, 0)
    assert (poll.kind, poll.util, poll.processes[0].memory_mb) == ("poll", 5.0, 3.0)


def test_an_error_is_of_the_time_before_it_was_heard_of(monkeypatch, tmp_path):
    begin = time.monotonic()
    sampler, found = sampled(monkeypatch, tmp_path, Driver(), "a")
    end = time.monotonic()
    assert sampler.xids("a", begin, end) == [31]
    assert sampler.xids("a", end, end) == sampler.xids("b", begin, end) == []
    assert [sample.xids for sample in found if sample.xids] == [[31]]


def test_what_a_driver_or_binding_fails_at_is_left_out_and_said(monkeypatch, tmp_path):
    class Odd(Driver):
        def finer(self, uuid):
            raise TypeError("no such struct")

        events = finer

    sampler, found = sampled(monkeypatch, tmp_path, Odd(), "a")
    assert {sample.util for sample in found} == {4.0, 5.0}
    assert list(sampler.remarks()) == [
        "errors of the GPUs were not read: TypeError: no such struct",
        "finer figures of the GPUs were not read: TypeError: no such struct",
    ]


def test_a_slice_is_said_to_have_fewer_figures(monkeypatch, tmp_path):
    sampler, _ = sampled(monkeypatch, tmp_path, Driver(), "MIG-1")
    assert list(sampler.remarks()) == [
        "MIG-1 is a slice (MIG): the driver tells no utilization, power and energy of it"
    ]


def test_a_lost_gpu_ends_its_own_series_only(monkeypatch, tmp_path):
    sampler, found = sampled(monkeypatch, tmp_path, Driver(lost=["b"]), "a", "b")
    assert [sample.lost for sample in found if sample.uuid == "b"] == ["GPU is lost"]
    assert sampler.lost["b"][1] == "GPU is lost"
    assert all(sample.lost is None for sample in found if sample.uuid == "a")


def test_without_a_driver_nothing_is_sampled_and_the_reason_is_known(monkeypatch, tmp_path):
    sampler, found = sampled(monkeypatch, tmp_path, NoDriver("NVML says: no driver"), "a")
    assert (found, sampler.failure) == ([], "NVML says: no driver")


def test_a_folder_that_cannot_be_made_ends_the_record_and_not_the_run(monkeypatch, tmp_path):
    (tmp_path / "run").write_text("a file in the way")
    sampler, found = sampled(monkeypatch, tmp_path, Driver(), "a")
    assert found == []
    assert sampler.failure == f"{tmp_path / 'run'} is a file, and no folder"


@pytest.mark.parametrize(("now", "due"), [(10.0, 10.2), (10.19, 10.2), (10.2, 10.4), (11.05, 11.2), (9.9, 10.0)])
def test_ticks_stay_on_their_grid(now, due):
    assert next_tick(10.0, 0.2, now) == pytest.approx(due)


def test_a_gpu_whose_driver_is_slow_slows_no_other_and_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_sampler, "LEAST_S", 0.0)

    class Uneven(Driver):
        def read(self, uuid, slow=False):
            self.slow_s = 0.3 if uuid == "slow" else 0.0
            return super().read(uuid)

    @contextmanager
    def session(uuid):
        yield Uneven()

    monkeypatch.setattr(gpu_sampler, "session", session)
    sampler = Sampler(["slow", "quick"], tmp_path / "gpu-1.jsonl", interval_s=0.02)
    sampler.start()
    time.sleep(0.7)
    sampler.stop()
    lines = (tmp_path / "gpu-1.jsonl").read_bytes().splitlines()
    polls = Counter(s.uuid for s in (msgspec.json.decode(line, type=GpuSample) for line in lines) if s.kind == "poll")
    assert polls["quick"] > 3 * polls["slow"]
    [remark] = sampler.remarks()
    assert remark.startswith("slow was read ")
    assert "times a second, not 50" in remark


def test_absurd_readings_are_told(monkeypatch, tmp_path):
    driver = Driver()
    driver.impossible.update(["util", "util", "power_w"])
    sampler, _ = sampled(monkeypatch, tmp_path, driver, "a")
    assert [remark.split(" were ")[0] for remark in sampler.remarks()] == [
        "1 readings of `power_w`",
        "2 readings of `util`",
    ]


def test_without_sampling_no_driver_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu_sampler, "session", pytest.fail)
    sampler = Sampler(["a"], tmp_path / "gpu-1.jsonl", interval_s=0.0)
    sampler.start()
    sampler.stop()
    assert list(sampler.remarks()) == []
    assert list(tmp_path.iterdir()) == []
