"""Our figures beside those of the 2017 article: seconds, ratios to TensorFlow, the order of the backends."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from orchestrator.report import style, words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.input import Published, Reference
from orchestrator.report.layout import Contender, Layout
from orchestrator.report.tasks import Task
from orchestrator.report.view import View
from orchestrator.stats import disturbance
from orchestrator.stats.describe import median
from orchestrator.text import listed, plural

#: Sentences of our own, which need no escaping.
ORDERS = Markup("Agreement of the order (Kendall's tau: 1 the same order, 0 none, -1 the reverse):")
#: Where others' figures of that year stand.
OTHERS = Span("What others measured of the same models", "strong", href="#published")
FIGURES = ("ours", "theirs", "ours / theirs", "ours to TensorFlow", "theirs to TensorFlow")
COLUMNS = (
    Column("workload", heads=True),
    Column("backend"),
    *(Column(title, number=True) for title in FIGURES),
    Column("source"),
)

VARIED = "Left out: what this run varies makes other work of its rows than the article's."


class Line(Struct, frozen=True):
    """One cell: ours and theirs in seconds per epoch, and each as a ratio to the baseline's of its own side."""

    workload: str
    contender: str
    ours: float
    theirs: float
    ours_to_baseline: float | None
    theirs_to_baseline: float | None
    confidence: str
    source: str


class Agreement(Struct, frozen=True):
    """How alike two orders of the same backends are: Kendall's tau, 1 the same, -1 the reverse."""

    workload: str
    backends: int
    tau: float
    ours: str
    theirs: str


class Comparison(Struct, frozen=True):
    """What the report's section shows; `caveats` say in plain words what is not comparable."""

    reference: Reference
    lines: list[Line]
    agreements: list[Agreement]
    caveats: list[str]


def build(view: View) -> Section | None:
    found = against_article(view.layout, view.report.reference) if view.report.reference else None
    if found is None:
        return _left_out(view)
    title = f"Against {found.reference.title}"
    blocks = [Paragraphs(found.caveats, "bullets"), *_tables(found), *_orders(found), *_errors(found.reference)]
    if {task.workload for task in view.layout.tasks} & {name for source in view.report.sources for name in source.same}:
        blocks.append(Paragraphs([[OTHERS]], only="html"))
    return Section(name="against", title=title, blocks=blocks)


def _left_out(view: View) -> Section | None:
    """That there is no comparison where what a run varied leaves nothing that the article has."""
    if view.report.reference is None or not any(contender.article for contender in view.layout.contenders):
        return None
    if not any(task.is_varied for task in view.layout.tasks):
        return None
    return Section(name="against", title=f"Against {view.report.reference.title}", blocks=[Paragraphs([VARIED])])


def _tables(found: Comparison) -> Iterator[Block]:
    caption = "Seconds per epoch as the article counted, and each as a ratio to TensorFlow on its own side"
    rows = [_cells(line) for line in found.lines]
    yield Table(COLUMNS, rows, caption=caption, only="html")
    yield Table(COLUMNS[:-1], [cells[:-1] for cells in rows], only="markdown")  # without the source


def _cells(line: Line) -> list[Text]:
    ratios = (line.ours / line.theirs, line.ours_to_baseline, line.theirs_to_baseline)
    return [
        line.workload,
        line.contender,
        words.seconds(line.ours),
        words.seconds(line.theirs),
        *(words.ratio(ratio) if ratio else words.ABSENT for ratio in ratios),
        [Span(f"{line.confidence}: {line.source}", "small")],
    ]


def _orders(found: Comparison) -> Iterator[Block]:
    if not found.agreements:
        return
    page: list[Text] = [
        [
            Span(item.workload, "strong"),
            f", {item.backends} backends: tau {item.tau:.2f}. Ours {item.ours}; theirs {item.theirs}.",
        ]
        for item in found.agreements
    ]
    twin = [
        f"{item.workload}: Kendall's tau {item.tau:.2f} over {item.backends} backends; "
        f"ours {item.ours}, theirs {item.theirs}"
        for item in found.agreements
    ]
    yield Paragraphs([ORDERS], only="html")
    yield Paragraphs(page, "bullets", only="html")
    yield Paragraphs(twin, "bullets", only="markdown")


def _errors(reference: Reference) -> Iterator[Block]:
    """The article's known errors."""
    title = "Known errors of the article and its translations"
    terms: list[tuple[str, Text]] = [
        (slip.what, [f"{slip.text} ", Span(f"({slip.source})", "small")]) for slip in reference.errors
    ]
    hint = f"Notebooks: {reference.notebooks}"
    yield Paragraphs(terms, "terms", hint=hint, only="html")
    yield Paragraphs([f"{title}:"], only="markdown")
    lines = [f"{slip.what} {slip.text} ({slip.source})" for slip in reference.errors]
    yield Paragraphs(lines, "bullets", only="markdown")


def against_article(layout: Layout, reference: Reference) -> Comparison | None:
    """None where no 2017 stack ran a cell that the article has."""
    published = {(figure.workload, figure.backend): figure for figure in reference.figures}
    lines: list[Line] = []
    agreements: list[Agreement] = []
    for machine, (line, task) in itertools.product(layout.machines, enumerate(layout.tasks)):
        ours = {} if task.is_varied else dict(_ours(layout, machine, line, task, published))
        if ours:
            lines += list(_lines(task, ours, published, reference.baseline))
            agreements += _agreement(task, ours, published)
    if not lines:
        return None
    return Comparison(reference, lines, agreements, list(_caveats(layout, reference)))


def kendall(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Tau-b of two orders of the same things; None for fewer than two, or where one side has only ties."""
    pairs = list(itertools.combinations(range(len(a)), 2))
    signs = [(_sign(a[i] - a[j]), _sign(b[i] - b[j])) for i, j in pairs]
    untied_a, untied_b = sum(x != 0 for x, _ in signs), sum(y != 0 for _, y in signs)
    if not untied_a or not untied_b:
        return None
    return float(sum(x * y for x, y in signs) / (untied_a * untied_b) ** 0.5)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _ours(
    layout: Layout, machine: Any, line: int, task: Task, published: Mapping[tuple[str, str], Published]
) -> Iterator[tuple[str, tuple[Contender, float]]]:
    """Backend -> (contender, seconds) of the 2017 stacks on one machine."""
    for column in layout.machines[machine]:
        contender = layout.contenders[column]
        if not contender.article or (task.workload, contender.backend) not in published:
            continue
        rows = layout.cells.get((column, line), [])
        seconds = median(row.get("epoch_s_article") for row in rows if row["status"] == "ok")
        if seconds:
            yield contender.backend, (contender, seconds)


def _lines(
    task: Task,
    ours: Mapping[str, tuple[Contender, float]],
    published: Mapping[tuple[str, str], Published],
    baseline: str,
) -> Iterator[Line]:
    our_base = ours[baseline][1] if baseline in ours else None
    their_base = published.get((task.workload, baseline))
    for backend, (contender, seconds) in ours.items():
        figure = published[task.workload, backend]
        yield Line(
            workload=task.label,
            contender=contender.label,
            ours=seconds,
            theirs=figure.s_per_epoch,
            ours_to_baseline=seconds / our_base if our_base else None,
            theirs_to_baseline=figure.s_per_epoch / their_base.s_per_epoch if their_base else None,
            confidence=figure.confidence,
            source=figure.source,
        )


def _agreement(
    task: Task, ours: Mapping[str, tuple[Contender, float]], published: Mapping[tuple[str, str], Published]
) -> list[Agreement]:
    backends = list(ours)
    mine = [ours[backend][1] for backend in backends]
    theirs = [published[task.workload, backend].s_per_epoch for backend in backends]
    tau = kendall(mine, theirs)
    if tau is None:
        return []
    orders = [
        " < ".join(style.title(backends[i]) for i in sorted(range(len(backends)), key=values.__getitem__))
        for values in (mine, theirs)
    ]
    return [Agreement(task.label, len(backends), tau, *orders)]


def _caveats(layout: Layout, reference: Reference) -> Iterator[str]:
    old = [contender for contender in layout.contenders if contender.article]
    gpus = sorted({str(contender.identity["gpu_name"] or "no GPU, a CPU") for contender in old})
    if gpus != [reference.gpu]:
        yield (
            f"The article ran on one {reference.gpu} ({reference.host}), this report on {listed(gpus)}: seconds "
            "are not comparable, and ratios only as a hint: kernels for GPUs and for CPUs are different code."
        )
    scales = sorted({str(task.conditions["scale"]) for task in layout.tasks if not task.file} - {reference.scale})
    if scales:
        yield (
            f"At the scale {listed(scales)} an epoch holds less data than the article's, so ours / theirs says "
            "nothing; fixed costs such as compilation weigh more in each of our epochs."
        )
    backends = len({contender.backend for contender in old})
    if backends in (2, 3):
        yield f"An order of {backends} backends agrees often by chance alone."
    hit = [row for cell in layout.cells.values() for row in disturbance.disturbed(cell) if row.get("article")]
    if hit:
        yield f"{plural(len(hit), 'job')} of ours {'was' if len(hit) == 1 else 'were'} disturbed while measured."
    yield "Where its own runs differ, the one with most repetitions is shown; most of Theano's are missing."
