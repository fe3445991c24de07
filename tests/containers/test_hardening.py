"""What a container of a job may do, seen from both sides: the engine and the kernel, and a job that tries."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.fakes import second_user
from tests.fakes.runs import STACK, Bench, rows_of, wait_for

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def built(engine, image_of):
    image_of(STACK)
    return engine


@pytest.fixture
def bench(built, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "of the host")
    (tmp_path / ".docker").mkdir()
    proxies = {"default": {"httpProxy": "http://user:password@proxy:1", "httpsProxy": "http://user:password@proxy:1"}}
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"proxies": proxies}))
    return lambda workloads: Bench(tmp_path, workloads, timeout_s=100)


def ours(engine, bench):
    """The containers of the bench's only run."""
    (run,) = bench.runs
    ours = {"label": f"keras-orchestrate.run={run.name}"}
    return engine.containers.list(all=True, filters=ours, ignore_removed=True)


def test_the_container_as_the_engine_and_the_kernel_see_it(built, bench):
    bench = bench(["hang"])
    process = bench.start(*bench.run("--launcher", "docker", "--memory", "300m"))
    wait_for(lambda: list(bench.out.glob("2*/jobs/hang*/out/events.jsonl")))
    try:
        (container,) = ours(built, bench)
        container.reload()
        status = Path(f"/proc/{container.attrs['State']['Pid']}/status").read_text()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    host, settings = container.attrs["HostConfig"], container.attrs["Config"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 512
    assert host["Memory"] == host["MemorySwap"] == 300 * 2**20
    assert host["ShmSize"] == 2**30
    assert not host["Devices"]
    assert (host["PidMode"], host["UTSMode"], host["UsernsMode"]) == ("", "", "")
    assert host["IpcMode"] == "private"
    assert [(limit["Name"], limit["Hard"]) for limit in host["Ulimits"]] == [("core", 0)]
    assert {m["Destination"]: m["RW"] for m in container.attrs["Mounts"]} == {
        "/workloads": False,
        "/data/mnist.npz": False,
        "/out": True,
    }
    assert settings["User"].split(":")[0] != "0"
    assert not [name for name in settings["Env"] if "SECRET" in name or "PROXY" in name.upper()]
    kernel = dict(line.split(":", 1) for line in status.splitlines())
    assert kernel["CapEff"].strip() == kernel["CapBnd"].strip() == "0" * 16
    assert kernel["NoNewPrivs"].strip() == "1"
    assert kernel["Seccomp"].strip() == "2"
    assert "0" not in kernel["Uid"].split()


def test_a_hostile_job_gains_nothing_and_leaves_nothing(built, bench):
    bench = bench(["hostile", "linked", "bomb", "good"])
    code, stdout, stderr = bench.finish(*bench.run("--launcher", "docker", "--memory", "2g"))
    found = {row["workload"]: row for row in rows_of(stdout)}
    (run,) = bench.runs
    assert code == 1, stderr
    assert (found["hostile"]["status"], found["hostile"]["reason"]) == ("ok", "")
    assert found["linked"]["reason"] == "exited 0 without a result (no end event)"
    assert found["bomb"]["reason"].startswith("exit code 4: refused after")
    assert found["good"]["status"] == "ok"
    assert not list(run.glob("jobs/*/out"))
    for name in ("plan.json", *[f"jobs/{row['job_id']}/job.json" for row in found.values()]):
        state = (run / name).stat()
        assert (state.st_uid, state.st_mode & 0o7777) == (os.getuid(), 0o644)
    assert Path("/etc/passwd").stat().st_uid == 0
    assert not ours(built, bench)
    assert bench.finish("verify")[0] == 0


def test_what_a_container_leaves_is_never_reached_by_another_user(built):
    with second_user.shared_folder() as folder:
        bench = Bench(folder, ["setuid"])
        process = bench.start(*bench.run("--launcher", "docker"))
        try:
            (shell,) = wait_for(lambda: [p for p in bench.out.glob("2*/jobs/*/out/shell") if p.stat().st_mode & 0o4000])
            seen = second_user.does(shell, "-c", "id -u")
            assert seen.returncode == 126 and "Permission denied" in seen.stderr
            (shell.parent / "go").touch()
        finally:
            _, stderr = process.communicate(timeout=100)
        assert process.returncode == 0, stderr
        assert not shell.parent.exists()


def test_what_is_given_up_is_one_flag_and_on_record(built, bench):
    bench = bench(["hang"])
    process = bench.start(*bench.run("--launcher", "docker", "--weaken", "read_only", "--weaken", "processes"))
    wait_for(lambda: list(bench.out.glob("2*/jobs/hang*/out/events.jsonl")))
    try:
        (container,) = ours(built, bench)
        container.reload()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    host = container.attrs["HostConfig"]
    assert (host["ReadonlyRootfs"], host["PidsLimit"]) == (False, None)
    assert (host["NetworkMode"], host["CapDrop"], host["SecurityOpt"]) == ("none", ["ALL"], ["no-new-privileges"])
    (run,) = bench.runs
    result = json.loads(next(run.glob("jobs/hang*/result.json")).read_bytes())
    assert result["fingerprint"]["unconfined"] == [
        "processes: given up by the user (--weaken processes)",
        "read only: given up by the user (--weaken read_only)",
    ]
