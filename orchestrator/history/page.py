"""trend.html and trend.json: the lines of a trend with pictures, in one page that needs neither network nor script."""

from __future__ import annotations

from pathlib import Path

from orchestrator import doors
from orchestrator.files import disk_errors, write_atomic
from orchestrator.history import forms
from orchestrator.history.chart import HEIGHT, WIDTH, chart, label
from orchestrator.history.gate import regressions, unjudged
from orchestrator.history.index import TEMPLATES
from orchestrator.history.lines import Line, Trend
from orchestrator.report import render


def page(found: Trend, threshold: float | None, fresh: int) -> str:
    """The page: what was found, then each line with its picture; those with a step first, ended ones last."""
    bad = regressions(found, threshold or 0.0, fresh)
    open_ = unjudged(found)
    rows = [
        {
            "number": number,
            "line": line,
            "look": "bad" if line in bad else "warn" if line in open_ else "",
            "cells": forms.cells(line),
            "chart": chart(line, found.by) if line.points else None,
            "nights": [(point, label(point)) for point in reversed(line.points)],
        }
        for number, line in enumerate(found.lines, 1)
    ]
    ordered = sorted(rows, key=lambda row: _rank(row["line"]))
    said = forms.closing(found, threshold, fresh)
    return render.other_page(
        TEMPLATES / "trend.html.j2", rows=ordered, said=said, by=found.by, width=WIDTH, height=HEIGHT
    )


def _rank(line: object) -> tuple[bool, bool]:
    assert isinstance(line, Line)
    return (not line.goes_on, not (line.steps or line.broken))


def write(found: Trend, to: Path, threshold: float | None, fresh: int) -> None:
    """Write both files. Raises HostError where the disk refuses, doors.Refused for a link among them."""
    with disk_errors(to):
        to.mkdir(parents=True, exist_ok=True)
    place = doors.own(to)
    write_atomic(place / "trend.html", page(found, threshold, fresh).encode())
    write_atomic(place / "trend.json", forms.json_document(found, threshold, fresh).encode() + b"\n")
