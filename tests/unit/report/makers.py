"""What the tests of the report share: rows of contenders, views of them, a page taken apart."""

from __future__ import annotations

from html.parser import HTMLParser

from orchestrator.report import drawing
from orchestrator.report.blocks import Drawn, Matrix
from orchestrator.report.build import build_report
from orchestrator.report.input import ReportInput
from orchestrator.report.layout import Layout, lay_out
from orchestrator.report.speeds import Speeds, speeds
from orchestrator.report.view import View, make_view
from tests.fakes.made_up import recorded
from tests.make import row

#: Text that breaks out of HTML, of a script, of Markdown and of its tables, if anything can.
EVIL = "</script><img src=x onerror=alert(1)>|`*_<!-- @everyone \u2028\x00"


def contender(backend, *times, **changes) -> list[dict]:
    """A row for each time: the repeats of one backend at one task."""
    return [row(backend=backend, repeat=i, epoch_s=time, **changes) for i, time in enumerate(times)]


def two(times_a, times_b, **second) -> list[dict]:
    return contender("tensorflow", *times_a) + contender("jax", *times_b, framework_version="0.10", **second)


def one_epoch(row) -> list[float]:
    return [row["epoch_s"]]


def ranked(rows, steady=lambda row: []) -> tuple[Layout, Speeds]:
    layout = lay_out(rows)
    return layout, speeds(layout, steady)


def view_of(rows, **changes) -> View:
    """The view of a report with these rows."""
    fields = {"title": "t", "run_ids": ["r"], "created": "c", "rows": rows, "plan_command": "orchestrate run"}
    return make_view(ReportInput(**{**fields, **changes}))


def draw_nothing(monkeypatch) -> None:
    """Charts are drawn and not made into pixels: that takes most of the time of a report and has its own tests."""
    monkeypatch.setattr(drawing, "png", lambda svg: b"pixels")


def figures(matrix: Matrix) -> list[list[str | None]]:
    return [[cell and cell.figure for cell in line] for line in matrix.cells]


class Page(HTMLParser):
    """Collects the tags of a page, checks that they nest, and keeps the scripts."""

    EMPTY = frozenset({"meta", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


def many(count: int, repeats: int = 1) -> ReportInput:
    """A made-up report with so many contenders: seven, and the same again in other versions."""
    made = recorded(stacks=min(count, 7), repeats=repeats)
    rows = [_in_version(row, turn) for turn in range(-(-count // 7)) for row in made.rows]
    keys = [(row["stack"], row["framework_version"], row["backend"]) for row in rows]
    kept = list(dict.fromkeys(keys))[:count]
    made.rows, made.epochs, made.samples = [row for row, key in zip(rows, keys, strict=True) if key in kept], [], []
    return made


def _in_version(row: dict, turn: int) -> dict:
    job = f"{row['job_id']}.{turn}"
    version = f"{row['framework_version']}.{turn}" if turn else row["framework_version"]
    return {**row, "framework_version": version, "job_id": job, "command": f"orchestrate run --only {job}"}


def without_charts(made: ReportInput) -> str:
    """The page, made in a moment."""
    return build_report(made, lambda view: Drawn()).html
