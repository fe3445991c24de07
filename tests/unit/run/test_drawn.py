"""Charts are drawn by a program of its own: what its end costs."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from orchestrator.report.blocks import Drawn
from orchestrator.report.view import make_view
from orchestrator.run import drawn as drawn_module
from orchestrator.run.drawn import drawn
from tests.fakes.made_up import recorded
from tests.make import row
from tests.unit.report.makers import view_of


@pytest.fixture
def view():
    return make_view(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1))


@pytest.mark.slow
def test_the_program_draws_every_chart(view):
    found = drawn(view)
    assert found.lacking == []
    assert list(found.pictures) == ["epoch-seconds", "convergence-mnist_mlp", "host-mnist_mlp"]
    for picture in found.pictures.values():
        assert picture.svg.startswith("<svg") and picture.png.startswith(b"\x89PNG") and picture.spec
    assert "vegaEmbed" in found.script


@pytest.mark.slow
def test_flags_of_this_python_are_not_for_the_program(view, monkeypatch):
    """Altair cannot be imported without docstrings (-OO)."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    assert drawn(view).lacking == []


@pytest.mark.slow
def test_too_little_memory_costs_pictures_and_nothing_else(view, monkeypatch):
    real = subprocess.run

    def confined(argv, **more):
        limit = (2 * 2**30, 2 * 2**30)
        return real(argv, **more, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit))

    monkeypatch.setattr(drawn_module.subprocess, "run", confined)
    found = drawn(view)
    assert found.pictures == {}
    (said,) = found.lacking
    assert said.startswith("3 of 3 charts could not be drawn")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", "ended by SIGABRT"),
        ("import nowhere", "No module named 'nowhere'"),
        ("raise SystemExit(9)", "exit code 9"),
        ('print(\'{"planned": {"a": "A"}}\'); print(\'no JSON\')', "1 of 1 chart could not be drawn (A): DecodeError"),
        ("pass", "nothing came back"),
    ],
)
def test_every_end_of_the_program_is_one_sentence(view, monkeypatch, program, words):
    monkeypatch.setattr(drawn_module, "PROGRAM", program)
    found = drawn(view)
    assert found.pictures == {}
    (said,) = found.lacking
    assert words in said and "\n" not in said


def test_where_no_program_can_start_that_is_said(view, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    (said,) = drawn(view).lacking
    assert said.startswith("The charts are not drawn: FileNotFoundError")


def test_a_program_that_hangs_is_ended(view, monkeypatch):
    monkeypatch.setattr(drawn_module, "PROGRAM", "import time; time.sleep(600)")
    monkeypatch.setattr(drawn_module, "LIMIT_S", 0.2)
    assert drawn(view).lacking == ["The charts are not drawn: it took longer than 0.2 s."]


def test_where_nothing_is_to_be_drawn_nothing_is_started(monkeypatch):
    monkeypatch.setattr(drawn_module, "subprocess", None)
    assert drawn(view_of([row()])) == Drawn()


def test_without_the_packages_that_draw_nothing_is_started_and_one_sentence_says_so(view, monkeypatch):
    monkeypatch.setattr(drawn_module.subprocess, "run", lambda *_, **__: pytest.fail("started"))
    monkeypatch.setitem(sys.modules, "altair", None)
    reason = "altair is not installed (pip install 'keras-orchestrate[charts]')"
    assert drawn(view) == Drawn(lacking=[f"The charts are not drawn: {reason}."])
