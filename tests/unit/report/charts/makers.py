"""What the tests of pictures share: material of made-up runs, and a panel taken apart."""

from __future__ import annotations

from html import unescape
from xml.etree import ElementTree

from orchestrator.report.charts.figure import Figure, Panel
from orchestrator.report.charts.material import Material
from orchestrator.report.drawing import material
from orchestrator.report.input import ReportInput
from orchestrator.report.view import make_view


def material_of(report: ReportInput) -> Material:
    return material(make_view(report))


class Drawing:
    """A panel or a file as elements."""

    def __init__(self, drawn: Panel | str) -> None:
        text = drawn if isinstance(drawn, str) else drawn.inline
        self.root = ElementTree.fromstring(text.replace(' xmlns="http://www.w3.org/2000/svg"', ""))

    def texts(self, *looks: str) -> list[str]:
        """Of the elements that have all of these classes."""
        return ["".join(e.itertext()) for e in self.root.iter("text") if set(looks) <= set(e.get("class", "").split())]

    def tips(self, look: str = "") -> list[str]:
        return [unescape(e.findtext("title") or "") for e in self.root.iter() if self._has(e, look)]

    def count(self, look: str) -> int:
        return sum(e.get("class") == look for e in self.root.iter())

    def xs(self, tag: str = "rect", look: str = "m", field: str = "width") -> list[float]:
        return [float(e.get(field, "nan")) for e in self.root.iter(tag) if e.get("class") == look]

    @staticmethod
    def _has(element: ElementTree.Element, look: str) -> bool:
        return element.find("title") is not None and (not look or element.get("class") == look)


def drawings(figure: Figure | None) -> list[Drawing]:
    assert figure is not None
    return [Drawing(panel) for panel in figure.panels]


def numbers(drawing: Drawing) -> list[float]:
    """The coordinates of all that is drawn, as far as they are attributes of their own."""
    names = ("x", "y", "cx", "cy", "width", "height")
    return [float(e.get(name, "")) for e in drawing.root.iter() for name in names if e.get(name)]
