"""How the configurations differ from those of the 2017 article."""

from __future__ import annotations

from orchestrator.model import Row
from orchestrator.report.blocks import Column, Section, Span, Table, Text
from orchestrator.report.view import View

TITLE = "What differs from the article"
COLUMNS = (Column("stack", heads=True), *map(Column, ("what", "article", "here", "why")))


def build(view: View) -> Section | None:
    if not view.report.deviations:
        return None
    rows: list[list[Text]] = [
        [_stack(item), *(item[name] for name in ("what", "article", "here", "why"))] for item in view.report.deviations
    ]
    table = Table(COLUMNS, rows, caption="Known differences from the 2017 configurations, and why")
    return Section(name="deviations", title=TITLE, blocks=[table], menu="Deviations", fold=TITLE)


def _stack(item: Row) -> Text:
    """The stack, and the one backend or device that the difference is about."""
    text: list[str | Span] = [item["stack"]]
    for only in (item["backend"], item["device"]):
        if only:
            text += [" ", Span(f"{only} only", "aside")]
    return text
