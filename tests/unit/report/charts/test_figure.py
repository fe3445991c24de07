"""A picture as a file of its own: whole, with its style for light and dark, and nothing loaded."""

from __future__ import annotations

from orchestrator.report.charts.figure import Figure, Panel, one_file, wrapped
from orchestrator.report.drawing import png
from tests.unit.report.charts.makers import Drawing


def made(panels: int) -> str:
    bodies = [Panel(f'<text class="h" x="1" y="9">{i}</text>', 100) for i in range(panels)]
    return one_file(Figure("The title", "What to see. " * 20, "alt", bodies))


def test_a_file_has_title_caption_all_panels_and_both_themes():
    drawn = Drawing(made(5))
    assert drawn.texts("h") == ["The title", "0", "1", "2", "3", "4"]
    assert "".join(drawn.texts("s")).count("What to see.") >= 18
    style = drawn.root.findtext("style") or ""
    assert "prefers-color-scheme: dark" in style and "var(" not in style and "url(" not in style
    width, height = (float(drawn.root.get(side, "0")) for side in ("width", "height"))
    assert width == 3 * 340 + 2 * 16 + 28 and height > 2 * 100


def test_it_can_be_made_into_pixels():
    assert png(made(1)).startswith(b"\x89PNG")


def test_names_are_broken_into_lines_and_never_cut():
    text = "CNTK 2.5.1 GPU Tesla K80 5 threads " + "x" * 60
    lines = wrapped(text, 200)
    assert max(map(len, lines)) <= 29 and "".join(lines).replace(" ", "") == text.replace(" ", "")
