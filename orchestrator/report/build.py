"""The report of one or more merged runs: a page that needs no network, the same as Markdown, and charts.

`build_report` and `build` return strings and bytes; the caller writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from orchestrator.report import charts, render
from orchestrator.report.blocks import Chart, Section
from orchestrator.report.head import make_head
from orchestrator.report.input import ReportInput
from orchestrator.report.sections import SECTIONS, Build
from orchestrator.report.view import View, make_view


class Report(Struct, frozen=True):
    """A finished report. `pictures` are its charts, keyed by file name without extension."""

    html: str
    markdown: str
    pictures: dict[str, charts.Picture]

    def files(self) -> dict[str, bytes]:
        """Everything to write, by path relative to the report's folder."""
        found = {"report.html": self.html.encode(), "report.md": self.markdown.encode()}
        for name, picture in self.pictures.items():
            found[f"charts/{name}.json"] = msgspec.json.encode(picture.spec)
            found[f"charts/{name}.svg"] = picture.svg.encode()
            found[f"charts/{name}.png"] = picture.png
        return found


def build_report(report: ReportInput) -> Report:
    """Make the report. Raises ValueError where an epoch or a reading belongs to no row, or to several."""
    return build(make_view(report))


def build(view: View) -> Report:
    """Make the report of what was sorted and ranked already."""
    parts = {part: list(_sections(builds, view)) for part, builds in SECTIONS.items()}
    pictures = _pictures(section for sections in parts.values() for section in sections)
    page = render.Page(make_head(view), view.layout, parts, pictures)
    return Report(html=render.html(page), markdown=render.markdown(page), pictures=pictures)


def _sections(builds: Iterable[Build], view: View) -> Iterator[Section]:
    for build in builds:
        found = build(view)
        if isinstance(found, Section):
            yield found
        elif found is not None:
            yield from found


def _pictures(sections: Iterable[Section]) -> dict[str, charts.Picture]:
    """Every chart of the sections, drawn. Raises ValueError where two have one name."""
    found: dict[str, charts.Picture] = {}
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Chart):
                if block.name in found:
                    raise ValueError(f"two charts are called {block.name!r}")
                found[block.name] = charts.draw(block.title, block.spec)
    return found
