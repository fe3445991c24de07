"""Real processes, well and badly behaved, under the process launcher and the real measuring."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from orchestrator.launchers import process
from orchestrator.launchers.caches import cache_name
from orchestrator.launchers.process import Interpreter, ProcessLauncher
from orchestrator.measure import job as measuring
from orchestrator.measure.job import measure
from orchestrator.model import Device
from orchestrator.results.rows import result_row
from tests.conftest import ROOT
from tests.fakes.roots import HERE
from tests.make import alive, identify, make_context, make_job, with_packages

pytestmark = pytest.mark.slow


@pytest.fixture
def context(tmp_path):
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "run.py").write_text((HERE / "stub_run.py").read_text())
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(tmp_path / "workloads", tmp_path / "mnist.npz")


def process_launcher(context, python=sys.executable):
    interpreters = {"keras2-theano": Interpreter(python=python, lock_sha256="0" * 64)}
    return ProcessLauncher(context, interpreters, Path(context.workloads_dir).parent / "cache")


def run(context, tmp_path, launcher=None, **job):
    job = make_job(**job)
    events = []
    result = measure(
        job,
        Device(kind="cpu", name="cpu:0", cores=[min(os.sched_getaffinity(0))]),
        launcher=launcher or process_launcher(context),
        folder=tmp_path / "jobs" / job.id,
        run_id="run",
        identify=identify(context),
        on_event=lambda job, event: events.append(event),
        interval_s=0.02,
    )
    return result, events


@pytest.mark.parametrize(
    ("workload", "status", "words"),
    [
        ("good", "ok", ""),
        ("exit1", "failed", "exit code 1: about to fail"),
        ("raises", "failed", "ValueError: planted <b>fault</b>"),
        ("silent", "failed", "without a result"),
        ("cutoff", "failed", "without a result"),
        ("killed", "failed", "SIGKILL"),
        ("garbage", "ok", "4 unreadable event lines ignored"),
        ("longline", "ok", "1 unreadable"),
    ],
)
def test_every_behaviour_gives_its_own_row(context, tmp_path, workload, status, words):
    result, _ = run(context, tmp_path, workload=workload)
    assert (result.status, words in result.reason) == (status, True), result.reason
    assert result.started < result.ended


def test_what_a_good_job_leaves(context, tmp_path):
    result, events = run(context, tmp_path, workload="good")
    folder = tmp_path / "jobs" / result.job.id
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "log.txt", "samples.jsonl"]
    assert len(result.epochs) == 2
    assert [event["event"] for event in events].count("epoch_end") == 2
    samples = (folder / "samples.jsonl").read_bytes().splitlines()
    assert len(samples) >= 2
    assert result.launched_t <= result.start["t"] <= result.exited_t


def test_a_job_that_hangs_and_ignores_sigterm_ends_within_two_seconds_of_its_bound(context, tmp_path):
    """The other duration that is asserted, beside the containers': it is what is promised."""
    result, _ = run(context, tmp_path, workload="hang", timeout_s=2)
    assert result.status == "timeout"
    assert 2 <= result.exited_t - result.launched_t < 2 + 2
    assert not alive(result.start["pid"])


def test_stop_ends_what_runs_and_refuses_what_would(context, tmp_path):
    launcher = process_launcher(context)
    threading.Timer(0.5, launcher.stop).start()
    result, _ = run(context, tmp_path, launcher, workload="hang")
    assert result.status == "cancelled"
    assert not alive(result.start["pid"])
    assert run(context, tmp_path, launcher, workload="good")[0].status == "cancelled"


def test_a_missing_interpreter_is_a_row(context, tmp_path):
    launcher = process_launcher(context, "/nowhere/python")
    result, _ = run(context, tmp_path, launcher, workload="good")
    assert result.status == "failed"
    assert "/nowhere/python" in result.reason


def test_data_that_is_not_the_planned_data_is_a_failure(context, tmp_path):
    planned = context.data["mnist"]
    (tmp_path / "mnist.npz").write_bytes(b"other data")
    result, _ = run(context, tmp_path, workload="good")
    assert result.fingerprint.data_sha256 == planned.sha256
    assert result.status == "failed"
    assert "data" in result.reason


def test_the_callers_environment_stays_outside(context, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    command = (
        process_launcher(context).describe(make_job(), Device(kind="cpu", name="cpu:0", cores=[0]), tmp_path).command
    )
    assert command[:2] == ["env", "-i"]
    assert not [word for word in command if "SECRET" in word or "PYTHONPATH" in word]
    assert "KERAS_BACKEND=theano" in command
    cache = cache_name("keras2-theano", "theano", os.getuid(), "0" * 64, "")
    assert f"THEANO_FLAGS=base_compiledir={tmp_path}/cache/{cache},floatX=float32,device=cpu" in command


def test_a_job_sees_its_own_gpu_only(context, tmp_path):
    stack = msgspec.structs.replace(context.stacks["keras2-theano"], caches=[])
    context.stacks["keras2-theano"] = stack
    gpu = Device(kind="gpu", name="Tesla K80", uuid="GPU-1", cores=[0])
    command = process_launcher(context).describe(make_job(device="gpu"), gpu, tmp_path).command
    assert "CUDA_VISIBLE_DEVICES=GPU-1" in command
    assert "NVIDIA_VISIBLE_DEVICES=GPU-1" in command
    cpu = Device(kind="cpu", name="cpu:0", cores=[0])
    assert not [w for w in process_launcher(context).describe(make_job(), cpu, tmp_path).command if "VISIBLE" in w]


@pytest.mark.parametrize("workload", ["daemon_short", "daemon"])
def test_what_leaves_its_session_is_ended_all_the_same(context, tmp_path, workload):
    before = set(sleepers())
    result, _ = run(context, tmp_path, workload=workload, timeout_s=2)
    assert result.status == {"daemon_short": "ok", "daemon": "timeout"}[workload]
    assert set(sleepers()) <= before


def sleepers():
    """Processes of stubs that run now."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and b"workloads/run.py\0daemon" in (entry / "cmdline").read_bytes():
                yield int(entry.name)


def test_killed_for_memory_is_told_apart_from_other_kills(context, tmp_path, monkeypatch):
    """The kernel's own count decides; a real shortage of the whole host is not made here."""
    counts = iter([7, 8])
    monkeypatch.setattr(process, "oom_kills", lambda: next(counts))
    assert run(context, tmp_path, workload="killed")[0].status == "oom"
    monkeypatch.setattr(process, "oom_kills", lambda: 8)
    result, _ = run(context, tmp_path / "again", workload="killed")
    assert (result.status, "SIGKILL" in result.reason) == ("failed", True)


def test_a_clock_that_is_set_back_changes_stamps_only(context, tmp_path, monkeypatch):
    """Wall clock for people, monotonic clock for every interval, here and in the job."""
    stamps = iter(["2026-11-24T12:00:00+00:00", "2001-01-01T00:00:00+00:00"])
    monkeypatch.setattr(measuring, "_now", lambda: next(stamps))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    result, _ = run(context, tmp_path, workload="good")
    assert result.status == "ok"
    assert result.ended < result.started
    assert result.launched_t < result.start["t"] < result.exited_t
    assert result_row(result, [])["wall_s"] > 0


def test_no_interval_is_taken_from_the_wall_clock():
    """But for the age of another orchestrator's files, which `watch` shows: their stamps are wall time."""
    code = "".join(path.read_text() for path in (ROOT / "orchestrator").rglob("*.py") if path.name != "follow.py")
    assert "time.time(" not in code
    assert "utcnow(" not in code


def test_packages_of_ones_own_are_named_to_the_job(context, tmp_path):
    job = make_job(workload="my", variant="own", dataset=None)
    device = Device(kind="cpu", name="cpu:0")
    command = process_launcher(with_packages(context, job)).describe(job, device, tmp_path).command
    assert "KERAS_ORCHESTRATE_PACKAGES=/cache/layers/x" in command
    without = process_launcher(with_packages(context, job, "")).describe(job, device, tmp_path).command
    assert not [word for word in without if "KERAS_ORCHESTRATE_PACKAGES" in word]
