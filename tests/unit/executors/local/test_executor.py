"""The executor of this host: what it makes ready and describes. How it runs jobs is in test_workers and test_jobs."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import HostError
from orchestrator.executors import prepared
from orchestrator.executors.local import executor as local
from orchestrator.executors.local.executor import LocalExecutor, planned_data
from orchestrator.executors.local.preflight import Cleared
from orchestrator.executors.prepared import Ready
from orchestrator.files import sha256_file
from orchestrator.host import probe
from orchestrator.launchers.launcher import Laid
from orchestrator.model import Layer, Unavailable
from orchestrator.plan.catalog import load_catalog, workloads_sha256
from orchestrator.plan.config import Config, override
from orchestrator.plan.own import read_own
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import RunFolder
from orchestrator.stacks.ground import of_stack
from orchestrator.stacks.process import ProcessProvisioner
from tests.fakes.recorder import Recorder
from tests.fakes.roots import make_data
from tests.make import make_gpu, make_host, make_job, make_plan

CATALOG = load_catalog()
JOB, JAX = make_job(), make_job(stack="keras3-jax", backend="jax")


@pytest.fixture(autouse=True)
def host(monkeypatch, tmp_path):
    """A host of four cores with a K80, asked once; caches are empty."""
    asked = []
    made = make_host(gpus=[make_gpu()], no_gpu="")
    monkeypatch.setattr(probe, "probe_host", lambda environ, gpus: (asked.append(1), made)[1])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return asked


@pytest.fixture
def make(tmp_path):
    """A function that makes the executor of a request."""

    def executor(said=None, **changes):
        config = override(Config(), launcher="process", **changes)
        request = RunRequest(config=config, out=tmp_path / "results", data_dir=make_data(tmp_path / "data"))
        return LocalExecutor(request, CATALOG, (said if said is not None else []).append)

    return executor


class Provisioner:
    """Has every stack but keras3-jax."""

    name = "process"

    def __init__(self):
        self.asked, self.trials, self.answers = [], [], [{}]

    def prepare(self, stacks, device):
        self.asked = [stack.name for stack in stacks]
        return [Unavailable(stack=s.name, status="failed", reason="no") for s in stacks if s.name == "keras3-jax"]

    def trial(self, context, device, out):
        """With the answers in turn."""
        self.trials.append((list(self.asked), context.data, device))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def provisioner(monkeypatch):
    made = Provisioner()
    monkeypatch.setattr(local, "choose_provisioner", lambda *given: made)
    monkeypatch.setattr(local.preflight, "before_run", lambda *given: Cleared())
    return made


def test_the_host_is_asked_once(make, host):
    executor = make()
    assert executor.host() is executor.host()
    assert len(host) == 1


def test_what_cannot_be_had_costs_its_own_jobs(make, provisioner, tmp_path):
    ready = make().prepare(make_plan(jobs=[JOB, JAX]))
    assert (ready.pending, ready.launcher, provisioner.asked) == ([JOB], "process", ["keras2-theano", "keras3-jax"])
    assert [(skip.job, skip.reason) for skip in ready.plan.skipped] == [(JAX, "no")]
    assert ready.plan.data["mnist"].path == str(tmp_path / "data" / "mnist.npz")


def test_what_no_gpu_runs_is_not_even_made_ready(make, provisioner, monkeypatch):
    unfit = {("keras3-jax", "jax"): "too old"}
    monkeypatch.setattr(local.preflight, "before_run", lambda *given: Cleared(unfit=unfit))
    ready = make().prepare(make_plan(jobs=[JOB, JAX]))
    assert provisioner.asked == ["keras2-theano"]
    assert [(skip.status, skip.reason) for skip in ready.plan.skipped] == [("unsupported", "too old")]


def test_what_no_job_could_run_with_is_told_before_anything_is_built(make, provisioner):
    provisioner.answers = [HostError("user 65534 cannot read x", "let others read it")]
    with pytest.raises(HostError, match="cannot read x"):
        make().prepare(make_plan(jobs=[JOB]))
    ((_, data, device),) = provisioner.trials
    assert provisioner.asked == []
    assert ([*data], device.cores) == (["mnist"], [0])


def test_without_an_image_a_container_is_tried_out_once_it_is_built(make, provisioner):
    provisioner.answers = [None, {"memory": "the engine does not bound it"}]
    said = []
    executor = make(said)
    executor.prepare(make_plan(jobs=[JOB]))
    assert [asked for asked, _, _ in provisioner.trials] == [[], ["keras2-theano"]]
    assert [line for line in said if "not everything: memory: the engine does not bound it" in line]
    context = executor._context(make_plan(), [make_gpu()], "devices", {})
    assert context.lacks == {"memory": "the engine does not bound it"}
    assert context.workloads_sha256 == workloads_sha256(Path(CATALOG.root))


def test_too_many_jobs_at_a_time_are_refused_before_anything_is_made(make, provisioner):
    with pytest.raises(HostError, match="5 jobs of 1 thread need 5 cores; this host has 4"):
        make(parallel=5).prepare(make_plan(jobs=[JOB]))
    assert provisioner.asked == []


def test_a_description_leaves_out_what_no_gpu_here_can_run_and_touches_nothing(make, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "without_python", lambda *given: [])
    jobs = [make_job(device="gpu"), make_job(device="gpu", stack="keras3-jax", backend="jax")]
    plan, commands = make().describe(make_plan(jobs=jobs))
    assert (plan.jobs, [skip.status for skip in plan.skipped]) == (jobs[:1], ["unsupported"])
    (command,) = commands.values()
    assert str(tmp_path / "results" / plan.run_id / "jobs" / jobs[0].id / "out") in " ".join(command)
    assert not (tmp_path / "results").exists()


def test_a_description_leaves_out_what_this_host_has_no_python_for(make, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    plan, commands = make().describe(make_plan(jobs=[JOB, JAX]))
    assert (plan.jobs, list(commands)) == ([JAX], [JAX.id])
    assert "needs python2.7, which this host does not have" in plan.skipped[0].reason


def test_what_a_job_would_be_made_with_now(make, provisioner, monkeypatch, tmp_path):
    """On the first of the devices: its cores, and the data as the plan names it."""
    executor = make(memory="512m")
    described = ProcessProvisioner(CATALOG, print)
    described.assume(CATALOG.stacks, "cpu")
    monkeypatch.setattr(Provisioner, "launcher", lambda self, context: described.launcher(context), raising=False)
    file = planned_data("mnist", tmp_path / "data")
    ready = Ready(plan=make_plan(jobs=[JOB], data={"mnist": file}), launcher="process", pending=[])
    found = executor.identities(ready, [JOB])[JOB.id]
    assert (found["launcher"], found["host"], found["pinned_cores"]) == ("process", "h", [0])
    assert (found["data_sha256"], found["workloads_sha256"]) == (file.sha256, workloads_sha256(Path(CATALOG.root)))
    assert (found["gpu_route"], found["cluster"]) == (None, None)


def test_planned_data_is_the_file_of_a_run_or_its_place(tmp_path):
    data = make_data(tmp_path / "data")
    here = planned_data("mnist", data)
    assert (here.path, here.sha256) == (str(data / "mnist.npz"), sha256_file(data / "mnist.npz"))
    absent = planned_data("babi", data)
    assert absent.path.startswith(str(tmp_path / "cache"))
    assert (absent.sha256, absent.kind) == ("0" * 64, "official")


def test_a_run_that_was_stopped_before_it_began_gives_cancelled_rows(make, provisioner, tmp_path, monkeypatch):
    plan = make_plan(jobs=[JOB, make_job(repeat=2)])
    folder, listener, executor = RunFolder.create(tmp_path / "r", plan), Recorder(), make()
    monkeypatch.setenv("KERAS_ORCHESTRATE_LOCK_DIR", str(tmp_path))
    monkeypatch.setattr(Provisioner, "launcher", lambda self, context: Stopped(), raising=False)
    executor.stop()
    ready = Ready(plan=plan, launcher="process", pending=plan.jobs)
    results = list(executor.run(ready, folder, listener))
    assert [(r.status, r.reason) for r in results] == [("cancelled", "stopped by the user before it started")] * 2
    assert listener.of("finished") == [job.id for job in plan.jobs]
    assert set(folder.results()) == {job.id for job in plan.jobs}


class Stopped:
    """A launcher that starts nothing any more."""

    def stop(self):
        pass


def test_a_cache_without_a_place_is_told_once_before_anything_is_made(make, provisioner, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "mycache")
    provisioner.name = "docker"  # it needs a cache to know what it has seen of data
    with pytest.raises(HostError, match="the cache folder cannot be used: XDG_CACHE_HOME is 'mycache'"):
        make().prepare(make_plan(jobs=[JOB, JAX]))
    assert provisioner.asked == []


@pytest.mark.parametrize("launcher", ["process", "docker"])
@pytest.mark.parametrize("dataset", ["mnist", "babi"])
def test_only_containers_whose_data_are_elsewhere_do_without_a_cache(
    make, provisioner, monkeypatch, tmp_path, launcher, dataset
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    provisioner.name = launcher
    executor, plan = make(), make_plan(jobs=[msgspec.structs.replace(JOB, dataset=dataset)])
    executor.request = msgspec.structs.replace(executor.request, may_fetch=False)
    if launcher == "docker" and dataset == "mnist":
        assert executor.prepare(plan).pending == plan.jobs
    else:
        with pytest.raises(HostError, match=r"the cache folder cannot be used: .*Not a directory"):
            executor.prepare(plan)


def test_a_copy_of_latest_is_told_before_a_run_and_does_not_hinder_one_that_goes_on(make, provisioner, tmp_path):
    (tmp_path / "results" / "latest").mkdir(parents=True)
    with pytest.raises(HostError, match=r"the results folder cannot be used: .*/results/latest is no link"):
        make().prepare(make_plan(jobs=[JOB]))
    assert make().prepare(make_plan(jobs=[JOB]), fresh=False).pending == [JOB]


class Laying(Provisioner):
    """Has every stack, and the packages of its lock."""

    def prepare(self, stacks, device):
        super().prepare(stacks, device)
        return []

    def ground(self, stack, device):
        return of_stack(stack, device, CATALOG.docker_dir, interpreter=sys.executable)


def own_plan(tmp_path, packages, python=">=3.10"):
    """A script of one's own on all three stacks of today and one of 2017."""
    lines = [f'requires-python = "{python}"', f"dependencies = {packages}"]
    (tmp_path / "my.py").write_text("".join(f"# {line}\n" for line in ["/// script", *lines, "///"]))
    own = read_own(tmp_path / "my.py")
    stacks = ["keras2-theano", "keras3-jax", "keras3-tensorflow", "keras3-torch"]
    about = {"workload": "my", "variant": "own", "dataset": None}
    jobs = [make_job(stack=stack, backend=stack.partition("-")[2], **about) for stack in stacks]
    return make_plan(jobs=jobs, workloads=[own])


@pytest.fixture
def laying(monkeypatch):
    made = Laying()
    monkeypatch.setattr(local, "choose_provisioner", lambda *given: made)
    monkeypatch.setattr(local.preflight, "before_run", lambda *given: Cleared())
    return made


def test_a_stack_that_can_never_run_a_script_is_not_even_made_ready(make, laying, tmp_path):
    ready = make().prepare(own_plan(tmp_path, '["numpy<1.20", "einops"]'))
    assert ready.pending == [] and laying.asked == []
    reasons = {skip.job.stack: skip.reason for skip in ready.plan.skipped}
    assert reasons["keras2-theano"] == "my.py needs Python >=3.10, and keras2-theano has 2.7"
    assert reasons["keras3-jax"].startswith("my.py needs numpy<1.20, and keras3-jax has numpy==")
    assert {skip.status for skip in ready.plan.skipped} == {"unsupported"}


def test_packages_of_a_script_are_on_record_and_reach_its_jobs(make, laying, tmp_path, monkeypatch):
    def lay(ground, name, own, kept, way, say):
        assert way.may_make
        layer = Layer(workload=name, stack=ground.stack, asked=own.packages, base=ground.sha256, lock="einops==0.8.2")
        return Laid(layer=layer, path=f"/layers/{ground.stack}")

    monkeypatch.setattr(prepared.layers, "ready", lay)
    executor = make()
    ready = executor.prepare(own_plan(tmp_path, '["einops"]'))
    today = [stack.name for stack in CATALOG.stacks if not stack.article and not stack.like]
    assert [layer.stack for layer in ready.plan.layers] == laying.asked == today
    assert {job.stack for job in ready.pending} == {*today}
    context = executor._context(ready.plan, [make_gpu()], "devices", {})
    assert all(context.laid_for(job).path == f"/layers/{job.stack}" for job in ready.pending)
    assert context.laid_for(JAX) is None


def test_a_plan_with_packages_makes_nothing_and_says_what_can_never_run(make, tmp_path):
    plan, commands = make(device="cpu").describe(own_plan(tmp_path, '["einops"]'))
    assert [skip.job.stack for skip in plan.skipped] == ["keras2-theano"]
    assert all(any("KERAS_ORCHESTRATE_PACKAGES=" in word for word in argv) for argv in commands.values())
    assert len(commands) == 3 and not (tmp_path / "cache" / "keras-orchestrate").exists()
