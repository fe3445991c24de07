"""What becomes of charts that are drawn, that cannot be drawn, and whose libraries are missing."""

from __future__ import annotations

import sys

import pytest

from orchestrator.report import charts
from orchestrator.report.blocks import Drawn, Picture
from orchestrator.report.build import build_report
from orchestrator.report.drawing import Line, collected, drawing, drawn_here, material
from orchestrator.report.view import make_view
from tests.fakes.made_up import recorded
from tests.unit.report.makers import draw_nothing

PICTURE = Picture(title="A", spec={}, svg="<svg", png=b"")
PLANNED = {"a": "A", "b": "B"}


@pytest.fixture
def view(monkeypatch):
    draw_nothing(monkeypatch)
    return make_view(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1))


def test_all_lines_make_the_pictures_and_the_script():
    found = collected([Line(planned={"a": "A"}), Line(name="a", picture=PICTURE), Line(script="x")])
    assert found == Drawn({"a": PICTURE}, "x", [])


def test_each_reason_is_one_sentence():
    lines = [Line(planned=PLANNED), Line(name="a", trouble="ValueError: no"), Line(name="b", trouble="ValueError: no")]
    assert collected(lines).lacking == ["2 of 2 charts could not be drawn (A and B): ValueError: no."]
    ended = collected([Line(planned=PLANNED), Line(name="a", picture=PICTURE)], "it was ended by SIGTRAP")
    assert ended.lacking == ["1 of 2 charts could not be drawn (B): it was ended by SIGTRAP."]
    assert collected([], "no altair").lacking == ["The charts are not drawn: no altair."]
    assert collected([Line(planned={})]) == Drawn()


def test_one_chart_that_fails_costs_no_other(view, monkeypatch):
    calls = []

    def fails_once(spec):
        calls.append(spec)
        if len(calls) == 2:
            raise MemoryError
        return "<svg", b""

    monkeypatch.setattr(charts, "draw", fails_once)
    found = drawn_here(view)
    assert len(found.pictures) == len(calls) - 1 == 2
    assert found.lacking == ["1 of 3 charts could not be drawn (Convergence: mnist_mlp): MemoryError."]


@pytest.mark.parametrize("library", ["altair", "vl_convert"])
def test_without_a_library_the_report_says_so_and_is_whole_otherwise(view, monkeypatch, library):
    monkeypatch.delitem(sys.modules, "orchestrator.report.charts", raising=False)
    monkeypatch.delitem(sys.modules, "orchestrator.report.charts_gpu", raising=False)
    monkeypatch.delattr("orchestrator.report.charts", raising=False)
    monkeypatch.delattr("orchestrator.report.charts_gpu", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    made = build_report(view.report)
    assert made.pictures == {} and len(made.lacking) == 1
    for text in (made.html, made.markdown):
        assert "The charts are not drawn: ModuleNotFoundError" in text
        assert "mnist" in text
    assert "<script" not in made.html


def test_without_the_script_of_the_page_the_still_pictures_remain(view, monkeypatch):
    def fails():
        raise RuntimeError("no engine")

    monkeypatch.setattr(charts, "javascript", fails)
    made = build_report(view.report)
    assert len(made.pictures) == 3 and made.html.count('class="still"') == 3
    assert "<script" not in made.html


def test_the_lines_tell_first_what_is_planned(view):
    first, *others = drawing(*material(view))
    assert list(first.planned) == [line.name for line in others[:-1]]
    assert others[-1].script == "/* the libraries */"
