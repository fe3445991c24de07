"""Stacks as images of another runtime: its own are used, newer ones of an engine are handed over first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator import __version__
from orchestrator.launchers import runtimes
from orchestrator.launchers.trial import start
from orchestrator.launchers.trial.judge import Ran
from orchestrator.model import Device, image_name
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.stacks import provisioner, runtime_images
from orchestrator.stacks import runtime as module
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images import builds
from orchestrator.stacks.images.engine import ImageInfo
from orchestrator.stacks.runtime import RuntimeProvisioner
from tests.make import make_context, make_job

CATALOG = load_catalog()
MXNET, THEANO = CATALOG.stack("keras1-mxnet"), CATALOG.stack("keras2-theano")
NAME = image_name(MXNET.name, "cpu", __version__)
OLD, NEW = (ImageInfo(id=f"sha256:{n}", created="2026-01-01T00:00:00Z", size_mb=500) for n in (1, 2))


class Store:
    """The images that the runtime and the engine hold, by name, and what was given from one to the other."""

    def __init__(self) -> None:
        self.own: dict[str, ImageInfo] = {}
        self.engine: dict[str, ImageInfo] = {}
        self.built: list[str] = []

    def find(self, runtime: Any, name: str, folder: Path) -> Any:
        info = self.own.get(name)
        return runtime_images.Held(info=info) if info else None

    def put(self, runtime: Any, client: Any, name: str, info: ImageInfo, folder: Path) -> None:
        self.own[name] = info

    def build_all(self, client: Any, stacks: Any, device: str, *_: Any) -> dict[str, Any]:
        for stack in stacks:
            self.built.append(stack.name)
            self.engine[image_name(stack.name, device, __version__)] = NEW  # type: ignore[arg-type]
        return {}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    monkeypatch.setattr(runtime_images, "find", made.find)
    monkeypatch.setattr(runtime_images, "put_from_engine", made.put)
    monkeypatch.setattr(image_archive, "same", lambda a, b: a.id == b.id)
    monkeypatch.setattr(builds, "build_all", made.build_all)
    monkeypatch.setattr(module.engine, "inspect", lambda client, name: made.engine.get(name))
    monkeypatch.setattr(module, "remove_runtime_orphans", lambda runtime, say: None)
    return made


def site(said: list[str] | None = None, client: Any = None, build: bool = False, name: str = "podman") -> Any:
    say = (said if said is not None else []).append
    return RuntimeProvisioner(name, client, CATALOG, BuildSettings(), build, say)


def test_an_image_of_its_own_is_used_without_an_engine(store: Store):
    store.own[NAME] = OLD
    said: list[str] = []
    assert site(said).prepare([MXNET], "cpu") == []
    assert said == []


@pytest.mark.parametrize(
    ("own", "engine", "given"), [(None, NEW, True), (OLD, NEW, True), (NEW, NEW, False), (OLD, None, False)]
)
def test_an_image_is_handed_over_where_the_engine_has_another(store: Store, own: Any, engine: Any, given: bool):
    store.own |= {NAME: own} if own else {}
    store.engine |= {NAME: engine} if engine else {}
    said: list[str] = []
    assert site(said, client=object()).prepare([MXNET], "cpu") == []
    assert said == ([f"giving {NAME} (500 MB) to podman"] if given else [])
    assert store.own[NAME] == (engine or own)
    assert store.built == []


def test_the_engine_builds_first_where_that_is_wanted(store: Store):
    assert site(client=object(), build=True).prepare([MXNET], "cpu") == []
    assert (store.built, store.own) == ([MXNET.name], {NAME: NEW})


def test_nobody_builds_without_an_engine_and_a_missing_image_says_how_to_bring_it(store: Store):
    store.own[NAME] = OLD
    said: list[str] = []
    (missing,) = site(said, build=True).prepare([THEANO, MXNET], "cpu")
    other = image_name(THEANO.name, "cpu", __version__)
    assert (missing.stack, missing.status, missing.reason) == (
        THEANO.name,
        "failed",
        f"image: podman has no image {other}",
    )
    assert f"{THEANO.name}: podman has no image {other}\n  -> " in said[0]
    assert "`orchestrate images load FILE --launcher podman`" in said[0]
    assert store.built == []


def test_an_image_without_cuda_files_serves_the_other_backends(store: Store):
    two = CATALOG.stack("keras2-tensorflow-cntk")
    held = msgspec.structs.replace(OLD, unusable=["tensorflow"])
    store.own[image_name(two.name, "gpu", __version__)] = held
    (missing,) = site().prepare([two], "gpu")
    assert (missing.backend, missing.status) == ("tensorflow", "unsupported")


def test_a_template_that_was_never_tried_says_so(store: Store, monkeypatch: pytest.MonkeyPatch):
    untried = msgspec.structs.replace(runtimes.load("podman"), tried=False)
    monkeypatch.setattr(runtimes, "load", lambda name: untried)
    store.own[NAME] = OLD
    said: list[str] = []
    site(said).prepare([MXNET], "cpu")
    assert said == ["podman was written from its documentation and never tried: docs/RUNTIMES.md"]


def test_a_runtime_of_ones_own_is_recorded_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A run goes on from other folders; its rows have the runtime's name."""
    (tmp_path / "mine.yaml").write_text("{like: podman, program: [sudo, podman]}")
    monkeypatch.chdir(tmp_path)
    made = site(name="mine.yaml")
    assert (made.name, made.runtime.name) == (str(tmp_path / "mine.yaml"), "mine")
    assert site().name == "podman"


def test_a_plan_takes_images_for_granted_by_their_names(tmp_path: Path):
    made = site()
    made.assume(CATALOG.stacks, "cpu")
    (tmp_path / "mnist.npz").touch()
    launcher = made.launcher(make_context(tmp_path, tmp_path / "mnist.npz"))
    job = make_job(stack=MXNET.name, backend="mxnet")
    launch = launcher.describe(job, Device(kind="cpu", name="cpu:0", cores=[0]), tmp_path / "out")
    assert (launch.launcher, launch.command[0]) == ("podman", "podman")
    assert NAME in launch.command


def test_a_trial_tells_what_is_not_known_of_the_runtime_yet(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    store.own[NAME] = OLD
    found = {"memory": "the engine does not bound it", "read_only": "its file system can be written to"}
    asked: list[str] = []

    def by_command(runtime: Any, spec: Any) -> Ran:
        asked.append(spec.image)
        return Ran()

    monkeypatch.setattr(start, "by_command", by_command)
    monkeypatch.setattr(provisioner, "judge", lambda context, spec, ran, out: found)
    (tmp_path / "mnist.npz").touch()
    context, device = make_context(tmp_path, tmp_path / "mnist.npz"), Device(kind="cpu", name="cpu:0", cores=[0])
    podman = RuntimeProvisioner("podman", None, CATALOG, BuildSettings(), False, print)
    podman.runtime = runtimes.adapted(runtimes.load("podman"), root=False, v2=False)
    assert podman.trial(context, device, tmp_path) == {"read_only": "its file system can be written to"}
    assert asked == ["sha256:1"]
    apptainer = RuntimeProvisioner("apptainer", None, CATALOG, BuildSettings(), False, print)
    assert apptainer.trial(context, device, tmp_path) == {}, "it is not tried out"
    assert len(asked) == 1
