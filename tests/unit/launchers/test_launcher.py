"""The protocol, and that every launcher has it."""

from __future__ import annotations

import inspect

import pytest

from orchestrator.launchers.command import CommandLauncher
from orchestrator.launchers.docker import DockerLauncher
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.launchers.process import ProcessLauncher
from tests.make import make_context

METHODS = [name for name, value in vars(Launcher).items() if inspect.isfunction(value) and not name.startswith("_")]


@pytest.mark.parametrize("launcher", [DockerLauncher, CommandLauncher, ProcessLauncher])
@pytest.mark.parametrize("method", METHODS)
def test_every_launcher_has_every_method_with_the_same_parameters(launcher, method):
    assert inspect.signature(getattr(launcher, method)) == inspect.signature(getattr(Launcher, method))


def test_the_protocol_is_three_methods():
    assert METHODS == ["describe", "launch", "stop"]


def test_a_run_gives_up_no_point_of_confinement_by_itself(tmp_path):
    (tmp_path / "data").touch()
    context = make_context(tmp_path, tmp_path / "data")
    assert (context.weakened, context.attempts, context.gpu_route) == ([], {}, "devices")
    with pytest.raises(AttributeError):
        context.run_id = "another"
    assert isinstance(context, RunContext)
