"""Real processes, well and badly behaved, under the process launcher and the real measuring."""

from __future__ import annotations

import os
import sys
import threading
import time

import msgspec
import pytest

from orchestrator import measure as measuring
from orchestrator.catalog import load_catalog
from orchestrator.datafiles import sha256_file
from orchestrator.launchers.process import Interpreter, ProcessLauncher, ProcessSuite
from orchestrator.model import DataFile, Device, Fingerprint
from tests.fakes.roots import HERE
from tests.unit.test_model import make_job


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "run.py").write_text((HERE / "stub_run.py").read_text())
    data = tmp_path / "mnist.npz"
    data.write_bytes(b"data")
    file = DataFile(dataset="mnist", path=str(data), sha256=sha256_file(data), kind="given", name="mnist.npz")
    return ProcessSuite(
        workloads_dir=str(tmp_path / "workloads"),
        stacks={stack.name: stack for stack in load_catalog().stacks},
        interpreters={"keras2-theano": Interpreter(python=sys.executable, lock_sha256="0" * 64)},
        data={"mnist": file},
        cache_dir=str(tmp_path / "cache"),
    )


def identify(suite):
    def make(job, device, launch):
        return Fingerprint(
            launcher=launch.launcher,
            workloads_sha256="0" * 64,
            data_sha256=suite.data["mnist"].sha256,
            data_kind="given",
            host="here",
            cpu="a cpu",
            cores=1,
            memory_mb=1,
            os="linux",
            threads=1,
            orchestrator="0",
            command=launch.command,
        )

    return make


def run(suite, tmp_path, launcher=None, **job):
    job = make_job(**job)
    events = []
    result = measuring.measure(
        job,
        Device(kind="cpu", name="cpu:0", cores=[min(os.sched_getaffinity(0))]),
        launcher=launcher or ProcessLauncher(suite),
        folder=tmp_path / "jobs" / job.id,
        run_id="run",
        identify=identify(suite),
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
def test_every_behaviour_gives_its_own_row(suite, tmp_path, workload, status, words):
    result, _ = run(suite, tmp_path, workload=workload)
    assert (result.status, words in result.reason) == (status, True), result.reason
    assert result.started < result.ended


def test_what_a_good_job_leaves(suite, tmp_path):
    result, events = run(suite, tmp_path, workload="good")
    folder = tmp_path / "jobs" / result.job.id
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "log.txt", "samples.jsonl"]
    assert len(result.epochs) == 2
    assert [event["event"] for event in events].count("epoch_end") == 2
    samples = (folder / "samples.jsonl").read_bytes().splitlines()
    assert len(samples) >= 2
    assert result.launched_t <= result.start["t"] <= result.exited_t


def test_a_job_that_hangs_and_ignores_sigterm_ends_at_its_bound(suite, tmp_path):
    result, _ = run(suite, tmp_path, workload="hang", timeout_s=1)
    assert result.status == "timeout"
    assert result.exited_t - result.launched_t < 1 + 10
    assert not alive(result.start["pid"])


def test_stop_ends_what_runs_and_refuses_what_would(suite, tmp_path):
    launcher = ProcessLauncher(suite)
    threading.Timer(0.5, launcher.stop).start()
    result, _ = run(suite, tmp_path, launcher, workload="hang")
    assert result.status == "cancelled"
    assert not alive(result.start["pid"])
    assert run(suite, tmp_path, launcher, workload="good")[0].status == "cancelled"


def test_a_missing_interpreter_is_a_row(suite, tmp_path):
    suite.interpreters["keras2-theano"] = Interpreter(python="/nowhere/python", lock_sha256="0" * 64)
    result, _ = run(suite, tmp_path, workload="good")
    assert result.status == "failed"
    assert "/nowhere/python" in result.reason


def test_data_that_is_not_the_planned_data_is_a_failure(suite, tmp_path):
    planned = suite.data["mnist"]
    (tmp_path / "mnist.npz").write_bytes(b"other data")
    result, _ = run(suite, tmp_path, workload="good")
    assert result.fingerprint.data_sha256 == planned.sha256
    assert result.status == "failed"
    assert "data" in result.reason


def test_the_callers_environment_stays_outside(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    command = ProcessLauncher(suite).describe(make_job(), Device(kind="cpu", name="cpu:0", cores=[0]), tmp_path).command
    assert command[:2] == ["env", "-i"]
    assert not [word for word in command if "SECRET" in word or "PYTHONPATH" in word]
    assert "KERAS_BACKEND=theano" in command
    assert f"THEANO_FLAGS=base_compiledir={tmp_path}/cache/keras2-theano/theano,floatX=float32,device=cpu" in command


def test_a_job_sees_its_own_gpu_only(suite, tmp_path):
    stack = msgspec.structs.replace(suite.stacks["keras2-theano"], caches=[])
    suite.stacks["keras2-theano"] = stack
    gpu = Device(kind="gpu", name="Tesla K80", uuid="GPU-1", cores=[0])
    command = ProcessLauncher(suite).describe(make_job(device="gpu"), gpu, tmp_path).command
    assert "CUDA_VISIBLE_DEVICES=GPU-1" in command
    assert "NVIDIA_VISIBLE_DEVICES=GPU-1" in command
    cpu = Device(kind="cpu", name="cpu:0", cores=[0])
    assert not [w for w in ProcessLauncher(suite).describe(make_job(), cpu, tmp_path).command if "VISIBLE" in w]


def alive(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True
