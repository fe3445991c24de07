"""The report of one or more merged runs: one HTML file that needs no network, its Markdown twin, charts.

Pure: `build_report` returns strings and bytes, the caller writes them. Everything that comes from a job
or a config (names, reasons, logs) is text from strangers and is escaped wherever it is shown.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct, structs

from orchestrator.report import charts, charts_gpu, style, words
from orchestrator.report.input import ReportInput
from orchestrator.report.layout import Layout, failures, lay_out, not_run
from orchestrator.report.sections.article import against_article
from orchestrator.report.sections.findings import findings, headline, machines, warnings
from orchestrator.report.sections.noise import disturbances
from orchestrator.report.sections.tables import tables
from orchestrator.report.speeds import speeds
from orchestrator.text import plural

TEMPLATES = Path(__file__).parent / "templates"
#: Last log lines shown for a failed job.
LOG_LINES = 30
NO_REASON = "no reason known"
#: Contenders in one chart; its colours, marks and dashes tell far fewer apart.
MOST_DRAWN = 40
#: What the templates read of a row; a row need not have all of it.
SHOWN = (
    "run_id", "job_id", "status", "reason", "exit_code", "data_kind", "seed", "epoch_s", "first_epoch_s",
    "setup_s", "val_accuracy", "image_data_format", "started", "command", "log_tail",
    "throttle_reasons", "gpu_shared",
)  # fmt: skip


class Report(Struct, frozen=True):
    """A finished report. `pictures` are its charts by file name, without suffix."""

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
    """Make the report. Raises ValueError where an epoch or a sample belongs to no row, or to several."""
    rows = _timed_to_accuracy(report.rows, report.epochs)
    report = structs.replace(report, rows=[{**dict.fromkeys(SHOWN), **row} for row in rows])
    layout = lay_out(report.rows)
    epochs = list(_placed(report.epochs, report.rows, layout))
    samples = list(_placed(report.samples, report.rows, layout))
    readings, marks = (list(_placed(points, report.rows, layout)) for points in (report.gpu, report.marks))
    drawable = len(layout.contenders) <= MOST_DRAWN
    if not drawable:
        text = f"{len(layout.contenders)} contenders are too many to tell apart in charts, so none are drawn."
        report = structs.replace(report, notes=[*report.notes, text])
    specs: dict[str, tuple[str, charts.Spec]] = {}
    if drawable:
        specs = {**charts.charts(layout, epochs, samples), **charts_gpu.timelines(layout, readings, marks)}
    pictures = {name: charts.draw(title, spec) for name, (title, spec) in specs.items()}
    context = _context(report, layout, epochs)
    return Report(html=_html(context, pictures), markdown=_markdown().render(context).strip() + "\n", pictures=pictures)


def _timed_to_accuracy(rows: Sequence[Mapping[str, Any]], epochs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with `reached_s`: seconds since fit() to the end of the first epoch that reached `learned`."""
    by_job: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for epoch in epochs:
        by_job.setdefault((epoch.get("run_id"), epoch["job_id"]), []).append(epoch)

    def reached(row: Mapping[str, Any]) -> Any:
        wanted = row.get("learned")
        its = by_job.get((row.get("run_id"), row["job_id"])) or by_job.get((None, row["job_id"])) or []
        times = [e["elapsed_s"] for e in its if wanted is not None and (e["val_acc"] or 0) >= wanted]
        return min(times, default=None)

    return [{**row, "reached_s": reached(row)} for row in rows]


def _placed(
    points: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], layout: Layout
) -> Iterator[dict[str, Any]]:
    """Each epoch or sample with the place of its job in the matrix."""
    known: dict[tuple[Any, Any], list[int]] = {}
    for i, row in enumerate(rows):
        known.setdefault((row.get("run_id"), row["job_id"]), []).append(i)
        known.setdefault((None, row["job_id"]), []).append(i)
    for point in points:
        owners = set(known.get((point.get("run_id"), point["job_id"]), []))
        if len(owners) != 1:
            raise ValueError(f"{len(owners)} rows for job {point['job_id']!r} of run {point.get('run_id')!r}")
        owner = owners.pop()
        column, line = layout.places[owner]
        row = rows[owner]
        yield {
            **point,
            **{name: row.get(name) for name in ("run_id", "repeat", "status")},
            "job": owner,
            "column": column,
            "line": line,
        }


def _context(report: ReportInput, layout: Layout, epochs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What both templates show."""
    steady: dict[tuple[Any, Any], list[float]] = {}
    for epoch in epochs:
        if epoch["epoch"] > 1:
            steady.setdefault((epoch["run_id"], epoch["job_id"]), []).append(epoch["train_s"])
    ranked = speeds(layout, lambda row: steady.get((row.get("run_id"), row["job_id"]), []))
    return {
        "report": report,
        "layout": layout,
        "eras": _eras(layout),
        "headline": headline(report.rows, layout),
        "machines": machines(report.rows),
        "warnings": warnings(report.rows, layout, ranked),
        "findings": findings(layout, ranked),
        "tables": tables(layout, ranked),
        "article": against_article(layout, report.reference) if report.reference else None,
        "disturbances": disturbances(layout, steady),
        "planned_to_run": len(report.rows) - len(not_run(report.rows)),
        "ok": sum(row["status"] == "ok" for row in report.rows),
        "failures": failures(report.rows),
        "not_run": _by_reason(not_run(report.rows)),
        "no_reason": NO_REASON,
        "safe": Markup,
        "words": words,
        "plural": plural,
    }


def _eras(layout: Layout) -> list[tuple[str, int]]:
    """(era, number of columns) from left to right."""
    names = [contender.era for contender in layout.contenders]
    return [(era, names.count(era)) for era in dict.fromkeys(names)]


def _by_reason(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[str]]]:
    """(status, reason, job ids), since one reason often rules out a whole stack."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row["status"], row["reason"] or NO_REASON), []).append(row["job_id"])
    return [(status, reason, jobs) for (status, reason), jobs in groups.items()]


def _html(context: dict[str, Any], pictures: Mapping[str, charts.Picture]) -> str:
    scripts = [charts.javascript(), (TEMPLATES / "report.js").read_text()] if pictures else []
    # "</script" in a library's text would end the element early; none is seen, and none may pass.
    assert not any("</script" in script for script in scripts)
    return _environment().get_template("report.html.j2").render(
        **context,
        pictures=pictures,
        specs={name: picture.spec for name, picture in pictures.items()},
        css=Markup((TEMPLATES / "report.css").read_text()),
        scripts=[Markup(script) for script in scripts],
        policy=_policy(scripts),
    )  # fmt: skip


def _policy(scripts: Sequence[str]) -> str:
    """A content security policy: no network at all, and no script but the report's own."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        seconds=words.seconds,
        share=words.share,
        colour=style.colour,
        data_uri=_data_uri,
        log=log_tail,
        fenced=fenced,
    )
    return environment


def _markdown() -> Any:
    """The Markdown template; every value put into it is escaped unless it is marked as safe."""
    return _environment().overlay(finalize=markdown_text).get_template("report.md.j2")


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def log_tail(text: str) -> str:
    """The last lines of a log, without the control characters that terminals understand."""
    plain = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    lines = re.sub(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]", "", plain).strip("\n").split("\n")
    return "\n".join(line[:400] for line in lines[-LOG_LINES:])


def markdown_text(value: Any) -> str:
    """`value` as inert Markdown on one line: no markup, no HTML, no table cell, nobody notified."""
    if isinstance(value, Markup):
        return str(value)
    text = re.sub(r"\s+", " ", str(value)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", text)
    return re.sub(r"(@|://|(?<=www)\.)", "\\1\u200b", text)


def fenced(text: str) -> Markup:
    """`text` as a code block, with a fence longer than any within."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
    return Markup(f"{fence}text\n{text}\n{fence}")
