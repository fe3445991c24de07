"""Charts are drawn by a program of its own: what its end costs."""

from __future__ import annotations

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


def test_the_program_draws_every_chart(view):
    found = drawn(view)
    assert found.lacking == []
    assert list(found.pictures) == ["every-epoch", "phases", "convergence", "host"]
    for picture in found.pictures.values():
        assert picture.svg.startswith("<svg") and picture.png.startswith(b"\x89PNG")
        assert picture.panels and picture.caption and picture.alt


def test_flags_of_this_python_are_not_for_the_program(view, monkeypatch):
    """Libraries that draw may need the docstrings that -OO takes away."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    assert drawn(view).lacking == []


def test_without_the_library_of_pixels_there_are_charts_and_no_complaint(view, monkeypatch):
    program = "import sys; sys.modules['vl_convert'] = None; " + drawn_module.PROGRAM
    monkeypatch.setattr(drawn_module, "PROGRAM", program)
    found = drawn(view)
    assert found.lacking == [] and len(found.pictures) == 4
    assert all(picture.svg and not picture.png for picture in found.pictures.values())


def test_an_engine_that_is_ended_costs_the_pixels_and_no_chart(view, monkeypatch):
    ending = "import os, signal; from orchestrator.report import drawing; drawing.png = lambda svg: os.abort(); "
    program = drawn_module.PROGRAM.replace("from orchestrator", ending + "from orchestrator")
    monkeypatch.setattr(drawn_module, "PROGRAM", program)
    found = drawn(view)
    (said,) = found.lacking
    assert len(found.pictures) == 4 and "4 of 4 charts have no PNG file" in said and "ended by SIGABRT" in said


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
