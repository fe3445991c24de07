"""What a result was made with: the device's part only on a GPU, the commit only in a checkout."""

from __future__ import annotations

import subprocess

import msgspec

from orchestrator.measure.fingerprint import Origin, fingerprint, git_commit
from orchestrator.model import DataFile, Device, Host, Launch
from tests.make import make_job

HOST = Host(name="h", cpu="c", cores=[0, 1], memory_mb=4096, os="o", gpus=[])
DATA = DataFile(dataset="mnist", path="/d", sha256="2" * 64, kind="given", name="mnist.npz")
LAUNCH = Launch(launcher="process", command=["python", "run.py"], unconfined=["network: no"])
GPU = Device(kind="gpu", name="K80", uuid="GPU-1", driver="470", compute_capability="3.7", busy="process 7")


def made(device):
    origin = Origin(host=HOST, scripts="1" * 64, commit="abc", gpu_route="devices")
    return fingerprint(make_job(threads=2), device, LAUNCH, DATA, origin)


def test_a_job_on_a_processor_has_no_part_of_a_gpu():
    found = made(Device(kind="cpu", name="cpu:0", cores=[1]))
    assert (found.gpu_name, found.gpu_uuid, found.driver, found.gpu_route, found.gpu_busy) == (None,) * 5
    assert (found.pinned_cores, found.threads, found.cores, found.data_kind) == ([1], 2, 2, "given")
    assert (found.command, found.unconfined, found.commit) == (["python", "run.py"], ["network: no"], "abc")


def test_a_job_whose_engine_pins_nothing_is_not_called_pinned():
    launch = msgspec.structs.replace(LAUNCH, unconfined=["cores: it may use 0-1, not only 1"])
    origin = Origin(host=HOST, scripts="1" * 64, commit="abc")
    device = Device(kind="cpu", name="cpu:0", cores=[1])
    assert fingerprint(make_job(threads=2), device, launch, DATA, origin).pinned_cores == []


def test_a_job_on_a_gpu_names_it_and_who_else_was_on_it():
    found = made(GPU)
    assert (found.gpu_name, found.gpu_uuid, found.driver, found.gpu_route) == ("K80", "GPU-1", "470", "devices")
    assert found.gpu_busy == "process 7"


def test_the_commit_says_when_files_differ_from_it(tmp_path):
    assert git_commit(tmp_path) is None
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for argv in (["init", "-q"], [*who, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", "-C", str(tmp_path), *argv], check=True)
    commit = git_commit(tmp_path)
    assert len(commit) == 40
    (tmp_path / "file").write_text("x")
    assert git_commit(tmp_path) == f"{commit}+changes"
    (tmp_path / ".git" / "HEAD").unlink()
    assert git_commit(tmp_path) is None
