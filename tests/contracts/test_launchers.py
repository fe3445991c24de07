"""What every launcher must do, whatever it starts jobs with. A new launcher is one entry of LAUNCHERS."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.launchers import runtimes
from orchestrator.launchers.command import CommandLauncher
from orchestrator.launchers.container import Image
from orchestrator.launchers.docker import DockerLauncher
from orchestrator.launchers.launcher import Launcher, Probe, RunContext
from orchestrator.launchers.process import Interpreter, ProcessLauncher
from orchestrator.model import Device, Exit, Job
from tests.fakes.roots import make_runtime, make_script
from tests.fakes.runs import STACK, stub_image, wait_for
from tests.make import make_context, make_job

pytestmark = pytest.mark.slow
CPU = Device(kind="cpu", name="cpu:0", cores=[min(os.sched_getaffinity(0))])
#: Far more than any end takes that is not a fault.
PATIENCE_S = 30


@dataclass
class Case:
    """One kind of launcher, in a folder of its own. `broken` makes one whose jobs cannot be started."""

    folder: Path
    make: Callable[[], Launcher]
    broken: Callable[[], Launcher]
    #: What jobs it can run: their stack and backend.
    jobs: dict[str, str]
    containers: Callable[[], list[str]] = list
    made: list[Launcher] = field(default_factory=list)

    def launcher(self) -> Launcher:
        self.made.append(self.make())
        return self.made[-1]

    def left(self) -> list[str]:
        """What is left of jobs: processes, containers, temporary files, folders that are not the caller's."""
        running = [line for line in map(command_line, Path("/proc").glob("[0-9]*")) if f"{self.folder}/" in line]
        temporary = [str(path) for path in (self.folder / "tmp").iterdir()]
        foreign = [str(out) for out in self.folder.glob("jobs/*/out") if out.stat().st_uid != os.getuid()]
        return [*running, *self.containers(), *temporary, *foreign]


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def processes(context: RunContext, folder: Path, request: pytest.FixtureRequest) -> Case:
    def launcher(python: str) -> Launcher:
        interpreters = {"keras2-theano": Interpreter(python=python, lock_sha256="0" * 64)}
        return ProcessLauncher(context, interpreters, folder / "cache")

    jobs = {"stack": "keras2-theano", "backend": "theano"}
    return Case(folder, lambda: launcher(sys.executable), lambda: launcher("/nowhere/python"), jobs)


def commands(context: RunContext, folder: Path, request: pytest.FixtureRequest) -> Case:
    """Jobs under a runtime's command line, which is a stub."""
    monkeypatch = request.getfixturevalue("monkeypatch")
    file = make_runtime(folder / "bin")
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")
    images = {"keras2-theano": Image(name="image:1", digest="sha256:1", file="/images/theano.sif")}

    def launcher(broken: bool = False) -> Launcher:
        if broken:
            (file.parent / "broken").touch()
        return CommandLauncher(runtimes.load(str(file)), context, images, folder / "cache")

    return Case(folder, launcher, lambda: launcher(broken=True), {"stack": "keras2-theano", "backend": "theano"})


def containers(context: RunContext, folder: Path, request: pytest.FixtureRequest) -> Case:
    """Jobs in containers of a real engine."""
    client = request.getfixturevalue("engine")
    there, nowhere = stub_image(client).id, "sha256:" + "0" * 64

    def launcher(digest: str) -> Launcher:
        return DockerLauncher(client, context, {STACK: Image(name="image:1", digest=digest)})

    def ours() -> list[Any]:
        label = f"keras-orchestrate.run={context.run_id}"
        return client.containers.list(all=True, filters={"label": label}, ignore_removed=True)

    request.addfinalizer(lambda: [container.remove(force=True) for container in ours()])
    jobs = {"stack": STACK, "backend": "mxnet"}
    return Case(folder, lambda: launcher(there), lambda: launcher(nowhere), jobs, lambda: [c.name for c in ours()])


LAUNCHERS = [
    pytest.param(processes, id="process"),
    pytest.param(commands, id="command"),
    pytest.param(containers, id="docker", marks=pytest.mark.containers),
]


@pytest.fixture(params=LAUNCHERS)
def case(request, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "mnist.npz").write_bytes(b"data")
    script = make_script(tmp_path / "workloads")
    context = make_context(script, tmp_path / "mnist.npz", run_id=f"contract-{secrets.token_hex(4)}")
    made = request.param(context, tmp_path, request)
    yield made
    for launcher in made.made:
        launcher.stop()


class Launched:
    """A job that is launched in a thread of its own."""

    def __init__(self, case: Case, launcher: Launcher, workload: str, watch=lambda probe: None, **changes) -> None:
        self.job: Job = make_job(workload=workload, **case.jobs, **changes)
        self.out = case.folder / "jobs" / f"{self.job.id}-{secrets.token_hex(2)}" / "out"
        self.out.mkdir(parents=True)
        self.log = self.out.with_name("log.txt")
        self._ended: list[Exit | BaseException] = []
        self._thread = threading.Thread(target=self._launch, args=(launcher, watch), daemon=True)
        self._thread.start()

    def _launch(self, launcher: Launcher, watch: Callable[[Probe], None]) -> None:
        try:
            self._ended.append(launcher.launch(self.job, CPU, self.out, self.log, watch))
        except BaseException as error:
            self._ended.append(error)

    def events(self) -> list[dict]:
        """The whole lines of what the job has reported so far."""
        try:
            lines = (self.out / "events.jsonl").read_text().splitlines(keepends=True)
        except OSError:
            return []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def until_trained(self) -> None:
        wait_for(lambda: [event for event in self.events() if event["event"] == "epoch_end"], PATIENCE_S)

    def release(self) -> None:
        (self.out / "go").touch()

    @property
    def running(self) -> bool:
        return not self._ended

    def end(self) -> Exit:
        self._thread.join(PATIENCE_S)
        assert self._ended, f"{self.job.id} has not ended"
        assert isinstance(self._ended[0], Exit), f"launch raised {self._ended[0]!r}"
        return self._ended[0]


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def told(text: str) -> dict:
    """What the workload `told` prints of itself: its arguments, and its environment but for a container's own name."""
    said = json.loads(next(line for line in text.splitlines() if line.startswith('{"argv"')))
    return {**said, "environment": {key: v for key, v in said["environment"].items() if key != "HOSTNAME"}}


def test_describing_a_job_changes_nothing(case):
    launcher, job, out = case.launcher(), make_job(workload="told", **case.jobs), case.folder / "jobs" / "1" / "out"
    before = files(case.folder)
    first, second = launcher.describe(job, CPU, out), launcher.describe(job, CPU, out)
    assert first == second
    assert first.launcher and first.command and first.image_digest
    assert files(case.folder) == before
    assert case.left() == []


def test_what_is_described_is_what_is_launched(case):
    """A person who types the described command gets the same arguments and variables."""
    launcher = case.launcher()
    launched = Launched(case, launcher, "told")
    assert launched.end().code == 0
    command = launcher.describe(launched.job, CPU, launched.out).command
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed, so its command cannot be typed")
    launched.out.chmod(0o777)
    for path in launched.out.iterdir():
        path.unlink()
    (case.folder / "SCRATCH").mkdir()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=case.folder, text=True, **pipes) as process:
        said = process.stdout.read()  # standard input stays open so long: a job ends with its lifeline
    assert process.returncode == 0, said
    assert told(said) == told(launched.log.read_text())


def test_a_good_job_exits_0_and_leaves_its_events_and_its_output(case):
    launched = Launched(case, case.launcher(), "told")
    assert launched.end() == Exit(code=0)
    kinds = [event["event"] for event in launched.events()]
    assert (kinds[0], kinds.count("epoch_end"), kinds[-1]) == ("start", 2, "end")
    assert launched.events()[0]["job"] == launched.job.id
    assert launched.job.id in told(launched.log.read_text())["argv"]
    assert case.left() == []


def test_the_probe_reads_a_job_while_it_runs_and_nothing_afterwards(case):
    probes: list[Probe] = []
    launched = Launched(case, case.launcher(), "held", probes.append)
    launched.until_trained()
    (probe,) = probes
    usage = wait_for(probe, PATIENCE_S)
    assert usage.rss_mb > 1
    assert usage.cpu_s >= 0
    assert launched.running
    launched.release()
    assert launched.end().code == 0
    assert probe() is None


@pytest.mark.parametrize(
    ("workload", "exit_"),
    [
        ("exit1", Exit(code=1)),
        ("raises", Exit(code=1)),
        ("killed", Exit(code=128 + 9)),
        ("linked", Exit(code=0)),
        ("daemon_short", Exit(code=0)),
    ],
)
def test_however_a_job_ends_it_is_an_exit_and_leaves_nothing(case, workload, exit_):
    launched = Launched(case, case.launcher(), workload)
    assert launched.end() == exit_
    assert case.left() == []


@pytest.mark.parametrize("workload", ["hang", "daemon"])
def test_a_job_that_ignores_sigterm_is_ended_when_its_time_is_up(case, workload):
    launched = Launched(case, case.launcher(), workload, timeout_s=1)
    ended = launched.end()
    assert (ended.timed_out, ended.cancelled, ended.oom, ended.error) == (True, False, False, None)
    assert case.left() == []


def test_a_job_that_cannot_be_started_is_an_exit_that_says_why(case):
    launched = Launched(case, case.broken(), "told")
    ended = launched.end()
    assert ended.error
    assert (ended.timed_out, ended.cancelled, ended.oom) == (False, False, False)
    assert launched.events() == []
    assert case.left() == []


def test_a_cache_folder_that_cannot_be_made_is_no_exception(case):
    (case.folder / "cache").write_text("in the way")
    ended = Launched(case, case.launcher(), "told").end()
    assert ended.error or ended == Exit(code=0), "not every launcher keeps caches in a folder"
    assert case.left() == []


def test_stop_ends_what_runs_and_refuses_what_would_start(case):
    launcher = case.launcher()
    running = [Launched(case, launcher, "hang", repeat=repeat) for repeat in (1, 2)]
    for launched in running:
        launched.until_trained()
    launcher.stop()
    assert [launched.end().cancelled for launched in running] == [True, True]
    assert [launched.end().timed_out for launched in running] == [False, False]
    assert case.left() == []
    late = Launched(case, launcher, "told")
    assert late.end().cancelled
    assert (late.events(), late.log.exists()) == ([], False)
    launcher.stop()


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.1, 0.3])
def test_stop_finds_a_job_that_is_just_being_started(case, after_s):
    launcher = case.launcher()
    launched = Launched(case, launcher, "hang")
    time.sleep(after_s)
    launcher.stop()
    assert launched.end().cancelled
    assert case.left() == []


def test_stop_may_come_from_whoever_watches(case):
    launcher = case.launcher()
    launched = Launched(case, launcher, "hang", lambda probe: launcher.stop())
    assert launched.end().cancelled
    assert case.left() == []


def test_jobs_of_one_launcher_run_side_by_side_and_end_on_their_own(case):
    launcher = case.launcher()
    held = [Launched(case, launcher, "held", repeat=repeat) for repeat in (1, 2)]
    for launched in held:
        launched.until_trained()
    assert Launched(case, launcher, "hang", timeout_s=1).end().timed_out
    assert [launched.running for launched in held] == [True, True]
    for launched in held:
        launched.release()
        assert launched.end() == Exit(code=0)
        assert {event["job"] for event in launched.events() if event["event"] == "start"} == {launched.job.id}
    assert case.left() == []
