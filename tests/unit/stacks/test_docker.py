"""Stacks on a Docker engine of a few lines: which images are built, taken or missing, and what each costs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.errors import HostError
from orchestrator.files import sha256_file
from orchestrator.launchers import sweep
from orchestrator.launchers.trial import start
from orchestrator.launchers.trial.judge import Ran
from orchestrator.model import Device, OwnStack, image_name
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.draft import drop_unready
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks import docker as provisioner
from orchestrator.stacks.cuda import find as cuda_files
from orchestrator.stacks.docker import DockerProvisioner
from orchestrator.stacks.expected import expected, in_words
from orchestrator.stacks.images import build as image_build
from orchestrator.stacks.images import builds
from orchestrator.stacks.images.engine import RECIPE_LABEL, UNUSABLE_LABEL
from tests.fakes.docker_engine import FakeEngine
from tests.make import make_context, make_job, make_plan

CATALOG = load_catalog()
TWO, MXNET, THEANO = (CATALOG.stack(name) for name in ("keras2-tensorflow-cntk", "keras1-mxnet", "keras2-theano"))
NAME = image_name(MXNET.name, "cpu", __version__)


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Each wait for the disk; nothing is left of killed runs."""
    waits: list[bool] = []
    monkeypatch.setattr(sweep, "remove_orphans", lambda *_: 0)
    monkeypatch.setattr(provisioner, "flush_to_disk", lambda: waits.append(True))
    return waits


def site(engine: FakeEngine | None, said: list[str] | None = None, build: bool = False, **more: Any) -> Any:
    settings = BuildSettings(base_image="own:1", **more)
    return DockerProvisioner(engine, CATALOG, settings, build, (said if said is not None else []).append)


def test_jobs_of_a_backend_that_an_image_cannot_serve_are_unsupported_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, flushed: list[bool]
):
    def find(*_: Any) -> dict[str, cuda_files.Found]:
        raise HostError("no route gave libcudart.so.8.0", "See CUDA.md.")

    monkeypatch.setattr(cuda_files, "find", find)
    troubles = site(FakeEngine(), build=True, log_dir=str(tmp_path)).prepare([TWO], "gpu")
    assert flushed == [True], "it was built: no job starts before it is on the disk"
    jobs = [make_job(stack=TWO.name, device="gpu", backend=backend) for backend in ("cntk", "tensorflow")]
    whole = drop_unready(make_plan(jobs=jobs), troubles)
    assert [job.backend for job in whole.jobs] == ["cntk"]
    (skip,) = whole.skipped
    assert (skip.job.backend, skip.status) == ("tensorflow", "unsupported")
    assert "was built without CUDA 8.0, which tensorflow needs" in skip.reason


def test_an_image_that_is_there_is_taken_by_its_id_and_not_its_name(flushed: list[bool], tmp_path: Any):
    """A name may move to another image while a run goes on."""
    engine = FakeEngine()
    engine.add(NAME)
    said: list[str] = []
    made = site(engine, said)
    assert made.prepare([MXNET], "cpu") == []
    assert (said, flushed, engine.requests) == ([], [], [])
    (tmp_path / "mnist.npz").touch()
    launcher = made.launcher(make_context(tmp_path, tmp_path / "mnist.npz"))
    job = make_job(stack=MXNET.name, backend="mxnet")
    launch = launcher.describe(job, Device(kind="cpu", name="cpu:0", cores=[0]), tmp_path / "out")
    assert (launch.image, launch.image_digest) == (NAME, "sha256:1")
    assert "sha256:1" in launch.command and NAME not in launch.command


def test_a_missing_image_is_not_built_unasked_and_says_which_command_makes_it(flushed: list[bool]):
    engine, said = FakeEngine(), list[str]()
    engine.add(NAME)
    (missing,) = site(engine, said).prepare([THEANO, MXNET], "cpu")
    words = (
        f"{image_name(THEANO.name, 'cpu', __version__)} is missing; `orchestrate build --stack keras2-theano` makes it"
    )
    assert (missing.stack, missing.status, missing.reason) == (THEANO.name, "failed", f"image: {words}")
    assert said == [f"keras2-theano: {words}"]
    assert engine.requests == []


def test_an_image_without_cuda_files_that_is_there_is_known_by_its_label(flushed: list[bool]):
    engine = FakeEngine()
    engine.add(image_name(TWO.name, "gpu", __version__), {UNUSABLE_LABEL: "tensorflow"})
    (missing,) = site(engine).prepare([TWO], "gpu")
    assert (missing.backend, missing.status) == ("tensorflow", "unsupported")


@pytest.mark.parametrize(
    ("reused", "told", "waits"), [(True, [f"{NAME}: 500 MB, up to date"], []), (False, [], [True])]
)
def test_what_was_built_is_put_on_the_disk_and_what_was_there_is_told(
    flushed: list[bool], monkeypatch: pytest.MonkeyPatch, reused: bool, told: list[str], waits: list[bool]
):
    engine, said = FakeEngine(), list[str]()
    engine.add(NAME)
    built = image_build.BuiltImage(name=NAME, id="sha256:1", reused=reused, seconds=3.2)
    monkeypatch.setattr(builds, "build_all", lambda *_: {MXNET.name: built})
    assert site(engine, said, build=True).prepare([MXNET], "cpu") == []
    assert [line for line in said if line.startswith(NAME)] == told
    assert flushed == waits


def test_what_a_plan_needs_of_an_image_is_its_name_and_no_engine(tmp_path: Any):
    made = site(None)
    made.assume(CATALOG.stacks, "gpu")
    (tmp_path / "mnist.npz").touch()
    launcher = made.launcher(make_context(tmp_path, tmp_path / "mnist.npz"))
    job = make_job(stack=MXNET.name, backend="mxnet", device="cpu")
    launch = launcher.describe(job, Device(kind="cpu", name="cpu:0", cores=[0]), tmp_path / "out")
    assert image_name(MXNET.name, "gpu", __version__) in launch.command


def test_a_trial_takes_an_image_that_is_there_and_the_user_that_the_engine_wants(monkeypatch, tmp_path, flushed):
    specs = []

    def on_engine(client, spec):
        specs.append(spec)
        return Ran(refusal="no space left")

    monkeypatch.setattr(start, "on_engine", on_engine)
    (tmp_path / "mnist.npz").touch()
    context, device = make_context(tmp_path, tmp_path / "mnist.npz"), Device(kind="cpu", name="cpu:0", cores=[0])
    engine = FakeEngine()
    engine.security = ["name=userns"]
    made = site(engine)
    assert made.trial(context, device, tmp_path) is None, "no image is there yet"
    engine.add(NAME)
    with pytest.raises(HostError, match="no space left"):
        made.trial(context, device, tmp_path)
    (spec,) = specs
    assert (spec.image, spec.userns) == ("sha256:1", "host")


def test_of_two_files_that_name_a_stack_alike_each_gets_its_own_image(tmp_path: Any, flushed: list[bool]):
    lock = tmp_path / "mine-cpu.txt"
    lock.write_text("a==1\n")
    where = OwnStack(
        path="/a.yaml", sha256="0" * 64, like="keras1-mxnet", lock=str(lock), lock_sha256=sha256_file(lock)
    )
    mine = msgspec.structs.replace(MXNET, name="mine", own=where)
    engine = FakeEngine()
    assert site(engine, build=True, log_dir=str(tmp_path)).prepare([mine], "cpu") == []
    assert "requirements/mine-cpu.txt" in engine.context
    assert site(engine, build=False).prepare([mine], "cpu") == []
    lock.write_text("a==2\n")
    other = msgspec.structs.replace(where, lock_sha256=sha256_file(lock))
    (missing,) = site(engine, build=False).prepare([msgspec.structs.replace(mine, own=other)], "cpu")
    assert "the image that is there is of another lock than mine's" in missing.reason
    assert (
        site(engine, build=True, log_dir=str(tmp_path)).prepare([msgspec.structs.replace(mine, own=other)], "cpu") == []
    )
    assert len(engine.requests) == 2


def test_what_is_to_be_made_is_told_before_it_is_made(flushed: list[bool], tmp_path: Any):
    engine, said = FakeEngine(), []
    made = site(engine, said, build=True, log_dir=str(tmp_path))
    made.prepare([MXNET, THEANO], "cpu")
    assert said[0] == in_words(expected([MXNET, THEANO], [], "cpu")), "before the first build"
    said.clear()
    made.prepare([MXNET, THEANO], "cpu")
    assert not [line for line in said if "to make" in line], "both are there"
    old = engine.known[NAME]
    old.labels = {**old.labels, RECIPE_LABEL: "of another lock"}
    made.prepare([MXNET, THEANO], "cpu")
    assert in_words(expected([MXNET], [THEANO], "cpu")) in said, "one is out of date"
    said.clear()
    site(engine, said).prepare([MXNET], "cpu")
    assert said == [], "what builds nothing tells nothing"
