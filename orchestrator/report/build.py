"""The report of one or more merged runs: a page that needs no network, the same as Markdown, and charts.

`build_report` and `build` return strings and bytes; the caller writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import Struct

from orchestrator.report import render
from orchestrator.report.blocks import Drawn, Picture, Section
from orchestrator.report.drawing import drawn_here
from orchestrator.report.head import make_head
from orchestrator.report.input import ReportInput
from orchestrator.report.sections import OF_CALLS, SECTIONS, Build
from orchestrator.report.view import View, make_view
from orchestrator.stats.repeats import TRAIN


class Report(Struct, frozen=True):
    """A finished report. `pictures` are its charts, keyed by file name without extension.

    `lacking`: those that could not be drawn and why, a sentence each; the report says so, too.
    """

    html: str
    markdown: str
    pictures: dict[str, Picture]
    lacking: list[str] = []

    def files(self) -> dict[str, bytes]:
        """Everything to write, by path relative to the report's folder."""
        found = {"report.html": self.html.encode(), "report.md": self.markdown.encode()}
        for name, picture in self.pictures.items():
            found[f"charts/{name}.svg"] = picture.svg.encode()
            if picture.png:
                found[f"charts/{name}.png"] = picture.png
        return found


def build_report(report: ReportInput, draw: Callable[[View], Drawn] = drawn_here) -> Report:
    """Make the report; `draw` makes its charts.

    Raises ValueError where an epoch or a reading belongs to no row, or to several.
    """
    return build(make_view(report), draw)


def build(view: View, draw: Callable[[View], Drawn]) -> Report:
    """Make the report of what was sorted and ranked already."""
    view = msgspec.structs.replace(view, drawn=draw(view) if view.drawable else Drawn())
    sections = SECTIONS if view.mode == TRAIN else OF_CALLS
    parts = {part: list(_sections(builds, view)) for part, builds in sections.items()}
    page = render.Page(make_head(view), view.layout, parts, view.drawn, view.rows if view.listable else [])
    return Report(
        html=render.html(page),
        markdown=render.markdown(page),
        pictures=view.drawn.pictures,
        lacking=view.drawn.lacking,
    )


def _sections(builds: Iterable[Build], view: View) -> Iterator[Section]:
    for build in builds:
        found = build(view)
        if isinstance(found, Section):
            yield found
        elif found is not None:
            yield from found
