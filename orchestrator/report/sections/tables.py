"""The report's matrices, each with a row per task and a column per contender."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.layout import Layout
from orchestrator.report.speeds import Speed, Speeds, good, unlearned
from orchestrator.results.columns import GPU_METRICS, HOST_METRICS, METRICS, Metric
from orchestrator.stats.describe import finite, median
from orchestrator.stats.inference import plain_interval


class Cell(Struct):
    """One field of a matrix: a figure and small lines below it, or what happened instead."""

    figure: str = ""
    lines: list[str] = []
    best: bool = False
    #: It ran, but its model did not learn: its speed cannot win.
    unlearned: bool = False
    #: Length of the bar behind the figure, 0-1 of the longest in its row.
    bar: float | None = None
    #: (status, number of jobs) of what did not end well; shown beside or instead of a figure.
    troubles: list[tuple[str, int]] = []


class Table(Struct):
    """A matrix. `cells[row][column]` is None where nothing was planned."""

    name: str
    title: str
    note: str
    cells: list[list[Cell | None]]


def tables(layout: Layout, ranked: Speeds) -> list[Table]:
    """All matrices that have something to say; the speeds always come first."""
    found = [_speed_table(layout, ranked), *_verdict_table(layout, ranked)]
    for name, title, note, build in _FIGURES:
        table = _table(layout, name, title, note, build)
        if any(cell and (cell.lines or cell.figure != words.ABSENT) for line in table.cells for cell in line):
            found.append(table)
    return found


def _speed_table(layout: Layout, ranked: Speeds) -> Table:
    cells: list[list[Cell | None]] = []
    for line in range(len(layout.tasks)):
        slowest = max((speed.seconds for place, speed in ranked.items() if place[1] == line), default=0.0)
        cells.append(
            [_speed_cell(layout.cells.get((column, line)), ranked.get((column, line)), slowest)
             for column in range(len(layout.contenders))]
        )  # fmt: skip
    note = (
        "Median training seconds per epoch, validation apart, without the first epoch; bold is the fastest of its "
        "row on the same device. Small print: times the fastest · training samples per second; the range of those "
        "epochs; n = epochs × repeats. ≈ means no significant difference to the fastest; with one repeat, that its "
        "range meets the fastest one's."
    )
    return Table("speed", "Seconds per epoch", note, cells)


def _speed_cell(rows: Sequence[Row] | None, speed: Speed | None, slowest: float) -> Cell | None:
    if rows is None:
        return None
    cell = Cell(troubles=_troubles(rows))
    if speed is None:
        cell.figure = "" if cell.troubles else words.ABSENT
        cell.lines = [] if cell.troubles else ["one epoch only"]
        return cell
    cell.figure = words.seconds(speed.seconds)
    cell.best = speed.best
    cell.unlearned = speed.unlearned is not None
    cell.bar = speed.seconds / slowest if slowest else None
    rate = None if speed.samples_per_s is None else f"{words.figure(speed.samples_per_s)}/s"
    several = sum(speed.epochs) > 1
    cell.lines = [
        " · ".join(filter(None, [_rank(speed), rate])),
        *([words.span(speed.low, speed.high)] if several else []),
        speed.n,
    ]
    return cell


def _verdict_table(layout: Layout, ranked: Speeds) -> list[Table]:
    """Each contender against the fastest; nothing where no row has two contenders with two repeats."""
    if not any(speed.against and speed.against.p is not None for speed in ranked.values()):
        return []
    cells = [
        [
            _verdict_cell(layout.cells.get((column, line)), ranked.get((column, line)))
            for column in range(len(layout.contenders))
        ]
        for line in range(len(layout.tasks))
    ]
    note = (
        "Each contender against the fastest of its row: ratio of the geometric means over repeats, its 95 % interval, "
        "the verdict, and p after Holm's correction for all pairs of this report, as the figures themselves choose the "
        "fastest (Welch's t on the logarithms of the repeats' medians). A verdict needs p below 0.05: then at most 5 % "
        "of reports hold a false one, in simulation; `orchestrate validate` repeats it."
    )
    return [Table("verdicts", "How sure is that?", note, cells)]


def _verdict_cell(rows: Sequence[Row] | None, speed: Speed | None) -> Cell | None:
    if rows is None:
        return None
    if speed is None:
        return Cell(figure=words.ABSENT)
    if speed.best:
        return Cell(figure="fastest", best=True, lines=[speed.n])
    found = speed.against
    if found is None:
        return Cell(figure=words.ABSENT, lines=["no rival"])
    if found.p is None or found.low is None or found.high is None:
        return Cell(figure=words.ratio(found.ratio), lines=[found.words])
    p = found.p if found.p_adjusted is None else found.p_adjusted
    lines = [words.span(found.low, found.high), found.words, "p < 0.001" if p < 0.001 else f"p = {p:.3f}"]
    return Cell(figure=words.ratio(found.ratio), lines=lines)


def _rank(speed: Speed) -> str:
    if speed.unlearned:
        return f"did not learn ({words.share(speed.unlearned[0])} < {words.share(speed.unlearned[1])})"
    if speed.best:
        return "fastest"
    if speed.ratio is None:
        return ""
    return f"{'≈ ' if speed.overlaps else ''}{words.ratio(speed.ratio)}"


def _troubles(rows: Sequence[Row]) -> list[tuple[str, int]]:
    statuses = [str(row["status"]) for row in rows if row["status"] != "ok"]
    return [(status, statuses.count(status)) for status in dict.fromkeys(statuses)]


def _table(layout: Layout, name: str, title: str, note: str, build: Callable[[Sequence[Row]], Cell]) -> Table:
    cells: list[list[Cell | None]] = []
    for line in range(len(layout.tasks)):
        found = [layout.cells.get((column, line)) for column in range(len(layout.contenders))]
        cells.append([None if rows is None else _cell(rows, build) for rows in found])
    return Table(name, title, note, cells)


def _cell(rows: Sequence[Row], build: Callable[[Sequence[Row]], Cell]) -> Cell:
    ended_well = good(rows)
    return build(ended_well) if ended_well else Cell(figure=words.ABSENT)


def _figure(rows: Sequence[Row], column: str, say: Callable[[Any], str]) -> str:
    return say(median(row.get(column) for row in rows))


def _line(rows: Sequence[Row], label: str, column: str, say: Callable[[Any], str]) -> list[str]:
    value = median(row.get(column) for row in rows)
    return [] if value is None else [f"{label} {say(value)}"]


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
    return Cell(figure=_figure(rows, "epoch_s_article", words.seconds), lines=_spread(rows, "epoch_s_article"))


def _device(rows: Sequence[Row], metrics: Sequence[Metric]) -> Cell:
    """The metrics of one device: the one with the label "" as the figure, all others with a label below it."""
    (main,) = (metric for metric in metrics if metric.label == "")
    shown = sorted((metric for metric in metrics if metric.label), key=lambda metric: _PLACES.get(metric.how, 0))
    figure = _figure(rows, main.column, lambda value: words.measured(value, main.unit))
    return Cell(figure=figure, lines=[line for metric in shown for line in _metric(rows, metric)])


#: What is shown behind the figures of a device.
_PLACES = {"readings": 1, "reasons": 2, "shared": 2}


def _metric(rows: Sequence[Row], metric: Metric) -> list[str]:
    label, values = metric.label or "", [row.get(metric.column) for row in rows]
    if metric.how == "reasons":
        return [f"{label}: {reasons}" for reasons in sorted({str(value) for value in values if value})]
    if metric.how == "shared":
        return [label] if any(values) else []
    if metric.how == "counter" and not _counted(rows, metric):
        label += ", from power:"
    return _line(rows, label, metric.column, lambda value: words.measured(value, metric.unit))


def _counted(rows: Sequence[Row], metric: Metric) -> bool:
    """Whether the device counted it in every row: a figure worked out from a rate is not the same measurement."""
    sources = [other.column for other in METRICS if (other.field, other.how) == (metric.field, "source")]
    return {row.get(column) for row in rows for column in sources} <= {"counter", None}


_FIGURES: tuple[tuple[str, str, str, Callable[[Sequence[Row]], Cell]], ...] = (
    ("accuracy", "Accuracy after the last epoch",
     "Validation accuracy, the median over repeats, with the interval of its mean; below it training accuracy and "
     "losses.", _accuracy),
    ("learning", "Time to accuracy",
     "Seconds from the call of fit(), compilation and validation included, to the end of the first epoch whose "
     "validation accuracy counts as learning for this workload and scale; the median of the repeats that got there. "
     "Synthetic data is not judged.", _reached),
    ("setup", "Before the first steady epoch",
     "From the start of the job to the start of the first epoch (import, data, build, compile); below it the "
     "first epoch, which on most backends compiles too, and whether a compile cache was warm.", _setup),
    ("article", "As the 2017 article counted",
     "Total time of fit() over the number of epochs: the first epoch and validation included. Ranks do not use it.",
     _article),
    ("host", "Processor and memory of the host",
     "Mean use while the job ran, 100 % being one core; below it the largest resident memory.",
     partial(_device, metrics=HOST_METRICS)),
    ("GPU", "GPU",
     "Mean utilization over the epochs, weighted with time, and what else the device reported; n counts the readings "
     "behind it. Utilization is the share of time in which anything ran on the GPU, not how much of it was used.",
     partial(_device, metrics=GPU_METRICS)),
)  # fmt: skip
