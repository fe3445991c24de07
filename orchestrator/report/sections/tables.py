"""The speeds in detail, and what else was measured: a matrix for each."""

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
from orchestrator.stats.inference import plain_interval, times
from orchestrator.stats.repeats import unlearned

#: Larger matrices are left to the page: the Markdown twin is to fit a comment.
MOST_CELLS = 60
SPEED_NOTE = (
    "Median seconds per epoch over the runs. Below: how it stands to the fastest of its model, with the 95 % interval; "
    "p; training samples per second; what was measured. Is a difference more than chance? That is tested over runs, "
    "corrected for all pairs of the report, and the interval with it: at most 5 % of reports hold one false “yes”. "
    "Means: their ratio where that of the medians lies outside the interval. Details: docs/PROTOCOL.md."
)


class Measure(NamedTuple):
    """What a matrix shows: `cell` makes one of its cells from the rows that ended well."""

    name: str
    title: str
    note: str
    cell: Callable[[Sequence[Row]], Cell]


def build(view: View) -> list[Section]:
    titles = {"speed": "Speed in detail", **{measure.name: measure.title for measure in MEASURES}}
    large = len(view.layout.contenders) * len(view.layout.tasks) > MOST_CELLS
    found = (replace(matrix, only="html" if large else None) for matrix in matrices(view.layout, view.speeds))
    return [Section(name=matrix.name, title=titles[matrix.name], blocks=[matrix]) for matrix in found]


def matrices(layout: Layout, ranked: Speeds) -> Iterator[Matrix]:
    """Those that have something to say."""
    if ranked:
        yield _speeds(layout, ranked)
    for measure in MEASURES:
        matrix = _matrix(layout, measure)
        if any(cell and (cell.lines or cell.figure != words.ABSENT) for line in matrix.cells for cell in line):
            yield matrix


def _speeds(layout: Layout, ranked: Speeds) -> Matrix:
    """Each cell's seconds, and how it stands to the fastest."""

    def cell(column: int, line: int) -> Cell | None:
        place = (column, line)
        return _speed(ranked.get(place), layout.tasks[line].about.unit) if place in layout.cells else None

    return Matrix("speed", SPEED_NOTE, layout.grid(cell))


def _speed(speed: Speed | None, unit: str) -> Cell:
    if speed is None:
        return Cell(words.ABSENT)
    rate = [] if speed.samples_per_s is None else [f"{words.figure(speed.samples_per_s)} {unit}/s"]
    lines = [*_verdict(speed), *_doubt(speed), *rate, speed.n]
    return Cell(words.seconds(speed.seconds), lines, best=speed.best)


def _verdict(speed: Speed) -> list[str]:
    """How it stands to the fastest, with p where it was tested."""
    found = speed.against
    said = [speed.verdict] if speed.verdict else []
    if found is None or found.p is None or found.low is None or found.high is None or speed.is_out:
        return said
    p = found.p if found.p_adjusted is None else found.p_adjusted
    outside = speed.ratio is not None and not found.low <= speed.ratio <= found.high
    interval = [] if found.significant else [f"95 %: {times(found.low, found.high)}"]
    means = [f"means {words.ratio(found.ratio)}"] if outside else []
    return [*said, *means, ", ".join([*interval, "p < 0.001" if p < 0.001 else f"p = {p:.3f}"])]


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

    return Matrix(measure.name, measure.note, layout.grid(cell))


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
            *_validated(rows),
            *_line(rows, "training", "accuracy", words.share),
            *_losses(rows),
        ],
    )


def _accuracy_interval(rows: Sequence[Row]) -> list[str]:
    """From three repeats on the 95 % interval of the mean, before that what there is."""
    values = finite(row.get("val_accuracy") for row in rows).tolist()
    found = plain_interval(values) if len(values) > 2 else None
    if found is None:
        return _spread(rows, "val_accuracy")
    low, high = max(0.0, found[1]), min(1.0, found[2])
    return [f"{words.share(low)} to {words.share(high)} (95 %)"]


def _losses(rows: Sequence[Row]) -> list[str]:
    found = [*_line(rows, "loss", "loss", words.figure), *_line(rows, "validation", "val_loss", words.figure)]
    return [", ".join(found)] if found else []


def _validated(rows: Sequence[Row]) -> list[str]:
    sizes = {row.get("validation") for row in rows} - {None}
    return [f"of {sizes.pop():,} samples"] if len(sizes) == 1 else []


def _gate(rows: Sequence[Row]) -> list[str]:
    short = unlearned(rows)
    return [] if short is None else [f"did not learn: {words.share(short[1])} counts"]


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


def _waits(rows: Sequence[Row]) -> Cell:
    return Cell(figure=_figure(rows, "input_wait_share", words.share), lines=_waits_of_all(rows))


def _waits_of_all(rows: Sequence[Row]) -> list[str]:
    known = finite(row.get("input_wait_share") for row in rows).tolist()
    spread = [f"{words.share(min(known))} to {words.share(max(known))}"] if len(set(known)) > 1 else []
    return [*spread, f"n = {len(known)}"] if known else []


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
        "Validation accuracy, the median over the runs, with the interval of its mean and the size of the validation "
        "set; below it training accuracy and losses.",
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
        "input",
        "Waiting for data",
        "Share of the training time, after the first epoch and without validation, in which Keras waited for the next "
        "batch of what fit() was given; the median of the runs. What a pipeline prepares beforehand is no waiting. "
        "Absent where nothing sees it: before Keras 3 only tf.data is seen.",
        _waits,
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
