"""What every executor must do, wherever it runs jobs. A new executor is one entry of EXECUTORS."""

from __future__ import annotations

import contextlib
import datetime
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.data.declared import load_datasets
from orchestrator.data.find import listing
from orchestrator.executors.choose import DETACHABLE, choose_executor
from orchestrator.executors.executor import Detachable, Executor
from orchestrator.executors.prepared import Ready
from orchestrator.model import Job, Plan, Result, Stack
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from orchestrator.plan.draft import new_run_id
from orchestrator.plan.request import RunRequest
from orchestrator.plan.slurm import Slurm
from orchestrator.results.folder import RunFolder
from orchestrator.run.pending import IDENTITY, changes
from orchestrator.stacks import venvs
from tests.fakes.recorder import Recorder
from tests.fakes.roots import make_cpu_root, make_data
from tests.fakes.runs import wait_for
from tests.fakes.stub_orchestrate import this_python
from tests.make import make_job

#: Far more than anything takes that is not a fault.
PATIENCE_S = 60
#: The limit of a job that hangs and is to be ended by others.
LONG_S = 30


@dataclass
class Case:
    """One kind of executor, which runs the stub workloads of a catalogue, each in a results folder of its own."""

    config: Config
    root: Path
    data: Path
    out: Path
    #: How many jobs run at a time.
    width: int

    def executor(self) -> Executor:
        request = RunRequest(config=self.config, out=self.out, data_dir=self.data, may_fetch=False)
        return choose_executor(request, load_catalog(self.root), print)

    def plan(self, *jobs: Job) -> Plan:
        now = datetime.datetime.now(datetime.timezone.utc)
        wish = msgspec.to_builtins(self.config)
        return Plan(run_id=new_run_id(now), created=now.isoformat(), config=wish, seed=1, jobs=list(jobs))

    def ready(self, executor: Executor, *jobs: Job) -> tuple[Ready, RunFolder]:
        ready = executor.prepare(self.plan(*jobs))
        return ready, RunFolder.create(self.out, ready.plan)

    def left(self) -> list[str]:
        """The processes of jobs that run now, and of what watches over them."""
        return [line for line in map(command_line, Path("/proc").glob("[0-9]*")) if f"{self.out}/2" in line]


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def local(root: Path, data: Path, out: Path, request: pytest.FixtureRequest) -> Case:
    """This host, whose environments are all this Python."""

    def ensure(
        stack: Stack, device: str, docker_dir: Path, say: Any, keras_spec: str | None = None, way: Any = None
    ) -> venvs.Venv:
        if stack.python == "1.5":
            raise venvs.NoInterpreter("no Python 1.5 on this host", "install it")
        return this_python(stack, device, docker_dir, say, keras_spec)

    request.getfixturevalue("monkeypatch").setattr(venvs, "ensure", ensure)
    return Case(Config(launcher="process", device="cpu", threads=1), root, data, out, width=1)


def slurm(root: Path, data: Path, out: Path, request: pytest.FixtureRequest) -> Case:
    """Two nodes of a real cluster."""
    cluster = request.getfixturevalue("cluster")
    for name, value in cluster.environment.items():
        request.getfixturevalue("monkeypatch").setenv(name, value)
    wish = Slurm(python=str(cluster.python), queue=4)
    config = Config(executor="slurm", launcher="process", device="cpu", threads=1, slurm=wish)
    return Case(config, root, data, out, width=4)


EXECUTORS = [
    pytest.param(local, id="local"),
    pytest.param(slurm, id="slurm", marks=[pytest.mark.cluster, pytest.mark.slow]),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The catalogue, data with one broken set, and a cache that knows their hashes, for all tests."""
    folder = tmp_path_factory.mktemp("executors")
    make_cpu_root(folder / "root", ["good"])
    (make_data(folder / "data") / "babi_tasks_1-20_v1-2.tar.gz").write_bytes(b"no archive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        listing(load_datasets(), ["mnist"], folder / "data")
    return folder


@pytest.fixture(params=EXECUTORS)
def case(request, place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    return request.param(place / "root", place / "data", tmp_path / "results", request)


def job(workload: str, **changes: Any) -> Job:
    return make_job(**{"workload": workload, "stack": "stub", "backend": "theano", **changes})


def jobs(workload: str, count: int, **changes: Any) -> list[Job]:
    return [job(workload, repeat=repeat, **changes) for repeat in range(1, count + 1)]


def outs(folder: RunFolder, workload: str) -> list[Path]:
    """The folders of jobs that have begun to train and still run."""
    return [out for job in folder.path.glob(f"jobs/{workload}.*") for out in _training(job)]


def _training(job: Path) -> Iterator[Path]:
    """Folders that come and go while they are looked for are passed over (os.walk), as Path.glob does not."""
    for place, _, files in os.walk(job):
        if Path(place).name == "out" and "events.jsonl" in files:
            with contextlib.suppress(FileNotFoundError):
                if b"epoch_end" in Path(place, "events.jsonl").read_bytes():
                    yield Path(place)


def carried_out(executor: Executor, ready: Ready, folder: RunFolder, listener: Recorder) -> dict[str, Result]:
    """The results of a run by job id: one for each pending job, on disk and told of when it comes."""
    results: dict[str, Result] = {}
    for result in executor.run(ready, folder, listener):
        assert result.job.id not in results
        assert folder.result(result.job) == result
        assert listener.of("finished").count(result.job.id) == 1
        results[result.job.id] = result
    assert sorted(results) == sorted(job.id for job in ready.pending)
    assert sorted(listener.of("finished")) == sorted(results)
    return results


def files(*folders: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for folder in folders for path in folder.rglob("*")}


@pytest.fixture
def no_program(monkeypatch):
    """From when it is called on, whatever starts a program fails."""

    def refuse(*arguments: Any, **more: Any) -> None:
        raise AssertionError(f"started: {arguments}")

    return lambda: monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


def test_the_host_is_the_same_whenever_it_is_asked_for(case):
    executor = case.executor()
    host = executor.host()
    assert host.name and host.cores
    assert executor.host() == host
    assert case.executor().host() == host


def test_describing_a_plan_writes_nothing_and_starts_nothing(case, place, no_program):
    executor = case.executor()
    executor.host()
    plan, before = case.plan(*jobs("good", 2), job("hang")), files(place, case.out.parent)
    no_program()
    described, commands = executor.describe(plan)
    assert described == plan
    assert list(commands) == [job.id for job in plan.jobs]
    assert all(command and all(isinstance(word, str) for word in command) for command in commands.values())
    assert len({tuple(command) for command in commands.values()}) == 3
    assert files(place, case.out.parent) == before


def test_examining_changes_nothing(case, place):
    executor, before = case.executor(), files(place, case.out.parent)
    first = executor.examine()
    assert first and all(check.what and check.level in ("ok", "warn", "bad") for check in first)
    assert [check.what for check in executor.examine()] == [check.what for check in first]
    assert files(place, case.out.parent) == before


@pytest.mark.slow
def test_good_failing_and_hanging_jobs_have_one_result_each(case):
    executor, listener = case.executor(), Recorder()
    wanted = [*jobs("good", 2), job("raises"), job("killed"), job("hang", timeout_s=1)]
    ready, folder = case.ready(executor, *wanted)
    assert ready.pending == ready.plan.jobs == wanted
    results = carried_out(executor, ready, folder, listener)
    status = {job_id.partition(".")[0]: result.status for job_id, result in results.items()}
    assert status == {"good": "ok", "raises": "failed", "killed": "failed", "hang": "timeout"}
    assert sorted(listener.of("started")) == sorted(results)
    for job_id in results:
        told = [what for what, about in listener.heard if job_id in (about, about[0]) and what != "say"]
        assert (told[0], told[-1], told.count("started")) == ("started", "finished", 1)
    assert listener.of("event").count((wanted[0].id, "epoch_end")) == wanted[0].epochs
    wait_for(lambda: not case.left(), PATIENCE_S)


@pytest.mark.slow
def test_what_cannot_be_had_costs_its_own_jobs_only(case):
    executor = case.executor()
    wanted = [
        job("good"),
        job("good", stack="stub-nowhere", backend="jax"),
        job("raises", dataset="babi"),
        job("good", repeat=2),
    ]
    ready, folder = case.ready(executor, *wanted)
    assert sorted(job.id for job in ready.plan.planned) == sorted(job.id for job in wanted)
    results = carried_out(executor, ready, folder, Recorder())
    ends = {result.job.id: (result.status, result.reason) for result in results.values()}
    ends |= {skip.job.id: (skip.status, skip.reason) for skip in ready.plan.skipped}
    assert [ends[job.id][0] for job in wanted] == ["ok", "unsupported", "failed", "ok"]
    assert "1.5" in ends[wanted[1].id][1]
    assert "babi" in ends[wanted[2].id][1]


@pytest.mark.slow
def test_what_a_job_would_be_made_with_is_what_it_was_made_with(case, place):
    executor = case.executor()
    ready, folder = case.ready(executor, *jobs("good", 2))
    now = executor.identities(ready, ready.pending)
    results = carried_out(executor, ready, folder, Recorder())
    assert set(now) == set(results)
    assert changes(results, now) == {}
    for job_id, result in results.items():
        compared = IDENTITY.keys() & now[job_id].keys()
        assert {"workloads_sha256", "data_sha256", "launcher", "orchestrator"} <= compared
        assert {name: now[job_id][name] for name in compared} == {
            name: getattr(result.fingerprint, name) for name in compared
        }
    script = place / "root" / "workloads" / "extra.py"
    script.write_text("")
    try:
        later = case.executor()  # as of a run that is resumed
        changed = changes(results, later.identities(later.prepare(ready.plan, fresh=False), ready.pending))
    finally:
        script.unlink()
    assert changed == {"the files in workloads/": list(results)}


@pytest.mark.slow
def test_a_second_run_goes_on_with_other_jobs(case):
    """As a run with --until does: jobs join the plan, round by round."""
    executor, listener = case.executor(), Recorder()
    ready, folder = case.ready(executor, job("good"))
    carried_out(executor, ready, folder, listener)
    more = job("good", repeat=2)
    again = msgspec.structs.replace(
        ready, plan=msgspec.structs.replace(ready.plan, jobs=[*ready.plan.jobs, more]), pending=[more]
    )
    folder.write_plan(again.plan)
    second = Recorder()
    assert carried_out(executor, again, folder, second)[more.id].status == "ok"
    assert second.of("started") == second.of("finished") == [more.id]
    assert {job_id: result.status for job_id, result in folder.results().items()} == {
        ready.pending[0].id: "ok",
        more.id: "ok",
    }


@pytest.fixture
def stop_when():
    """Stops an executor from another thread once something is so."""
    threads = []

    def begin(ready, executor: Executor) -> None:
        def stop() -> None:
            try:
                wait_for(ready, PATIENCE_S)
            finally:
                executor.stop()

        threads.append(threading.Thread(target=stop, daemon=True))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.join(PATIENCE_S)


@pytest.mark.slow
def test_stop_cancels_what_runs_and_what_waits(case, stop_when):
    executor, listener = case.executor(), Recorder()
    ready, folder = case.ready(executor, *jobs("hang", case.width + 2, timeout_s=LONG_S))
    stop_when(lambda: len(outs(folder, "hang")) == case.width, executor)
    results = carried_out(executor, ready, folder, listener)
    assert {result.status for result in results.values()} == {"cancelled"}
    assert all(result.reason for result in results.values())
    assert len(listener.of("started")) == case.width
    wait_for(lambda: not case.left(), PATIENCE_S)
    executor.stop()


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 0.8])
def test_stop_finds_jobs_that_are_just_being_started(case, stop_when, after_s):
    executor = case.executor()
    ready, folder = case.ready(executor, *jobs("hang", 3, timeout_s=LONG_S))
    due = time.monotonic() + after_s
    stop_when(lambda: time.monotonic() >= due, executor)
    results = carried_out(executor, ready, folder, Recorder())
    assert {result.status for result in results.values()} == {"cancelled"}
    wait_for(lambda: not case.left(), PATIENCE_S)


@pytest.mark.slow
def test_an_executor_that_was_stopped_starts_nothing_any_more(case):
    executor, listener = case.executor(), Recorder()
    ready, folder = case.ready(executor, *jobs("good", 2))
    executor.stop()
    results = carried_out(executor, ready, folder, listener)
    assert {result.status for result in results.values()} == {"cancelled"}
    assert listener.of("started") == []
    assert case.left() == []


@pytest.mark.slow
def test_whoever_stops_listening_stops_the_run(case):
    executor = case.executor()
    ready, folder = case.ready(executor, job("good"), *jobs("hang", case.width + 1, timeout_s=LONG_S))
    results: Iterator[Result] = executor.run(ready, folder, Recorder())
    assert next(results).status == "ok"
    wait_for(lambda: outs(folder, "hang"), PATIENCE_S)
    results.close()
    wait_for(lambda: not case.left(), PATIENCE_S)
    assert {result.status for result in folder.results().values()} <= {"ok", "cancelled"}


def test_those_that_can_be_detached_from_are_known(case):
    assert isinstance(case.executor(), Detachable) == (case.config.executor in DETACHABLE)


@pytest.mark.slow
def test_jobs_that_were_handed_in_go_on_and_are_collected_later(case):
    executor = case.executor()
    if not isinstance(executor, Detachable):
        pytest.skip("its jobs end with the orchestrator")
    held, good = job("held"), job("good")
    ready, folder = case.ready(executor, held, good)
    standing = executor.hand_in(ready, folder, Recorder())
    assert (sum(standing.values()), standing["on record"]) == (2, 0)
    heard = Recorder()
    wait_for(lambda: collected(case, ready, folder, heard)["on record"] == 1, PATIENCE_S)
    assert (folder.result(good).status, folder.result(held)) == ("ok", None)
    (out,) = wait_for(lambda: outs(folder, "held"), PATIENCE_S)
    assert collected(case, ready, folder, heard)["running"] == 1
    (out / "go").touch()
    wait_for(lambda: collected(case, ready, folder, heard)["on record"] == 2, PATIENCE_S)
    assert folder.result(held).status == "ok"
    assert sorted(heard.of("finished")) == sorted([held.id, good.id])
    wait_for(lambda: not case.left(), PATIENCE_S)


def collected(case: Case, ready: Ready, folder: RunFolder, listener: Recorder) -> dict[str, int]:
    """What a later process finds, which knows of the run what is on disk."""
    pending = [job for job in ready.plan.jobs if folder.result(job) is None]
    return case.executor().collect(msgspec.structs.replace(ready, pending=pending), folder, listener)
