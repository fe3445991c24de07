"""Small SVG is well-formed whatever stands in it, and short."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from orchestrator.report import style
from orchestrator.report.charts.svg import Canvas, number, width_of
from tests.unit.report.makers import EVIL


def test_text_of_strangers_stays_text():
    canvas = Canvas(100, 20)
    canvas.text(1, 2, EVIL)
    with canvas.group("b-jax", contender=f'"{EVIL}'):
        canvas.line(0, 0, 1, 1, "l", tip=EVIL)
    root = ElementTree.fromstring(f"<svg>{canvas.body}</svg>")
    assert {element.tag for element in root.iter()} == {"svg", "text", "g", "path", "title"}
    assert "onerror" in "".join(root.itertext())


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (3.04, "3"), (0.25, "0.2"), (-1.26, "-1.3"), (1e6, "1000000")])
def test_coordinates_have_one_decimal_at_most(value, text):
    assert number(value) == text


def test_every_shape_of_a_contender_is_another_one():
    drawn = set()
    for shape in style.SHAPES:
        canvas = Canvas(10, 10)
        canvas.mark(shape, 5, 5)
        drawn.add(canvas.body)
    assert len(drawn) == len(style.SHAPES)


def test_a_text_is_taken_to_be_wide():
    assert width_of("mmmm") == 2 * width_of("mm") > 2 * 11
