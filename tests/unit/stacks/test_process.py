"""A site of environments: what it made is on the disk before a job starts."""

from __future__ import annotations

import sys

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import process, stamps, venvs

CATALOG = load_catalog()
TODAY = [stack for stack in CATALOG.stacks if not stack.article and not stack.like]


@pytest.mark.parametrize(("seconds", "waits"), [([0.0, 0.0, 0.0], 0), ([0.0, 3.5, 0.0], 1), ([1.0, 1.0, 1.0], 1)])
def test_jobs_wait_until_what_was_made_is_on_the_disk(monkeypatch: pytest.MonkeyPatch, seconds, waits):
    made, settled = iter(seconds), []
    monkeypatch.setattr(venvs, "ensure", lambda *_: venvs.Venv(python="p", lock_sha256="0", seconds=next(made)))
    monkeypatch.setattr(process, "flush_to_disk", lambda: settled.append(1))
    assert process.ProcessProvisioner(CATALOG, lambda line: None).prepare(TODAY, "cpu") == []
    assert len(settled) == waits


def test_a_stack_without_a_python_is_told_at_once_in_a_plan_and_in_a_run(monkeypatch: pytest.MonkeyPatch):
    theano, jax = CATALOG.stack("keras2-theano"), CATALOG.stack("keras3-jax")
    said: list[str] = []

    def ensure(stack, *_):
        raise venvs.NoInterpreter("needs python2.7, which this host does not have", "a Docker engine runs it")

    monkeypatch.setattr(venvs, "ensure", ensure)
    monkeypatch.setattr(venvs, "find_python", lambda version: ensure(None))
    provisioner = process.ProcessProvisioner(CATALOG, said.append)
    (planned,) = process.without_python([theano, jax], "cpu", CATALOG.docker_dir)
    (run,) = provisioner.prepare([theano], "cpu")
    assert planned == run and (run.stack, run.status) == ("keras2-theano", "unsupported")
    assert said == ["keras2-theano: needs python2.7, which this host does not have\n  -> a Docker engine runs it"]


def test_without_uv_a_stack_is_what_this_host_cannot_run_and_it_is_said_which_extra_it_takes(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "uv", None)
    jax, said = CATALOG.stack("keras3-jax"), []
    (planned,) = process.without_python([jax], "cpu", CATALOG.docker_dir)
    (run,) = process.ProcessProvisioner(CATALOG, said.append).prepare([jax], "cpu")
    for reason in (planned.reason, run.reason, said[-1]):
        assert "uv" in reason and "not installed" in reason and "pip install 'keras-orchestrate[build]'" in reason
    assert (planned.status, run.status) == ("unsupported", "unsupported")


def test_without_uv_an_environment_that_is_there_serves(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "uv", None)
    jax = CATALOG.stack("keras3-jax")
    here, digest = venvs.place(jax, "cpu", CATALOG.docker_dir, None)
    (here / "bin").mkdir(parents=True)
    (here / "bin" / "python").symlink_to(sys.executable)
    stamps.write(here, digest)
    assert process.without_python([jax], "cpu", CATALOG.docker_dir) == []
    assert process.ProcessProvisioner(CATALOG, lambda line: None).prepare([jax], "cpu") == []
