"""Jobs under a runtime's command line, with a stub runtime whose jobs are child processes, as apptainer's are."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from orchestrator.launchers import command as commands
from orchestrator.launchers import runtimes
from orchestrator.launchers.command import CommandLauncher
from orchestrator.launchers.container import Image
from orchestrator.measure.job import measure
from orchestrator.model import Device
from tests.fakes.roots import HERE
from tests.make import alive, identify, make_context, make_job

pytestmark = pytest.mark.slow
CPU = Device(kind="cpu", name="cpu:0", cores=[min(os.sched_getaffinity(0))])


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """A folder with a program `apptainer`; what it was called with is in the file `calls`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    text = (HERE / "stub_apptainer.py").read_text()
    (folder / "apptainer").write_text(f"#!{sys.executable}\n{text}")
    (folder / "apptainer").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def runtime(tmp_path):
    """As it comes, but for the user: tests may run as root."""
    (tmp_path / "stub.yaml").write_text("{like: apptainer, hardening: {user: [--security, 'uid:{user}']}}")
    return runtimes.load(str(tmp_path / "stub.yaml"))


IMAGES = {"keras2-theano": Image(name="image:1", digest="sha256:1", file="/images/theano.sif")}


@pytest.fixture
def context(tmp_path):
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "run.py").write_text((HERE / "stub_run.py").read_text())
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(tmp_path / "workloads", tmp_path / "mnist.npz")


def run(context, launcher, tmp_path, **job):
    job = make_job(**job)
    result = measure(
        job,
        CPU,
        launcher=launcher,
        folder=tmp_path / "jobs" / job.id,
        run_id="run",
        identify=identify(context),
        on_event=lambda job, event: None,
        interval_s=0.02,
    )
    return result, tmp_path / "jobs" / job.id


@pytest.fixture
def launcher(runtime, context, tmp_path):
    return CommandLauncher(runtime, context, IMAGES, tmp_path / "cache")


def test_a_good_job_and_what_it_was_started_with(stub, launcher, context, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@proxy:1")
    result, folder = run(context, launcher, tmp_path, workload="good")
    assert (result.status, result.reason) == ("ok", "")
    assert len(result.epochs) == 2
    assert (folder / "samples.jsonl").read_bytes().count(b"rss_mb") >= 1  # of the processes below the command
    words = (stub / "calls").read_text().split()
    assert words[:3] == ["exec", "--containall", "--no-home"]
    assert "/images/theano.sif" in words
    assert f"{tmp_path}/cache/keras-orchestrate-keras2-theano-theano-u{os.getuid()}-" in " ".join(words)
    assert not Path(words[words.index("--workdir") + 1]).exists()
    assert result.fingerprint.launcher == "stub"
    assert result.fingerprint.command[:2] == ["env", "APPTAINERENV_OMP_NUM_THREADS=1"]


def test_the_callers_own_settings_of_a_runtime_do_not_reach_a_job():
    """APPTAINER_BIND would mount folders into jobs, and nothing would tell of it."""
    dropped = ("APPTAINER_BIND", "APPTAINERENV_TMPDIR", "SINGULARITY_NV", "SINGULARITYENV_LD_PRELOAD", "https_proxy")
    kept = ("PATH", "HOME", "APPTAINER_CACHEDIR", "SINGULARITY_TMPDIR", "APPTAINER_DOCKER_PASSWORD", "APPTAINERX")
    assert commands.kept_environment(dict.fromkeys((*dropped, *kept), "x")) == dict.fromkeys(kept, "x")


def test_a_job_is_started_without_them(stub, launcher, context, tmp_path, monkeypatch):
    monkeypatch.setenv("APPTAINER_BIND", "/site")
    device, job = CPU, make_job()
    assert "APPTAINER_BIND" not in launcher._command(launcher._spec(job, device, tmp_path), device, "").environment


def test_what_it_cannot_confine_is_told_with_the_launch(launcher, tmp_path):
    launch = launcher.describe(make_job(), CPU, tmp_path)
    assert any(line.startswith("memory: a bound on memory needs") for line in launch.unconfined)
    assert (launch.image, launch.image_digest) == ("image:1", "sha256:1")


@pytest.mark.parametrize(
    ("workload", "status", "words"),
    [
        ("exit1", "failed", "exit code 1: about to fail"),
        ("killed", "failed", "SIGKILL"),
        ("hang", "timeout", "not finished after 1 s"),
        ("daemon", "timeout", "not finished after 1 s"),
    ],
)
def test_bad_ends(stub, launcher, context, tmp_path, workload, status, words):
    result, _ = run(context, launcher, tmp_path, workload=workload, timeout_s=1)
    assert (result.status, words in result.reason) == (status, True), result.reason
    assert not alive(result.start["pid"]) if result.start else True


def test_killed_for_memory_is_told_apart(stub, launcher, context, tmp_path, monkeypatch):
    counts = iter([7, 8])
    monkeypatch.setattr(commands, "oom_kills", lambda: next(counts))
    assert run(context, launcher, tmp_path, workload="killed")[0].status == "oom"


def test_a_runtime_that_cannot_start_a_job_is_quoted(stub, launcher, context, tmp_path):
    (stub / "broken").touch()
    result, _ = run(context, launcher, tmp_path, workload="good")
    assert result.status == "failed"
    assert result.reason == "stub could not start it (exit code 255): FATAL: could not open image"


def test_stop_ends_what_runs_and_refuses_what_would(stub, launcher, context, tmp_path):
    threading.Timer(0.7, launcher.stop).start()
    result, _ = run(context, launcher, tmp_path, workload="hang")
    assert result.status == "cancelled"
    assert run(context, launcher, tmp_path, workload="good")[0].status == "cancelled"


def test_a_program_that_is_missing_is_a_row(launcher, context, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    result, _ = run(context, launcher, tmp_path, workload="good")
    assert (result.status, result.reason) == ("failed", "cannot start env: it is not on the search path")


def test_paths_that_cannot_be_written_or_are_gone_are_rows(stub, runtime, context, tmp_path):
    odd = tmp_path / "a:b"
    result, _ = run(context, CommandLauncher(runtime, context, IMAGES, tmp_path), odd, workload="good")
    assert "a path with ':' or ',' cannot be written" in result.reason
    gone = msgspec.structs.replace(context, workloads_dir="/nowhere/workloads")
    result, _ = run(gone, CommandLauncher(runtime, gone, IMAGES, tmp_path), tmp_path, workload="good")
    assert result.reason == "/nowhere/workloads is not there any more"


def test_jobs_are_not_started_as_root(stub, context, tmp_path, monkeypatch):
    monkeypatch.setattr(commands.os, "getuid", lambda: 0)
    launcher = CommandLauncher(runtimes.load("apptainer"), context, IMAGES, tmp_path)
    assert "jobs must not be root" in launcher.launch(make_job(), CPU, tmp_path, tmp_path / "log", print).error
