"""Jobs by a runtime's own command line, for real: the `docker` program, and podman where it works."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.launchers import runtimes, sweep
from orchestrator.launchers.command_line import other_argv
from orchestrator.model import image_name
from orchestrator.stacks import runtime_images
from orchestrator.stacks.images.engine import inspect
from tests import cells
from tests.fakes.runs import STACK, Bench, kill, rows_of, torn_files, wait_for

pytestmark = pytest.mark.containers
IMAGE = image_name(STACK, "cpu", __version__)
#: What differs between two runs of one job under two launchers, beside its times and what it used.
DIFFERENT = {"run_id", "launcher", "started", "ended", "command"}
TIMES = re.compile(r"_s(_|$)|^cpu_util|rss_peak_mb|^core_clock|^lost_|^idle_|^disturbed|^slept")
#: Where the host forbids what podman does by itself: raising limits, or crun on a mixture of control groups.
OPTIONS = (
    ([], []),
    (["--runtime", "runc"], []),
    (["--runtime", "runc"], ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]),
)


@pytest.fixture(scope="module")
def built(engine, image_of):
    image_of(STACK)
    return engine


@pytest.fixture(scope="module", params=["docker", "podman"])
def runtime(request, built, tmp_path_factory):
    """The file of a runtime that works here."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "docker":
        if not shutil.which("docker"):
            pytest.skip("the docker program is not installed")
        yield written(folder / "own-docker.yaml", {"like": "docker"})
        return
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    # Podman takes no folder whose name is longer than 50 characters.
    with tempfile.TemporaryDirectory(prefix="kbo-", ignore_cleanup_errors=True) as short:
        yield from podman(built, Path(short))


def podman(engine, folder: Path):
    """Podman with a store of its own and the options that this host needs."""
    store = ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--cgroup-manager", "cgroupfs"]
    try:
        hand_over(engine, written(folder / "store.yaml", {"like": "podman", "program": store}))
        said = ""
        for program, extra in OPTIONS:
            argv = [*store, *program, "run", "--rm", "--init", "--network", "none", "--memory", "100m", *extra, IMAGE]
            answer = subprocess.run([*argv, "true"], capture_output=True, text=True)
            if answer.returncode == 0:
                fields = {"like": "podman", "program": [*store, *program], "extra": extra}
                yield written(folder / "own-podman.yaml", fields)
                return
            said = answer.stderr.strip()
        pytest.skip(f"podman cannot run containers here: {said}")
    finally:
        subprocess.run([*store, "rm", "--all", "--force", "--time", "0"], capture_output=True)
        subprocess.run([*store, "rmi", "--all", "--force"], capture_output=True)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)


def hand_over(engine, path: Path) -> None:
    """As a run does it where the runtime has no such image, or an older one."""
    runtime, info = runtimes.load(str(path)), inspect(engine, IMAGE)
    assert runtime_images.find(runtime, IMAGE, path.parent) is None
    runtime_images.put_from_engine(runtime, engine, IMAGE, info, path.parent)
    held = runtime_images.find(runtime, IMAGE, path.parent)
    assert (held.info.id, held.info.dockerfile_sha256) == (info.id, info.dockerfile_sha256)


def written(path: Path, fields: dict) -> Path:
    path.write_bytes(msgspec.yaml.encode(fields))
    return path


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Runs of stub jobs, from an environment with things that must not reach a job."""
    monkeypatch.setenv("SECRET_TOKEN", "of the host")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@proxy:1")
    (tmp_path / ".docker").mkdir()
    proxies = {"default": {"httpProxy": "http://user:password@proxy:1", "noProxy": "everything"}}
    (tmp_path / ".docker" / "config.json").write_text(json.dumps({"proxies": proxies}))
    return lambda workloads, timeout_s: Bench(tmp_path, workloads, timeout_s)


def containers(path: Path, *more: str) -> list[dict]:
    """What the runtime says of our job containers."""
    runtime = runtimes.load(str(path))
    found = subprocess.run(other_argv(runtime, runtime.find), capture_output=True, text=True, check=True)
    told = [
        subprocess.run(other_argv(runtime, runtime.inspect, name=key), capture_output=True, text=True).stdout
        for key in found.stdout.split()
    ]
    return [container for text in told if text for container in json.loads(text)]


def of_run(path: Path, bench: Bench) -> list[dict]:
    names = {run.name for run in bench.runs}
    return [c for c in containers(path) if c["Config"]["Labels"]["keras-orchestrate.run"] in names]


def leave_a_container(path: Path) -> str:
    """The name of a container of an orchestrator that is gone."""
    name, own = "keras-orchestrate-left", runtimes.load(str(path))
    host = sweep.owner().rsplit(":", 2)[0]
    labels = ["--label", "keras-orchestrate=job", "--label", f"keras-orchestrate.owner={host}:1:1"]
    labels += ["--label", "keras-orchestrate.run=left"]
    argv = [*own.program, "create", "--name", name, "--network", "none", *labels, *own.extra, IMAGE, "true"]
    subprocess.run(argv, check=True, capture_output=True)
    return name


@pytest.fixture(scope="module")
def by_engine(built, tmp_path_factory):
    """A real job under the launcher that speaks to the engine."""
    return real_job(tmp_path_factory.mktemp("engine"), "docker")


def real_job(out: Path, launcher: str) -> dict:
    words = ["--stack", STACK, "--workload", "mnist_mlp", "--launcher", launcher, "--threads", "1", "--no-build"]
    code, rows, stderr = cells.run(out, *words, module="tests.fakes.no_report")
    assert code == 0, stderr
    (row,) = rows
    return row


def test_a_real_job_has_the_same_result_as_under_the_engine(runtime, by_engine, tmp_path):
    row = real_job(tmp_path, str(runtime))
    differing = {name for name in row if row[name] != by_engine[name] and not TIMES.search(name)}
    assert differing == DIFFERENT
    assert row["val_loss"] == by_engine["val_loss"] > 0
    assert row["launcher"] == runtime.stem
    assert row["rss_peak_mb"] > 20  # read from the container's control group
    (result,) = tmp_path.glob("2*/jobs/*/result.json")
    command = json.loads(result.read_bytes())["fingerprint"]["command"]
    assert command[: command.index("run")] == runtimes.load(str(runtime)).program


def test_misbehaving_jobs_give_their_rows_and_leave_nothing(runtime, bench):
    bench = bench(["good", "exit1", "hang", "hostile", "memory"], 10)
    words = ("--launcher", runtime, "--memory", "256m", "--json")
    code, stdout, stderr = bench.finish(*bench.run(*words))
    assert code == 1, stderr
    found = {row["workload"]: (row["status"], row["reason"]) for row in rows_of(stdout)}
    assert found["good"] == ("ok", "")
    assert found["exit1"] == ("failed", "exit code 1: about to fail")
    assert found["hang"] == ("timeout", "not finished after 10 s; killed")
    assert found["hostile"] == ("ok", "")  # nothing that it tried has worked
    assert found["memory"] == ("oom", "the kernel killed it: out of memory")
    (run,) = bench.runs
    assert not list(run.glob("jobs/*/out"))
    assert {path.stat().st_uid for path in run.rglob("*")} == {os.getuid()}
    assert not of_run(runtime, bench)
    assert bench.finish("verify")[0] == 0


def test_what_the_kernel_sees_and_that_ctrl_c_ends_it(runtime, bench):
    left = leave_a_container(runtime)
    bench = bench(["hang"], 600)
    process = bench.start(*bench.run("--launcher", runtime, "--memory", "300m", "--repeats", "2", "--json"))
    wait_for(lambda: list(bench.out.glob("2*/jobs/hang*/out/events.jsonl")))
    (container,) = of_run(runtime, bench)
    pid = container["State"]["Pid"]
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    mounts = {
        line.split()[1]: line.split()[3].split(",") for line in Path(f"/proc/{pid}/mounts").read_text().splitlines()
    }
    interfaces = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert [row["status"] for row in rows_of(stdout)] == ["cancelled", "cancelled"]
    # Whoever comes first removes what nobody owns any more: this run, or one of another test on the same engine.
    assert left not in {each["Name"].lstrip("/") for each in containers(runtime)}
    assert not of_run(runtime, bench)
    assert not Path(f"/proc/{pid}").exists()
    assert container["HostConfig"]["PidsLimit"] == 512
    assert container["HostConfig"]["Memory"] == container["HostConfig"]["MemorySwap"] == 300 * 2**20
    assert status["CapEff"].strip() == status["CapBnd"].strip() == "0" * 16
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    assert "0" not in status["Uid"].split()
    assert [line.split(":")[0].strip() for line in interfaces] in ([], ["lo"])
    assert [path for path in ("/", "/workloads", "/data/mnist.npz") if "ro" not in mounts[path]] == []
    assert "rw" in mounts["/out"]


def test_a_killed_orchestrator_leaves_nothing(runtime, bench):
    """Not even for the next sweep: what keeps the command removes the container."""
    bench = bench(["hang"], 600)
    process = bench.start(*bench.run("--launcher", runtime))
    wait_for(lambda: list(bench.out.glob("2*/jobs/hang*/out/events.jsonl")))
    (container,) = of_run(runtime, bench)
    kill(process)
    wait_for(lambda: not of_run(runtime, bench), 15)
    wait_for(lambda: not Path(f"/proc/{container['State']['Pid']}").exists(), 5)
    assert not torn_files(bench.runs[0])
