"""Which provisioner a launcher's name gets on a host with and without an engine, and what is said of it."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import HostError
from orchestrator.launchers import runtimes
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config
from orchestrator.plan.request import BuildSettings, RunRequest
from orchestrator.stacks import venvs
from orchestrator.stacks.choose import choose_provisioner, planning_provisioner
from orchestrator.stacks.docker import DockerProvisioner
from orchestrator.stacks.process import ProcessProvisioner
from orchestrator.stacks.runtime import RuntimeProvisioner
from tests.fakes.docker_engine import FakeEngine

CATALOG = load_catalog()
SPEC = "keras==3.12.0"


def no_engine() -> Any:
    raise HostError("no Docker engine here", "start one")


def choose(launcher: str, engine: bool, keras_spec: str | None = None) -> tuple[Any, list[str]]:
    said: list[str] = []
    request = RunRequest(config=Config(), out=Path("results"), keras_spec=keras_spec)
    client = types.SimpleNamespace(client=FakeEngine if engine else no_engine)
    return choose_provisioner(launcher, request, CATALOG, client, said.append), said  # type: ignore[arg-type]


@pytest.fixture
def usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every container runtime counts as installed."""
    monkeypatch.setattr(runtimes, "check_usable", lambda runtime: None)


@pytest.mark.parametrize(
    ("launcher", "engine", "spec", "kind", "words"),
    [
        ("auto", True, None, DockerProvisioner, "launcher: docker"),
        ("docker", True, None, DockerProvisioner, "launcher: docker"),
        ("auto", False, None, ProcessProvisioner, "launcher: process, since no engine answers (no Docker engine here)"),
        ("process", True, None, ProcessProvisioner, "launcher: process (asked for)"),
        ("process", True, SPEC, ProcessProvisioner, "launcher: process (asked for)"),
        ("auto", True, SPEC, ProcessProvisioner, "launcher: process (for --keras-spec)"),
    ],
)
def test_which_and_why_is_said(launcher: str, engine: bool, spec: str | None, kind: type, words: str):
    made, said = choose(launcher, engine, spec)
    assert isinstance(made, kind)
    assert said == [words]


def test_an_engine_that_was_insisted_on_must_answer():
    with pytest.raises(HostError, match="no Docker engine here") as caught:
        choose("docker", engine=False)
    assert caught.value.hint == "start one"


@pytest.mark.parametrize("launcher", ["docker", "podman"])
def test_images_take_no_other_keras(launcher: str):
    with pytest.raises(HostError, match="--keras-spec works with virtual environments only") as caught:
        choose(launcher, engine=True, keras_spec=SPEC)
    assert caught.value.hint == "add `--launcher process`"


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (True, "launcher: podman, with the images of the Docker engine"),
        (False, "launcher: podman, with the images that it has (no engine answers: no Docker engine here)"),
    ],
)
def test_another_runtime_works_with_and_without_an_engine(usable: None, engine: bool, words: str):
    made, said = choose("podman", engine)
    assert isinstance(made, RuntimeProvisioner)
    assert said == [words]


def test_a_runtime_that_is_not_installed_is_refused_before_anything_is_done(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="podman") as caught:
        choose("podman", engine=True)
    assert "podman" in caught.value.hint


@pytest.mark.parametrize(
    ("launcher", "kind"),
    [
        ("auto", DockerProvisioner),
        ("docker", DockerProvisioner),
        ("process", ProcessProvisioner),
        ("apptainer", RuntimeProvisioner),
    ],
)
def test_a_plan_asks_nobody(launcher: str, kind: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Not even whether a runtime is installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    request = RunRequest(config=Config(), out=tmp_path)
    made = planning_provisioner(launcher, request, CATALOG)
    assert isinstance(made, kind)
    assert made.name == {"auto": "docker"}.get(launcher, launcher), "as a run would record it"


@pytest.mark.parametrize(("launcher", "engine"), [("process", True), ("auto", False)])
def test_environments_are_made_as_the_command_line_says_or_not_at_all(launcher: str, engine: bool, monkeypatch):
    ways: list[venvs.Way] = []

    def ensure(stack: Any, device: Any, docker_dir: Any, say: Any, keras_spec: Any, way: venvs.Way) -> Any:
        ways.append(way)
        raise HostError("not made", "")

    monkeypatch.setattr(venvs, "ensure", ensure)
    settings = BuildSettings(pip_index_url="https://company/simple", ca_bundle="/ca.pem")
    request = RunRequest(config=Config(), out=Path("results"), build=settings, may_build=False)
    client = types.SimpleNamespace(client=FakeEngine if engine else no_engine)
    chosen = choose_provisioner(launcher, request, CATALOG, client, lambda line: None)  # type: ignore[arg-type]
    chosen.prepare([CATALOG.stack("keras3-jax")], "cpu")
    assert ways == [venvs.Way(index="https://company/simple", ca_bundle="/ca.pem", may_make=False)]


def test_a_plan_of_a_host_without_the_docker_sdk_is_one_of_processes(monkeypatch: pytest.MonkeyPatch):
    request = RunRequest(config=Config(), out=Path("results"))
    assert isinstance(planning_provisioner("auto", request, CATALOG), DockerProvisioner)
    monkeypatch.setitem(sys.modules, "docker", None)
    assert isinstance(planning_provisioner("auto", request, CATALOG), ProcessProvisioner)
    assert isinstance(planning_provisioner("docker", request, CATALOG), DockerProvisioner)
