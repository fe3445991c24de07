"""How sure the ranks are, and what else was measured: a matrix for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from orchestrator.model import Row
from orchestrator.report import disturbed, words
from orchestrator.report.blocks import Cell, Matrix, Section
from orchestrator.report.layout import Layout
from orchestrator.report.speeds import Speed, Speeds, good
from orchestrator.report.view import View
from orchestrator.results.columns import GPU_METRICS, HOST_METRICS, METRICS, Metric
from orchestrator.stats.describe import Value, finite, median
from orchestrator.stats.inference import plain_interval
from orchestrator.stats.repeats import unlearned

VERDICTS_NOTE = (
    "Each contender against the fastest of its row: ratio of the medians over repeats, the 95 % interval of the ratio "
    "of the geometric means, the verdict, and p after Holm's correction for all pairs of this report, as the figures "
    "themselves choose the fastest (Welch's t on the logarithms of the repeats' medians). A verdict needs p below "
    "0.05: then at most 5 % of reports hold a false one, in simulation; `orchestrate validate` repeats it. Alone: an "
    "interval that would be a verdict if it were the only comparison. Means: their ratio where that of the medians "
    "lies outside the interval."
)


class Measure(NamedTuple):
    """What a matrix shows: `cell` makes one of its cells from the rows that ended well."""

    name: str
    title: str
    note: str
    cell: Callable[[Sequence[Row]], Cell]


def build(view: View) -> list[Section]:
    return [
        Section(
            name=matrix.name,
            title=matrix.title,
            blocks=[matrix],
            menu=matrix.name[0].upper() + matrix.name[1:],
            leads=True,
            fold=matrix.title,
        )
        for matrix in matrices(view.layout, view.speeds)
    ]


def matrices(layout: Layout, ranked: Speeds) -> Iterator[Matrix]:
    """Those that have something to say."""
    if any(speed.against and speed.against.p is not None for speed in ranked.values()):
        yield _verdicts(layout, ranked)
    for measure in MEASURES:
        matrix = _matrix(layout, measure)
        if any(cell and (cell.lines or cell.figure != words.ABSENT) for line in matrix.cells for cell in line):
            yield matrix


def _verdicts(layout: Layout, ranked: Speeds) -> Matrix:
    """Each contender against the fastest."""

    def cell(column: int, line: int) -> Cell | None:
        place = (column, line)
        return _verdict(ranked.get(place)) if place in layout.cells else None

    return Matrix("verdicts", "How sure is that?", VERDICTS_NOTE, layout.grid(cell))


def _verdict(speed: Speed | None) -> Cell:
    if speed is None:
        return Cell(words.ABSENT)
    if speed.best:
        return Cell("fastest", [speed.n, *_doubt(speed)], best=True)
    if speed.unlike or speed.unlearned:
        return Cell(words.ABSENT, [speed.verdict])
    found = speed.against
    if found is None or speed.ratio is None:
        return Cell(words.ABSENT, ["no rival"])
    if found.p is None or found.low is None or found.high is None:
        return Cell(words.ratio(speed.ratio), [speed.verdict, *_doubt(speed)])
    p = found.p if found.p_adjusted is None else found.p_adjusted
    apart = [] if found.low <= speed.ratio <= found.high else [f"means {words.ratio(found.ratio)}"]
    lines = [*apart, found.bounds(words.span), speed.verdict, "p < 0.001" if p < 0.001 else f"p = {p:.3f}"]
    return Cell(words.ratio(speed.ratio), [*lines, *_doubt(speed)])


def _doubt(speed: Speed) -> list[str]:
    return ["rests on disturbed figures"] if speed.doubtful else []


def _matrix(layout: Layout, measure: Measure) -> Matrix:
    def cell(column: int, line: int) -> Cell | None:
        rows = layout.cells.get((column, line))
        if rows is None:
            return None
        ended_well = good(rows)
        if not ended_well:
            return Cell(words.ABSENT)
        return replace(measure.cell(ended_well), marks=disturbed.marks(ended_well))

    return Matrix(measure.name, measure.title, measure.note, layout.grid(cell))


def _figure(rows: Sequence[Row], column: str, in_words: Callable[[Value], str]) -> str:
    return in_words(median(row.get(column) for row in rows))


def _line(rows: Sequence[Row], label: str, column: str, in_words: Callable[[Value], str]) -> list[str]:
    value = median(row.get(column) for row in rows)
    return [] if value is None else [f"{label} {in_words(value)}"]


def _spread(rows: Sequence[Row], column: str) -> list[str]:
    text = words.spread(row.get(column) for row in rows)
    return [text] if text else []


def _accuracy(rows: Sequence[Row]) -> Cell:
    return Cell(
        figure=_figure(rows, "val_accuracy", words.share),
        lines=[
            *_accuracy_interval(rows),
            *_gate(rows),
            *_line(rows, "training", "accuracy", words.share),
            *_line(rows, "loss", "loss", words.figure),
            *_line(rows, "validation loss", "val_loss", words.figure),
        ],
    )


def _accuracy_interval(rows: Sequence[Row]) -> list[str]:
    """From three repeats on the 95 % interval of the mean, before that what there is."""
    values = finite(row.get("val_accuracy") for row in rows).tolist()
    found = plain_interval(values) if len(values) > 2 else None
    if found is None:
        return _spread(rows, "val_accuracy")
    low, high = max(0.0, found[1]), min(1.0, found[2])
    return [f"{words.share(low)}–{words.share(high)} (95 %, n = {len(values)})"]


def _gate(rows: Sequence[Row]) -> list[str]:
    short = unlearned(rows)
    return [] if short is None else [f"did not learn: less than {words.share(short[1])}"]


def _reached(rows: Sequence[Row]) -> Cell:
    """Time to the accuracy that counts as learning; `reached_s` is None where a job never got there."""
    judged = [row for row in rows if row.get("learned") is not None]
    if not judged:
        return Cell(figure=words.ABSENT)
    there = [row for row in judged if row.get("reached_s") is not None]
    figure = _figure(there, "reached_s", words.seconds) if there else "never"
    lines = [f"to {words.share(judged[0]['learned'])}", f"{len(there)} of {len(judged)} got there"]
    return Cell(figure=figure, lines=[*_spread(there, "reached_s"), *lines])


def _setup(rows: Sequence[Row]) -> Cell:
    caches = sorted({str(row["cache"]) for row in rows if row.get("cache")})
    return Cell(
        figure=_figure(rows, "setup_s", words.seconds),
        lines=[
            *_line(rows, "first epoch", "first_epoch_s", words.seconds),
            *([f"cache {' and '.join(caches)}"] if caches else []),
        ],
    )


def _article(rows: Sequence[Row]) -> Cell:
    if rows[0].get("variant") == "own":  # the article knows nothing of it
        return Cell(figure=words.ABSENT)
    return Cell(figure=_figure(rows, "epoch_s_article", words.seconds), lines=_spread(rows, "epoch_s_article"))


def _device(rows: Sequence[Row], metrics: Sequence[Metric]) -> Cell:
    """The metrics of one device: the one with the label "" as the figure, all others with a label below it."""
    (main,) = (metric for metric in metrics if metric.label == "")
    shown = sorted((metric for metric in metrics if metric.label), key=lambda metric: _PLACES.get(metric.how, 0))
    figure = _figure(rows, main.column, lambda value: words.measured(value, main.unit))
    return Cell(figure=figure, lines=[line for metric in shown for line in _metric(rows, metric)])


#: What is shown behind the figures of a device.
_PLACES = {"readings": 1, "reasons": 2, "errors": 2, "sum": 2, "shared": 2}


def _metric(rows: Sequence[Row], metric: Metric) -> list[str]:
    label, values = metric.label or "", [row.get(metric.column) for row in rows]
    if metric.how in ("reasons", "errors"):
        return [f"{label}: {reasons}" for reasons in sorted({str(value) for value in values if value})]
    if metric.how == "sum":
        total = sum(int(value) for value in values if value)
        return [f"{label}: {total}"] if total else []
    if metric.how == "shared":
        return [label] if any(values) else []
    if metric.how == "counter" and not _counted(rows, metric):
        label += ", from power:"
    return _line(rows, label, metric.column, lambda value: words.measured(value, metric.unit))


def _counted(rows: Sequence[Row], metric: Metric) -> bool:
    """Whether the device counted it in every row: a figure worked out from a rate is not the same measurement."""
    sources = [other.column for other in METRICS if (other.field, other.how) == (metric.field, "source")]
    return {row.get(column) for row in rows for column in sources} <= {"counter", None}


MEASURES = (
    Measure(
        "accuracy",
        "Accuracy after the last epoch",
        "Validation accuracy, the median over repeats, with the interval of its mean; below it training accuracy and "
        "losses.",
        _accuracy,
    ),
    Measure(
        "learning",
        "Time to accuracy",
        "Seconds from the call of fit(), compilation and validation included, to the end of the first epoch whose "
        "validation accuracy counts as learning for this workload and scale; the median of the repeats that got "
        "there. Synthetic data is not judged.",
        _reached,
    ),
    Measure(
        "setup",
        "Before the first steady epoch",
        "From the start of the job to the start of the first epoch (import, data, build, compile); below it the "
        "first epoch, which on most backends compiles too, and whether a compile cache was warm.",
        _setup,
    ),
    Measure(
        "article",
        "As the 2017 article counted",
        "Total time of fit() over the number of epochs: the first epoch and validation included. Ranks do not use it.",
        _article,
    ),
    Measure(
        "host",
        "Processor and memory of the host",
        "Mean use while the job ran, 100 % being one core; below it the largest resident memory.",
        partial(_device, metrics=HOST_METRICS),
    ),
    Measure(
        "GPU",
        "GPU",
        "Mean utilization over the epochs, weighted with time, and what else the device reported; n counts the "
        "readings behind it. Utilization is the share of time in which anything ran on the GPU, not how much of it "
        "was used.",
        partial(_device, metrics=GPU_METRICS),
    ),
)
