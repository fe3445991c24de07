"""The answer, before everything else: a table for each group of contenders that compare."""

from __future__ import annotations

from orchestrator.report.answer.ranking import fields
from orchestrator.report.answer.table import table
from orchestrator.report.blocks import Section
from orchestrator.report.view import View


def build(view: View) -> Section:
    found = enumerate(fields(view.layout, view.speeds))
    blocks = [table(view, field, f"answer-{i + 1}" if i else "answer") for i, field in found]
    return Section(name="first", title="", blocks=blocks)
