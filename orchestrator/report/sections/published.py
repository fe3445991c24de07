"""What others published of the models of this report, beside our figures: no verdict, and hardware always named."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from orchestrator.report import style, words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.layout import Layout
from orchestrator.report.published import Figure, Source
from orchestrator.report.view import View
from orchestrator.stats.describe import median
from orchestrator.text import listed, plural

#: Versions that lie further apart in time say nothing of one another.
MOST_MONTHS = 24
#: What all sides are ratios to.
BASELINE = "tensorflow"
#: The scale at which an epoch holds as much as theirs.
FULL = "article"
NOTE = (
    "Others measured some of these models on other hardware and mostly with other versions. Their figures stand beside "
    "ours and judge nothing: compare the ratios to TensorFlow, each on its own side, and those only as a hint. Ours is "
    "the contender of the same backend nearest in time, counted as theirs: all of fit() over the number of epochs."
)
TITLES = ("model", "backend", "hardware, theirs", "theirs", "ours", "our contender", "theirs to TensorFlow",
          "ours to TensorFlow")  # fmt: skip
COLUMNS = [Column(title, heads=number == 0, number=number in (3, 4, 6, 7)) for number, title in enumerate(TITLES)]


class Beside(Struct, frozen=True):
    """One figure of theirs with ours: seconds per epoch, and each as a ratio to TensorFlow on its own side."""

    figure: Figure
    contender: str
    ours: float
    theirs_to_baseline: float | None
    ours_to_baseline: float | None


def build(view: View) -> Section | None:
    found = [(source, its) for source in view.report.sources if (its := list(beside(view.layout, source)))]
    if not found:
        return None
    blocks: list[Block] = [Paragraphs([f"{NOTE} {_here(view.layout)}"], only="html")]
    for source, its in found:
        blocks.append(Paragraphs([_about(source)], only="html"))
        fold = f"{plural(len(its), 'figure')} of {source.author}, {source.published}, beside ours"
        blocks.append(Table(COLUMNS, [_cells(source, each) for each in its], fold=fold, only="html"))
    shown = [source for source, _ in found]
    rest = [f"{source.author} ({source.published})" for source in view.report.sources if source not in shown]
    if rest:
        hint = f"Of other models or of other years: {listed(rest)}. `orchestrate list references` shows them."
        blocks.append(Paragraphs([], hint=hint, only="html"))
    return Section(name="published", title="Others' published figures", blocks=blocks)


def _here(layout: Layout) -> str:
    """On what ours ran, and at which scale."""
    on = sorted({str(contender.identity["gpu_name"] or "a CPU") for contender in layout.contenders})
    scales = sorted({str(task.conditions["scale"]) for task in layout.tasks if not task.file} - {FULL})
    less = f", at the scale {listed(scales)}, where an epoch holds less data than theirs" if scales else ""
    return f"Ours ran on {listed(on)}{less}."


def beside(layout: Layout, source: Source) -> Iterator[Beside]:
    """The figures of a source whose model and backend this report has."""
    theirs = {(f.workload, f.backend, source.where(f)): f.value for f in source.figures if f.workload}
    for figure in source.figures:
        mine = _ours(layout, source, figure.workload, figure.backend)
        if mine is None:
            continue
        their_base = theirs.get((figure.workload, BASELINE, source.where(figure)))
        our_base = _ours(layout, source, figure.workload, BASELINE)
        yield Beside(
            figure=figure,
            contender=mine[0],
            ours=mine[1],
            theirs_to_baseline=figure.value / their_base if their_base else None,
            ours_to_baseline=mine[1] / our_base[1] if our_base else None,
        )


def _ours(layout: Layout, source: Source, workload: str, backend: str) -> tuple[str, float] | None:
    """(contender, seconds per epoch as the article counts) of the version nearest in time; None without one near."""
    able = []
    for (column, line), rows in layout.cells.items():
        contender, task = layout.contenders[column], layout.tasks[line]
        if workload and task.workload == workload and not task.file and contender.backend == backend:
            seconds = median(row.get("epoch_s_article") for row in rows if row["status"] == "ok")
            apart = _apart(contender.released, source.published)
            if seconds and apart <= MOST_MONTHS:
                able.append((apart, contender.label, seconds))
    return min(able)[1:] if able else None


def _apart(one: str, other: str) -> int:
    """Months between two; without one of them, more than any bound."""
    if not one or not other:
        return MOST_MONTHS + 1
    years, months = (int(a) - int(b) for a, b in zip(one.split("-"), other.split("-"), strict=True))
    return abs(12 * years + months)


def _about(source: Source) -> Text:
    made = f"{source.hardware}; {source.software}. {source.comparable} {source.other}"
    return [Span(source.title, "strong", href=source.url), f" ({source.author}, {source.published}). {made}"]


def _cells(source: Source, each: Beside) -> list[Text]:
    ratios = [
        words.ratio(ratio) if ratio else words.ABSENT for ratio in (each.theirs_to_baseline, each.ours_to_baseline)
    ]
    theirs, ours = words.seconds(each.figure.value), words.seconds(each.ours)
    backend = style.title(each.figure.backend)
    return [each.figure.model, backend, source.where(each.figure), theirs, ours, each.contender, *ratios]
