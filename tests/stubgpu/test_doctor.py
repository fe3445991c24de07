"""`orchestrate doctor` as a user types it, on hosts with GPUs that are not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def doctor(tmp_path, environment, *words):
    home = {
        "COLUMNS": "400",
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "DOCKER_HOST": "unix:///nowhere.sock",
    }
    argv = [sys.executable, "-m", "orchestrator", *words]
    environment = {"PYTHONPATH": str(ROOT), **environment, **home}
    return subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, timeout=120, env=environment)


def found(answer):
    document = json.loads(answer.stdout)
    assert document["verdict"] in ("ok", "warn", "bad")
    return document["checks"]


def gpu_lines(answer):
    """Those that are about the GPU; this host has no engine, on purpose."""
    return [c for c in found(answer) if "GPU" in c["what"] or " on " in c["what"] or "NVIDIA" in c["what"]]


def test_the_k80_host_is_green_for_the_article(k80, tmp_path):
    answer = doctor(tmp_path, k80.environment, "doctor", "--config", "azure-nc6", "--json")
    lines = gpu_lines(answer)
    assert len(lines) == 1 + 2 * 3 + 4
    assert {line["level"] for line in lines} == {"ok"}
    (engine,) = [line for line in found(answer) if line["level"] == "bad"]
    assert engine["what"] == "Docker engine"
    assert answer.returncode == 3


def test_the_k80_host_can_start_without_an_engine_where_none_is_asked_for(k80, tmp_path):
    words = ["doctor", "--config", "azure-nc6", "--launcher", "process"]
    old = tmp_path / "bin" / "python2.7"  # any Python that starts will do: doctor installs nothing
    old.parent.mkdir()
    old.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    old.chmod(0o755)
    environment = {**k80.environment, "PATH": f"{old.parent}:{os.environ['PATH']}"}
    answer = doctor(tmp_path, environment, *words)
    assert answer.returncode == 0, answer.stdout


def test_the_h200_host_is_told_why_and_what_instead(h200, tmp_path):
    answer = doctor(tmp_path, h200.environment, "doctor", "--config", "azure-nc6")
    assert answer.returncode == 3
    assert "its CUDA 8.0 code cannot drive compute capability 9.0 (NVIDIA H200)" in answer.stdout
    assert "-> today's stacks run on it" in answer.stdout
    assert "orchestrate --config modern --device gpu" in answer.stdout


@pytest.mark.parametrize("host", ["k80", "h200"])
def test_any_cuda_picks_per_gpu(request, host, tmp_path):
    environment = request.getfixturevalue(host).environment
    answer = doctor(tmp_path, environment, "doctor", "--config", "any-cuda", "--launcher", "process", "--json")
    lines = [line for line in found(answer) if " on " in line["what"]]
    translated = [line for line in lines if "the driver translates PTX" in line["seen"]]
    able = {line["what"].partition(" ")[0] for line in lines if line["level"] == "ok" or line in translated}
    assert [line["level"] for line in translated] == ["warn"] * (host == "h200")  # TensorFlow has no code for 9.0
    assert all(name.startswith("keras3-") == (host == "h200") for name in able)
    assert len(able) == 3
    assert answer.returncode == 0


def test_a_busy_a_hot_and_a_lost_gpu_are_seen(k80, tmp_path):
    k80.set(0, processes="1:1048576", throttle="0x20")
    k80.set(1, all="!15")
    answer = doctor(tmp_path, k80.environment, "doctor", "--config", "any-cuda", "--launcher", "process")
    assert "GPU 0 Tesla K80: in use by process 1 (" in answer.stdout
    assert "slowed down by sw_thermal" in answer.stdout
    assert "GPU 1: lost: GPU is lost" in answer.stdout
    assert answer.returncode == 3


def test_without_a_driver_it_says_that(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    answer = doctor(tmp_path, environment, "doctor", "--config", "azure-nc6")
    if "NVML says" not in answer.stdout:
        pytest.skip("this host has an NVIDIA driver")
    assert answer.returncode == 3
    assert "NVIDIA driver: NVML says: NVML Shared Library Not Found" in answer.stdout
    assert "--device cpu --scale quick" in answer.stdout


def test_a_cpu_configuration_asks_for_no_gpu(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    answer = doctor(tmp_path, environment, "doctor", "--config", "smoke", "--launcher", "process")
    assert answer.returncode == 0, answer.stdout
    assert "NVIDIA driver" not in answer.stdout


def test_a_run_that_can_do_nothing_stops_before_anything_is_made(h200, tmp_path):
    words = ["run", "--config", "azure-nc6", "--launcher", "process", "--no-fetch", "--out", str(tmp_path / "out")]
    answer = doctor(tmp_path, h200.environment, *words)
    assert answer.returncode == 3
    assert "nothing of this configuration can run here" in answer.stderr
    assert "cannot drive compute capability 9.0" in answer.stderr
    assert "orchestrate --config modern --device gpu" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "cache").exists()


def test_a_leased_gpu_is_told_with_its_holder(k80, tmp_path):
    hold = (
        "import sys\nfrom orchestrator.host.leases import Leases, lock_folder\n"
        "with Leases(lock_folder(), 'run r').hold(sys.argv[1], lambda: False, print):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", hold, k80.state[1, "uuid"]]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=k80.environment)
    assert holder.stdout.readline() == "held\n"
    answer = doctor(tmp_path, k80.environment, "doctor", "--config", "any-cuda", "--launcher", "process")
    holder.communicate("")
    assert f"GPU 1 Tesla K80: leased by run r, process {holder.pid}" in answer.stdout
    assert "GPU 0 Tesla K80: free" in answer.stdout


def test_a_plan_says_what_will_not_run(k80, tmp_path):
    words = [
        "plan",
        "--commands",
        "--config",
        "any-cuda",
        "--launcher",
        "docker",
        "--workload",
        "mnist_mlp",
        "--gpu-route",
        "cdi",
    ]
    answer = doctor(tmp_path, k80.environment, *words)
    assert answer.returncode == 0, answer.stderr
    commands = [line for line in answer.stdout.splitlines() if line.startswith("docker run")]
    assert len(commands) == 4
    assert all(f"--device nvidia.com/gpu={k80.state[0, 'uuid']}" in line for line in commands)
    assert answer.stdout.count("unsupported, CUDA 1") == 3


@pytest.mark.parametrize(
    ("code", "cure"), [(18, "reboot"), (9, "modprobe"), (4, "/dev/nvidia"), (999, "in a container"), (15, "nvidia-smi")]
)
def test_a_broken_driver_is_not_a_host_without_a_gpu(h200, tmp_path, code, cure):
    h200.set("-", init=code)
    answer = doctor(tmp_path, h200.environment, "doctor", "--config", "modern", "--launcher", "process", "--json")
    assert json.loads(answer.stdout)["verdict"] == "warn"
    (line,) = [line for line in found(answer) if line["what"] == "NVIDIA driver"]
    assert (line["level"], cure in line["mend"]) == ("warn", True)
    wanted = doctor(
        tmp_path, h200.environment, "doctor", "--config", "modern", "--launcher", "process", "--device", "gpu"
    )
    assert wanted.returncode == 3
    assert cure in wanted.stdout


def test_only_the_gpus_that_the_environment_shows_are_examined(k80, tmp_path):
    environment = {**k80.environment, "CUDA_VISIBLE_DEVICES": "1"}
    words = ["doctor", "--config", "any-cuda", "--launcher", "process"]
    answer = doctor(tmp_path, environment, *words)
    assert "choice of GPUs: CUDA_VISIBLE_DEVICES=1 leaves GPU 1 of 2" in answer.stdout
    assert "GPU 1 Tesla K80: free" in answer.stdout
    assert "GPU 0" not in answer.stdout
    hidden = doctor(tmp_path, {**environment, "CUDA_VISIBLE_DEVICES": ""}, "doctor", "--launcher", "process")
    assert "the CPU; no GPU can be used (CUDA_VISIBLE_DEVICES= hides every GPU of this host)" in hidden.stdout
    wrong = doctor(tmp_path, {**environment, "CUDA_VISIBLE_DEVICES": "7"}, *words)
    assert "no GPU of this host is called '7' (it has 0, 1)" in wrong.stdout
    assert wrong.returncode == 3


@pytest.mark.parametrize(("key", "value", "why"), [("mig", 1, "MIG is on"), ("compute_mode", 2, "`prohibited`")])
def test_a_gpu_that_runs_no_program_is_told_and_not_used(h200, tmp_path, key, value, why):
    h200.set(0, **{key: value})
    words = ["--config", "modern", "--launcher", "process", "--device", "gpu"]
    answer = doctor(tmp_path, h200.environment, "doctor", *words)
    assert (
        f"GPU 0 NVIDIA H200: {why}" in answer.stdout or f"GPU 0 NVIDIA H200: its compute mode is {why}" in answer.stdout
    )
    assert answer.returncode == 3
    ran = doctor(tmp_path, h200.environment, "run", *words, "--no-fetch", "--out", str(tmp_path / "out"))
    assert ran.returncode == 3
    assert why in ran.stderr
    assert not (tmp_path / "out").exists()


def test_free_memory_is_what_a_job_can_take(h200, tmp_path):
    answer = doctor(tmp_path, h200.environment, "doctor", "--config", "modern", "--launcher", "process")
    assert "memory of GPU 0 NVIDIA H200: 139.8 GiB of 140.4 GiB free" in answer.stdout  # as seen on a real one


@pytest.mark.slow
def test_a_driver_that_hangs_ends_doctor_and_a_run_within_a_minute_each(h200, tmp_path):
    h200.set(0, name="~300 NVIDIA H200")
    for words, code in (
        (["doctor"], 0),
        (["--device", "gpu", "--launcher", "process"], 3),
    ):  # a run on the CPU can start
        answer = doctor(tmp_path, h200.environment, *words)  # within its own limit of 120 s
        said = answer.stdout + answer.stderr
        assert answer.returncode == code, said
        assert "nvmlDeviceGetName gave no answer in 30 s" in said
        assert "reboot" in said


@pytest.mark.parametrize("stamp_us", [-86_400_000_000, -30_000_000], ids=["counts from boot", "wall clock was stepped"])
def test_the_drivers_record_serves_whatever_its_clock_counts_from(h200, tmp_path, stamp_us):
    h200.set(0, stamp_us=stamp_us, util="steps:0.7:10,90")
    code = """
import sys, time, json
from orchestrator.host.nvidia.nvml import session
with session() as nvml:
    uuid, newest, found = nvml.devices()[0].uuid, 0, []
    for _ in range(3):
        time.sleep(0.6)
        samples, newest = nvml.buffered(uuid, newest)
        found += samples
print(json.dumps([(s.t, s.util) for s in found[-8:]]))
"""
    entries = json.loads(h200.python(code))
    assert len(entries) == 8
    sure = [(t, util) for t, util in entries if 0.05 < t % 0.7 < 0.65]
    assert all(util == (10, 90)[int(t / 0.7) % 2] for t, util in sure)
