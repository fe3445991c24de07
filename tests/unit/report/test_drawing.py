"""What becomes of charts that are drawn, that cannot be drawn, and that have no pixels."""

from __future__ import annotations

import sys

import msgspec
import pytest

from orchestrator.report import charts, drawing
from orchestrator.report.blocks import Drawn, Picture
from orchestrator.report.build import build_report
from orchestrator.report.drawing import Line, collected, drawn_here, material
from orchestrator.report.view import make_view
from tests.fakes.made_up import recorded
from tests.unit.report.makers import draw_nothing

PICTURE = Picture(title="A", svg="<svg")
PLANNED = {"a": "A", "b": "B"}


@pytest.fixture
def view(monkeypatch):
    draw_nothing(monkeypatch)
    return make_view(recorded(workloads=["mnist_mlp"], stacks=1, repeats=1))


def test_all_lines_make_the_pictures_and_their_pixels():
    found = collected([Line(planned={"a": "A"}), Line(name="a", picture=PICTURE), Line(name="a", png=b"x")])
    assert found == Drawn({"a": msgspec.structs.replace(PICTURE, png=b"x")}, [])


def test_each_reason_is_one_sentence():
    lines = [Line(planned=PLANNED), Line(name="a", trouble="ValueError: no"), Line(name="b", trouble="ValueError: no")]
    assert collected(lines).lacking == ["2 of 2 charts could not be drawn (A and B): ValueError: no."]
    ended = collected([Line(planned=PLANNED), Line(name="a", picture=PICTURE)], "it was ended by SIGTRAP")
    assert ended.lacking == [
        "1 of 2 charts could not be drawn (B): it was ended by SIGTRAP.",
        "1 of 2 charts have no PNG file (A): it was ended by SIGTRAP.",
    ]
    assert collected([], "no memory").lacking == ["The charts are not drawn: no memory."]
    assert collected([Line(planned={})]) == Drawn()


def test_one_chart_that_fails_costs_no_other(view, monkeypatch):
    def fails(material):
        raise MemoryError

    monkeypatch.setitem(charts.PICTURES, "host", ("Processor and memory", fails))
    found = drawn_here(view)
    assert list(found.pictures) == ["every-epoch", "phases", "convergence"]
    assert found.lacking == ["1 of 4 charts could not be drawn (Processor and memory): MemoryError."]


def test_pixels_that_fail_cost_no_chart(view, monkeypatch):
    def fails(svg):
        raise ValueError("no font")

    monkeypatch.setattr(drawing, "png", fails)
    found = drawn_here(view)
    assert len(found.pictures) == 4 and found.lacking == ["4 of 4 charts have no PNG file: ValueError: no font."]


def test_without_the_library_of_pixels_the_report_is_whole_and_silent(view, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    made = build_report(view.report)
    assert len(made.pictures) == 4 and made.lacking == [] and made.html.count("<figure id=") == 4
    assert {name.rpartition(".")[2] for name in made.files() if name.startswith("charts/")} == {"svg"}


def test_the_lines_tell_first_what_is_planned_and_pixels_come_last(view):
    first, *others = drawing.drawing(material(view))
    assert first.planned and list(first.planned) == [line.name for line in others[:4]]
    assert [bool(line.png) for line in others] == [False] * 4 + [True] * 4
