"""A GPU for one job at a time: refused while others use it or once it is lost, and sampled for as long as the run."""

from __future__ import annotations

import os
import threading
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace

import msgspec
import pytest

from orchestrator.errors import DeviceRefused
from orchestrator.host import processes
from orchestrator.host.cards import GpuLost, NoDriver
from orchestrator.host.leases import Leases
from orchestrator.measure import gpu_claims, gpu_sampler
from orchestrator.measure.gpu_claims import GpuClaims, watched
from orchestrator.model import Device, GpuSample
from orchestrator.results import gpu_readings
from tests.make import make_job, make_result

GPU = Device(kind="gpu", name="Tesla K80", uuid="GPU-1", index=0)
NAME = "GPU 0 Tesla K80"
#: A process that is there and is no job.
STRANGER = os.getpid()


class Driver:
    """As much of `Nvml` as is asked. `processes` are the pids on the GPU, or what is raised."""

    def __init__(self, processes=()):
        self.pids = processes
        self.impossible = Counter()

    def processes(self, uuid):
        if isinstance(self.pids, Exception):
            raise self.pids
        return [(pid, 1.0) for pid in self.pids]

    def read(self, uuid, slow=False):
        return GpuSample(t=1.0, uuid=uuid, util=5.0)

    def finer(self, uuid):
        return None

    def events(self, uuid):
        return None

    def buffered(self, uuid, since_us):
        return [], since_us


@pytest.fixture
def on(monkeypatch):
    """Puts a driver in place of NVML."""
    monkeypatch.setattr(gpu_claims, "GRACE_S", 0.0)
    monkeypatch.setattr(processes, "_numbering", lambda: processes.HOSTS_OWN)

    def put(driver):
        @contextmanager
        def session(uuid):
            if isinstance(driver, NoDriver):
                raise driver
            yield driver

        monkeypatch.setattr(gpu_claims, "session", session)
        monkeypatch.setattr(gpu_sampler, "session", session)

    return put


def claims(tmp_path, allow_busy=False, lost=(), said=None, xids=()):
    def reported(uuid, begin, end):
        assert (uuid, begin, end) == ("GPU-1", 90.0, 112.5)
        return list(xids)

    sampler = SimpleNamespace(lost=dict(lost), xids=reported)
    return GpuClaims(
        Leases(tmp_path / "locks", "a test"), sampler, allow_busy, [].append if said is None else said.append
    )


def test_a_free_gpu_is_held_for_the_time_of_the_job(on, tmp_path):
    on(Driver())
    leases = Leases(tmp_path / "locks", "another")
    with claims(tmp_path).claim(GPU) as held:
        assert held == GPU
        assert "a test" in leases.holder("GPU-1")
    assert leases.holder("GPU-1") is None


def test_a_processor_needs_no_claim(tmp_path):
    device = Device(kind="cpu", name="cpu:0", cores=[0])
    with claims(tmp_path).claim(device) as held:
        assert held is device
    assert not (tmp_path / "locks").exists()


def test_a_gpu_that_others_use_is_refused_or_marked(on, tmp_path):
    on(Driver([STRANGER]))
    with pytest.raises(DeviceRefused, match=f"{NAME} is in use by process {STRANGER} .*--allow-busy"):
        claims(tmp_path).claim(GPU).__enter__()
    with claims(tmp_path, allow_busy=True).claim(GPU) as held:
        assert held.busy.startswith(f"process {STRANGER} (")


@pytest.mark.parametrize(
    ("listed", "numbering"), [([2**22 + 1], processes.HOSTS_OWN), ([STRANGER], "pid:[4026532001]")]
)
def test_numbers_that_are_not_of_this_host_refuse_no_gpu(on, tmp_path, monkeypatch, listed, numbering):
    on(Driver(listed))
    monkeypatch.setattr(processes, "_numbering", lambda: numbering)
    with claims(tmp_path).claim(GPU) as held:
        assert held.busy == ""


def test_gpus_of_one_board_take_turns_and_it_is_said(on, tmp_path):
    on(Driver())
    first, second = (msgspec.structs.replace(GPU, uuid=f"GPU-{i}", index=i, board="GPU-1") for i in (1, 2))
    apart = msgspec.structs.replace(GPU, uuid="GPU-3", index=3)
    waiting = claims(tmp_path)
    with waiting.claim(first), waiting.claim(apart):
        stopped = claims(tmp_path)
        stopped.stopping = lambda: True
        with pytest.raises(DeviceRefused, match="stopped while waiting"):
            stopped.claim(second).__enter__()
        with claims(tmp_path, allow_busy=True).claim(second) as held:
            assert held == second
    (words,) = gpu_claims.boards_in_words([first, second, apart], allow_busy=False)
    assert words.startswith("GPU 1 and GPU 2 are on one board and share its power and heat: one job at a time")
    assert "as asked for" in next(gpu_claims.boards_in_words([first, second], allow_busy=True))


def test_a_process_that_goes_within_the_grace_is_no_reason(on, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_claims, "GRACE_S", 60.0)
    driver = Driver([STRANGER])
    on(driver)
    threading.Timer(0.2, lambda: setattr(driver, "pids", [])).start()
    with claims(tmp_path).claim(GPU) as held:
        assert held.busy == ""


def test_a_lost_gpu_is_refused(on, tmp_path):
    on(Driver(GpuLost("GPU is lost")))
    with pytest.raises(DeviceRefused, match=f"{NAME} was lost: GPU is lost"):
        claims(tmp_path).claim(GPU).__enter__()
    with pytest.raises(DeviceRefused, match=f"{NAME} was lost: fell off"):
        claims(tmp_path, lost={"GPU-1": (1.0, "fell off")}).claim(GPU).__enter__()


def test_without_a_driver_nobody_is_known_to_use_it(on, tmp_path):
    on(NoDriver("no driver"))
    with claims(tmp_path).claim(GPU) as held:
        assert held.busy == ""


def test_who_waits_is_told_for_whom_and_can_be_stopped(on, tmp_path):
    on(Driver())
    said: list[str] = []
    waiting = claims(tmp_path, said=said)
    waiting.stopping = lambda: bool(said)
    with claims(tmp_path).claim(GPU), pytest.raises(DeviceRefused, match="stopped while waiting"):
        waiting.claim(GPU).__enter__()
    assert len(said) == 1
    assert said[0].startswith(f"{NAME} is leased by a test")


@pytest.mark.parametrize(
    ("lost_at", "status", "reason", "judged"),
    [
        (100.0, "ok", "", "its GPU was lost while it ran: gone"),
        (100.0, "failed", "exit code 1", "its GPU was lost while it ran: gone (the job: exit code 1)"),
        (100.0, "cancelled", "stopped", "stopped"),
        (80.0, "ok", "", ""),  # before this job began
    ],
)
def test_a_job_whose_gpu_was_lost_has_failed(tmp_path, lost_at, status, reason, judged):
    result = make_result(make_job(device="gpu"), status=status, reason=reason)
    found = claims(tmp_path, lost={"GPU-1": (lost_at, "gone")}).judge(result, GPU)
    assert found == msgspec.structs.replace(
        result, reason=judged, status="failed" if judged.startswith("its GPU") else status
    )
    assert claims(tmp_path).judge(result, GPU) is result


@pytest.mark.parametrize(
    ("status", "busy", "xids", "judged"),
    [
        ("ok", "", [31, 31, 63], "its GPU reported Xid 31 (memory page fault: an illegal address in a kernel) while"),
        ("failed", "", [79], "its GPU reported Xid 79 (the card has fallen off the bus) while it ran (the job: exit"),
        ("ok", "", [63, 999], None),  # nothing dies of these
        ("ok", "", [45], None),  # what it left running was ended
        ("ok", "process 7", [31], None),  # it may be a stranger's
        ("timeout", "", [45], None),  # which is what the driver says of a process that was killed
    ],
)
def test_a_job_dies_of_an_error_of_its_card(tmp_path, status, busy, xids, judged):
    result = make_result(make_job(device="gpu"), status=status, reason="exit code 1" if status != "ok" else "")
    found = claims(tmp_path, xids=xids).judge(result, msgspec.structs.replace(GPU, busy=busy))
    if judged is None:
        assert found == result
    else:
        assert (found.status, found.reason.startswith(judged)) == ("failed", True)


@pytest.mark.parametrize(("least", "kind"), [(0, "parquet"), (10**9, "jsonl")])
def test_readings_are_packed_when_the_run_ends_unless_they_are_few(on, tmp_path, least, kind):
    on(Driver())
    with watched([GPU], Leases(tmp_path / "locks", "a"), tmp_path, False, print, least):
        pass
    assert [path.name for path in tmp_path.glob("gpu-*")] == [f"gpu-1.{kind}"]
    assert {sample.util for sample in gpu_readings.read(tmp_path, "GPU-1", 0, 9)} == {5.0}


def test_a_run_without_gpus_leaves_no_readings(tmp_path):
    with watched([Device(kind="cpu", name="cpu:0")], Leases(tmp_path / "locks", "a"), tmp_path, False, print):
        pass
    assert list(tmp_path.iterdir()) == []


def test_why_nothing_was_sampled_is_said(on, tmp_path):
    on(NoDriver("no driver"))
    said: list[str] = []
    with watched([GPU], Leases(tmp_path / "locks", "a"), tmp_path, False, said.append):
        pass
    assert said == ["the GPUs were not sampled: no driver"]
