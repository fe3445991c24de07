"""How the configurations differ from those of the 2017 article: each difference once, with the stacks that have it."""

from __future__ import annotations

from orchestrator.model import Row
from orchestrator.report.blocks import Column, Section, Span, Table, Text
from orchestrator.report.view import View

TITLE = "What differs from the article"
TOLD = ("what", "article", "here", "why")
COLUMNS = (Column("what", heads=True), *map(Column, ("article", "here", "why", "stacks")))


def build(view: View) -> Section | None:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for item in view.report.deviations:
        groups.setdefault(tuple(str(item[name]) for name in TOLD), []).append(item)
    if not groups:
        return None
    rows: list[list[Text]] = [[*told, _stacks(items)] for told, items in groups.items()]
    return Section(name="deviations", title=TITLE, blocks=[Table(COLUMNS, rows)])


def _stacks(items: list[Row]) -> Text:
    """The stacks, and with each the one backend or device that the difference is about."""
    text: list[str | Span] = []
    for item in items:
        text.append(f", {item['stack']}" if text else str(item["stack"]))
        for only in (item["backend"], item["device"]):
            if only:
                text += [" ", Span(f"{only} only", "aside")]
    return text
