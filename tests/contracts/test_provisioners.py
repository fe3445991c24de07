"""What every provisioner must do, however stacks come to this host. A new provisioner is one entry of PROVISIONERS."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from orchestrator import __version__
from orchestrator.errors import HostError
from orchestrator.launchers import runtimes
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.model import Device, Job, Stack, image_name
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.config import Config, override
from orchestrator.plan.request import BuildSettings, RunRequest
from orchestrator.stacks import runtime_images, venvs
from orchestrator.stacks.choose import choose_provisioner, planning_provisioner
from orchestrator.stacks.images import archive, engine
from orchestrator.stacks.images.engine import UNUSABLE_LABEL, ImageInfo
from orchestrator.stacks.provisioner import Provisioner
from tests.fakes.docker_engine import FakeEngine
from tests.fakes.roots import make_runtime, make_script
from tests.fakes.runs import STACK, stub_image
from tests.fakes.stub_orchestrate import this_python
from tests.make import make_context, make_job

CATALOG = load_catalog()
CPU = Device(kind="cpu", name="cpu:0", cores=[min(os.sched_getaffinity(0))])
#: The image of this stack may lack its CUDA files, and then serves one of its two backends.
TWO, LACKING = CATALOG.stack("keras2-tensorflow-cntk"), "tensorflow"
#: A stack that no host has: without a lock for an environment, and without an image for a CPU.
NOWHERE = msgspec.structs.replace(CATALOG.stack(STACK), name="nowhere", images={"gpu": TWO.images["gpu"]})


@dataclass
class Case:
    """One kind of provisioner, on a host that has the stacks `good`."""

    #: As --launcher names it.
    launcher: str
    request: RunRequest
    good: list[Stack]
    bad: list[Stack]
    #: Makes a GPU image of TWO that cannot serve LACKING; None where stacks come whole or not at all.
    lame: Callable[[], None] | None = None
    #: Why no job can be run with it here.
    runs_no_job: str = ""

    def provisioner(self, launcher: str | None = None) -> Provisioner:
        return choose_provisioner(launcher or self.launcher, self.request, catalog(self), engine.Engine(), print)


def catalog(case: Case) -> Catalog:
    return msgspec.structs.replace(CATALOG, stacks=[*CATALOG.stacks, *case.bad])


def make_request(folder: Path, launcher: str, **changes: Any) -> RunRequest:
    settings = BuildSettings(base_image="own:1", log_dir=str(folder / "logs"))
    return RunRequest(config=override(Config(), launcher=launcher), out=folder / "results", build=settings, **changes)


def answer(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    """Lets an engine answer as `client`; None: no engine is there."""

    def connect() -> Any:
        if client is None:
            raise HostError("no Docker engine here")
        return client

    monkeypatch.setattr(engine, "connect", connect)


def processes(folder: Path, request: pytest.FixtureRequest) -> Case:
    """Virtual environments, each of which is this Python."""
    monkeypatch = request.getfixturevalue("monkeypatch")
    snake = msgspec.structs.replace(NOWHERE, name="no-such-python")

    def ensure(
        stack: Stack, device: str, docker_dir: Path, say: Any, keras_spec: str | None = None, way: Any = None
    ) -> venvs.Venv:
        if stack.name == snake.name:
            raise venvs.NoInterpreter("no Python 1.5 on this host", "install Python 1.5")
        if stack.name == NOWHERE.name:
            raise HostError("pip could not install it", "is there a network?")
        return this_python(stack, device, docker_dir, say, keras_spec)

    monkeypatch.setattr(venvs, "ensure", ensure)
    answer(monkeypatch, None)
    return Case("process", make_request(folder, "process"), CATALOG.stacks[:3], [NOWHERE, snake])


def images_built(folder: Path, request: pytest.FixtureRequest) -> Case:
    """An engine that is none, and builds what is asked of it."""
    client = FakeEngine()
    answer(request.getfixturevalue("monkeypatch"), client)

    case = Case("docker", make_request(folder, "docker"), CATALOG.stacks[:3], [NOWHERE])
    case.runs_no_job = "an engine that is none runs no job"

    def lame() -> None:
        case.request = msgspec.structs.replace(case.request, may_build=False)  # it is taken as it is
        client.add(image_name(TWO.name, "gpu", __version__), {UNUSABLE_LABEL: LACKING})

    case.lame = lame
    return case


def images(folder: Path, request: pytest.FixtureRequest) -> Case:
    """A real engine, which has one image."""
    client = request.getfixturevalue("engine")
    stub_image(client)
    answer(request.getfixturevalue("monkeypatch"), client)
    return Case("docker", make_request(folder, "docker", may_build=False), [CATALOG.stack(STACK)], [NOWHERE])


def runtime(folder: Path, request: pytest.FixtureRequest) -> Case:
    """A stub runtime, named by its file; it has images of its own, and no engine is there."""
    monkeypatch = request.getfixturevalue("monkeypatch")
    file = make_runtime(folder / "bin")
    monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")
    monkeypatch.chdir(file.parent)
    answer(monkeypatch, None)
    good = CATALOG.stacks[:3]

    def have(name: str, unusable: Sequence[str] = ()) -> None:
        packed, own = folder / "images.tar.gz", runtimes.load(str(file))
        packed.write_bytes(gzip.compress(b"layers"))
        info = ImageInfo(id="sha256:1", created="2026-01-01T00:00:00Z", size_mb=1, unusable=list(unusable))
        saved = [archive.Saved(name=name, info=info)]
        runtime_images.put_from_archive(own, packed, saved, runtime_images.image_folder(own))

    for stack in good:
        have(image_name(stack.name, "cpu", __version__))
    lame_image = image_name(TWO.name, "gpu", __version__)
    wish = make_request(folder, file.name)
    return Case(file.name, wish, good, [NOWHERE], lambda: have(lame_image, [LACKING]))


PROVISIONERS = [
    pytest.param(processes, id="process"),
    pytest.param(images_built, id="docker-stub"),
    pytest.param(images, id="docker", marks=pytest.mark.containers),
    pytest.param(runtime, id="runtime"),
]


@pytest.fixture(params=PROVISIONERS)
def case(request, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return request.param(tmp_path, request)


@pytest.fixture
def context(tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"data")
    return make_context(make_script(tmp_path / "workloads"), tmp_path / "mnist.npz", run_id="contract")


def job_of(stack: Stack, workload: str = "told") -> Job:
    return make_job(workload=workload, stack=stack.name, backend=stack.backends[0].name)


def usable(launcher: Launcher, stack: Stack, context: RunContext) -> bool:
    described = launcher.describe(job_of(stack), CPU, Path(context.workloads_dir).parent / "out")
    return bool(described.command and described.image_digest)


@pytest.mark.parametrize("first", ["good", "bad"])
def test_a_stack_that_cannot_be_had_costs_only_itself(case, context, first):
    provisioner = case.provisioner()
    asked = [*case.good, *case.bad] if first == "good" else [*case.bad, *case.good]
    missing = provisioner.prepare(asked, "cpu")
    assert sorted(each.stack for each in missing) == sorted(stack.name for stack in case.bad)
    assert all(each.reason and each.backend is None for each in missing)
    assert not [each for each in missing for stack in case.good if each.concerns(job_of(stack))]
    assert [each for each in missing for stack in case.bad if each.concerns(job_of(stack))] != []
    launcher = provisioner.launcher(context)
    assert [usable(launcher, stack, context) for stack in case.good] == [True] * len(case.good)


def test_it_speaks_of_nothing_that_it_was_not_asked_for(case):
    provisioner = case.provisioner()
    assert provisioner.prepare([], "cpu") == []
    assert provisioner.prepare(case.good, "cpu") == []
    assert {each.stack for each in provisioner.prepare(case.bad[:1], "cpu")} == {case.bad[0].name}
    assert provisioner.prepare(case.good[:1], "cpu") == []


def test_to_prepare_once_more_changes_no_answer(case, context):
    provisioner = case.provisioner()
    asked = [*case.bad, *case.good]
    first, launcher = provisioner.prepare(asked, "cpu"), provisioner.launcher(context)
    before = [launcher.describe(job_of(stack), CPU, Path("/out")) for stack in case.good]
    assert provisioner.prepare(asked, "cpu") == first
    again = provisioner.launcher(context)
    assert [again.describe(job_of(stack), CPU, Path("/out")) for stack in case.good] == before


def test_a_backend_that_a_stack_lacks_costs_only_its_own_jobs(case):
    if case.lame is None:
        pytest.skip("here a stack comes with all of its backends or not at all")
    case.lame()
    (missing,) = case.provisioner().prepare([TWO], "gpu")
    assert (missing.stack, missing.backend, missing.status) == (TWO.name, LACKING, "unsupported")
    concerned = {b.name for b in TWO.backends if missing.concerns(make_job(stack=TWO.name, backend=b.name))}
    assert concerned == {LACKING}


@pytest.mark.slow
def test_a_job_runs_in_a_stack_that_was_made_ready(case, context, tmp_path):
    if case.runs_no_job:
        pytest.skip(case.runs_no_job)
    provisioner = case.provisioner()
    provisioner.prepare([*case.bad, *case.good], "cpu")
    out = tmp_path / "jobs" / "1" / "out"
    out.mkdir(parents=True)
    ended = provisioner.launcher(context).launch(
        job_of(case.good[-1], "good"), CPU, out, out.with_name("log"), lambda probe: None
    )
    assert (ended.code, ended.error) == (0, None)


@pytest.fixture
def untouchable(monkeypatch):
    """From when it is called on, whatever starts a program or asks an engine fails."""

    def refuse(*arguments: Any, **more: Any) -> None:
        raise AssertionError(f"touched: {arguments}")

    def begin() -> None:
        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
        monkeypatch.setattr(requests.Session, "send", refuse)
        monkeypatch.setattr(FakeEngine, "__getattribute__", refuse)
        monkeypatch.setattr(engine, "connect", refuse)

    return begin


@pytest.mark.parametrize("how", ["planning", "chosen"])
def test_what_is_assumed_is_described_without_touching_anything(case, context, untouchable, tmp_path, how):
    chosen = case.provisioner()
    before = files(tmp_path)
    untouchable()
    planning = planning_provisioner(case.launcher, case.request, CATALOG)
    provisioner = planning if how == "planning" else chosen
    provisioner.assume(CATALOG.stacks, "cpu")
    launcher = provisioner.launcher(context)
    assert [usable(launcher, stack, context) for stack in CATALOG.stacks] == [True] * len(CATALOG.stacks)
    assert files(tmp_path) == before


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_its_name_chooses_it_again(case, monkeypatch, tmp_path):
    """A resumed run starts its jobs as the first one did, wherever it is resumed from."""
    first = case.provisioner()
    monkeypatch.chdir(tmp_path)
    again = case.provisioner(first.name)
    assert (again.name, type(again)) == (first.name, type(first))
    assert planning_provisioner(first.name, case.request, CATALOG).name == first.name
    assert override(Config(), launcher=first.name).launcher == first.name


def test_it_knows_what_its_stacks_have_without_touching_anything(case, untouchable):
    """A script of one's own may ask for more."""
    provisioner, stack = case.provisioner(), CATALOG.stack("keras3-jax")
    untouchable()
    found = provisioner.ground(stack, "cpu")
    assert (found.stack, found.python, found.version("keras")) == (stack.name, stack.python, stack.keras)
    assert (found.interpreter is None) == (provisioner.name != "process")
