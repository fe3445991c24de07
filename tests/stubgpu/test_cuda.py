"""Whether a program can use a GPU: by one that starts CUDA, over a stub of CUDA's part of the driver."""

from __future__ import annotations

import os

import pytest

from orchestrator.host.nvidia import cuda_trial
from orchestrator.host.nvidia.cuda_trial import check, trial
from tests.fakes import nvml_host
from tests.make import make_gpu
from tests.stubgpu.test_doctor import doctor

GPU = make_gpu(0, uuid="GPU-77", name="K80")


@pytest.fixture
def cuda(libraries, tmp_path):
    """The folder of a libcuda.so.1, and the environment of a caller who found it by LD_LIBRARY_PATH alone."""
    folder = nvml_host.build_cuda(tmp_path / "cuda")
    return folder, {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": f"/nowhere:{folder}"}


def test_a_program_that_gets_memory_says_so_and_sees_that_gpu_alone(cuda):
    folder, environ = cuda
    found = check(GPU, "", environ)
    assert (found.level, found.what, found.seen) == ("ok", "CUDA on GPU 0 K80", "a program got 64 MiB of it")
    assert (folder / "cuda.seen").read_text() == "GPU-77\n"


@pytest.mark.parametrize(
    ("answers", "seen", "mend"),
    [
        ("cuInit 999", "cuInit says CUDA_ERROR_UNKNOWN (999)", "modprobe nvidia_uvm"),
        ("cuDevicePrimaryCtxRetain 46", "cuDevicePrimaryCtxRetain says CUDA_ERROR_OTHER (46)", "compute mode"),
        ("cuInit 304", "cuInit says CUDA_ERROR_OPERATING_SYSTEM (304)", "nvidia-modprobe -u"),
        ("cuInit 802", "cuInit says", "nvidia-fabricmanager"),
        ("cuMemAlloc_v2 2", "cuMemAlloc_v2 says", "another program holds its memory"),
        ("cuMemFree_v2 4242", "cuMemFree_v2 says error 4242 (4242)", "dmesg"),
        ("cuInit dies", "a program that starts CUDA died of it (exit code -6)", "dmesg"),
    ],
)
def test_what_goes_wrong_is_said_with_what_mends_it(cuda, answers, seen, mend):
    folder, environ = cuda
    (folder / "cuda").write_text(answers)
    found = check(GPU, "", environ)
    assert (found.level, found.seen.startswith(seen), mend in found.mend) == ("bad", True, True), found


def test_a_program_that_never_answers_is_given_up(cuda, monkeypatch):
    folder, environ = cuda
    (folder / "cuda").write_text("cuMemAlloc_v2 hangs")
    monkeypatch.setattr(cuda_trial, "BOUND_S", 1.0)
    said, mend = trial(GPU, environ)
    assert said == "a program that starts CUDA gave no answer in 1 s"
    assert "dmesg" in mend


def test_without_libcuda_it_is_said(tmp_path):
    said, mend = trial(GPU, {"PATH": os.environ["PATH"]})
    if "says" not in said:
        pytest.skip("this host has CUDA's part of the driver")
    assert said.startswith("dlopen says libcuda.so.1")
    assert "LD_LIBRARY_PATH" in mend


def test_a_gpu_that_a_job_has_is_left_alone(cuda):
    folder, environ = cuda
    leased = check(GPU, "run r", environ)
    assert (leased.level, leased.seen) == ("warn", "not tried: it is leased by run r")
    cannot = check(make_gpu(0, unusable="MIG is on"), "", environ)
    assert cannot.seen == "not tried: MIG is on"
    assert not (folder / "cuda.seen").exists()


def test_doctor_tries_each_gpu_when_asked(cuda, k80, tmp_path):
    folder, _ = cuda
    (folder / "cuda").write_text("cuInit 999")
    environment = {**k80.environment, "LD_LIBRARY_PATH": f"{k80.library}:{folder}"}
    words = ["doctor", "--config", "any-cuda", "--launcher", "process"]
    answer = doctor(tmp_path, environment, *words, "--deep")
    assert answer.stdout.count("says CUDA_ERROR_UNKNOWN (999)") == 2
    assert answer.returncode == 3
    assert sorted((folder / "cuda.seen").read_text().split()) == [k80.state[gpu, "uuid"] for gpu in (0, 1)]


def test_a_job_is_told_where_the_drivers_library_lies(cuda, h200, tmp_path):
    folder, _ = cuda
    environment = {**h200.environment, "LD_LIBRARY_PATH": f"{h200.library}:{folder}:/nowhere"}
    words = [
        "plan",
        "--commands",
        "--config",
        "modern",
        "--launcher",
        "process",
        "--device",
        "gpu",
        "--workload",
        "mnist_mlp",
    ]
    planned = [line for line in doctor(tmp_path, environment, *words).stdout.splitlines() if "CUDA_VISIBLE" in line]
    assert planned
    assert all(f"LD_LIBRARY_PATH={folder} " in line for line in planned), "that folder and no other"
    without = doctor(tmp_path, {**environment, "LD_LIBRARY_PATH": str(h200.library)}, *words).stdout
    assert "LD_LIBRARY_PATH" not in without
