"""What a result was made with: the device's part only on a GPU, the commit only in a checkout."""

from __future__ import annotations

import os
import subprocess

import msgspec
import pytest

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
    assert git_commit(tmp_path).startswith("unknown: not a git repository")


@pytest.fixture
def checkouts(tmp_path):
    """Two repositories of one commit each, the second one inside of the first."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for folder in (tmp_path / "other", tmp_path / "other" / "ours"):
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        argv = ["git", "-C", str(folder), *who, "commit", "-q", "--allow-empty", "-m", folder.name]
        subprocess.run(argv, check=True)
    return tmp_path / "other", tmp_path / "other" / "ours"


@pytest.mark.parametrize(
    ("name", "value"),
    [("GIT_DIR", "{}/.git"), ("GIT_WORK_TREE", "{}"), ("GIT_INDEX_FILE", "{}/x"), ("GIT_COMMON_DIR", "{}/.git"),
     ("GIT_OBJECT_DIRECTORY", "/x"), ("GIT_CEILING_DIRECTORIES", "{}"), ("GIT_NAMESPACE", "x")],
)  # fmt: skip
def test_the_commit_is_the_products_whatever_repository_the_caller_means(checkouts, monkeypatch, name, value):
    other, ours = checkouts
    mine = git_commit(ours)
    assert len(mine) == 40 and mine != git_commit(other).removesuffix("+changes")
    monkeypatch.setenv(name, value.format(other))
    assert git_commit(ours) == mine


def test_a_damaged_checkout_has_not_the_commit_of_the_one_around_it(checkouts):
    _, ours = checkouts
    (ours / ".git" / "HEAD").write_text("ref: refs/heads/none\n")
    assert git_commit(ours).startswith("unknown: ")


def test_in_a_checkout_of_another_owner_the_commit_is_known_and_why_its_changes_are_not(checkouts, monkeypatch):
    _, ours = checkouts
    mine = git_commit(ours)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("HOME", str(ours))
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    for path in (ours, ours / ".git"):
        os.chown(path, 12345, 12345)
    assert git_commit(ours).startswith(f"{mine}, changes unknown: detected dubious ownership")
    for name, value in (("COUNT", "1"), ("KEY_0", "safe.directory"), ("VALUE_0", str(ours))):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert git_commit(ours) == mine


def test_without_git_it_says_so(checkouts, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert git_commit(checkouts[1]) == "unknown: git does not start: No such file or directory"


def test_nothing_is_written_to_the_checkout(checkouts):
    _, ours = checkouts
    (ours / "f").write_text("x")
    subprocess.run(["git", "-C", str(ours), "add", "f"], check=True)
    os.utime(ours / "f", (1, 1))
    before = (ours / ".git" / "index").read_bytes()
    assert git_commit(ours).endswith("+changes")
    assert (ours / ".git" / "index").read_bytes() == before
